//! The approximate transposed convolution layers, which decoders and generators upsample by.
//!
//! ```
//! use approx_eval::layer::{ApproxConvTranspose2d, ConvTransposeAttributes, WeightedLayer};
//! use candle_core::{Device, Module, Tensor};
//!
//! // Every pixel becomes a square of four.
//! let weight = Tensor::ones((1, 1, 2, 2), candle_core::DType::F32, &Device::Cpu)?;
//! let attributes = ConvTransposeAttributes { stride: [2, 2], ..ConvTransposeAttributes::default() };
//! let upsample = ApproxConvTranspose2d::new("upsample", attributes, &weight, None)?;
//!
//! let image = Tensor::new(&[[[[1f32, 2.]]]], &Device::Cpu)?;
//! let output = upsample.forward(&image)?.reshape((2, 4))?.to_vec2::<f32>()?;
//! assert_eq!(output, [[1., 1., 2., 2.], [1., 1., 2., 2.]]);
//! assert_eq!((upsample.fan_in(), upsample.opcount(image.dims())?), (1, 8));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::convolution::{Convolution, check_weight};
use super::state::LayerState;
use super::taps::most_taps;
use super::{ApproxLayer, Call, Flow, LayerError, LayerParts, LayerProblem, WeightedCore, WeightedLayer, Window};
use crate::kernel::{ConvGeometry, GeometryError};
use candle_core::{Module, Tensor};

/// Attributes of a transposed convolution over `D` spatial axes, as PyTorch and ONNX define it: tap
/// `k` takes input position `i` to output position `i * stride + k * dilation - padding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTransposeAttributes<const D: usize> {
    /// Steps between the output positions of neighboring inputs.
    pub stride: [usize; D],
    /// Output positions cropped before and after each axis.
    pub padding: [[usize; 2]; D],
    /// Output positions added after each axis, before cropping.
    pub output_padding: [usize; D],
    /// Distance between kernel taps in the output.
    pub dilation: [usize; D],
    /// Groups of channels that do not mix.
    pub groups: usize,
}

impl<const D: usize> Default for ConvTransposeAttributes<D> {
    fn default() -> Self {
        ConvTransposeAttributes {
            stride: [1; D],
            padding: [[0; 2]; D],
            output_padding: [0; D],
            dilation: [1; D],
            groups: 1,
        }
    }
}

impl<const D: usize> ConvTransposeAttributes<D> {
    /// Fails when rank, groups or sizes contradict each other, or a stride or dilation is 0.
    fn check(&self, weight: &[usize]) -> Result<(), LayerProblem> {
        for (what, sizes) in [("stride", self.stride), ("dilation", self.dilation)] {
            if sizes.contains(&0) {
                return Err(GeometryError::Zero { what }.into());
            }
        }
        check_weight(weight, D, self.groups, WEIGHT)
    }

    /// Output positions along an axis before cropping, of an input of `size` positions:
    /// `(size - 1) * stride + dilation * (kernel - 1) + 1 + output_padding`.
    pub fn whole_output(&self, axis: usize, size: usize, kernel: usize) -> usize {
        let steps = size.saturating_sub(1).saturating_mul(self.stride[axis]);
        let span = kernel.saturating_sub(1).saturating_mul(self.dilation[axis]).saturating_add(1);
        steps.saturating_add(span).saturating_add(self.output_padding[axis])
    }
}

/// Names of the first two axes of a weight.
const WEIGHT: [&str; 2] = ["in", "out"];

/// A weight is `[in, out / groups, kernel..]`.
impl<const D: usize> Convolution for ConvTransposeAttributes<D> {
    const AXES: usize = D;
    const KIND: &'static str = if D == 1 { "conv_transpose1d" } else { "conv_transpose2d" };

    fn window(&self, input: &[usize], weight: &[usize]) -> Result<Window, LayerProblem> {
        self.check(weight)?;
        let channels = weight[0];
        if input.len() != D + 2 || input[1] != channels || input[2..].contains(&0) {
            let expected = format!("[batch, {channels}, {D} sizes of at least 1]");
            return Err(LayerProblem::Input { found: input.to_vec(), expected });
        }
        let outputs = weight[1] * self.groups;
        let mut geometry = ConvGeometry::point(channels / self.groups);
        let mut output_shape = vec![input[0], outputs];
        for axis in 0..D {
            let at = 2 - D + axis;
            let (size, kernel) = (input[2 + axis], weight[2 + axis]);
            let [before, after] = self.padding[axis];
            let whole = self.whole_output(axis, size, kernel);
            let output = whole.saturating_sub(before).saturating_sub(after);
            if output == 0 {
                return Err(LayerProblem::CutOff { padding: [before, after], whole });
            }
            geometry.input[at] = size;
            geometry.output[at] = output;
            geometry.kernel[at] = kernel;
            geometry.stride[at] = self.stride[axis];
            geometry.dilation[at] = self.dilation[axis];
            geometry.padding[at] = before;
            output_shape.push(output);
        }
        let (samples, images) = (input[0], input[0]);
        Ok(Window { samples, images, groups: self.groups, outputs, geometry, flow: Flow::Transposed, output_shape })
    }

    fn output_channel(&self, weight: &[usize], element: usize) -> usize {
        let (group_inputs, group_outputs) = (weight[0] / self.groups, weight[1]);
        let kernel = weight[2..].iter().product::<usize>();
        let (input, output) = (element / (group_outputs * kernel), element / kernel % group_outputs);
        input / group_inputs * group_outputs + output
    }

