//! Pointwise nonlinearities. A NaN stays one, as in PyTorch, so that a broken network shows.

use super::pointwise;
use crate::graph::operator::unary;
use crate::graph::{OpError, Operator, Pass, ValueType};
use candle_core::Tensor;

/// `max(x, 0)`, not by `f32::max`, which makes 0 of NaN, as candle's does.
pub(super) fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// `max(x, 0)`.
#[derive(Debug, Clone, Copy)]
pub struct Relu;

impl Operator for Relu {
    fn kind(&self) -> &'static str {
        "relu"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![unary(inputs)?.clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![pointwise(inputs[0], relu)?])
    }
}

/// `min(max(x, 0), 6)`.
#[derive(Debug, Clone, Copy)]
pub struct Relu6;

impl Operator for Relu6 {
    fn kind(&self) -> &'static str {
        "relu6"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![unary(inputs)?.clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![pointwise(inputs[0], |x| x.clamp(0.0, 6.0))?])
    }
}
