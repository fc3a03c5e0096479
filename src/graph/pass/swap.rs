//! Swapping every linear and convolution layer, and every product of two activations, for its approximate
//! counterpart.

use super::products::{Product, products};
use crate::graph::network::Source;
use crate::graph::op::{Approximate, ApproximateMatMul};
use crate::graph::{Graph, RunError};
use crate::layer::ApproxMatMul;
use candle_core::Tensor;

/// Replaces each layer whose weights are bound by its approximate counterpart in baseline mode, with the
/// name of the node, and each product of two activations. Layers whose weights are computed by other nodes stay.
///
/// # Errors
/// Names the layer whose tensors do not fit.
pub fn swap_layers(graph: &mut Graph) -> Result<(), RunError> {
    graph.plans.clear();
    for node in &mut graph.nodes {
        let Some((&input, parameters)) = node.inputs.split_first() else { continue };
        let tensors: Option<Vec<&Tensor>> = parameters
            .iter()
            .map(|id| match &graph.values[id.0].source {
                Source::Parameter { data, .. } => data.as_ref(),
                Source::Input | Source::Node => None,
            })
            .collect();
        let (Some(layer), Some(tensors)) = (node.op.as_layer(), tensors) else { continue };
        let layer = layer.approximate(&node.name, &tensors).map_err(|source| RunError::Node {
            node: node.name.clone(),
            kind: node.op.kind(),
            source: Box::new(source),
        })?;
        node.op = Box::new(Approximate::new(layer));
        node.inputs = vec![input];
    }
    for Product { node, samples } in products(graph) {
        let node = &mut graph.nodes_mut()[node];
        node.op = Box::new(ApproximateMatMul::new(ApproxMatMul::new(&node.name).with_samples(samples)));
    }
    graph.release_unread();
    Ok(())
}
