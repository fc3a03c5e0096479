//! Additions that layers do in the pass over their outputs.

use crate::graph::op::Add;
use crate::graph::{Graph, Node, ValueId};
use crate::kernel::Clip;
use std::any::Any;
use std::collections::HashMap;

/// The addition that follows a layer.
#[derive(Debug, Clone, Copy)]
pub struct Fusion {
    /// The node that adds.
    pub add: usize,
    /// The other number.
    pub residual: ValueId,
    /// The range that sums are clamped to.
    pub clip: Clip,
}

/// The additions that can be fused into the layers of which `is_layer` says that they run on images, by the layer's
/// node: of two values of one shape, the later of which is the output of a layer that nothing else reads.
pub fn fusions(graph: &Graph, is_layer: &[bool]) -> HashMap<usize, Fusion> {
    let outputs = |(i, node): (usize, &Node)| node.outputs.iter().map(move |&output| (output, i)).collect::<Vec<_>>();
    let producers: HashMap<ValueId, usize> = graph.nodes.iter().enumerate().flat_map(outputs).collect();
    let mut readers: HashMap<ValueId, usize> = HashMap::new();
    for &value in graph.nodes.iter().flat_map(|node| &node.inputs).chain(&graph.outputs) {
        *readers.entry(value).or_default() += 1;
    }
    let fusion = |(add, node): (usize, &Node)| {
        let any: &dyn Any = node.op.as_ref();
        any.downcast_ref::<Add>()?;
        let &[a, b] = node.inputs.as_slice() else { return None };
        // What has no producer is there from the beginning.
        let of = |value: ValueId| producers.get(&value).copied();
        let (layer, value, residual) = if of(a) > of(b) { (of(a)?, a, b) } else { (of(b)?, b, a) };
        let is_alike = graph.ty(value).shape == graph.ty(residual).shape && graph.ty(value).has_batch();
        let fits = is_layer[layer] && readers[&value] == 1 && is_alike && a != b;
        fits.then_some((layer, Fusion { add, residual, clip: node.op.output_clip() }))
    };
    graph.nodes.iter().enumerate().filter_map(fusion).collect()
}
