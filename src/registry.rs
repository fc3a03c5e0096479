//! Values that are chosen by name: one list, one look-up, one error.
//!
//! Modes, codings, designs, architectures and formats are named in options, files and library calls. A
//! [`Registry`] holds all values of one kind in the order that help texts list them; looking up an
//! unknown name returns an error with the most similar ones.
//!
//! ```
//! use approx_eval::registry::{Named, Registry};
//!
//! #[derive(Debug, Clone, Copy, PartialEq)]
//! enum Color {
//!     Red,
//!     Gray,
//! }
//!
//! impl Named for Color {
//!     fn name(&self) -> &'static str {
//!         match self {
//!             Color::Red => "red",
//!             Color::Gray => "gray",
//!         }
//!     }
//!
//!     fn aliases(&self) -> &'static [&'static str] {
//!         if *self == Color::Gray { &["grey"] } else { &[] }
//!     }
//! }
//!
//! static COLORS: Registry<Color> = Registry::new("color", &[Color::Red, Color::Gray]);
//!
//! assert_eq!(COLORS.find("grey"), Ok(&Color::Gray));
//! let error = COLORS.find("rad").unwrap_err();
//! assert_eq!(error.to_string(), "unknown color 'rad', did you mean 'red'? expected one of red, gray");
//! ```
//!
//! Within the crate, `by_name!(Color, COLORS)` adds what such a type needs besides: `FromStr` and
//! `Display`, and serde's traits, all by these names.

use std::fmt;

/// What a [`Registry`] can hold.
pub trait Named {
    /// The name that options, files and reports use.
    fn name(&self) -> &'static str;

    /// Other names that are understood.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// What it is, in a line for help texts; empty where the name says it.
    fn summary(&self) -> &'static str {
        ""
    }
}

impl Named for &'static str {
    fn name(&self) -> &'static str {
        self
    }
}

impl<T: Named + ?Sized> Named for &T {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn aliases(&self) -> &'static [&'static str] {
        (**self).aliases()
    }

    fn summary(&self) -> &'static str {
        (**self).summary()
    }
}

/// Implements [`FromStr`](std::str::FromStr), [`Display`](fmt::Display), `Serialize` and `Deserialize`
/// by name for a [`Named`] type that is `Copy` and has a static [`Registry`].
macro_rules! by_name {
    ($type:ty, $registry:path) => {
        impl std::str::FromStr for $type {
            type Err = $crate::registry::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                $registry.find(name).copied()
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.pad($crate::registry::Named::name(self))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::registry::Named::name(self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<str> as serde::Deserialize>::deserialize(deserializer)?;
                name.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use by_name;

/// All values of one kind, by name.
#[derive(Debug, Clone, Copy)]
pub struct Registry<T: 'static> {
    what: &'static str,
    entries: &'static [T],
}

impl<T: Named> Registry<T> {
    /// A registry of `entries`, each of which is a `what`, as errors name it.
    pub const fn new(what: &'static str, entries: &'static [T]) -> Self {
        Registry { what, entries }
    }

    /// The entries, in the order that help texts list them.
    pub fn iter(&self) -> std::slice::Iter<'static, T> {
        self.entries.iter()
    }

    /// The entry that is listed first, which where there is a default is that; none of an empty registry.
    pub fn first(&self) -> Option<&'static T> {
        self.entries.first()
    }

    /// Their names, without aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<T> {
        self.entries.iter().map(Named::name)
    }

    /// The entry of that name or alias, where there is one.
    pub fn get(&self, name: &str) -> Option<&'static T> {
        self.entries.iter().find(|entry| entry.name() == name || entry.aliases().contains(&name))
    }

    /// The entry of that name or alias.
    ///
    /// # Errors
    /// Lists the names that exist, and those most similar to `name`.
    pub fn find(&self, name: &str) -> Result<&'static T, UnknownName> {
        self.get(name).ok_or_else(|| UnknownName::new(self.what, name, self.names()))
    }
}

impl<T: Named> IntoIterator for &Registry<T> {
    type Item = &'static T;
    type IntoIter = std::slice::Iter<'static, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A name that a registry does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} '{found}'{}", Expected(.similar, .names))]
#[non_exhaustive]
pub struct UnknownName {
    /// The kind of thing that was asked for.
    pub what: &'static str,
    /// The name that was given.
    pub found: String,
    /// Names like it, the most similar first.
    pub similar: Vec<String>,
    /// All names.
    pub names: Vec<String>,
}

impl UnknownName {
    /// The error of `found` being no name of a `what`, of which `names` exist.
    pub fn new<'a>(what: &'static str, found: &str, names: impl Iterator<Item = &'a str> + Clone) -> Self {
        UnknownName {
            what,
            found: found.to_owned(),
            similar: similar(found, names.clone()).into_iter().map(str::to_owned).collect(),
            names: names.map(str::to_owned).collect(),
        }
    }

    /// The most similar name as a clause of a message, ` (did you mean 'x'?)`; empty where none is similar.
    pub fn suggestion(&self) -> String {
        self.similar.first().map_or_else(String::new, |name| format!(" (did you mean '{name}'?)"))
    }
}

/// The part of a message that suggests a similar name, where there is one, and lists all.
struct Expected<'a>(&'a [String], &'a [String]);

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        /// The longest list that does not bury a suggestion.
        const LONGEST: usize = 12;
        let Expected(similar, names) = self;
        let (all, suggested) = (names.join(", "), similar.join("' or '"));
        match similar.first() {
            _ if names.is_empty() => f.write_str(": this build has none"),
            Some(_) if names.len() > LONGEST => write!(f, ", did you mean '{suggested}'?"),
            Some(name) => write!(f, ", did you mean '{name}'? expected one of {all}"),
            None => write!(f, ": expected one of {all}"),
        }
    }
}

/// Those of `names` that are similar to `name`, the most similar first: at most three.
pub fn similar<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    /// Below this, names have little in common but length.
    const LEAST: f64 = 0.7;
    /// Bytes of a name that is compared with others, which takes time as its length.
    const LONGEST: usize = 256;
    if name.len() > LONGEST {
        return Vec::new();
    }
    let name = name.to_lowercase();
    let mut scored: Vec<(usize, f64, &str)> = names
        .map(|other| {
            let lower = other.to_lowercase();
            (strsim::damerau_levenshtein(&name, &lower), strsim::jaro_winkler(&name, &lower), other)
        })
        .filter(|(_, similarity, _)| *similarity >= LEAST)
        .collect();
    // The fewest edits come first; of as many, those with the same beginning.
    scored.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    scored.truncate(3);
    scored.into_iter().map(|(_, _, other)| other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    static NETWORKS: Registry<&str> = Registry::new("network", &["resnet18", "resnet50", "vit_b_16", "lenet5"]);

    #[test]
    fn similar_names_are_suggested_and_others_are_not() {
        assert_eq!(NETWORKS.find("vit_b_16"), Ok(&"vit_b_16"));
        assert_eq!(NETWORKS.find("resnt18").unwrap_err().similar, ["resnet18", "resnet50"]);
        assert_eq!(NETWORKS.find("ResNet50").unwrap_err().similar[0], "resnet50");
        assert!(NETWORKS.find(&"resnet18".repeat(1000)).unwrap_err().similar.is_empty());
        let error = NETWORKS.find("q").unwrap_err();
        assert_eq!(error.to_string(), "unknown network 'q': expected one of resnet18, resnet50, vit_b_16, lenet5");
    }
}
