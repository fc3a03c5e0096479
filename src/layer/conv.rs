//! The approximate convolution layers.

use super::{ApproxLayer, Call, ConvAttributes, LayerError, LayerState, Window};
use candle_core::{Module, Tensor};

/// A convolution over `D` spatial axes with a weight `[out, in / groups, kernel..]`.
#[derive(Debug)]
pub struct ApproxConv<const D: usize> {
    state: LayerState,
    attributes: ConvAttributes<D>,
}

/// A convolution over `[batch, channels, length]`.
pub type ApproxConv1d = ApproxConv<1>;

/// A convolution over `[batch, channels, height, width]`.
pub type ApproxConv2d = ApproxConv<2>;

impl<const D: usize> ApproxConv<D> {
    /// A layer in baseline mode.
    ///
    /// # Errors
    /// When weight, bias and attributes contradict each other.
    pub fn new(
        name: &str,
        attributes: ConvAttributes<D>,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Self, LayerError> {
        attributes.check_weight(weight.dims()).map_err(|problem| problem.of(name))?;
        Ok(ApproxConv { state: LayerState::new(name, weight, bias)?, attributes })
    }
}

impl ApproxConv1d {
    /// The approximate counterpart of candle's layer, in baseline mode.
    ///
    /// # Errors
    /// When its tensors cannot be read as `f32`.
    pub fn from_super(layer: &candle_nn::Conv1d) -> Result<Self, LayerError> {
        let config = layer.config();
        let attributes = uniform(config.stride, config.padding, config.dilation, config.groups);
        Self::new("conv1d", attributes, layer.weight(), layer.bias())
    }
}

impl ApproxConv2d {
    /// The approximate counterpart of candle's layer, in baseline mode.
    ///
    /// # Errors
    /// When its tensors cannot be read as `f32`.
    pub fn from_super(layer: &candle_nn::Conv2d) -> Result<Self, LayerError> {
        let config = layer.config();
        let attributes = uniform(config.stride, config.padding, config.dilation, config.groups);
        Self::new("conv2d", attributes, layer.weight(), layer.bias())
    }
}

/// Attributes that are the same along every axis, as candle's layers have them.
fn uniform<const D: usize>(stride: usize, padding: usize, dilation: usize, groups: usize) -> ConvAttributes<D> {
    ConvAttributes { stride: [stride; D], padding: [[padding; 2]; D], dilation: [dilation; D], groups }
}

impl<const D: usize> ApproxLayer for ApproxConv<D> {
    fn kind(&self) -> &'static str {
        if D == 1 { "conv1d" } else { "conv2d" }
    }

    fn state(&self) -> &LayerState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut LayerState {
        &mut self.state
    }

    fn window(&self, input: &[usize]) -> Result<Window, LayerError> {
        self.attributes.window(input, self.weight().dims()).map_err(|problem| problem.of(self.name()))
    }
}

impl<const D: usize> Module for ApproxConv<D> {
    fn forward(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.forward_as(xs, Call::default()).map_err(candle_core::Error::wrap)
    }
}
