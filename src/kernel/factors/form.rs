//! What operands a processor's integer products take.

use std::ops::RangeInclusive;

/// The operands of an integer product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    bits: u32,
    activations: (i64, i64),
    weights: (i64, i64),
}

/// Unsigned bytes times signed bytes.
pub(super) const BYTES: Form = Form { bits: 8, activations: (0, 255), weights: (-128, 127) };

/// Words times words.
pub(super) const WORDS: Form =
    Form { bits: 16, activations: (-(1 << 15), (1 << 15) - 1), weights: (-(1 << 15), (1 << 15) - 1) };

impl Form {
    /// Bits of an operand.
    pub(super) const fn bits(self) -> u32 {
        self.bits
    }

    /// What a weight's operand may be.
    pub(super) const fn weights(self) -> RangeInclusive<i64> {
        self.weights.0..=self.weights.1
    }

    /// Operands side by side that make up an activation's factor between `min` and `max`, which may be shifted.
    pub(super) const fn activation_parts(self, min: i64, max: i64) -> u32 {
        let span = max.abs_diff(min);
        let bits = u64::BITS - span.leading_zeros();
        if bits == 0 { 1 } else { bits.div_ceil(self.bits) }
    }

    /// Whether a weight's factor between `min` and `max` is one operand, of either sign.
    pub(super) const fn is_weight(self, min: i64, max: i64) -> bool {
        let (low, high) = self.weights;
        (min >= low && max <= high) || (-max >= low && -min <= high)
    }

    /// Operands side by side that make up a weight's factor between `min` and `max`, each of which is signed.
    pub(super) fn weight_parts(self, min: i64, max: i64) -> u32 {
        let (mut min, mut max, mut parts) = (min, max, 1);
        while !self.is_weight(min, max) {
            (min, max, parts) = (self.high(min), self.high(max), parts + 1);
        }
        parts
    }

    /// What is added to an activation's factor of one operand: nothing or half the range where that will do.
    pub(super) fn shift(self, values: &[i64]) -> i64 {
        let (low, high) = self.activations;
        let (min, max) =
            values.iter().fold((i64::MAX, i64::MIN), |(min, max), &value| (min.min(value), max.max(value)));
        let fits = |shift: &i64| min + shift >= low && max + shift <= high;
        [0, 1 << (self.bits - 1)].into_iter().find(fits).unwrap_or(low - min)
    }

    /// What is left of a weight's factor for the operands above its lowest.
    pub(super) fn high(self, value: i64) -> i64 {
        (value - self.low(value)) >> self.bits
    }

    /// The lowest operand of a weight's factor.
    pub(super) fn low(self, value: i64) -> i64 {
        let half = 1i64 << (self.bits - 1);
        (value + half).rem_euclid(2 * half) - half
    }
}
