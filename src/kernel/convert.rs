//! The edges of the integer arithmetic: numbers to bytes, and sums to numbers, compiled for several
//! instruction sets, with the same bits in each.

use super::fixed_point::{FixedPoint, Requantize};
use super::levels::for_simd_levels;
use crate::sabotage::{self, Fault};

/// How numbers become bytes: `clamp(round_half_even(x / scale) + zero_point, low, high)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantizer {
    /// The real number that one integer step represents.
    pub scale: f32,
    /// The integer that represents 0.
    pub zero_point: i32,
    /// The smallest integer.
    pub low: i32,
    /// The largest integer.
    pub high: i32,
}

/// `1.5 * 2^23`: adding it to a number below `2^22` in magnitude leaves that number, rounded half to
/// even, in the low bits of the sum.
const ROUNDER: f32 = 12_582_912.0;

impl Quantizer {
    /// The byte of `x`, which is not NaN; infinities clamp.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    pub fn byte(&self, x: f32) -> u8 {
        // The bounds are integers, so clamping before rounding is the same as after it.
        let (low, high) = ((self.low - self.zero_point) as f32, (self.high - self.zero_point) as f32);
        let steps = (x / self.scale).clamp(low, high);
        let steps = if sabotage::is(Fault::WrongRounding) { steps.round() } else { steps };
        let rounded = steps + ROUNDER;
        (rounded.to_bits() as u8).wrapping_add(self.zero_point as u8)
    }
}

for_simd_levels! {
    /// Writes the bytes of `values`; returns whether one was NaN, whose byte is unspecified.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn quantize(quantizer: &Quantizer, values: &[f32], bytes: &mut [u8]) -> bool {
        assert_eq!(values.len(), bytes.len());
        let mut has_nan = false;
        for (byte, &x) in bytes.iter_mut().zip(values) {
            has_nan |= x.is_nan();
            *byte = quantizer.byte(x);
        }
        has_nan
    }
}

/// A range that outputs are clamped to; NaN stays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clip {
    /// Lower end.
    pub low: f32,
    /// Upper end.
    pub high: f32,
}

impl Default for Clip {
    /// All numbers.
    fn default() -> Self {
        Clip { low: f32::NEG_INFINITY, high: f32::INFINITY }
    }
}

impl Clip {
    /// `max(y, 0)`.
    pub const RELU: Clip = Clip { low: 0.0, high: f32::INFINITY };

    /// `y`, clamped.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    pub fn apply(self, y: f32) -> f32 {
        // Not `max` and `min`, which turn NaN into a number.
        let y = if y < self.low { self.low } else { y };
        if y > self.high { self.high } else { y }
    }

    /// The range of clamping to this one and then to `next`.
    #[must_use]
    pub fn then(self, next: Clip) -> Clip {
        Clip { low: next.apply(self.low), high: next.apply(self.high) }
    }
}

/// The last step of an output: `f32(f64(acc) * scale) + bias`, clamped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dequantize {
    /// The real number that one unit of the sum represents.
    pub scale: f64,
    /// Added to the scaled sum, where there is one.
    pub bias: Option<f32>,
    /// The range that numbers are then clamped to.
    pub clip: Clip,
}

impl Dequantize {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    fn apply(&self, acc: f64) -> f32 {
        let mut y = (acc * self.scale) as f32;
        if let Some(bias) = self.bias {
            y += bias;
        }
        self.clip.apply(y)
    }
}

for_simd_levels! {
    /// `acc = sums[i] + constant - factor * columns[i]`, dequantized into `outputs`. The caller knows that
    /// no `acc` and no part of it leaves `i32`.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn dequantize_narrow(dequantize: &Dequantize, sums: &[i32], constant: i32, factor: i32, columns: &[i32], outputs: &mut [f32]) {
        assert!(sums.len() == outputs.len() && columns.len() == outputs.len());
        if factor == 0 {
            for (y, &sum) in outputs.iter_mut().zip(sums) {
                *y = dequantize.apply(f64::from(sum.wrapping_add(constant)));
            }
        } else {
            for ((y, &sum), &column) in outputs.iter_mut().zip(sums).zip(columns) {
                let acc = sum.wrapping_add(constant).wrapping_sub(factor.wrapping_mul(column));
                *y = dequantize.apply(f64::from(acc));
            }
        }
    }
}

/// The same for sums of any size: `acc = sums[i] + constant - factor * columns[i]`.
///
/// # Panics
/// When the slices differ in length.
pub fn dequantize_wide(
    dequantize: &Dequantize,
    sums: &[i64],
    constant: i64,
    factor: i64,
    columns: &[i32],
    outputs: &mut [f32],
) {
    assert!(sums.len() == outputs.len() && columns.len() == outputs.len());
    for ((y, &sum), &column) in outputs.iter_mut().zip(sums).zip(columns) {
        *y = dequantize.apply((sum + constant - factor * i64::from(column)) as f64);
    }
}

for_simd_levels! {
    /// `acc = sums[i] + constant - factor * columns[i]`, requantized by `multiplier`, as numbers. The caller knows that
    /// no `acc` and no part of it leaves `i32`.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn requantize_narrow(rule: &Requantize, multiplier: FixedPoint, sums: &[i32], constant: i32, factor: i32, columns: &[i32], outputs: &mut [f32]) {
        assert!(sums.len() == outputs.len() && columns.len() == outputs.len());
        for ((y, &sum), &column) in outputs.iter_mut().zip(sums).zip(columns) {
            let acc = sum.wrapping_add(constant).wrapping_sub(factor.wrapping_mul(column));
            *y = rule.number(multiplier, i64::from(acc));
        }
    }
}

/// The same for sums of any size.
///
/// # Panics
/// When the slices differ in length.
pub fn requantize_wide(
    rule: &Requantize,
    multiplier: FixedPoint,
    sums: &[i64],
    constant: i64,
    factor: i64,
    columns: &[i32],
    outputs: &mut [f32],
) {
    assert!(sums.len() == outputs.len() && columns.len() == outputs.len());
    for ((y, &sum), &column) in outputs.iter_mut().zip(sums).zip(columns) {
        *y = rule.number(multiplier, sum + constant - factor * i64::from(column));
    }
}

for_simd_levels! {
    /// Adds the integers of a tile's row, `value(byte) = byte - offset` for bytes xor `flip`, to the
    /// sums of its columns.
    pub fn add_row(sums: &mut [i32], row: &[u8], flip: u8, offset: i32) {
        for (sum, &byte) in sums.iter_mut().zip(row) {
            *sum += i32::from(byte ^ flip) - offset;
        }
    }
}

for_simd_levels! {
    /// Adds other numbers, and clips the sums.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn add_numbers(numbers: &mut [f32], others: &[f32], clip: Clip) {
        assert_eq!(numbers.len(), others.len());
        for (y, &other) in numbers.iter_mut().zip(others) {
            *y = clip.apply(*y + other);
        }
    }
}
