//! PyTorch's modules as builder methods, which architectures are written with.

use super::StateDict;
use crate::graph::op::{
    AdaptiveAveragePool, Add, BatchNorm, Conv, Flatten, GlobalAveragePool, LayerNorm, Linear, MaxPool, PoolWindow,
    Relu, Unary,
};
use crate::graph::{Dim, Graph, GraphError, Operator, ValueId};
use crate::layer::ConvAttributes;

/// A `Conv2d`, as PyTorch's arguments describe it: stride 1, no padding, one group, no bias by default.
#[derive(Debug, Clone, Copy)]
pub struct Conv2d {
    outputs: usize,
    kernel: [usize; 2],
    attributes: ConvAttributes<2>,
    same: bool,
    bias: bool,
}

impl Conv2d {
    /// A convolution to `outputs` channels with a kernel of `kernel` by `kernel`.
    pub fn new(outputs: usize, kernel: usize) -> Self {
        Self::rectangular(outputs, [kernel; 2])
    }

    /// A convolution to `outputs` channels with a kernel of some height and width.
    pub fn rectangular(outputs: usize, kernel: [usize; 2]) -> Self {
        Conv2d { outputs, kernel, attributes: ConvAttributes::default(), same: false, bias: false }
    }

    /// A stride of `stride` along both axes.
    #[must_use]
    pub fn stride(mut self, stride: usize) -> Self {
        self.attributes.stride = [stride; 2];
        self
    }

    /// Padding of `padding` on all sides.
    #[must_use]
    pub fn padding(mut self, padding: usize) -> Self {
        self.attributes.padding = [[padding; 2]; 2];
        self
    }

    /// Keras's padding `same`: as much as `ceil(size / stride)` outputs need, the smaller half before.
    #[must_use]
    pub fn same(self) -> Self {
        Conv2d { same: true, ..self }
    }

    /// Channels in `groups` groups.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.attributes.groups = groups;
        self
    }

    /// Depthwise: as many groups as outputs.
    #[must_use]
    pub fn depthwise(self) -> Self {
        self.groups(self.outputs)
    }

    /// With a bias.
    #[must_use]
    pub fn bias(self) -> Self {
        Conv2d { bias: true, ..self }
    }

    /// The attributes over an input of `size`.
    fn attributes(&self, size: [usize; 2]) -> ConvAttributes<2> {
        let mut attributes = self.attributes;
        if self.same {
            for (axis, padding) in attributes.padding.iter_mut().enumerate() {
                let (size, stride) = (size[axis], attributes.stride[axis]);
                let needed = (size.div_ceil(stride).max(1) - 1) * stride + self.kernel[axis];
                let total = needed.saturating_sub(size);
                *padding = [total / 2, total - total / 2];
            }
        }
        attributes
    }
}

/// A pointwise nonlinearity, with PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// None.
    Identity,
    /// `ReLU`.
    Relu,
    /// `ReLU6`.
    Relu6,
    /// `SiLU`.
    Silu,
    /// `Hardswish`.
    HardSwish,
    /// `Sigmoid`.
    Sigmoid,
    /// `Hardsigmoid`.
    HardSigmoid,
    /// `GELU`.
    Gelu,
}

/// Adds modules to a graph.
pub struct Builder<'a> {
    graph: &'a mut Graph,
    num_classes: usize,
    state_dict: Option<&'a StateDict>,
    norm_eps: f64,
}

impl<'a> Builder<'a> {
    pub(super) fn new(graph: &'a mut Graph, num_classes: usize, state_dict: Option<&'a StateDict>) -> Self {
        Builder { graph, num_classes, state_dict, norm_eps: 1e-5 }
    }

    /// Sets the epsilon of the batch normalizations that follow; PyTorch's 1e-5 is the default.
    pub fn set_norm_eps(&mut self, eps: f64) {
        self.norm_eps = eps;
    }

    /// Outputs of the network.
    pub fn num_classes(&self) -> usize {
        self.num_classes
    }

    /// Whether the given weights have a tensor of this name.
    pub fn has(&self, tensor: &str) -> bool {
        self.state_dict.is_some_and(|state_dict| state_dict.contains_key(tensor))
    }

    /// The size of a value along `axis`, which is not the batch.
    pub fn size(&self, x: ValueId, axis: usize) -> usize {
        match self.graph.ty(x).shape.get(axis) {
            Some(&Dim::Fixed(size)) => size,
            _ => 0,
        }
    }

    /// A node without parameters.
    ///
    /// # Errors
    /// When the operator does not accept its inputs.
    pub fn node(&mut self, name: &str, op: impl Operator, inputs: &[ValueId]) -> Result<ValueId, GraphError> {
        self.graph.add_one(name, op, inputs)
    }

    /// A convolution.
    ///
    /// # Errors
    /// When it does not accept its input.
    pub fn conv2d(&mut self, name: &str, x: ValueId, conv: Conv2d) -> Result<ValueId, GraphError> {
        let Conv2d { outputs, kernel: [height, width], bias, .. } = conv;
        let attributes = conv.attributes([self.size(x, 2), self.size(x, 3)]);
        let shape = [outputs, self.size(x, 1) / attributes.groups, height, width];
        let mut inputs = vec![x, self.graph.parameter(&format!("{name}.weight"), &shape, true)?];
        if bias {
            inputs.push(self.graph.parameter(&format!("{name}.bias"), &[outputs], true)?);
        }
        self.node(name, Conv(attributes), &inputs)
    }

