//! The linear and convolution layers of a graph, its products of two activations, and what they multiply.

use super::{Dim, Graph, Macs, Node, ValueType};
use crate::layer::{ApproxLayer, Window};
use crate::quant::Operands;
use serde::Serialize;
use std::collections::BTreeSet;

/// Shape and multiplications of a linear or convolution layer, or of a matrix product of two activations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LayerCounts {
    /// The layer's name.
    pub name: String,
    /// The kind of layer.
    pub kind: &'static str,
    /// Multiplications of one sample's forward pass.
    pub opcount: u64,
    /// Products summed into one output element; the largest where numbers differ.
    pub fan_in: usize,
    /// Dimensions of one sample's output.
    pub output_shape: Vec<usize>,
    /// Dimensions of the weight; empty for a product of two activations.
    pub weight_shape: Vec<usize>,
}

impl Graph {
    /// Counts of the linear and convolution layers, approximate or not, and of the matrix products of two
    /// activations, in graph order.
    pub fn layer_counts(&self) -> Vec<LayerCounts> {
        self.nodes.iter().filter_map(|node| self.counts(node)).collect()
    }

    fn counts(&self, node: &Node) -> Option<LayerCounts> {
        let types: Vec<&ValueType> = node.inputs.iter().map(|&id| self.ty(id)).collect();
        let Macs { opcount, fan_in } = node.op.macs(&types)?;
        let output = self.ty(node.outputs[0]);
        let weighted = node.op.as_approximate().and_then(|layer| layer.as_weighted());
        let (output_shape, weight_shape) = match (weighted, node.op.as_layer()) {
            (Some(layer), _) => (output.sizes(1)[1..].to_vec(), layer.weight_shape().to_vec()),
            (None, Some(_)) => (output.sizes(1)[1..].to_vec(), types[1].sizes(1)),
            // A product of activations may have other axes before the batch.
            (None, None) => {
                let dims = output.shape.iter().filter(|dim| **dim != Dim::Batch(1));
                (dims.map(|dim| dim.size(1)).collect(), Vec::new())
            }
        };
        Some(LayerCounts { name: node.name.clone(), kind: node.op.kind(), opcount, fan_in, output_shape, weight_shape })
    }

    /// The window of a linear or convolution layer, approximate or not, under a batch of one.
    pub(crate) fn window(&self, node: &Node) -> Option<Window> {
        let types: Vec<&ValueType> = node.inputs.iter().map(|&id| self.ty(id)).collect();
        match node.op.as_approximate() {
            Some(layer) => layer.as_weighted()?.window(&types.first()?.sizes(1)).ok(),
            None => node.op.as_layer()?.window(&types).ok(),
        }
    }

    /// Elements of one sample of each approximate layer's operands that are activations, in graph order.
    pub fn layer_input_elements(&self) -> Vec<Operands<usize>> {
        let layers = self.nodes.iter().filter(|node| node.op.as_approximate().is_some());
        let elements = |id| self.ty(id).sizes(1).iter().product();
        layers
            .map(|node| Operands { input: node.inputs[0], second: node.inputs.get(1).copied() }.map(elements))
            .collect()
    }

    /// The names of the layers that batch normalizations were folded into.
    pub fn folded_layers(&self) -> &BTreeSet<String> {
        &self.folded
    }

    /// The approximate layers that were swapped in, products of two activations among them, in graph order.
    pub fn layers(&self) -> impl Iterator<Item = &dyn ApproxLayer> {
        self.nodes.iter().filter_map(|node| node.op.as_approximate())
    }

    /// The same, mutably.
    pub fn layers_mut(&mut self) -> impl Iterator<Item = &mut dyn ApproxLayer> {
        self.nodes_mut().iter_mut().filter_map(|node| node.op.as_approximate_mut())
    }
}
