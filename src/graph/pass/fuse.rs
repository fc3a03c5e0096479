//! Fusing activations that only clip, such as ReLU, into the operators before them.

use crate::graph::Graph;

/// Fuses every clip (ReLU, ReLU6) into the operator before it, if that can clip its output and has no other
/// reader. No bit changes.
pub fn fuse_clips(graph: &mut Graph) {
    let mut at = 0;
    while at < graph.nodes.len() {
        let node = &graph.nodes[at];
        let maker = node.op.as_clip().and_then(|clip| Some((graph.sole_producer(*node.inputs.first()?)?, clip)));
        let fusible = maker.and_then(|(maker, clip)| Some((graph.nodes[maker].op.as_fusible()?, clip)));
        if let Some((fusible, clip)) = fusible {
            fusible.fuse_clip(clip);
            graph.bypass(at);
        } else {
            at += 1;
        }
    }
}
