//! Pointwise nonlinearities.

use crate::graph::operator::unary;
use crate::graph::{OpError, Operator, Pass, ValueType};
use candle_core::Tensor;

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
        Ok(vec![inputs[0].relu()?])
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
        Ok(vec![inputs[0].clamp(0f32, 6f32)?])
    }
}
