//! Transposed convolutions.

use super::conv::check_bias;
use crate::graph::operator::{check_f32, images};
use crate::graph::{OpError, Operator, Pass, ValueType};
use crate::layer::{ApproxConvTranspose, ApproxLayer, ConvTransposeAttributes, Window};
use candle_core::{Module, Tensor};

/// A transposed convolution over `D` spatial axes. Inputs: `x`, weight `[in, out / groups, kernel..]`,
/// and optionally a bias `[out]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConvTranspose<const D: usize>(pub ConvTransposeAttributes<D>);

impl<const D: usize> ConvTranspose<D> {
    fn layer(&self, name: &str, parameters: &[&Tensor]) -> Result<ApproxConvTranspose<D>, OpError> {
        Ok(ApproxConvTranspose::new(name, self.0, parameters[0], parameters.get(1).copied())?)
    }

    fn checked_window(&self, inputs: &[&ValueType]) -> Result<Window, OpError> {
        check_f32(inputs, 2..=3, "2 or 3")?;
        let input = images(&inputs[..1], D)?;
        let window = self.0.window(&input.sizes(1), &inputs[1].sizes(1))?;
        check_bias(inputs, window.outputs)?;
        Ok(window)
    }
}

impl<const D: usize> Operator for ConvTranspose<D> {
    fn kind(&self) -> &'static str {
        if D == 1 { "conv_transpose1d" } else { "conv_transpose2d" }
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
