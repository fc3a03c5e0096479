//! Addition of two values of one shape.

use super::activation::relu;
use super::pointwise2;
use crate::graph::operator::check_f32;
use crate::graph::{OpError, Operator, Pass, ValueType};
use candle_core::Tensor;

/// `a + b`, in `f32`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Add {
    relu: bool,
}

impl Operator for Add {
    fn kind(&self) -> &'static str {
        "add"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        check_f32(inputs, 2..=2, "2")?;
        if inputs[0] != inputs[1] {
            return Err(OpError::input(1, inputs[1], inputs[0].to_string()));
        }
        Ok(vec![inputs[0].clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let sum = if self.relu { |a, b| relu(a + b) } else { |a, b| a + b };
        Ok(vec![pointwise2(inputs[0], inputs[1], sum)?])
    }

    fn fuse_relu(&mut self) -> bool {
        self.relu = true;
        true
    }
}
