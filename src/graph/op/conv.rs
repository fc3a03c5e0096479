//! Convolutions.

use crate::graph::operator::{check_f32, images};
use crate::graph::{Dim, OpError, Operator, Pass, ValueType};
use crate::layer::{ApproxConv, ApproxLayer, ConvAttributes, Window};
use candle_core::{Module, Tensor};

/// A convolution over `D` spatial axes. Inputs: `x`, weight `[out, in / groups, kernel..]`, and
/// optionally a bias `[out]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conv<const D: usize>(pub ConvAttributes<D>);

impl<const D: usize> Conv<D> {
    fn layer(&self, name: &str, parameters: &[&Tensor]) -> Result<ApproxConv<D>, OpError> {
        Ok(ApproxConv::new(name, self.0, parameters[0], parameters.get(1).copied())?)
    }

    fn checked_window(&self, inputs: &[&ValueType]) -> Result<Window, OpError> {
        check_f32(inputs, 2..=3, "2 or 3")?;
        let input = images(&inputs[..1], D)?;
        let window = self.0.window(&input.sizes(1), &inputs[1].sizes(1))?;
        check_bias(inputs, window.outputs)?;
        Ok(window)
    }
}

/// Fails unless input 2, where there is one, is a vector of `outputs`.
pub(super) fn check_bias(inputs: &[&ValueType], outputs: usize) -> Result<(), OpError> {
    match inputs.get(2) {
        Some(bias) if bias.shape != [Dim::Fixed(outputs)] => Err(OpError::input(2, bias, format!("f32[{outputs}]"))),
        _ => Ok(()),
    }
}

impl<const D: usize> Operator for Conv<D> {
    fn kind(&self) -> &'static str {
        if D == 1 { "conv1d" } else { "conv2d" }
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let window = self.checked_window(inputs)?;
        Ok(vec![inputs[0].resized(&window.output_shape)])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![self.layer(Operator::kind(self), &inputs[1..])?.forward(inputs[0])?])
    }

    fn window(&self, inputs: &[&ValueType]) -> Option<Result<Window, OpError>> {
        Some(self.checked_window(inputs))
    }

    fn approximate(&self, name: &str, parameters: &[&Tensor]) -> Option<Result<Box<dyn ApproxLayer>, OpError>> {
        Some(self.layer(name, parameters).map(|layer| Box::new(layer) as Box<dyn ApproxLayer>))
    }
}
