//! Multipliers that were given and decide nothing.

use super::{Opening, listed};
use crate::layer::InferenceMode;

/// Multipliers whose products, operands or errors no layer uses.
pub(super) fn unused(facts: &Opening) -> Option<String> {
    let unused: Vec<&str> = facts.unused_multipliers.iter().map(String::as_str).collect();
    if unused.is_empty() {
        return None;
    }
    let (names, verb) = (listed(&unused), if unused.len() == 1 { "is" } else { "are" });
    let is_all_fp32 = facts.assignment.layers().iter().all(|layer| layer.mode() == InferenceMode::Baseline);
    Some(if is_all_fp32 {
        format!(
            "multiplier {names} {verb} not used: all layers compute in fp32 (mode base); in mode approx, products are \
             taken from it"
        )
    } else {
        format!("multiplier {names} {verb} not used: rules give every layer another one or another mode")
    })
}
