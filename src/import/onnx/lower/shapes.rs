//! `Shape`, `Squeeze`, `Unsqueeze` and `Transpose`.

use super::node::{axes, axis};
use super::reshape::{elements, to_shape};
use super::{Lowering, Node, integers};
use crate::graph::op::Transpose;
use crate::graph::{Dim, ValueType};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, Value};

/// `Shape`, of all axes or of some.
pub(super) fn shape(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let shape: Vec<Int> = match node.input(0)? {
        Value::Ints(ints) => ints.dims.iter().map(|&size| Int::from(size as i64)).collect(),
        Value::Merged { shape, .. } => shape.iter().copied().map(Int::from).collect(),
        value => lowering.ty(0, value)?.shape.into_iter().map(Int::from).collect(),
    };
    let rank = shape.len() as i64;
    let place = |found: i64| if found < 0 { found.saturating_add(rank) } else { found }.clamp(0, rank) as usize;
    let (start, end) = (place(node.int_or("start", 0)?), place(node.int_or("end", rank)?));
    Ok(vec![Value::Ints(Ints::vector(shape.get(start..end).unwrap_or_default().to_vec()))])
}

/// The axes that `Squeeze` and `Unsqueeze` name, by attribute before version 13.
fn named_axes(node: &Node, rank: impl Fn(usize) -> usize) -> Result<Option<Vec<usize>>, NodeProblem> {
    let found = node.ints_by_either("axes", 1)?;
    found.map(|found| axes("axes", &found, rank(found.len()))).transpose()
}

/// `Squeeze`.
pub(super) fn squeeze(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let shape = dims(lowering, node)?;
    let named = named_axes(node, |_| shape.len())?;
    let goes = |axis: &usize| named.as_ref().map_or(shape[*axis] == Dim::Fixed(1), |named| named.contains(axis));
    let kept: Vec<Dim> = (0..shape.len()).filter(|axis| !goes(axis)).map(|axis| shape[axis]).collect();
    if elements(&kept) != elements(&shape) {
        let found = ValueType::f32(shape).to_string();
        return Err(NodeProblem::Shape { found, expected: format!("size 1 along axes {named:?}") });
    }
    with_dims(lowering, node, kept)
}

/// `Unsqueeze`.
pub(super) fn unsqueeze(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let mut shape = dims(lowering, node)?;
    let named = named_axes(node, |count| shape.len() + count)?.ok_or(NodeProblem::Missing(1))?;
    for axis in named {
        if axis > shape.len() {
            return Err(NodeProblem::Shape {
                found: ValueType::f32(shape).to_string(),
                expected: format!("at least {axis} axes"),
            });
        }
        shape.insert(axis, Dim::Fixed(1));
    }
    with_dims(lowering, node, shape)
}

/// The dimensions of the first input, integers or not.
fn dims(lowering: &Lowering, node: &Node) -> Result<Vec<Dim>, NodeProblem> {
    match node.input(0)? {
        Value::Ints(ints) => Ok(ints.dims.iter().map(|&size| Dim::Fixed(size)).collect()),
        value => Ok(lowering.ty(0, value)?.shape),
    }
}

/// The first input, integers or not, with other dimensions of the same product.
fn with_dims(lowering: &mut Lowering, node: &Node, shape: Vec<Dim>) -> Result<Vec<Value>, NodeProblem> {
    if let Value::Ints(ints) = node.input(0)? {
        let dims = shape.into_iter().map(|dim| dim.size(1)).collect();
        return Ok(vec![Value::Ints(Ints { dims, ..ints.clone() })]);
    }
    Ok(vec![to_shape(lowering, node.name, node.input(0)?, shape)?])
}

/// `Transpose`; a constant keeps its name, so that a layer with this weight has it.
pub(super) fn transpose(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let value = node.input(0)?.clone();
    let rank = dims(lowering, node)?.len();
    let order: Vec<usize> = match node.ints("perm")? {
        Some(order) => order.iter().map(|&found| axis("perm", found, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).rev().collect(),
    };
    if let Value::Ints(ints) = &value {
        let order = |places: Value| lowering.emit(node.name, Transpose { order }, &[places]);
        return Ok(vec![Value::Ints(integers::moved(ints, order)?)]);
    }
    let origin = if let Value::Floats { name, initial, .. } = &value { Some((name.clone(), *initial)) } else { None };
    let output = lowering.emit(node.name, Transpose { order: order.clone() }, std::slice::from_ref(&value))?;
    if let (Value::Floats { tensor: from, .. }, Value::Floats { tensor: to, .. }) = (&value, &output) {
        lowering.scales.transposed(from, to, &order);
    }
    Ok(vec![match (output, origin) {
        (Value::Floats { tensor, .. }, Some((name, initial))) => Value::Floats { tensor, name, initial },
        (output, _) => output,
    }])
}
