//! Layers as PyTorch's modules name them: what architectures are written in.

use super::Weights;
use crate::graph::op::{BatchNorm, Conv, Linear, Relu, Relu6};
use crate::graph::{Dim, Graph, GraphError, Operator, ValueId};
use crate::layer::ConvAttributes;

/// A `Conv2d`, as PyTorch's arguments describe it: stride 1, no padding, one group, no bias, unless said.
#[derive(Debug, Clone, Copy)]
pub struct Conv2d {
    outputs: usize,
    kernel: [usize; 2],
    attributes: ConvAttributes<2>,
    bias: bool,
}

impl Conv2d {
    /// A convolution to `outputs` channels with a kernel of `kernel` by `kernel`.
    pub fn new(outputs: usize, kernel: usize) -> Self {
        Self::rectangular(outputs, [kernel; 2])
    }

    /// A convolution to `outputs` channels with a kernel of some height and width.
    pub fn rectangular(outputs: usize, kernel: [usize; 2]) -> Self {
        Conv2d { outputs, kernel, attributes: ConvAttributes::default(), bias: false }
    }

    /// Steps of `stride` along both axes.
    #[must_use]
    pub fn stride(mut self, stride: usize) -> Self {
        self.attributes.stride = [stride; 2];
        self
    }

    /// Padding of `padding` on all sides.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        self.padding_each([[padding; 2]; 2])
    }

    /// Padding before and after height and width.
    #[must_use]
    pub fn padding_each(mut self, padding: [[usize; 2]; 2]) -> Self {
        self.attributes.padding = padding;
        self
    }

    /// Channels in `groups` that do not mix.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.attributes.groups = groups;
        self
    }

    /// Each channel on its own, as many as there are outputs.
    #[must_use]
    pub fn depthwise(self) -> Self {
        self.groups(self.outputs)
    }

    /// With a bias.
    #[must_use]
    pub fn bias(self) -> Self {
        Conv2d { bias: true, ..self }
    }
}

/// What follows a normalised convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

/// Adds modules to a graph.
pub struct Builder<'a> {
    graph: &'a mut Graph,
    num_classes: usize,
    weights: Option<&'a Weights>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(graph: &'a mut Graph, num_classes: usize, weights: Option<&'a Weights>) -> Self {
        Builder { graph, num_classes, weights }
    }

    /// Outputs of the network.
    pub fn num_classes(&self) -> usize {
        self.num_classes
    }

    /// Whether the weights at hand have a tensor of this name.
    pub fn has(&self, tensor: &str) -> bool {
        self.weights.is_some_and(|weights| weights.tensors.contains_key(tensor))
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
    /// When the operator does not suit its inputs.
    pub fn node(&mut self, name: &str, op: impl Operator, inputs: &[ValueId]) -> Result<ValueId, GraphError> {
        self.graph.add_one(name, op, inputs)
    }

    /// A convolution.
    ///
    /// # Errors
    /// When it does not suit its input.
    pub fn conv2d(&mut self, name: &str, x: ValueId, conv: Conv2d) -> Result<ValueId, GraphError> {
        let Conv2d { outputs, kernel: [height, width], attributes, bias } = conv;
        let shape = [outputs, self.size(x, 1) / attributes.groups, height, width];
        let mut inputs = vec![x, self.graph.parameter(&format!("{name}.weight"), &shape, true)?];
        if bias {
            inputs.push(self.graph.parameter(&format!("{name}.bias"), &[outputs], true)?);
        }
        self.node(name, Conv(attributes), &inputs)
    }

    /// torchvision's `Conv2dNormActivation`: a convolution `name.0`, a batch normalisation `name.1`, and
    /// an activation.
    ///
    /// # Errors
    /// When it does not suit its input.
    pub fn conv_norm(
        &mut self,
        name: &str,
        x: ValueId,
        conv: Conv2d,
        activation: Activation,
    ) -> Result<ValueId, GraphError> {
        let x = self.conv2d(&format!("{name}.0"), x, conv)?;
        let x = self.batch_norm(&format!("{name}.1"), x)?;
        self.activation(&format!("{name}.2"), x, activation)
    }

    /// A `BatchNorm` over axis 1 with PyTorch's default epsilon.
    ///
    /// # Errors
    /// When it does not suit its input.
    pub fn batch_norm(&mut self, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
        let channels = [self.size(x, 1)];
        let mut inputs = vec![x];
        for (part, trainable) in [("weight", true), ("bias", true), ("running_mean", false), ("running_var", false)] {
            inputs.push(self.graph.parameter(&format!("{name}.{part}"), &channels, trainable)?);
        }
        self.node(name, BatchNorm { eps: 1e-5 }, &inputs)
    }

    /// A `Linear` to `outputs`, with bias.
    ///
    /// # Errors
    /// When it does not suit its input.
    pub fn linear(&mut self, name: &str, x: ValueId, outputs: usize) -> Result<ValueId, GraphError> {
        let last = self.graph.ty(x).rank() - 1;
        let shape = [outputs, self.size(x, last)];
        let weight = self.graph.parameter(&format!("{name}.weight"), &shape, true)?;
        let bias = self.graph.parameter(&format!("{name}.bias"), &[outputs], true)?;
        self.node(name, Linear, &[x, weight, bias])
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
        match activation {
            Activation::Identity => Ok(x),
            Activation::Relu => self.node(name, Relu, &[x]),
            Activation::Relu6 => self.node(name, Relu6, &[x]),
        }
    }
}
