//! Flattening to a matrix.

use crate::graph::operator::unary;
use crate::graph::types::before_batch;
use crate::graph::{Dim, KeptInputs, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;

/// `[product of the axes before `axis`, product of the rest]`, as ONNX defines it.
#[derive(Debug, Clone, Copy)]
pub struct Flatten {
    /// The first axis of the second dimension.
    pub axis: usize,
}

impl Operator for Flatten {
    fn kind(&self) -> &'static str {
        "flatten"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let dims = (self.axis <= input.rank()).then(|| input.shape.split_at(self.axis));
        let shape = dims.and_then(|(left, right)| Some([Dim::product(left)?, Dim::product(right)?]));
        match shape.filter(|shape| before_batch(shape) == before_batch(&input.shape)) {
            Some(shape) => Ok(vec![ValueType { element: input.element, shape: shape.to_vec() }]),
            None => Err(OpError::input(0, input, format!("at least {} axes, one of them the batch", self.axis))),
        }
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let (left, right) = inputs[0].dims().split_at(self.axis);
        let shape = (left.iter().product::<usize>(), right.iter().product::<usize>());
        Ok(vec![inputs[0].reshape(shape)?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }
}
