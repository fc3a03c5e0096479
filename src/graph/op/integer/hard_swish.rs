//! The hard swish of integers.

use super::IntegerFunction;
use super::fixed::{high_mul_16, high_mul_toward_zero_16, shift_away_16, shift_left_16};
use super::grid::check_bits;
use crate::graph::OpError;
use crate::kernel::FixedPoint;
use crate::quant::Grid;

/// The upper 16 bits of a factor's mantissa, rounded.
fn mantissa_16(factor: FixedPoint) -> i16 {
    ((i64::from(factor.mantissa()) + (1 << 15)) >> 16).min(i16::MAX.into()) as i16
}

impl IntegerFunction {
    /// `x * max(0, min(1, x / 6 + 1 / 2))` as of TensorFlow Lite's HARD_SWISH, whose fixed-point numbers have 16 bits:
    /// `x` in steps of `s_x / 128`, the middle of the clip in steps of `3 / 32768`.
    ///
    /// # Errors
    /// When the input has more than 8 bits, or the output's scale is less than `s_x / 128`.
    pub fn hard_swish(input: Grid, output: Grid) -> Result<Self, OpError> {
        check_bits(0, &input, 8)?;
        let fine = input.scale() / 128.0;
        let to_output = FixedPoint::new((fine / output.scale()).into());
        let to_clip = FixedPoint::new((fine / (3.0 / 32768.0)).into());
        if to_output.exponent() > 0 {
            let found = format!("integers of scale {} for an output of scale {}", input.scale(), output.scale());
            return Err(OpError::Type { index: 0, found, expected: "a scale of less than 128 times that".to_owned() });
        }
        let [left, right] = [to_clip.exponent(), -to_clip.exponent()].map(|bits| bits.max(0) as u32);
        Self::new("integer_hard_swish", [input, output], |steps| {
            let x = (steps * 128) as i16;
            // All but the last bit of a shift to the left comes before the product, which it may saturate: the last
            // one then does too.
            let mut clip = shift_left_16(x, left.saturating_sub(1));
            clip = high_mul_16(clip, mantissa_16(to_clip));
            clip = shift_left_16(clip, left.min(1));
            if right > 0 {
                clip = shift_away_16(clip, right);
            }
            // From [-1, 1] to [0, 1].
            let clip = ((i32::from(clip) + (1 << 15)) >> 1) as i16;
            let product = high_mul_toward_zero_16(clip, high_mul_16(x, mantissa_16(to_output)));
            shift_away_16(product, (-to_output.exponent()) as u32).into()
        })
    }
}
