//! The edges of the integer arithmetic: numbers to bytes, and sums to numbers, compiled for several
//! instruction sets and the same to the bit in each.

use multiversion::multiversion;

/// How numbers become bytes: `clamp(round_half_even(x / scale) + zero_point, low, high)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantizer {
    /// The number that one integer stands for.
    pub scale: f32,
    /// The integer that stands for 0.
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
        // The bounds are integers, so clamping before rounding gives what clamping after it would.
        let (low, high) = ((self.low - self.zero_point) as f32, (self.high - self.zero_point) as f32);
        let rounded = (x / self.scale).clamp(low, high) + ROUNDER;
        (rounded.to_bits() as u8).wrapping_add(self.zero_point as u8)
    }
}

/// Writes the bytes of `values`; returns whether one was NaN, whose byte means nothing.
///
/// # Panics
/// When the slices differ in length.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub fn quantize(quantizer: &Quantizer, values: &[f32], bytes: &mut [u8]) -> bool {
    assert_eq!(values.len(), bytes.len());
    let mut has_nan = false;
    for (byte, &x) in bytes.iter_mut().zip(values) {
        has_nan |= x.is_nan();
        *byte = quantizer.byte(x);
    }
    has_nan
}

/// The range that outputs are brought into; NaN stays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clip {
    /// What smaller numbers become.
    pub low: f32,
    /// What larger numbers become.
    pub high: f32,
}

impl Default for Clip {
    /// Every number stays.
    fn default() -> Self {
        Clip { low: f32::NEG_INFINITY, high: f32::INFINITY }
    }
}

impl Clip {
    /// `max(y, 0)`.
    pub const RELU: Clip = Clip { low: 0.0, high: f32::INFINITY };

    /// The number that `y` becomes.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    pub fn apply(self, y: f32) -> f32 {
        // Not `max` and `min`, which make a number of NaN.
        let y = if y < self.low { self.low } else { y };
        if y > self.high { self.high } else { y }
    }

    /// The range that comes of `next` after this one.
    #[must_use]
    pub fn then(self, next: Clip) -> Clip {
        Clip { low: next.apply(self.low), high: next.apply(self.high) }
    }
}

/// What becomes of an output's sums: `f32(f64(acc) * scale) + bias`, clipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finish {
    /// The number that one unit of the sum stands for.
    pub scale: f64,
    /// Added last, where there is one.
    pub bias: Option<f32>,
    /// What numbers are then brought into.
    pub clip: Clip,
}

impl Finish {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    fn number(&self, acc: f64) -> f32 {
        let mut y = (acc * self.scale) as f32;
        if let Some(bias) = self.bias {
            y += bias;
        }
        self.clip.apply(y)
    }
}

/// `acc = sums[i] + constant - factor * columns[i]`, finished into `outputs`. The caller knows that
/// no `acc` and no part of it leaves `i32`.
///
/// # Panics
/// When the slices differ in length.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub fn finish_narrow(finish: &Finish, sums: &[i32], constant: i32, factor: i32, columns: &[i32], outputs: &mut [f32]) {
    assert!(sums.len() == outputs.len() && columns.len() == outputs.len());
    if factor == 0 {
        for (y, &sum) in outputs.iter_mut().zip(sums) {
            *y = finish.number(f64::from(sum.wrapping_add(constant)));
        }
    } else {
        for ((y, &sum), &column) in outputs.iter_mut().zip(sums).zip(columns) {
            let acc = sum.wrapping_add(constant).wrapping_sub(factor.wrapping_mul(column));
            *y = finish.number(f64::from(acc));
        }
    }
}

/// The same for sums of any size: `acc = sums[i] + constant - factor * columns[i]`.
///
/// # Panics
/// When the slices differ in length.
pub fn finish_wide(finish: &Finish, sums: &[i64], constant: i64, factor: i64, columns: &[i32], outputs: &mut [f32]) {
    assert!(sums.len() == outputs.len() && columns.len() == outputs.len());
    for ((y, &sum), &column) in outputs.iter_mut().zip(sums).zip(columns) {
        *y = finish.number((sum + constant - factor * i64::from(column)) as f64);
    }
}

/// Adds the integers of a tile's row, `value(byte) = byte - offset` for bytes xor `flip`, to the
/// sums of its columns.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub fn add_row(sums: &mut [i32], row: &[u8], flip: u8, offset: i32) {
    for (sum, &byte) in sums.iter_mut().zip(row) {
        *sum += i32::from(byte ^ flip) - offset;
    }
}
