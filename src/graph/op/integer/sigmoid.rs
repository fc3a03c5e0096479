//! The sigmoid of integers.

use super::IntegerFunction;
use crate::graph::OpError;
use crate::quant::Grid;

impl IntegerFunction {
    /// `1 / (1 + e^-x)` of the number that each integer represents, as of TensorFlow Lite's LOGISTIC, which makes a
    /// table in floating point: in `f32`, times `1 / s_y`, rounded half away from zero.
    ///
    /// The exponential here is correctly rounded, but for one in millions: where the C library of an interpreter rounds
    /// otherwise, an integer differs if a half lies between.
    ///
    /// # Errors
    /// When the input has more than 16 bits.
    pub fn sigmoid(input: Grid, output: Grid) -> Result<Self, OpError> {
        let (scale, inverse) = (input.scale(), 1.0 / output.scale());
        let probability = Self::new("integer_sigmoid", [input, output], |steps| {
            let x = scale * steps as f32;
            let exp = libm::exp(f64::from(-x)) as f32;
            (1.0 / (1.0 + exp) * inverse).round() as i64
        })?;
        Ok(probability.of_probabilities())
    }
}
