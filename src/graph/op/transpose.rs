//! Permutation of axes.

use crate::graph::operator::unary;
use crate::graph::{KeptInputs, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;

/// The input with its axis `order[i]` as axis `i`.
#[derive(Debug, Clone)]
pub struct Transpose {
    /// Every axis once.
    pub order: Vec<usize>,
}

impl Operator for Transpose {
    fn kind(&self) -> &'static str {
        "transpose"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let mut axes = self.order.clone();
        axes.sort_unstable();
        if !axes.into_iter().eq(0..input.rank()) {
            return Err(OpError::input(0, input, format!("axes that {:?} names once each", self.order)));
        }
        Ok(vec![ValueType::f32(self.order.iter().map(|&axis| input.shape[axis]).collect::<Vec<_>>())])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        // A view: readers copy it if they have to.
        Ok(vec![inputs[0].permute(self.order.as_slice())?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }
}
