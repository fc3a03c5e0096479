//! Names that a graph does not have yet.

use crate::graph::Graph;

/// `name`, or else `name#2`, `name#3`, ...: the first that `graph` has neither for itself nor, after a
/// dot, for one of `parts`.
pub(super) fn unused(graph: &Graph, name: &str, parts: &[&str]) -> String {
    let is_unused =
        |name: &String| !graph.has_name(name) && !parts.iter().any(|part| graph.has_name(&format!("{name}.{part}")));
    let repeats = (2..).map(|i| format!("{name}#{i}"));
    std::iter::once(name.to_owned()).chain(repeats).find(is_unused).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_numbered() {
        let mut graph = Graph::new();
        graph.parameter("fc", &[1], true).unwrap();
        graph.parameter("fc#2.weight", &[1], true).unwrap();
        assert_eq!(unused(&graph, "conv", &["weight"]), "conv");
        assert_eq!(unused(&graph, "fc", &[]), "fc#2");
        assert_eq!(unused(&graph, "fc", &["weight", "bias"]), "fc#3");
    }
}
