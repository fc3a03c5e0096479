//! Layers as PyTorch's modules name them: what architectures are written in.

use super::Weights;
use crate::graph::op::{BatchNorm, Conv, Linear, Relu};
use crate::graph::{Dim, Graph, GraphError, Operator, ValueId};
use crate::layer::ConvAttributes;

/// A square `Conv2d`, as PyTorch's arguments describe it: stride 1, no padding, no bias, unless said.
#[derive(Debug, Clone, Copy)]
pub struct Conv2d {
    outputs: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    bias: bool,
}

impl Conv2d {
    /// A convolution to `outputs` channels with a kernel of `kernel` by `kernel`.
    pub fn new(outputs: usize, kernel: usize) -> Self {
        Conv2d { outputs, kernel, stride: 1, padding: 0, bias: false }
    }

    /// Steps of `stride` along both axes.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Conv2d { stride, ..self }
    }

    /// Padding of `padding` on all sides.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Conv2d { padding, ..self }
    }

    /// With a bias.
    #[must_use]
    pub fn bias(self) -> Self {
        Conv2d { bias: true, ..self }
    }
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
        let Conv2d { outputs, kernel, stride, padding, bias } = conv;
        let attributes = ConvAttributes { stride: [stride; 2], padding: [[padding; 2]; 2], ..Default::default() };
        let shape = [outputs, self.size(x, 1), kernel, kernel];
        let mut inputs = vec![x, self.graph.parameter(&format!("{name}.weight"), &shape, true)?];
        if bias {
            inputs.push(self.graph.parameter(&format!("{name}.bias"), &[outputs], true)?);
        }
        self.node(name, Conv(attributes), &inputs)
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
        self.node(name, Relu, &[x])
    }
}
