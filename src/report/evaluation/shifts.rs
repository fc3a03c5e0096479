//! What a reader should know of integers that were moved into a coding's range: the multiplier's operands are then not
//! those that the network's own file has.

use super::LayerReport;
use crate::lut::{CODINGS, Coding};
use std::collections::BTreeSet;

/// A note on layers whose integers were shifted so that their zero points are 0.
pub(super) fn note(layers: &[LayerReport]) -> Option<String> {
    let is_centered = |layer: &&LayerReport| layer.shifted && !layer.given_integers().any(|given| given.is_off());
    let shifted: Vec<&LayerReport> = layers.iter().filter(is_centered).collect();
    (!shifted.is_empty()).then(|| {
        format!(
            "quantization parameters of {} {} were shifted by {} for their coding: their zero points are 0 now",
            shifted.len(),
            layers_word(shifted.len()),
            amounts(&shifted)
        )
    })
}

/// A warning on layers whose integers were shifted and still have other zero points than 0.
pub(super) fn warning(layers: &[LayerReport]) -> Option<String> {
    let is_off = |layer: &&LayerReport| layer.given_integers().any(|given| given.is_off());
    let shifted: Vec<&LayerReport> = layers.iter().filter(is_off).collect();
    let first = shifted.first()?;
    let names: Vec<&str> = shifted.iter().map(|layer| layer.name.as_str()).collect();
    let by = amounts(&shifted);
    let coding = first.coding.map_or_else(String::new, |coding| format!(" under coding '{coding}'"));
    let mend = match first.coding.and_then(|used| other_coding(used, layers)) {
        Some(other) => {
            let table = format!("{:?}", other.table_signedness()).to_lowercase();
            format!("coding '{other}', of {table} multipliers, takes them as they are, or around 0")
        }
        None => "no coding takes all of them as they are".to_owned(),
    };
    Some(format!(
        "quantization parameters of {} {}, '{}', were shifted by {by}{coding} and have other zero points than 0: the \
         multiplier's operands are not the integers that were given; {mend}",
        shifted.len(),
        layers_word(shifted.len()),
        names.join("', '")
    ))
}

/// The coding that suits all given integers, one of the same multipliers first.
fn other_coding(used: Coding, layers: &[LayerReport]) -> Option<Coding> {
    let mut others: Vec<Coding> = CODINGS.iter().copied().filter(|coding| *coding != used).collect();
    others.sort_by_key(|coding| coding.table_signedness() != used.table_signedness());
    let suits = |coding: &Coding| layers.iter().flat_map(LayerReport::given_integers).all(|given| given.suits(*coding));
    others.into_iter().find(suits)
}

fn layers_word(count: usize) -> &'static str {
    if count == 1 { "layer" } else { "layers" }
}

/// By how much they were shifted, the sign apart.
fn amounts(layers: &[&LayerReport]) -> String {
    let shifts = layers.iter().flat_map(|layer| [layer.input_shift, layer.weight_shift]);
    let amounts: BTreeSet<i32> = shifts.map(i32::abs).filter(|by| *by != 0).collect();
    amounts.iter().map(i32::to_string).collect::<Vec<_>>().join(" and ")
}
