//! Names of the two products of an attention, for networks whose files do not name them.

use super::products::products;
use crate::graph::op::{Add, Binary, Expand, FakeQuantize, Reshape, Scale, Slice, Softmax, Transpose, Where};
use crate::graph::{Graph, Node, ValueId};
use std::any::Any;

/// Gives every product of two activations that a softmax follows, as of queries and keys, the name of its module
/// and `qk`, and every one whose factor a softmax precedes, as of attention weights and values, `av`. Between
/// them may be what scales, masks and moves numbers. Others keep their names, those that are both too.
pub fn name_attention(graph: &mut Graph) {
    let roles: Vec<(usize, &str)> = products(graph)
        .into_iter()
        .filter_map(|product| {
            let node = &graph.nodes[product.node];
            let of_softmax = |id: &ValueId| comes_from_softmax(graph, *id);
            let weights = node.inputs.iter().filter(|id| of_softmax(id)).count();
            match (leads_to_softmax(graph, node.outputs[0]), weights) {
                (true, 0) => Some((product.node, "qk")),
                (false, 1) => Some((product.node, "av")),
                _ => None,
            }
        })
        .collect();
    for (at, role) in roles {
        let name = graph.nodes[at].name.clone();
        // Repeated names were numbered.
        let module = name.rsplit_once('#').filter(|(_, number)| number.parse::<usize>().is_ok());
        let name = format!("{}.{role}", module.map_or(name.as_str(), |(module, _)| module));
        let repeats = (2..).map(|i| format!("{name}#{i}"));
        let unused = std::iter::once(name.clone()).chain(repeats).find(|name| !graph.has_name(name));
        graph.rename(at, &unused.unwrap_or(name));
    }
}

/// Whether a softmax reads the value, after nodes that pass it on.
fn leads_to_softmax(graph: &Graph, value: ValueId) -> bool {
    let mut values = vec![value];
    let mut seen = 0;
    while let Some(&value) = values.get(seen) {
        seen += 1;
        for node in graph.nodes.iter().filter(|node| node.inputs.contains(&value)) {
            if is_softmax(node) {
                return true;
            }
            if passes_on(node) {
                values.extend(node.outputs.iter().filter(|id| !values.contains(id)).copied().collect::<Vec<_>>());
            }
        }
    }
    false
}

/// Whether a softmax makes the value, before nodes that pass it on.
fn comes_from_softmax(graph: &Graph, value: ValueId) -> bool {
    let mut values = vec![value];
    let mut seen = 0;
    while let Some(&value) = values.get(seen) {
        seen += 1;
        let Some(node) = graph.nodes.iter().find(|node| node.outputs.contains(&value)) else { continue };
        if is_softmax(node) {
            return true;
        }
        if passes_on(node) {
            values.extend(node.inputs.iter().filter(|id| !values.contains(id)).copied().collect::<Vec<_>>());
        }
    }
    false
}

fn is_softmax(node: &Node) -> bool {
    (node.op.as_ref() as &dyn Any).downcast_ref::<Softmax>().is_some_and(|softmax| !softmax.log)
}

/// Whether a node scales, masks or moves numbers.
fn passes_on(node: &Node) -> bool {
    let op = node.op.as_ref() as &dyn Any;
    op.is::<Scale>()
        || op.is::<Binary>()
        || op.is::<Add>()
        || op.is::<Where>()
        || op.is::<FakeQuantize>()
        || op.is::<Reshape>()
        || op.is::<Transpose>()
        || op.is::<Expand>()
        || op.is::<Slice>()
}
