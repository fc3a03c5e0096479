//! Operators by domain: those of ONNX itself, and of others that write quantized networks.

use super::operator::OnnxOperator;
use super::{contrib, operators as onnx, qonnx};
use crate::registry::Registry;
use rten_onnx::onnx::NodeProto;

/// Operators of one name space.
struct Domain {
    names: &'static [&'static str],
    operators: &'static Registry<OnnxOperator>,
}

/// Every domain.
static DOMAINS: &[Domain] = &[
    Domain { names: &["", "ai.onnx"], operators: &onnx::OPERATORS },
    Domain { names: &["com.microsoft"], operators: &contrib::OPERATORS },
    Domain {
        names: &["qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"],
        operators: &qonnx::OPERATORS,
    },
];

/// The operator of a node, if it is a known one.
pub(super) fn operator(node: &NodeProto) -> Option<&'static OnnxOperator> {
    let domain = node.domain.as_deref().unwrap_or_default();
    let found = DOMAINS.iter().find(|known| known.names.contains(&domain))?;
    found.operators.get(node.op_type.as_deref()?)
}

/// What messages call a node's operator: its name, after its domain where that is not the default one.
pub(super) fn title(node: &NodeProto) -> String {
    let name = node.op_type.as_deref().unwrap_or_default();
    match node.domain.as_deref() {
        None | Some("" | "ai.onnx") => name.to_owned(),
        Some(domain) => format!("{domain}.{name}"),
    }
}

/// The domain and name of every operator.
#[cfg(test)]
pub(in crate::import::onnx) fn operators() -> impl Iterator<Item = (&'static str, &'static str)> {
    DOMAINS.iter().flat_map(|domain| domain.operators.names().map(|name| (domain.names[0], name)))
}
