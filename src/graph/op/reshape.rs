//! Reshaping.

use crate::graph::operator::unary;
use crate::graph::types::before_batch;
use crate::graph::{Dim, KeptInputs, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;

/// The input with dimensions `shape`. At most one of them is a multiple of the batch size, with the same number
/// of elements before it as in the input.
#[derive(Debug, Clone)]
pub struct Reshape {
    /// The dimensions.
    pub shape: Vec<Dim>,
}

impl Operator for Reshape {
    fn kind(&self) -> &'static str {
        "reshape"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let output = ValueType::f32(self.shape.clone());
        let elements = Dim::product(&input.shape);
        let keeps_batch = before_batch(&input.shape) == before_batch(&self.shape);
        if elements.is_none() || elements != Dim::product(&self.shape) || !keeps_batch {
            return Err(OpError::input(0, input, format!("as many elements, in samples, as {output} has")));
        }
        Ok(vec![output])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        // The batch size follows from the number of elements.
        let one: usize = self.shape.iter().map(|dim| dim.size(1)).product();
        let batch = inputs[0].elem_count() / one.max(1);
        let shape: Vec<usize> = self.shape.iter().map(|dim| dim.size(batch)).collect();
        Ok(vec![inputs[0].contiguous()?.reshape(shape)?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }
}
