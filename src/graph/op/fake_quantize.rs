//! Quantization of a network that is quantized already: rounding to the numbers that integers represent.

use super::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ElementType, ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::Signedness;
use crate::quant::ActivationParams;
use candle_core::Tensor;

/// `(q - zero_point) * scale` for the integer `q` that each number is quantized to. A layer of the same
/// parameters finds these integers again. NaN stays NaN.
#[derive(Debug, Clone, Copy)]
pub struct FakeQuantize(pub ActivationParams);

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
        let params = self.0;
        let is_signed = params.range().signedness() == Signedness::Signed;
        each(move |x: f32| {
            let byte = params.quantize(x);
            let q = if is_signed { i32::from(byte.cast_signed()) } else { i32::from(byte) };
            if x.is_nan() { x } else { (q - params.zero_point()) as f32 * params.scale() }
        })
    }
}
