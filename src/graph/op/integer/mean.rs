//! The mean of integers over axes.

use super::grid::{Steps, check, check_bits, on_grid, requantize};
use crate::graph::op::global_pool::whole;
use crate::graph::op::image::{Fold, are_images, reduce};
use crate::graph::op::reduce::{infer_over, run_over};
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{FixedPoint, Images, ImagesMut};
use crate::quant::Grid;
use candle_core::Tensor;

/// The mean over axes, as TensorFlow Lite's MEAN: the sum of `q - z` times `s_x / s_y / n`, whose mantissa is that of
/// `s_x / s_y` divided by `n` in whole numbers ([`FixedPoint::over`]); the product is rounded twice. NaN propagates.
#[derive(Debug, Clone)]
pub struct IntegerMean {
    axes: Vec<usize>,
    keep_dims: bool,
    input: Grid,
    output: Grid,
}

impl IntegerMean {
    /// The mean over `axes`, in increasing order and without the batch, which are kept with size 1 where `keep_dims`
    /// says so.
    ///
    /// # Errors
    /// When the input has more than 16 bits.
    pub fn new(axes: Vec<usize>, keep_dims: bool, input: Grid, output: Grid) -> Result<Self, OpError> {
        check_bits(0, &input, 16)?;
        Ok(IntegerMean { axes, keep_dims, input, output })
    }

    /// The sum is one of whole numbers, which `f64` holds exactly.
    fn fold(&self, count: usize) -> Fold<f64, impl Fn(f64, f32) -> f64 + use<>, impl Fn(f64, f64) -> f32 + use<>> {
        let (steps, output) = (Steps::of(&self.input), requantize(&self.output));
        let ratio = FixedPoint::new(f64::from(self.input.scale()) / f64::from(self.output.scale()));
        let factor = ratio.over(count as u64);
        Fold {
            start: 0.0,
            add: move |sum, x| sum + f64::from(steps.at(x)),
            finish: move |sum: f64, _| if sum.is_nan() { f32::NAN } else { output.number(factor, sum as i64) },
        }
    }
}

impl Operator for IntegerMean {
    fn kind(&self) -> &'static str {
        "integer_mean"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let output = infer_over(&self.axes, self.keep_dims, inputs)?;
        check(inputs, 0, &self.input)?;
        Ok(on_grid(output, self.output))
    }

    fn takes_integers(&self) -> bool {
        true
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let Fold { start, add, finish } = self.fold(self.axes.iter().map(|&axis| inputs[0].dims()[axis]).product());
        let mean = |numbers: &[f32]| finish(numbers.iter().fold(start, |sum, &x| add(sum, x)), 1.0);
        Ok(vec![run_over(&self.axes, self.keep_dims, inputs[0], mean)?])
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        *inputs.first()?
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for IntegerMean {
    /// Where it is over all positions.
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        self.axes.iter().copied().eq(2..inputs[0].rank()) && self.keep_dims && are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        let layout = inputs[0].layout;
        reduce(&inputs[0], &whole(layout), &self.fold(layout.size.iter().product()), output);
        Ok(())
    }
}
