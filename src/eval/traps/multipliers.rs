//! Multipliers that were given and decide nothing.

use super::quoted;
use crate::eval::Assignment;
use crate::layer::InferenceMode;

/// A note on the multipliers called `unused`, whose products, operands or errors no layer of `assignment` uses.
pub(in crate::eval) fn unused(unused: &[String], assignment: &Assignment) -> Option<String> {
    let unused: Vec<&str> = unused.iter().map(String::as_str).collect();
    if unused.is_empty() {
        return None;
    }
    let (names, verb) = (quoted(&unused), if unused.len() == 1 { "is" } else { "are" });
    let is_all_fp32 = assignment.layers().iter().all(|layer| layer.mode() == InferenceMode::Baseline);
    Some(if is_all_fp32 {
        format!(
            "multiplier {names} {verb} not used: all layers compute in fp32 (mode base); in mode approx, products are \
             taken from it"
        )
    } else {
        format!("multiplier {names} {verb} not used: rules give every layer another one or another mode")
    })
}
