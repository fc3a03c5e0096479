//! What operands a processor's integer products take.

use super::lattice::extremes;
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
        let (min, max) = extremes(values);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn operands_make_up_what_was_split() {
        for value in -40_000..=40_000 {
            let (high, low) = (BYTES.high(value), BYTES.low(value));
            assert_eq!(256 * high + low, value);
            assert!(BYTES.weights().contains(&low));
        }
    }

    #[test]
    fn operands_are_counted() {
        // (Form, smallest, largest, operands of an activation's factor, operands of a weight's)
        let cases = [
            (BYTES, 0, 0, 1, 1),
            (BYTES, 0, 255, 1, 2),
            (BYTES, -300, -45, 1, 2),
            (BYTES, -128, 128, 2, 2),
            // The other sign fits.
            (BYTES, -127, 128, 1, 1),
            (BYTES, -32_896, 32_639, 2, 2),
            (BYTES, -32_897, 0, 2, 3),
            (BYTES, 0, 65_536, 3, 3),
            (WORDS, -32_768, 32_767, 1, 1),
            (WORDS, 0, 65_535, 1, 2),
            (WORDS, 0, 65_536, 2, 2),
        ];
        for_each_case(cases, |(form, min, max, activation, weight)| {
            assert_eq!((form.activation_parts(min, max), form.weight_parts(min, max)), (activation, weight));
        });
    }

    #[test]
    fn activations_move_as_little_as_their_operands_allow() {
        let cases = [
            (BYTES, [0, 255], 0),
            (BYTES, [-128, 127], 128),
            (BYTES, [-3, 130], 3),
            (BYTES, [5, 256], -5),
            (WORDS, [-128, 255], 0),
            (WORDS, [0, 65_535], -32_768),
        ];
        for_each_case(cases, |(form, values, shift)| assert_eq!(form.shift(&values), shift));
    }
}
