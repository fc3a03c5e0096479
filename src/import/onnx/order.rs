//! The nodes of an ONNX graph that its output needs, in an order in which they can run.

use super::error::OnnxProblem;
use super::operation::{Operation, title};
use rten_onnx::onnx::GraphProto;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Those of `nodes` that `output` needs, each after those that it reads; `graph` has the other values.
///
/// # Errors
/// When two values have the same name, a value that is read has no producer, or the graph has a cycle.
pub(super) fn sorted<'a>(
    graph: &GraphProto,
    nodes: &'a [Operation],
    output: &str,
) -> Result<Vec<&'a Operation>, OnnxProblem> {
    let mut given: HashSet<&str> = HashSet::new();
    for name in graph.initializer.iter().filter_map(|tensor| tensor.name.as_deref()) {
        if !given.insert(name) {
            return Err(OnnxProblem::Duplicate(name.to_owned()));
        }
    }
    // Old files list initializers among the inputs, too.
    let mut inputs: HashSet<&str> = HashSet::new();
    for name in graph.input.iter().filter_map(|input| input.name.as_deref()) {
        if !inputs.insert(name) {
            return Err(OnnxProblem::Duplicate(name.to_owned()));
        }
    }
    given.extend(inputs);
    let mut producers: HashMap<&str, usize> = HashMap::new();
    for (i, node) in nodes.iter().enumerate() {
        for name in node.proto.output.iter().map(String::as_str).filter(|name| !name.is_empty()) {
            if given.contains(name) || producers.insert(name, i).is_some() {
                return Err(OnnxProblem::Duplicate(name.to_owned()));
            }
        }
    }

    let producer = |value: &str, reader: &dyn Fn() -> String| match producers.get(value) {
        Some(&producer) => Ok(Some(producer)),
        None if value.is_empty() || given.contains(value) => Ok(None),
        None => Err(OnnxProblem::Missing { value: value.to_owned(), reader: reader() }),
    };
    // The producers that each needed node reads, found from the output backwards.
    let mut reads: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut open: Vec<usize> = producer(output, &|| "the graph's output".to_owned())?.into_iter().collect();
    while let Some(at) = open.pop() {
        if reads.contains_key(&at) {
            continue;
        }
        let node = &nodes[at].proto;
        let producers = node.input.iter().map(|input| producer(input, &|| title(node)));
        let producers = producers.filter_map(Result::transpose).collect::<Result<Vec<usize>, _>>()?;
        open.extend(&producers);
        reads.insert(at, producers);
    }

    // In the file's order, but after the producers of their inputs: depth first, without recursion.
    let (mut entered, mut done) = (HashSet::new(), HashSet::new());
    let mut order = Vec::new();
    for &root in reads.keys() {
        let mut stack = vec![root];
        while let Some(&at) = stack.last() {
            let waits: Vec<usize> = reads[&at].iter().copied().filter(|producer| !done.contains(producer)).collect();
            if waits.is_empty() || done.contains(&at) {
                stack.pop();
                if done.insert(at) {
                    order.push(&nodes[at]);
                }
            } else if entered.insert(at) {
                stack.extend(waits.into_iter().rev());
            } else {
                return Err(OnnxProblem::Cycle(title(&nodes[at].proto)));
            }
        }
    }
    Ok(order)
}

/// The values that nodes read on the way to any of `outputs`. What is wrong with the graph is not looked at.
pub(super) fn read_on_the_way<'a>(nodes: &'a [Operation], outputs: &[&'a str]) -> HashSet<&'a str> {
    let results = |(i, node): (usize, &'a Operation)| node.proto.output.iter().map(move |name| (name.as_str(), i));
    let producers: HashMap<&str, usize> = nodes.iter().enumerate().flat_map(results).collect();
    let (mut read, mut entered) = (HashSet::new(), HashSet::new());
    let mut open = outputs.to_vec();
    while let Some(value) = open.pop() {
        let Some(&producer) = producers.get(value).filter(|&&producer| entered.insert(producer)) else { continue };
        let inputs = nodes[producer].proto.input.iter().map(String::as_str);
        open.extend(inputs.filter(|input| read.insert(*input)));
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use rten_onnx::onnx::{NodeProto, TensorProto, ValueInfoProto};

    fn node(name: &str, inputs: &[&str], outputs: &[&str]) -> Operation {
        let strings = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let (name, input, output) = (Some(name.to_owned()), strings(inputs), strings(outputs));
        Operation { proto: NodeProto { name, input, output, ..Default::default() }, opset: 17 }
    }

    fn graph() -> GraphProto {
        let x = ValueInfoProto { name: Some("x".to_owned()), r#type: None };
        let w = TensorProto { name: Some("w".to_owned()), ..Default::default() };
        GraphProto { input: vec![x], initializer: vec![w], ..Default::default() }
    }

    #[test]
    fn nodes_follow_their_producers_and_unused_ones_are_left_out() {
        let nodes = vec![
            node("d", &["b", "c", ""], &["y"]),
            node("idle", &["b"], &["unread"]),
            node("b", &["a", "w"], &["b"]),
            node("c", &["a", "b"], &["c"]),
            node("a", &["x"], &["a"]),
        ];
        let graph = graph();
        let order = sorted(&graph, &nodes, "y").unwrap();
        let order: Vec<&str> = order.iter().filter_map(|node| node.proto.name.as_deref()).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
        assert!(sorted(&graph, &nodes, "x").unwrap().is_empty());
    }

    #[test]
    fn values_on_the_way_are_read() {
        let nodes = vec![
            node("a", &["x"], &["a", "second"]),
            node("b", &["a", "w"], &["b"]),
            node("c", &["b", ""], &["y"]),
            node("idle", &["second", "y"], &["unread"]),
            node("cycle", &["z"], &["z"]),
        ];
        let cases: [(&[&str], &[&str]); 5] = [
            (&["y"], &["", "a", "b", "w", "x"]),
            (&["a", "b", "y"], &["", "a", "b", "w", "x"]),
            (&["a", "second"], &["x"]),
            (&["z", "nothing"], &["z"]),
            (&["unread"], &["", "a", "b", "second", "w", "x", "y"]),
        ];
        for_each_case(cases, |(outputs, expected)| {
            let mut read: Vec<&str> = read_on_the_way(&nodes, outputs).into_iter().collect();
            read.sort_unstable();
            assert_eq!(read, expected, "{outputs:?}");
        });
    }

    #[test]
    fn messages_name_the_value_or_node() {
        let cases = [
            (vec![node("a", &["x", "z"], &["y"])], "'z', read by node 'a', has no producer"),
            (vec![node("a", &["x"], &["b"])], "'y', read by the graph's output, has no producer"),
            (vec![node("a", &["x", "c"], &["y"]), node("b", &["y"], &["c"])], "a cycle"),
            (vec![node("a", &["y"], &["y"])], "node 'a' depends on its own output"),
            (vec![node("a", &["x"], &["y"]), node("b", &["x"], &["y"])], "'y' has two producers"),
            (vec![node("a", &["x"], &["w", "y"])], "'w' has two producers"),
            (vec![node("a", &["x"], &["x", "y"])], "'x' has two producers"),
        ];
        for_each_case(cases, |(nodes, expected)| {
            let error = sorted(&graph(), &nodes, "y").unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        });
    }
}
