//! Real numbers to integers, half away from zero.

use super::grid::on_grid;
use crate::graph::op::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::quant::Grid;
use candle_core::Tensor;

/// The number of `clamp(round(x / s) + z)`, as TensorFlow Lite's QUANTIZE of real numbers: the quotient is one of
/// `f32`, rounded half away from zero, where [`FakeQuantize`](crate::graph::op::FakeQuantize) rounds it half to even.
/// NaN stays NaN.
#[derive(Debug, Clone, Copy)]
pub struct Quantize(pub Grid);

impl Operator for Quantize {
    fn kind(&self) -> &'static str {
        "quantize"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(on_grid(unary(inputs)?.clone(), self.0))
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.apply(inputs[0])
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        *inputs.first()?
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl Pointwise for Quantize {
    fn function(&self) -> Box<Function> {
        let scale = self.0.scale();
        let [low, high] = [self.0.q_min(), self.0.q_max()].map(|q| f64::from(q) - f64::from(self.0.zero_point()));
        let (low, high) = (low as f32, high as f32);
        // The sum with 0 makes a negative zero positive.
        each(move |x: f32| ((x / scale).round().clamp(low, high) + 0.0) * scale)
    }
}
