//! The nodes of an ONNX graph that its output needs, in an order in which they can run.

use super::error::OnnxProblem;
use rten_onnx::onnx::{GraphProto, NodeProto};
use std::collections::{HashMap, HashSet};

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

    // Depth first, without recursion: a node is left once all that it reads is there.
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; graph.node.len()];
    let mut order = Vec::new();
    let maker = |value: &str, reader: &dyn Fn() -> String| match makers.get(value) {
        Some(&maker) => Ok(Some(maker)),
        None if value.is_empty() || given.contains(value) => Ok(None),
        None => Err(OnnxProblem::Missing { value: value.to_owned(), reader: reader() }),
    };
    let mut stack: Vec<usize> = maker(output, &|| "the graph's output".to_owned())?.into_iter().collect();
    while let Some(&at) = stack.last() {
        let node = &graph.node[at];
        if states[at] == State::Done {
            stack.pop();
            continue;
        }
        let is_back = states[at] == State::Open;
        states[at] = State::Open;
        let mut waits = false;
        for input in &node.input {
            let Some(maker) = maker(input, &|| title(node))? else { continue };
            match states[maker] {
                State::Done => (),
                State::New if !is_back => {
                    stack.push(maker);
                    waits = true;
                }
                State::New | State::Open => return Err(OnnxProblem::Cycle(title(node))),
            }
        }
        if !waits {
            states[at] = State::Done;
            order.push(node);
            stack.pop();
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
        NodeProto { name: Some(name.to_owned()), input: strings(inputs), output: strings(outputs), ..Default::default() }
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
