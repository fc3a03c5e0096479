//! Options whose values are names of a registry.

use crate::registry::{Named, Registry};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// A parser of an option that takes one of `registry`'s names: help lists them, and clap suggests one
/// where another is given.
pub(super) fn named<T>(registry: &'static Registry<T>) -> impl TypedValueParser<Value = T>
where
    T: Named + Clone + Send + Sync,
{
    let value = |entry: &'static T| {
        let value = PossibleValue::new(entry.name()).aliases(entry.aliases().iter().copied());
        match entry.summary() {
            "" => value,
            summary => value.help(summary),
        }
    };
    PossibleValuesParser::new(registry.iter().map(value)).map(|name| {
        let entry = registry.get(&name).expect("clap lets through the registry's names alone");
        entry.clone()
    })
}
