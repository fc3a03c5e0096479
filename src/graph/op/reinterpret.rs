//! Integers of one grid taken for integers of another.

use super::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ElementType, ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::quant::Grid;
use candle_core::Tensor;

/// The number that the integer of each number on one grid represents on another: what a `DequantizeLinear` with another
/// scale or zero point than the `QuantizeLinear` before makes of it. NaN stays NaN.
#[derive(Debug, Clone, Copy)]
pub struct Reinterpret {
    /// The grid of the input.
    pub from: Grid,
    /// The grid of the output.
    pub to: Grid,
}

impl Operator for Reinterpret {
    fn kind(&self) -> &'static str {
        "reinterpret"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![ValueType { element: ElementType::Quantized(self.to), ..unary(inputs)?.clone() }])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.apply(inputs[0])
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl Pointwise for Reinterpret {
    fn function(&self) -> Box<Function> {
        let Reinterpret { from, to } = *self;
        each(move |x: f32| if x.is_nan() { x } else { to.number(from.quantize(x)) })
    }
}
