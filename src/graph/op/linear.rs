//! Linear layers.

use super::conv::check_bias;
use crate::graph::operator::check_f32;
use crate::graph::{Dim, OpError, Operator, Pass, ValueType};
use crate::layer::{ApproxLayer, ApproxLinear, Window, linear_window};
use candle_core::{Module, Tensor};

/// `y = x W^T + b` over the last axis. Inputs: `x` of any rank, weight `[out, in]`, and optionally a
/// bias `[out]`.
#[derive(Debug, Clone, Copy)]
pub struct Linear;

impl Linear {
    fn layer(name: &str, parameters: &[&Tensor]) -> Result<ApproxLinear, OpError> {
        Ok(ApproxLinear::new(name, parameters[0], parameters.get(1).copied())?)
    }

    fn checked_window(inputs: &[&ValueType]) -> Result<Window, OpError> {
        check_f32(inputs, 2..=3, "2 or 3")?;
        if let Some(Dim::Batch(_)) = inputs[0].shape.last() {
            return Err(OpError::input(0, inputs[0], "[.., in] with a known size last"));
        }
        let window = linear_window(&inputs[0].sizes(1), &inputs[1].sizes(1))?;
        check_bias(inputs, window.outputs)?;
        Ok(window)
    }
}

impl Operator for Linear {
    fn kind(&self) -> &'static str {
        "linear"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let window = Self::checked_window(inputs)?;
        Ok(vec![inputs[0].resized(&window.output_shape)])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![Self::layer(Operator::kind(self), &inputs[1..])?.forward(inputs[0])?])
    }

    fn window(&self, inputs: &[&ValueType]) -> Option<Result<Window, OpError>> {
        Some(Self::checked_window(inputs))
    }

    fn approximate(&self, name: &str, parameters: &[&Tensor]) -> Option<Result<Box<dyn ApproxLayer>, OpError>> {
        Some(Self::layer(name, parameters).map(|layer| Box::new(layer) as Box<dyn ApproxLayer>))
    }

    fn output_channels(&self, weight: &[usize]) -> Option<Vec<usize>> {
        let elements = 0..weight.iter().product::<usize>();
        Some(elements.map(|element| element / weight[1]).collect())
    }
}
