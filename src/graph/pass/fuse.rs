//! Fusing activations that only clip into the operators before them.

use crate::graph::Graph;

/// Lets every operator that can clip its output do what the clip that follows it does (ReLU, ReLU6),
/// where that is its only reader. No bit changes.
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
