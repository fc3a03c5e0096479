//! Average pooling of integers.

use super::grid::{Steps, check, check_bits, on_grid};
use crate::graph::op::PoolWindow;
use crate::graph::op::image::{Fold, are_images, reduce};
use crate::graph::op::pool::planes;
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{Images, ImagesMut};
use crate::quant::Grid;
use candle_core::Tensor;

/// The mean of each window's integers, zero points included, rounded half away from zero, as TensorFlow Lite's
/// AVERAGE_POOL_2D: `(abs(sum) + n / 2) / n` with the sum's sign, in whole numbers. Padding never counts. NaN propagates.
///
/// The output has the scale and zero point of the input; its range may be narrower.
#[derive(Debug, Clone, Copy)]
pub struct IntegerAveragePool {
    window: PoolWindow,
    input: Grid,
    output: Grid,
}

impl IntegerAveragePool {
    /// The mean over `window` of integers on `input`, clamped to the range of `output`.
    ///
    /// # Errors
    /// When the input has more than 16 bits, or the output another scale or zero point.
    pub fn new(window: PoolWindow, input: Grid, output: Grid) -> Result<Self, OpError> {
        check_bits(0, &input, 16)?;
        if !input.has_steps_of(&output) {
            let step = |grid: &Grid| format!("integers of scale {} and zero point {}", grid.scale(), grid.zero_point());
            return Err(OpError::Type { index: 0, found: step(&input), expected: step(&output) });
        }
        Ok(IntegerAveragePool { window, input, output })
    }

    /// The sum is one of whole numbers, which `f64` holds exactly, as it does the parts of the quotient.
    fn fold(&self) -> Fold<f64, impl Fn(f64, f32) -> f64 + use<>, impl Fn(f64, f64) -> f32 + use<>> {
        let (steps, z, scale) = (Steps::of(&self.input), f64::from(self.input.zero_point()), self.output.scale());
        let (low, high) = (f64::from(self.output.q_min()), f64::from(self.output.q_max()));
        Fold {
            start: 0.0,
            add: move |sum, x| sum + f64::from(steps.at(x)),
            finish: move |sum: f64, count: f64| {
                let sum = sum + count * z;
                let mean = ((sum.abs() + (count / 2.0).floor()) / count).floor().copysign(sum);
                // The sum with 0 makes a negative zero positive.
                (mean.clamp(low, high) - z + 0.0) as f32 * scale
            },
        }
    }
}

impl Operator for IntegerAveragePool {
    fn kind(&self) -> &'static str {
        "integer_average_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let output = self.window.infer(inputs)?.remove(0);
        check(inputs, 0, &self.input)?;
        Ok(on_grid(output, self.output))
    }

    fn takes_integers(&self) -> bool {
        true
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let windows = self.window.windows_of(planes(inputs[0].dims()))?;
        Ok(vec![self.window.run(inputs[0], &windows, &self.fold())?])
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        *inputs.first()?
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for IntegerAveragePool {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        reduce(&inputs[0], &self.window.windows_of(inputs[0].layout.size)?, &self.fold(), output);
        Ok(())
    }
}
