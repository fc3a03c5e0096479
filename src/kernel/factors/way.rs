//! The cheapest way for a kernel to sum a layer's terms.

use super::lower::Lowered;
use crate::kernel::decomposition::{Decomposition, UsedWeights};
use crate::kernel::{ByteDot, EffectiveTable, IntegerDot, Kernel, WeightMatrix, WordDot};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The most products that a sum may have.
const MOST: usize = 8;

/// How a layer's terms are summed.
///
/// All sums are those of the terms modulo 2^32, however large their parts: they are right where the sum of the
/// terms fits an `i32`.
#[derive(Clone)]
pub enum Way {
    /// As products of bytes.
    Bytes(Arc<Lowered<u8, i8>>, &'static ByteDot),
    /// As products of words.
    Words(Arc<Lowered<i16, i16>>, &'static WordDot),
    /// As [`Kernel::pack`] does.
    LookUps,
}

/// The bytes of the integers in `values`, in ascending order.
pub fn bytes_of(values: RangeInclusive<i32>) -> Vec<u8> {
    let mut bytes: Vec<u8> = values.map(|value| value as u8).collect();
    bytes.sort_unstable();
    bytes
}

/// The cheapest way for `kernel` to sum terms of `table` for `weights` and any of `activations`, the bytes that
/// occur ([`bytes_of`] the range that activations are quantized to).
///
/// # Panics
/// When there are no activations.
pub fn choose(kernel: &dyn Kernel, table: &EffectiveTable, weights: WeightMatrix, activations: &[u8]) -> Way {
    of_used(kernel, table, UsedWeights::new(weights), weights.depth(), activations)
}

fn of_used(kernel: &dyn Kernel, table: &EffectiveTable, used: UsedWeights, depth: usize, activations: &[u8]) -> Way {
    let (rates, bits) = (kernel.rates(), kernel.plane_bits());
    let is_low = activations.iter().all(|&a| a < 128);
    let most = rates.products(rates.look_ups((u32::BITS / bits) as usize, true, is_low)).min(MOST);
    let weights = used.bytes().to_vec();
    let sum = match kernel.integers() {
        IntegerDot::Bytes(dot) => Lowered::<u8, i8>::find(table, &weights, activations, most)
            .map(|sum| (sum.terms.len(), Way::Bytes(sum, dot))),
        IntegerDot::Words(dot) => Lowered::<i16, i16>::find(table, &weights, activations, most)
            .map(|sum| (sum.terms.len(), Way::Words(sum, dot))),
    };
    let pays = |&(products, _): &(usize, Way)| {
        // No look-ups take less than those in one plane.
        products <= rates.products(rates.look_ups(1, false, is_low)) || {
            let terms = Decomposition::of_used(table, used, depth, bits);
            let time = rates.look_ups(terms.residuals.planes(bits), terms.slopes.is_some(), is_low);
            products <= rates.products(time)
        }
    };
    sum.filter(pays).map_or(Way::LookUps, |(_, way)| way)
}

impl Way {
    /// In words, for `weights` that it was chosen for.
    pub fn describe(&self, kernel: &dyn Kernel, table: &EffectiveTable, weights: WeightMatrix) -> String {
        let bits = kernel.plane_bits();
        let (products, operands) = match self {
            Way::Bytes(sum, _) => (sum.terms.len(), "bytes"),
            Way::Words(sum, _) => (sum.terms.len(), "words"),
            Way::LookUps => return Decomposition::new(table, weights, bits).describe(bits),
        };
        match products {
            0 => "offsets alone".to_owned(),
            1 => format!("1 product of mapped {operands}"),
            _ => format!("{products} products of mapped {operands}"),
        }
    }
}
