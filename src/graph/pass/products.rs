//! Products of two activations: which matrix products of a graph they are.

use crate::graph::op::MatMul;
use crate::graph::{Graph, Node, ValueId, ValueType};
use crate::layer::SampleAxis;
use crate::quant::LayerParams;
use std::any::Any;
use std::collections::HashSet;

/// A matrix product of a graph, both of whose factors depend on the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Product {
    /// Index of its node.
    pub node: usize,
    /// Where samples lie; none where the network takes them one by one.
    pub samples: Option<SampleAxis>,
}

/// The products of two activations, in graph order. One of whose factors is constant, or the same for all samples
/// of a batch, is none.
pub(super) fn products(graph: &Graph) -> Vec<Product> {
    let has_batch = graph.inputs.iter().any(|&id| graph.ty(id).has_batch());
    let mut computed: HashSet<ValueId> = graph.inputs.iter().copied().collect();
    let mut products = Vec::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        let depends = |id: &ValueId| computed.contains(id);
        if is_matmul(node) && node.inputs.iter().all(depends) {
            let axes: Vec<Option<SampleAxis>> = node.inputs.iter().map(|&id| sample_axis(graph.ty(id))).collect();
            if axes[0] == axes[1] && axes[0].is_some() == has_batch {
                products.push(Product { node: at, samples: axes[0] });
            }
        }
        if node.inputs.iter().any(depends) {
            computed.extend(&node.outputs);
        }
    }
    products
}

fn is_matmul(node: &Node) -> bool {
    (node.op.as_ref() as &dyn Any).is::<MatMul>()
}

fn sample_axis(ty: &ValueType) -> Option<SampleAxis> {
    ty.batch_axis().map(|(axis, elements)| SampleAxis { axis, elements })
}

/// The quantization parameters of products both of whose factors are quantized already, by name.
pub fn product_params(graph: &Graph) -> Vec<(String, LayerParams)> {
    let params = |product: Product| {
        let node = &graph.nodes[product.node];
        let of = |factor: usize| graph.ty(node.inputs[factor]).element.quantization()?.operands().ok();
        Some((node.name.clone(), LayerParams::new(of(0)?, of(1)?.as_weight())))
    };
    products(graph).into_iter().filter_map(params).collect()
}