    fn layer(self, name: &str, weight: &Tensor, bias: Option<&Tensor>) -> Result<Box<dyn WeightedLayer>, LayerError> {
        Ok(Box::new(ApproxConvTranspose::new(name, self, weight, bias)?))
    }
}

/// A transposed convolution over `D` spatial axes, made from a weight `[in, out / groups, kernel..]`.
///
/// The layer keeps its weight with the output channels of all groups first, `[out, kernel..,
/// in / groups]`: that is what [`weight`](WeightedLayer::weight) returns, and the axis of per-channel scales and
/// zero points (axis 0 in files of quantization parameters), as for every layer.
#[derive(Debug)]
pub struct ApproxConvTranspose<const D: usize> {
    state: LayerState,
    attributes: ConvTransposeAttributes<D>,
    /// Dimensions of the weight that the layer was made from.
    weight_shape: Vec<usize>,
}

/// A transposed convolution over `[batch, channels, length]`.
pub type ApproxConvTranspose1d = ApproxConvTranspose<1>;

/// A transposed convolution over `[batch, channels, height, width]`.
pub type ApproxConvTranspose2d = ApproxConvTranspose<2>;

impl<const D: usize> ApproxConvTranspose<D> {
    /// A layer in baseline mode.
    ///
    /// # Errors
    /// When weight, bias and attributes contradict each other.
    pub fn new(
        name: &str,
        attributes: ConvTransposeAttributes<D>,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Self, LayerError> {
        let weight_shape = weight.dims().to_vec();
        attributes.check(&weight_shape).map_err(|problem| problem.in_layer(name))?;
        let taps = weight_shape[2..].iter().product();
        let outputs_first = || {
            let (groups, inputs) = (attributes.groups, weight_shape[0] / attributes.groups);
            let split = weight.reshape((groups, inputs, weight_shape[1], taps))?;
            let order = [&[groups * weight_shape[1]], &weight_shape[2..], &[inputs]].concat();
            split.permute((0, 2, 3, 1))?.reshape(order)
        };
        let weight = outputs_first().map_err(|error| LayerProblem::from(error).in_layer(name))?;
        let mut state = LayerState::new(name, &weight, bias)?;
        state.rows_per_output = taps;
        Ok(ApproxConvTranspose { state, attributes, weight_shape })
    }
}

impl ApproxConvTranspose1d {
    /// The approximate counterpart of candle's layer, in baseline mode.
    ///
    /// # Errors
    /// When its tensors cannot be read as `f32`.
    pub fn from_super(layer: &candle_nn::ConvTranspose1d) -> Result<Self, LayerError> {
        let config = layer.config();
        let attributes = ConvTransposeAttributes {
            stride: [config.stride],
            padding: [[config.padding; 2]],
            output_padding: [config.output_padding],
            dilation: [config.dilation],
            groups: config.groups,
        };
        Self::new("conv_transpose1d", attributes, layer.weight(), layer.bias())
    }
}

impl ApproxConvTranspose2d {
    /// The approximate counterpart of candle's layer, in baseline mode.
    ///
    /// # Errors
    /// When its tensors cannot be read as `f32`.
    pub fn from_super(layer: &candle_nn::ConvTranspose2d) -> Result<Self, LayerError> {
        let config = layer.config();
        let attributes = ConvTransposeAttributes {
            stride: [config.stride; 2],
            padding: [[config.padding; 2]; 2],
            output_padding: [config.output_padding; 2],
            dilation: [config.dilation; 2],
            groups: 1,
        };
        Self::new("conv_transpose2d", attributes, layer.weight(), layer.bias())
    }
}

impl<const D: usize> ApproxLayer for ApproxConvTranspose<D> {
    fn kind(&self) -> &'static str {
        ConvTransposeAttributes::<D>::KIND
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

impl<const D: usize> WeightedLayer for ApproxConvTranspose<D> {
    fn with_parts(&self, parts: &LayerParts) -> Result<Box<dyn WeightedLayer>, LayerError> {
        let state = self.state.with_parts(parts)?;
        let (attributes, weight_shape) = (self.attributes, self.weight_shape.clone());
        Ok(Box::new(ApproxConvTranspose { state, attributes, weight_shape }))
    }

    fn weight_shape(&self) -> &[usize] {
        &self.weight_shape
    }

    /// The most products that an output sums for large inputs; for small ones it may be fewer, see
    /// [`Window::fan_in`].
    fn fan_in(&self) -> usize {
        let ConvTransposeAttributes { stride, dilation, groups, .. } = &self.attributes;
        let most = |axis: usize| most_taps(self.weight_shape[2 + axis], stride[axis], dilation[axis]);
        self.weight_shape[0] / groups * (0..D).map(most).product::<usize>()
    }
}

impl<const D: usize> WeightedCore for ApproxConvTranspose<D> {
    fn state(&self) -> &LayerState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut LayerState {
        &mut self.state
    }

    fn window(&self, input: &[usize]) -> Result<Window, LayerError> {
        self.attributes.window(input, &self.weight_shape).map_err(|problem| problem.in_layer(self.name()))
    }
}

impl<const D: usize> Module for ApproxConvTranspose<D> {
    fn forward(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.forward_as(xs, Call::default()).map_err(candle_core::Error::wrap)
    }
}
