//! Multiplication of integers on grids of their own.

use super::grid::{Steps, check, check_bits, on_grid, requantize};
use crate::graph::op::broadcast;
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{FixedPoint, Images, ImagesMut};
use crate::quant::Grid;
use candle_core::Tensor;

/// `a * b` of integers, of shapes that broadcast, as TensorFlow Lite's MUL: `(q_a - z_a) * (q_b - z_b)` times
/// `s_a * s_b / s_y`, which is computed in `f32`; the product is rounded twice. NaN propagates.
#[derive(Debug, Clone, Copy)]
pub struct IntegerMul {
    inputs: [Grid; 2],
    output: Grid,
}

impl IntegerMul {
    /// The product.
    ///
    /// # Errors
    /// When a side has more than 16 bits.
    pub fn new(inputs: [Grid; 2], output: Grid) -> Result<Self, OpError> {
        (0..2).try_for_each(|i| check_bits(i, &inputs[i], 16))?;
        Ok(IntegerMul { inputs, output })
    }

    fn function(&self) -> Box<broadcast::Function> {
        let [a, b] = self.inputs.each_ref().map(Steps::of);
        let [s_a, s_b] = self.inputs.each_ref().map(Grid::scale);
        let factor = FixedPoint::new((s_a * s_b / self.output.scale()).into());
        let output = requantize(&self.output);
        broadcast::each(move |x, y| {
            let product = a.at(x) as i64 * b.at(y) as i64;
            if x.is_nan() || y.is_nan() { f32::NAN } else { output.number(factor, product) }
        })
    }
}

impl Operator for IntegerMul {
    fn kind(&self) -> &'static str {
        "integer_mul"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let output = broadcast::infer(inputs)?;
        (0..2).try_for_each(|i| check(inputs, i, &self.inputs[i]))?;
        Ok(on_grid(output, self.output))
    }

    fn takes_integers(&self) -> bool {
        true
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![broadcast::apply(inputs[0], inputs[1], &*self.function())?])
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for IntegerMul {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        broadcast::takes_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        broadcast::apply_to_images([&inputs[0], &inputs[1]], output, &*self.function());
        Ok(())
    }
}
