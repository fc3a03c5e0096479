//! Quantization of a network that is quantized already: rounding to the numbers that integers represent.

use super::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ElementType, ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::quant::Grid;
use candle_core::Tensor;

/// `(q - zero_point) * scale` for the integer `q` that each number is quantized to. A layer of the same
/// parameters finds these integers again. NaN stays NaN.
#[derive(Debug, Clone, Copy)]
pub struct FakeQuantize(pub Grid);

/// `1.5 * 2^23`.
const ROUNDER: f32 = 12_582_912.0;

/// Steps from which on [`ROUNDER`] does not round.
const MAX_STEPS: f32 = 4_194_304.0;

impl Operator for FakeQuantize {
    fn kind(&self) -> &'static str {
        "fake_quantize"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![ValueType { element: ElementType::Quantized(self.0), ..unary(inputs)?.clone() }])
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        *inputs.first()?
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.apply(inputs[0])
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl Pointwise for FakeQuantize {
    fn function(&self) -> Box<Function> {
        let grid = self.0;
        let [low, high] = [grid.q_min(), grid.q_max()].map(|q| f64::from(q) - f64::from(grid.zero_point()));
        if low.abs().max(high.abs()) >= f64::from(MAX_STEPS) {
            return each(move |x: f32| if x.is_nan() { x } else { grid.number(grid.quantize(x)) });
        }
        let (low, high, scale) = (low as f32, high as f32, grid.scale());
        // The sum has no bits below 1, so that it is rounded half to even.
        each(move |x: f32| ((x / scale).clamp(low, high) + ROUNDER - ROUNDER) * scale)
    }
}
