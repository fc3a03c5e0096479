//! Convolutions, transposed or not.

use crate::graph::operator::{check_f32, check_shared, images};
use crate::graph::{Dim, Layer, Macs, OpError, Operator, RunContext, ValueType};
use crate::layer::{Call, Convolution, WeightedLayer, Window};
use candle_core::Tensor;

/// A convolution of the kind of its attributes. Inputs: `x`, a weight of that kind's shape, and optionally a
/// bias `[out]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conv<A>(pub A);

impl<A: Convolution> Layer for Conv<A> {
    fn window(&self, inputs: &[&ValueType]) -> Result<Window, OpError> {
        check_f32(inputs, 2..=3, "2 or 3")?;
        check_shared(inputs, 1)?;
        let input = images(&inputs[..1], A::AXES)?;
        let window = self.0.window(&input.sizes(1), &inputs[1].sizes(1))?;
        check_bias(inputs, window.outputs)?;
        Ok(window)
    }

    fn approximate(&self, name: &str, parameters: &[&Tensor]) -> Result<Box<dyn WeightedLayer>, OpError> {
        Ok(self.0.layer(name, parameters[0], parameters.get(1).copied())?)
    }

    fn output_channels(&self, weight: &[usize]) -> Vec<usize> {
        let elements = 0..weight.iter().product();
        elements.map(|element| self.0.output_channel(weight, element)).collect()
    }
}

/// Fails if there is an input 2 that is not a vector of `outputs`.
pub(super) fn check_bias(inputs: &[&ValueType], outputs: usize) -> Result<(), OpError> {
    match inputs.get(2) {
        Some(bias) if bias.shape != [Dim::Fixed(outputs)] => Err(OpError::input(2, bias, format!("f32[{outputs}]"))),
        _ => Ok(()),
    }
}

impl<A: Convolution> Operator for Conv<A> {
    fn kind(&self) -> &'static str {
        A::KIND
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let window = self.window(inputs)?;
        Ok(vec![inputs[0].resized(&window.output_shape)])
    }

    fn run(&self, inputs: &[&Tensor], context: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let call = Call { threads: context.threads, is_ordered: true, ..Call::default() };
        Ok(vec![self.approximate(A::KIND, &inputs[1..])?.forward_as(inputs[0], call)?])
    }

    fn macs(&self, inputs: &[&ValueType]) -> Option<Macs> {
        Some(Macs::from(&self.window(inputs).ok()?))
    }

    fn as_layer(&self) -> Option<&dyn Layer> {
        Some(self)
    }
}
