//! Fusing ReLUs into the operators before them.

use crate::graph::Graph;
use crate::graph::op::Relu;
use std::any::Any;

/// Lets every operator that can apply the ReLU that follows it, where that is its only reader, do so.
/// No bit changes.
pub fn fuse_relu(graph: &mut Graph) {
    let mut at = 0;
    while at < graph.nodes.len() {
        let op: &dyn Any = graph.nodes[at].op.as_ref();
        let input = graph.nodes[at].inputs.first().copied();
        let maker = input.filter(|_| op.is::<Relu>()).and_then(|input| graph.sole_maker(input));
        if maker.is_some_and(|maker| graph.nodes[maker].op.fuse_relu()) {
            graph.bypass(at);
        } else {
            at += 1;
        }
    }
}
