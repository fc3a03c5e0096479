//! Pointwise nonlinearities. A NaN stays one, as in PyTorch, so that a broken network shows.

use super::with_values;
use crate::graph::operator::unary;
use crate::graph::{OpError, Operator, Pass, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// `function` of every number.
fn pointwise(x: &Tensor, function: impl Fn(f32) -> f32 + Sync) -> Result<Tensor, OpError> {
    let values: Vec<f32> =
        with_values(x, |values| values.par_iter().with_min_len(1 << 14).map(|&x| function(x)).collect())?;
    Ok(Tensor::from_vec(values, x.dims(), x.device())?)
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
        // Not `f32::max`, and so not candle's relu, which makes 0 of NaN.
        Ok(vec![pointwise(inputs[0], |x| if x < 0.0 { 0.0 } else { x })?])
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
