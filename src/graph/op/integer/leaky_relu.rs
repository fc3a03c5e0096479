//! The leaky ReLU of integers.

use super::IntegerFunction;
use crate::graph::OpError;
use crate::kernel::{FixedPoint, Rounding};
use crate::quant::Grid;

impl IntegerFunction {
    /// `q - z_x` rescaled where it is not negative, and else by `slope` as well, as of TensorFlow Lite's LEAKY_RELU:
    /// both factors, `s_x / s_y` and `s_x * slope / s_y`, are computed in `f32`, and products are rounded twice. A
    /// negative slope negates the product by its magnitude.
    ///
    /// # Errors
    /// When the input has more than 16 bits.
    pub fn leaky_relu(input: Grid, output: Grid, slope: f32) -> Result<Self, OpError> {
        let [identity, scaled] = [input.scale() / output.scale(), input.scale() * slope / output.scale()];
        let [positive, negative] = [identity, scaled.abs()].map(|factor| FixedPoint::new(factor.into()));
        Self::new("integer_leaky_relu", [input, output], |steps| {
            let factor = if steps < 0 { negative } else { positive };
            let product = factor.apply(steps.into(), Rounding::Twice);
            if steps < 0 && scaled < 0.0 { -product } else { product }
        })
    }
}
