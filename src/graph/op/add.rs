//! Addition.

use super::activation::relu;
use super::broadcast;
use crate::graph::{OpError, Operator, Pass, ValueType};
use candle_core::Tensor;

/// `a + b`, in `f32`, of shapes that broadcast.
#[derive(Debug, Clone, Copy, Default)]
pub struct Add {
    relu: bool,
}

impl Operator for Add {
    fn kind(&self) -> &'static str {
        "add"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![broadcast::infer(inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let sum = if self.relu {
            broadcast::apply(inputs[0], inputs[1], |a, b| relu(a + b))
        } else {
            broadcast::apply(inputs[0], inputs[1], |a, b| a + b)
        };
        Ok(vec![sum?])
    }

    fn fuse_relu(&mut self) -> bool {
        self.relu = true;
        true
    }
}
