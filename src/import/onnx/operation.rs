//! Nodes of a file, with the operator set that each belongs to.

use rten_onnx::onnx::{NodeProto, OperatorSetIdProto};

/// Supported versions of the default operator set.
pub(super) const OPERATOR_SETS: std::ops::RangeInclusive<i64> = 7..=26;

/// A node, and the version of its operator set.
#[derive(Debug)]
pub(super) struct Operation {
    pub proto: NodeProto,
    pub opset: i64,
}

/// What messages call a node: its name, else its first output.
pub(super) fn title(node: &NodeProto) -> String {
    let name = node.name.as_deref().filter(|name| !name.is_empty());
    match (name, node.output.first()) {
        (Some(name), _) => format!("node '{name}'"),
        (None, Some(output)) => format!("the node that computes '{output}'"),
        (None, None) => "a node without name and output".to_owned(),
    }
}

/// The version of the default operator set among `sets`.
pub(super) fn operator_set(sets: &[OperatorSetIdProto]) -> Option<i64> {
    let default = sets.iter().find(|set| matches!(set.domain.as_deref(), None | Some("" | "ai.onnx")));
    default.map(|set| set.version.unwrap_or(0))
}
