//! Copies of a value for every sample of the batch, or along other axes.

use crate::graph::operator::check_f32;
use crate::graph::{Dim, OpError, Operator, Pass, ValueType};
use candle_core::Tensor;

/// `x` repeated along the axes in which it has size 1, to dimensions `shape`. Inputs: `x`, and a value
/// whose first axis is the batch, which says how large that is.
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
        check_f32(inputs, 2..=2, "2")?;
        let (input, output) = (inputs[0], ValueType::f32(self.shape.clone()));
        let leading = self.shape.len().checked_sub(input.rank());
        let fits = |leading: usize| {
            let pairs = input.shape.iter().zip(&self.shape[leading..]);
            pairs.into_iter().all(|(from, to)| from == to || *from == Dim::Fixed(1))
        };
        if !leading.is_some_and(fits) {
            return Err(OpError::input(0, input, format!("a shape that expands to {output}")));
        }
        if inputs[1].shape.first() != Some(&Dim::Batch(1)) {
            return Err(OpError::input(1, inputs[1], "[batch, ..]"));
        }
        Ok(vec![output])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let batch = inputs[1].dims()[0];
        let shape: Vec<usize> = self.shape.iter().map(|dim| dim.size(batch)).collect();
        Ok(vec![inputs[0].broadcast_as(shape)?])
    }
}
