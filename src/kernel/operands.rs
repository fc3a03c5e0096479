//! Slopes as the byte operands of an integer matrix product.
//!
//! Byte dot-product instructions multiply an unsigned byte by a signed one. Slopes keep the kind of
//! the weights; activations take the other, shifted by 128 where they are not of it, which costs a
//! constant for each output: 128 times the sum of its slopes.

use super::decomposition::{Rests, Slopes, UsedWeights};
use super::{EffectiveTable, Signedness, WeightMatrix};
use std::ops::Range;

/// One layer's slopes as bytes, and the constants that its outputs have beside their products.
#[derive(Debug)]
pub(super) struct ByteOperands {
    /// Row-major, with three bytes after the end so that four can be read from anywhere.
    slopes: Vec<u8>,
    depth: usize,
    weight: Signedness,
    activation: Signedness,
    bases: Option<Bases>,
}

/// Constants of single terms, where there are any.
#[derive(Debug)]
struct Bases {
    by_code: Vec<i32>,
    codes: Vec<u8>,
}

impl ByteOperands {
    /// Operands for `slopes`; the constants of `rests` are included if `with_bases`.
    pub(super) fn new(
        table: &EffectiveTable,
        weights: WeightMatrix,
        used: &UsedWeights,
        slopes: &Slopes,
        bases: Option<&Rests>,
    ) -> Self {
        let all = (0..weights.rows()).flat_map(|row| weights.row(row));
        // The slopes were fitted within the weights' kind of byte.
        let slopes = all.map(|&w| slopes.of(w) as u8).chain([0; 3]).collect();
        let bases = bases.filter(|rests| rests.bases().iter().any(|&base| base != 0));
        let bases = bases.map(|rests| Bases { by_code: rests.bases().to_vec(), codes: used.encode(weights) });
        ByteOperands { slopes, depth: weights.depth(), weight: table.weight(), activation: table.activation(), bases }
    }

    /// Output rows.
    pub(super) fn rows(&self) -> usize {
        (self.slopes.len() - 3) / self.depth
    }

    /// Products summed into one output.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// How slope bytes are read; activations that are [`flip`](Self::flip)ped are of the other kind.
    pub(super) fn slopes_are(&self) -> Signedness {
        self.weight
    }

    /// What an activation byte is XORed with to be of the kind that slopes are not.
    pub(super) fn flip(&self) -> u8 {
        if self.weight == self.activation { 0x80 } else { 0 }
    }

    /// The slopes of output `row` from product `k` on, and those of the rows after it.
    pub(super) fn from(&self, row: usize, k: usize) -> &[u8] {
        &self.slopes[row * self.depth + k..]
    }

    /// What output `row` has beside the products of flipped activations and slopes.
    pub(super) fn constant(&self, row: usize, depth: Range<usize>) -> i32 {
        let range = row * self.depth + depth.start..row * self.depth + depth.end;
        let mut constant = 0i32;
        if let Some(bases) = &self.bases {
            for &code in &bases.codes[range.clone()] {
                constant = constant.wrapping_add(bases.by_code[usize::from(code)]);
            }
        }
        if self.flip() == 0 {
            return constant;
        }
        let slopes = &self.slopes[range];
        constant.wrapping_add(match self.weight {
            // Activations were made unsigned by adding 128.
            Signedness::Signed => -128 * slopes.iter().map(|&slope| i32::from(slope.cast_signed())).sum::<i32>(),
            // They were made signed by taking 128 away.
            Signedness::Unsigned => 128 * slopes.iter().map(|&slope| i32::from(slope)).sum::<i32>(),
        })
    }
}
