//! The types of real numbers that a file computes in: here, all are `f32`.

use super::operation::Operation;
use rten_onnx::onnx::{DataType, GraphProto, TensorProto};
use std::collections::{BTreeSet, HashSet};

/// A note on the other types that `nodes`, or what they read of `graph`, have.
pub(super) fn note(graph: &GraphProto, nodes: &[&Operation]) -> Option<String> {
    let read: HashSet<&str> = nodes.iter().flat_map(|node| &node.proto.input).map(String::as_str).collect();
    let is_read = |name: &Option<String>| name.as_deref().is_some_and(|name| read.contains(name));
    let inputs = graph.input.iter().filter(|input| is_read(&input.name));
    let inputs = inputs.filter_map(|input| input.r#type.as_ref()?.tensor_type.as_ref()?.elem_type);
    let initial = graph.initializer.iter().filter(|tensor| is_read(&tensor.name)).filter_map(several);
    let attributes = || nodes.iter().flat_map(|node| &node.proto.attribute);
    let constants = attributes().filter_map(|attribute| attribute.t.as_ref()).filter_map(several);
    let casts = nodes.iter().filter(|node| node.proto.op_type.as_deref() == Some("Cast"));
    let casts =
        casts.flat_map(|node| &node.proto.attribute).filter(|attribute| attribute.name.as_deref() == Some("to"));
    let casts = casts.filter_map(|to| to.i).map(|to| DataType(to as i32));
    let names: BTreeSet<&str> = inputs.chain(initial).chain(constants).chain(casts).filter_map(other).collect();
    let names: Vec<&str> = names.into_iter().collect();
    (!names.is_empty()).then(|| format!("the file computes in {}: computed in float32 here", names.join(" and ")))
}

/// The type of a tensor of several elements: single numbers, such as an epsilon, do not make a network of
/// their type.
fn several(tensor: &TensorProto) -> Option<DataType> {
    tensor.data_type.filter(|_| tensor.dims.iter().any(|&size| size != 1))
}

/// The name of a type of real numbers other than `f32`.
fn other(ty: DataType) -> Option<&'static str> {
    match ty {
        DataType::FLOAT16 => Some("float16"),
        DataType::BFLOAT16 => Some("bfloat16"),
        DataType::DOUBLE => Some("float64"),
        _ => None,
    }
}
