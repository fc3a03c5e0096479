//! Linear layers.

use super::conv::check_bias;
use crate::graph::operator::{check_f32, check_shared};
use crate::graph::{Dim, Layer, Macs, OpError, Operator, RunContext, ValueType};
use crate::layer::{ApproxLinear, Call, WeightedLayer, Window, linear_window};
use candle_core::Tensor;

/// `y = x W^T + b` over the last axis. Inputs: `x` of any rank, weight `[out, in]`, and optionally a
/// bias `[out]`.
#[derive(Debug, Clone, Copy)]
pub struct Linear;

impl Layer for Linear {
    fn window(&self, inputs: &[&ValueType]) -> Result<Window, OpError> {
        check_f32(inputs, 2..=3, "2 or 3")?;
        check_shared(inputs, 1)?;
        if let Some(Dim::Batch(_)) = inputs[0].shape.last() {
            return Err(OpError::input(0, inputs[0], "[.., in] with a known size last"));
        }
        let window = linear_window(&inputs[0].sizes(1), &inputs[1].sizes(1))?;
        check_bias(inputs, window.outputs)?;
        Ok(window)
    }

    fn approximate(&self, name: &str, parameters: &[&Tensor]) -> Result<Box<dyn WeightedLayer>, OpError> {
        Ok(Box::new(ApproxLinear::new(name, parameters[0], parameters.get(1).copied())?))
    }

    fn output_channels(&self, weight: &[usize]) -> Vec<usize> {
        let elements = 0..weight.iter().product::<usize>();
        elements.map(|element| element / weight[1]).collect()
    }
}

impl Operator for Linear {
    fn kind(&self) -> &'static str {
        "linear"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let window = self.window(inputs)?;
        Ok(vec![inputs[0].resized(&window.output_shape)])
    }

    fn run(&self, inputs: &[&Tensor], context: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let call = Call { threads: context.threads, is_ordered: true, ..Call::default() };
        Ok(vec![self.approximate(self.kind(), &inputs[1..])?.forward_as(inputs[0], call)?])
    }

    fn macs(&self, inputs: &[&ValueType]) -> Option<Macs> {
        Some(Macs::from(&self.window(inputs).ok()?))
    }

    fn as_layer(&self) -> Option<&dyn Layer> {
        Some(self)
    }
}
