//! Sums of integers that are quantized again: one operator that rounds once.

use crate::graph::op::{FakeQuantize, QuantizedSum};
use crate::graph::{Graph, ValueId};
use crate::kernel::Clip;
use std::any::Any;

/// Makes one operator of each quantization of a sum of integers of one scale, where nothing else reads the sum; clips
/// between the two go into it. Integers that are quantized again are a sum of one.
pub fn sum_on_grids(graph: &mut Graph) {
    let mut replaced = Vec::new();
    for at in 0..graph.nodes.len() {
        if let Some(Sum { op, inputs, mut nodes }) = sum_before(graph, at) {
            let node = &mut graph.nodes_mut()[at];
            (node.op, node.inputs) = (Box::new(op), inputs);
            replaced.append(&mut nodes);
        }
    }
    // Each had one reader, which reads another value now.
    replaced.sort_unstable();
    for at in replaced.into_iter().rev() {
        graph.nodes_mut().remove(at);
    }
}

/// A sum that is quantized.
struct Sum {
    op: QuantizedSum,
    /// What it is a sum of.
    inputs: Vec<ValueId>,
    /// The nodes that it replaces.
    nodes: Vec<usize>,
}

/// The sum that node `at` quantizes.
fn sum_before(graph: &Graph, at: usize) -> Option<Sum> {
    let op: &dyn Any = graph.nodes[at].op.as_ref();
    let FakeQuantize(output) = *op.downcast_ref::<FakeQuantize>()?;
    let (mut value, mut clip, mut nodes) = (graph.nodes[at].inputs[0], Clip::default(), Vec::new());
    loop {
        let grid = |value: ValueId| graph.ty(value).element.quantization();
        if let Some(grid) = grid(value) {
            let op = QuantizedSum::of_one(grid.scale(), clip, output);
            return Some(Sum { op, inputs: vec![value], nodes });
        }
        let maker = graph.sole_producer(value)?;
        nodes.push(maker);
        let node = &graph.nodes[maker];
        let steps: Option<Vec<f32>> = node.inputs.iter().map(|&input| Some(grid(input)?.scale())).collect();
        if let Some((&step, others)) = steps.as_deref().and_then(<[f32]>::split_first)
            && others.iter().all(|&other| other == step)
            && let Some(op) = QuantizedSum::of(node.op.as_ref(), step, clip, output)
        {
            return Some(Sum { op, inputs: node.inputs.clone(), nodes });
        }
        // What comes first clips first.
        clip = node.op.as_clip()?.then(clip);
        value = node.inputs[0];
    }
}
