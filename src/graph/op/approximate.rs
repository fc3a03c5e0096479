//! An approximate layer in the place of the linear or convolution layer that it was made from.

use crate::graph::operator::unary;
use crate::graph::{OpError, Operator, Pass, ValueType};
use crate::layer::{ApproxLayer, Window};
use candle_core::Tensor;

/// A layer that can run in all four modes; it holds its weights.
#[derive(Debug)]
pub struct Approximate(pub Box<dyn ApproxLayer>);

impl Operator for Approximate {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        Ok(vec![input.resized(&self.0.window(&input.sizes(1))?.output_shape)])
    }

    fn run(&self, inputs: &[&Tensor], pass: &Pass) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![self.0.forward_at(inputs[0], pass.first_sample)?])
    }

    fn window(&self, inputs: &[&ValueType]) -> Option<Result<Window, OpError>> {
        Some(self.0.window(&inputs.first()?.sizes(1)).map_err(OpError::from))
    }

    fn layer(&self) -> Option<&dyn ApproxLayer> {
        Some(self.0.as_ref())
    }

    fn layer_mut(&mut self) -> Option<&mut dyn ApproxLayer> {
        Some(self.0.as_mut())
    }
}