    /// A convolution, a batch normalization and an activation. `names` are those of the first two.
    ///
    /// # Errors
    /// When it does not accept its input.
    pub fn conv_norm(
        &mut self,
        names: [&str; 2],
        x: ValueId,
        conv: Conv2d,
        activation: Activation,
    ) -> Result<ValueId, GraphError> {
        let x = self.conv2d(names[0], x, conv)?;
        let x = self.batch_norm(names[1], x)?;
        self.activation(&format!("{}.act", names[1]), x, activation)
    }

    /// A `BatchNorm` over axis 1.
    ///
    /// # Errors
    /// When it does not accept its input.
    pub fn batch_norm(&mut self, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
        let channels = [self.size(x, 1)];
        let mut inputs = vec![x];
        for (part, trainable) in [("weight", true), ("bias", true), ("running_mean", false), ("running_var", false)] {
            inputs.push(self.graph.parameter(&format!("{name}.{part}"), &channels, trainable)?);
        }
        self.node(name, BatchNorm { eps: self.norm_eps }, &inputs)
    }

    /// A `LayerNorm` over the last axis, with the epsilon 1e-6 of vision transformers.
    ///
    /// # Errors
    /// When it does not accept its input.
    pub fn layer_norm(&mut self, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
        let axis = self.last_axis(x);
        let size = [self.size(x, axis)];
        let gain = self.parameter(&format!("{name}.weight"), &size)?;
        let beta = self.parameter(&format!("{name}.bias"), &size)?;
        self.node(name, LayerNorm { axis, eps: 1e-6 }, &[x, gain, beta])
    }

    /// A trainable parameter.
    ///
    /// # Errors
    /// When its name is taken.
    pub fn parameter(&mut self, name: &str, shape: &[usize]) -> Result<ValueId, GraphError> {
        self.graph.parameter(name, shape, true)
    }

    fn last_axis(&self, x: ValueId) -> usize {
        self.graph.ty(x).rank().saturating_sub(1)
    }

    /// A `Linear` to `outputs` over the last axis, with bias.
    ///
    /// # Errors
    /// When it does not accept its input.
    pub fn linear(&mut self, name: &str, x: ValueId, outputs: usize) -> Result<ValueId, GraphError> {
        self.linear_with(name, [&format!("{name}.weight"), &format!("{name}.bias")], x, outputs)
    }

    /// The same with parameters called `parameters`.
    ///
    /// # Errors
    /// When it does not accept its input.
    pub fn linear_with(
        &mut self,
        name: &str,
        parameters: [&str; 2],
        x: ValueId,
        outputs: usize,
    ) -> Result<ValueId, GraphError> {
        let shape = [outputs, self.size(x, self.last_axis(x))];
        let weight = self.parameter(parameters[0], &shape)?;
        let bias = self.parameter(parameters[1], &[outputs])?;
        self.node(name, Linear, &[x, weight, bias])
    }

    /// A `MaxPool2d` with a square window of `kernel`, steps of `stride`, and `padding` on all sides.
    ///
    /// # Errors
    /// When it does not accept its input.
    pub fn max_pool(
        &mut self,
        name: &str,
        x: ValueId,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Result<ValueId, GraphError> {
        let window = PoolWindow { stride: [stride; 2], padding: [[padding; 2]; 2], ..PoolWindow::square(kernel) };
        self.node(name, MaxPool(window), &[x])
    }

    /// The mean of each channel, as a vector.
    ///
    /// # Errors
    /// When its input is not an image.
    pub fn pooled(&mut self, x: ValueId) -> Result<ValueId, GraphError> {
        let x = self.node("avgpool", GlobalAveragePool, &[x])?;
        self.flatten(x)
    }

    /// The means of `size` by `size` windows of each channel, as a vector.
    ///
    /// # Errors
    /// When its input is not an image.
    pub fn pooled_to(&mut self, x: ValueId, size: usize) -> Result<ValueId, GraphError> {
        let output = [size; 2];
        let x = if [self.size(x, 2), self.size(x, 3)] == output {
            x
        } else {
            self.node("avgpool", AdaptiveAveragePool { output }, &[x])?
        };
        self.flatten(x)
    }

    /// Each sample as a vector.
    ///
    /// # Errors
    /// When there are no samples.
    pub fn flatten(&mut self, x: ValueId) -> Result<ValueId, GraphError> {
        self.node("flatten", Flatten { axis: 1 }, &[x])
    }

    /// The sum of a branch and its shortcut.
    ///
    /// # Errors
    /// When their shapes differ.
    pub fn add(&mut self, name: &str, branch: ValueId, shortcut: ValueId) -> Result<ValueId, GraphError> {
        self.node(name, Add::default(), &[branch, shortcut])
    }

    /// A ReLU.
    ///
    /// # Errors
    /// When its input is not `f32`.
    pub fn relu(&mut self, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
        self.activation(name, x, Activation::Relu)
    }

    /// An activation.
    ///
    /// # Errors
    /// When its input is not `f32`.
    pub fn activation(&mut self, name: &str, x: ValueId, activation: Activation) -> Result<ValueId, GraphError> {
        let op = match activation {
            Activation::Identity => return Ok(x),
            Activation::Relu => return self.node(name, Relu, &[x]),
            Activation::Relu6 => Unary::Clip { min: 0.0, max: 6.0 },
            Activation::Silu => Unary::Silu,
            Activation::HardSwish => Unary::HardSwish,
            Activation::Sigmoid => Unary::Sigmoid,
            Activation::HardSigmoid => Unary::HardSigmoid { slope: 1.0 / 6.0, shift: 0.5 },
            Activation::Gelu => Unary::Gelu,
        };
        self.node(name, op, &[x])
    }
}
