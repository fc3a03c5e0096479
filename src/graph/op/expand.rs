//! Copies of a value for every sample of the batch, or along other axes.

use crate::graph::operator::check_f32;
use crate::graph::{Dim, KeptInputs, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;

/// `x` repeated along its axes of size 1, to dimensions `shape`. Inputs: `x`, and, if the batch is among the
/// dimensions, a value whose first axis is the batch, for its size.
#[derive(Debug, Clone)]
pub struct Expand {
    /// The dimensions.
    pub shape: Vec<Dim>,
}

impl Operator for Expand {
    fn kind(&self) -> &'static str {
        "expand"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let of_samples = usize::from(self.shape.iter().any(|dim| matches!(dim, Dim::Batch(_))));
        check_f32(inputs, 1 + of_samples..=2, if of_samples == 1 { "2" } else { "1 or 2" })?;
        let (input, output) = (inputs[0], ValueType::f32(self.shape.clone()));
        let leading = self.shape.len().checked_sub(input.rank());
        let fits = |leading: usize| {
            let pairs = input.shape.iter().zip(&self.shape[leading..]);
            pairs.into_iter().all(|(from, to)| from == to || *from == Dim::Fixed(1))
        };
        if !leading.is_some_and(fits) {
            return Err(OpError::input(0, input, format!("a shape that expands to {output}")));
        }
        if let Some(samples) = inputs.get(1).filter(|samples| samples.shape.first() != Some(&Dim::Batch(1))) {
            return Err(OpError::input(1, samples, "[batch, ..]"));
        }
        Ok(vec![output])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let batch = inputs.get(1).map_or(1, |samples| samples.dims()[0]);
        let shape: Vec<usize> = self.shape.iter().map(|dim| dim.size(batch)).collect();
        Ok(vec![inputs[0].broadcast_as(shape)?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }
}
