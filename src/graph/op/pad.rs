//! Padding with a constant.

use crate::graph::operator::unary;
use crate::graph::{Dim, KeptInputs, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;

/// A value surrounded by copies of a number.
#[derive(Debug, Clone)]
pub struct Pad {
    /// Elements added before and after, for each axis; 0 along the batch.
    pub padding: Vec<[usize; 2]>,
    /// The number.
    pub value: f32,
}

impl Operator for Pad {
    fn kind(&self) -> &'static str {
        "pad"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        if input.rank() != self.padding.len() {
            return Err(OpError::input(0, input, format!("{} axes", self.padding.len())));
        }
        let mut output = input.clone();
        for (axis, (dim, &[before, after])) in output.shape.iter_mut().zip(&self.padding).enumerate() {
            match dim {
                Dim::Fixed(size) => *size += before + after,
                Dim::Batch(_) if before + after == 0 => (),
                Dim::Batch(_) => return Err(OpError::input(0, input, format!("a known size along axis {axis}"))),
            }
        }
        Ok(vec![output])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let mut padded = inputs[0].clone();
        for (axis, &[before, after]) in self.padding.iter().enumerate() {
            let filler = |size: usize| {
                let mut shape = padded.dims().to_vec();
                shape[axis] = size;
                Tensor::full(self.value, shape, padded.device())
            };
            padded = match (before, after) {
                (0, 0) => continue,
                (before, 0) => Tensor::cat(&[&filler(before)?, &padded], axis)?,
                (0, after) => Tensor::cat(&[&padded, &filler(after)?], axis)?,
                (before, after) => Tensor::cat(&[&filler(before)?, &padded, &filler(after)?], axis)?,
            };
        }
        Ok(vec![padded])
    }

    fn kept_inputs(&self) -> KeptInputs {
        if self.value == 0.0 { KeptInputs::First } else { KeptInputs::None }
    }
}
