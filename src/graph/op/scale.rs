//! Multiplication by one constant.

use super::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;

/// `x * factor`.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// The constant.
    pub factor: f32,
}

impl Operator for Scale {
    fn kind(&self) -> &'static str {
        "scale"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![unary(inputs)?.clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.apply(inputs[0])
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        inputs.first()?.map(|factor| factor * self.factor)
    }
}

impl Pointwise for Scale {
    fn function(&self) -> Box<Function> {
        let factor = self.factor;
        each(move |x| x * factor)
    }
}
