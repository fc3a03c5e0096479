//! Slopes as the operands of an integer matrix product.

use super::decomposition::{Decomposition, Residuals, UsedWeights};
use super::{Signedness, WeightMatrix};
use std::ops::Range;

/// The offsets of terms without residuals, where any is not zero.
#[derive(Debug)]
struct Offsets {
    by_code: Vec<i32>,
    codes: Vec<u8>,
}

impl Offsets {
    fn new(weights: WeightMatrix, used: &UsedWeights, residuals: &Residuals) -> Option<Self> {
        // Where residuals are looked up, so are the offsets.
        let any = residuals.planes(8) == 0 && residuals.offsets().iter().any(|&offset| offset != 0);
        any.then(|| Offsets { by_code: residuals.offsets().to_vec(), codes: used.encode(weights) })
    }

    fn sum(&self, range: Range<usize>) -> i32 {
        self.codes[range].iter().fold(0, |sum, &code| sum.wrapping_add(self.by_code[usize::from(code)]))
    }
}

/// One layer's slopes, row-major, as operands of type `T`.
#[derive(Debug)]
pub(super) struct Operands<T> {
    /// With padding after the end, so that a 32-bit word can be read from anywhere.
    slopes: Vec<T>,
    rows: usize,
    depth: usize,
    weight: Signedness,
    activation: Signedness,
    offsets: Option<Offsets>,
}

impl<T: Copy + Default> Operands<T> {
    /// `None` when the terms have no slopes.
    fn new(weights: WeightMatrix, terms: &Decomposition, operand: impl Fn(i16) -> T) -> Option<Self> {
        let slopes = terms.slopes.as_ref()?;
        let by_weight: [T; 256] = std::array::from_fn(|w| operand(slopes.slope(w as u8)));
        let padding = [T::default(); 3];
        let mut all = Vec::with_capacity(weights.bytes().len() + padding.len());
        all.extend(weights.bytes().iter().map(|&w| by_weight[usize::from(w)]));
        all.extend(padding);
        Some(Operands {
            slopes: all,
            rows: weights.rows(),
            depth: weights.depth(),
            weight: terms.weight,
            activation: terms.activation,
            offsets: Offsets::new(weights, &terms.used, &terms.residuals),
        })
    }

    /// Output rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Products summed into one output.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The slopes of output `row` from product `k` on, those of the rows after it, and the padding.
    pub(super) fn from(&self, row: usize, k: usize) -> &[T] {
        &self.slopes[row * self.depth + k..]
    }

    /// The sum of the offsets of output `row`.
    fn offsets(&self, row: usize, depth: Range<usize>) -> i32 {
        let start = row * self.depth;
        self.offsets.as_ref().map_or(0, |offsets| offsets.sum(start + depth.start..start + depth.end))
    }
}

/// Operands of byte dot-product instructions, which multiply an unsigned byte by a signed one.
///
/// Slopes keep the signedness of the weights; activations take the other, shifted by 128 where they
/// do not have it, which costs a constant for each output: 128 times the sum of its slopes.
pub(super) type ByteOperands = Operands<u8>;

impl ByteOperands {
    /// `None` when the terms have no slopes.
    pub(super) fn bytes(weights: WeightMatrix, terms: &Decomposition) -> Option<Self> {
        // Slopes are fitted within the range of the weights' bytes.
        Operands::new(weights, terms, |slope| slope as u8)
    }

    /// Signedness of the slopes; that of [`flip`](Self::flip)ped activations is the other.
    pub(super) fn slope_signedness(&self) -> Signedness {
        self.weight
    }

    /// What an activation byte is XORed with to have the signedness that slopes have not.
    pub(super) fn flip(&self) -> u8 {
        if self.weight == self.activation { 0x80 } else { 0 }
    }

    /// What is added to the slopes times the flipped activations of output `row`.
    pub(super) fn constant(&self, row: usize, depth: Range<usize>) -> i32 {
        let slopes = &self.from(row, depth.start)[..depth.len()];
        let correction = match (self.flip(), self.weight) {
            (0, _) => 0,
            // Activations were made unsigned by adding 128.
            (_, Signedness::Signed) => -128 * slopes.iter().map(|&slope| i32::from(slope.cast_signed())).sum::<i32>(),
            // They were made signed by taking 128 away.
            (_, Signedness::Unsigned) => 128 * slopes.iter().map(|&slope| i32::from(slope)).sum::<i32>(),
        };
        self.offsets(row, depth).wrapping_add(correction)
    }
}

/// Operands of the 16-bit multiplication that AVX2 has; activations keep their values.
pub(super) type WordOperands = Operands<i16>;

impl WordOperands {
    /// `None` when the terms have no slopes.
    pub(super) fn words(weights: WeightMatrix, terms: &Decomposition) -> Option<Self> {
        Operands::new(weights, terms, |slope| slope)
    }

    /// Signedness of activation bytes.
    pub(super) fn activation_signedness(&self) -> Signedness {
        self.activation
    }

    /// What is added to the slopes times the activations of output `row`.
    pub(super) fn constant(&self, row: usize, depth: Range<usize>) -> i32 {
        self.offsets(row, depth)
    }
}
