//! The approximate convolution layers.
//!
//! ```
//! use approx_eval::layer::{ApproxConv2d, ConvAttributes, WeightedLayer};
//! use candle_core::{Device, Module, Tensor};
//!
//! // The sum of a 3x3 neighborhood, at every other position of both axes.
//! let weight = Tensor::ones((1, 1, 3, 3), candle_core::DType::F32, &Device::Cpu)?;
//! let attributes = ConvAttributes { stride: [2, 2], padding: [[1, 1]; 2], ..ConvAttributes::default() };
//! let conv = ApproxConv2d::new("conv", attributes, &weight, None)?;
//!
//! let image = Tensor::arange(0f32, 16., &Device::Cpu)?.reshape((1, 1, 4, 4))?;
//! let output = conv.forward(&image)?.reshape((2, 2))?.to_vec2::<f32>()?;
//! assert_eq!(output, [[10., 24.], [51., 90.]]);
//! assert_eq!((conv.fan_in(), conv.opcount(image.dims())?), (9, 4 * 9));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::convolution::{Convolution, check_weight};
use super::state::LayerState;
use super::{ApproxLayer, Call, Flow, LayerError, LayerParts, LayerProblem, WeightedCore, WeightedLayer, Window};
use crate::kernel::{ConvGeometry, output_size};
use candle_core::{Module, Tensor};

/// Attributes of a convolution over `D` spatial axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvAttributes<const D: usize> {
    /// Steps between output positions.
    pub stride: [usize; D],
    /// Padding before and after each axis.
    pub padding: [[usize; 2]; D],
    /// Distance between kernel taps.
    pub dilation: [usize; D],
    /// Groups of channels that do not mix.
    pub groups: usize,
}

impl<const D: usize> Default for ConvAttributes<D> {
    fn default() -> Self {
        ConvAttributes { stride: [1; D], padding: [[0; 2]; D], dilation: [1; D], groups: 1 }
    }
}

/// Names of the first two axes of a weight.
const WEIGHT: [&str; 2] = ["out", "in"];

/// A weight is `[out, in / groups, kernel..]`.
impl<const D: usize> Convolution for ConvAttributes<D> {
    const AXES: usize = D;
    const KIND: &'static str = if D == 1 { "conv1d" } else { "conv2d" };

    fn window(&self, input: &[usize], weight: &[usize]) -> Result<Window, LayerProblem> {
        check_weight(weight, D, self.groups, WEIGHT)?;
        let channels = weight[1] * self.groups;
        if input.len() != D + 2 || input[1] != channels {
            let expected = format!("[batch, {channels}, {D} sizes]");
            return Err(LayerProblem::Input { found: input.to_vec(), expected });
        }
        // One-dimensional layers are two-dimensional ones of height 1.
        let mut geometry = ConvGeometry::point(weight[1]);
        let mut output_shape = vec![input[0], weight[0]];
        for axis in 0..D {
            let at = 2 - D + axis;
            let [before, after] = self.padding[axis];
            let (size, kernel, stride, dilation) =
                (input[2 + axis], weight[2 + axis], self.stride[axis], self.dilation[axis]);
            geometry.output[at] = output_size(size, kernel, stride, dilation, before + after)?;
            geometry.input[at] = size;
            geometry.kernel[at] = kernel;
            geometry.stride[at] = stride;
            geometry.dilation[at] = dilation;
            geometry.padding[at] = before;
            output_shape.push(geometry.output[at]);
        }
        let (samples, images, outputs) = (input[0], input[0], weight[0]);
        Ok(Window { samples, images, groups: self.groups, outputs, geometry, flow: Flow::Forward, output_shape })
    }

    fn output_channel(&self, weight: &[usize], element: usize) -> usize {
        element / weight[1..].iter().product::<usize>()
    }

    fn layer(self, name: &str, weight: &Tensor, bias: Option<&Tensor>) -> Result<Box<dyn WeightedLayer>, LayerError> {
        Ok(Box::new(ApproxConv::new(name, self, weight, bias)?))
    }
}

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
        check_weight(weight.dims(), D, attributes.groups, WEIGHT).map_err(|problem| problem.in_layer(name))?;
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
        ConvAttributes::<D>::KIND
    }

    fn anew(&self) -> Result<Box<dyn ApproxLayer>, LayerError> {
        Ok(self.weighted_anew()?)
    }

    fn as_weighted(&self) -> Option<&dyn WeightedLayer> {
        Some(self)
    }

    fn as_weighted_mut(&mut self) -> Option<&mut dyn WeightedLayer> {
        Some(self)
    }
}

impl<const D: usize> WeightedLayer for ApproxConv<D> {
    fn with_parts(&self, parts: &LayerParts) -> Result<Box<dyn WeightedLayer>, LayerError> {
        let state = self.state.with_parts(parts)?;
        Ok(Box::new(ApproxConv { state, attributes: self.attributes }))
    }
}

impl<const D: usize> WeightedCore for ApproxConv<D> {
    fn state(&self) -> &LayerState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut LayerState {
        &mut self.state
    }

    fn window(&self, input: &[usize]) -> Result<Window, LayerError> {
        self.attributes.window(input, self.weight_shape()).map_err(|problem| problem.in_layer(self.name()))
    }
}

impl<const D: usize> Module for ApproxConv<D> {
    fn forward(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.forward_as(xs, Call::default()).map_err(candle_core::Error::wrap)
    }
}
