//! Multiplication by one constant.

use super::pointwise;
use crate::graph::operator::unary;
use crate::graph::{OpError, Operator, RunContext, ValueType};
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
        let factor = self.factor;
        Ok(vec![pointwise(inputs[0], |x| x * factor)?])
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        inputs.first()?.map(|factor| factor * self.factor)
    }
}
