//! Integers of several grids for one concatenation.

use super::IntegerFunction;
use crate::graph::OpError;
use crate::quant::Grid;

impl IntegerFunction {
    /// The integers of one operand of a concatenation on `output`, the grid of all, as TensorFlow Lite's CONCATENATION
    /// of unsigned integers of unequal scales: in `f32`, `round(q * (s_x * (1 / s_y)) - z_x * (s_x * (1 / s_y))) + z_y`,
    /// half away from zero; operands of the output's scale and zero point stay as they are.
    ///
    /// # Errors
    /// When the input has more than 16 bits.
    pub fn joined(input: Grid, output: Grid) -> Result<Self, OpError> {
        let scale = input.scale() * (1.0 / output.scale());
        let bias = -(input.zero_point() as f32) * scale;
        let is_same = input.has_steps_of(&output);
        Self::new("rescale", [input, output], |steps| {
            if is_same {
                return steps.into();
            }
            ((steps + input.zero_point()) as f32 * scale + bias).round() as i64
        })
    }
}
