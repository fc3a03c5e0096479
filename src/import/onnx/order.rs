//! The nodes of an ONNX graph that its output needs, in an order in which they can run.

use super::error::OnnxProblem;
use rten_onnx::onnx::{GraphProto, NodeProto};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How messages call a node: by its name, else by its first output.
pub(super) fn title(node: &NodeProto) -> String {
    let name = node.name.as_deref().filter(|name| !name.is_empty());
    match (name, node.output.first()) {
        (Some(name), _) => format!("node '{name}'"),
        (None, Some(output)) => format!("the node of '{output}'"),
        (None, None) => "a node without name and output".to_owned(),
    }
}

/// The nodes that `output` needs, each after those that it reads.
///
/// # Errors
/// When two nodes or initial values have one name, a value is read that nothing makes, or nodes wait
/// for one another.
pub(super) fn sorted<'a>(graph: &'a GraphProto, output: &str) -> Result<Vec<&'a NodeProto>, OnnxProblem> {
    let mut given: HashSet<&str> = HashSet::new();
    for name in graph.initializer.iter().filter_map(|tensor| tensor.name.as_deref()) {
        if !given.insert(name) {
            return Err(OnnxProblem::Duplicate(name.to_owned()));
        }
    }
    // Old files list initial values among the inputs, too.
    let mut inputs: HashSet<&str> = HashSet::new();
    for name in graph.input.iter().filter_map(|input| input.name.as_deref()) {
        if !inputs.insert(name) {
            return Err(OnnxProblem::Duplicate(name.to_owned()));
        }
    }
    given.extend(inputs);
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (i, node) in graph.node.iter().enumerate() {
        for name in node.output.iter().map(String::as_str).filter(|name| !name.is_empty()) {
            if given.contains(name) || makers.insert(name, i).is_some() {
                return Err(OnnxProblem::Duplicate(name.to_owned()));
            }
        }
    }

    let maker = |value: &str, reader: &dyn Fn() -> String| match makers.get(value) {
        Some(&maker) => Ok(Some(maker)),
        None if value.is_empty() || given.contains(value) => Ok(None),
        None => Err(OnnxProblem::Missing { value: value.to_owned(), reader: reader() }),
    };
    // What each needed node reads, found from the output backwards.
    let mut reads: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut open: Vec<usize> = maker(output, &|| "the graph's output".to_owned())?.into_iter().collect();
    while let Some(at) = open.pop() {
        if reads.contains_key(&at) {
            continue;
        }
        let node = &graph.node[at];
        let makers = node.input.iter().map(|input| maker(input, &|| title(node)));
        let makers = makers.filter_map(Result::transpose).collect::<Result<Vec<usize>, _>>()?;
        open.extend(&makers);
        reads.insert(at, makers);
    }

    // In the file's order but for nodes that come too early there, which draw what they read before
    // them: depth first, without recursion.
    let (mut entered, mut done) = (HashSet::new(), HashSet::new());
    let mut order = Vec::new();
    for &root in reads.keys() {
        let mut stack = vec![root];
        while let Some(&at) = stack.last() {
            let waits: Vec<usize> = reads[&at].iter().copied().filter(|maker| !done.contains(maker)).collect();
            if waits.is_empty() || done.contains(&at) {
                stack.pop();
                if done.insert(at) {
                    order.push(&graph.node[at]);
                }
            } else if entered.insert(at) {
                stack.extend(waits.into_iter().rev());
            } else {
                return Err(OnnxProblem::Cycle(title(&graph.node[at])));
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rten_onnx::onnx::{TensorProto, ValueInfoProto};

    fn node(name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let strings = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        NodeProto {
            name: Some(name.to_owned()),
            input: strings(inputs),
            output: strings(outputs),
            ..Default::default()
        }
    }

    fn graph(nodes: Vec<NodeProto>) -> GraphProto {
        let x = ValueInfoProto { name: Some("x".to_owned()), r#type: None };
        let w = TensorProto { name: Some("w".to_owned()), ..Default::default() };
        GraphProto { node: nodes, input: vec![x], initializer: vec![w], ..Default::default() }
    }

    #[test]
    fn nodes_come_after_what_they_read_and_idle_ones_not_at_all() {
        let nodes = vec![
            node("d", &["b", "c", ""], &["y"]),
            node("idle", &["b"], &["unread"]),
            node("b", &["a", "w"], &["b"]),
            node("c", &["a", "b"], &["c"]),
            node("a", &["x"], &["a"]),
        ];
        let graph = graph(nodes);
        let order: Vec<&str> = sorted(&graph, "y").unwrap().iter().filter_map(|node| node.name.as_deref()).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
        assert!(sorted(&graph, "x").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            (vec![node("a", &["x", "z"], &["y"])], "nothing makes the value 'z', which node 'a' reads"),
            (vec![node("a", &["x"], &["b"])], "nothing makes the value 'y', which the graph's output reads"),
            (vec![node("a", &["x", "c"], &["y"]), node("b", &["y"], &["c"])], "a cycle"),
            (vec![node("a", &["y"], &["y"])], "node 'a' depends on its own output"),
            (vec![node("a", &["x"], &["y"]), node("b", &["x"], &["y"])], "the value 'y' is made twice"),
            (vec![node("a", &["x"], &["w", "y"])], "the value 'w' is made twice"),
            (vec![node("a", &["x"], &["x", "y"])], "the value 'x' is made twice"),
        ];
        for (nodes, expected) in cases {
            let error = sorted(&graph(nodes), "y").unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        }
    }
}
