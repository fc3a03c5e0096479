//! The same numbers by other integers.

use super::IntegerFunction;
use crate::graph::OpError;
use crate::kernel::{FixedPoint, Rounding};
use crate::quant::Grid;

impl IntegerFunction {
    /// `(q - z_x) * s_x / s_y + z_y`, as of TensorFlow Lite's QUANTIZE between integers: the factor is a quotient in
    /// `f64`, and products are rounded twice.
    ///
    /// # Errors
    /// When the input has more than 16 bits.
    pub fn rescale(input: Grid, output: Grid) -> Result<Self, OpError> {
        let factor = FixedPoint::new(f64::from(input.scale()) / f64::from(output.scale()));
        Self::new("rescale", [input, output], |steps| factor.apply(steps.into(), Rounding::Twice))
    }

    /// The same for an activation that clips, as TensorFlow Lite's RELU and RELU6 do: the factor is a quotient in
    /// `f32`. The range of `output` is that of the activation ([`clipped`](super::clipped)).
    ///
    /// # Errors
    /// When the input has more than 16 bits.
    pub fn clip(input: Grid, output: Grid) -> Result<Self, OpError> {
        let factor = FixedPoint::new(f64::from(input.scale() / output.scale()));
        Self::new("integer_clip", [input, output], |steps| factor.apply(steps.into(), Rounding::Twice))
    }
}
