//! Concatenation along an axis.

use crate::graph::operator::check_f32;
use crate::graph::{Dim, KeptInputs, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;

/// Joins any number of values along `axis`.
#[derive(Debug, Clone, Copy)]
pub struct Concat {
    /// The axis, which is not the batch.
    pub axis: usize,
}

impl Operator for Concat {
    fn kind(&self) -> &'static str {
        "concat"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        check_f32(inputs, 1..=usize::MAX, "at least 1")?;
        let mut joined = inputs[0].clone();
        let mut total = 0;
        for (index, input) in inputs.iter().enumerate() {
            let Some(&Dim::Fixed(size)) = input.shape.get(self.axis) else {
                return Err(OpError::input(index, input, format!("a known size along axis {}", self.axis)));
            };
            total += size;
            let mut alike = (*input).clone();
            alike.shape[self.axis] = inputs[0].shape[self.axis];
            if alike != *inputs[0] {
                return Err(OpError::input(index, input, format!("{} but for axis {}", inputs[0], self.axis)));
            }
        }
        joined.shape[self.axis] = Dim::Fixed(total);
        Ok(vec![joined])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![Tensor::cat(inputs, self.axis)?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::All
    }
}
