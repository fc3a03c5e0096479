//! `Expand` and `Tile`: copies along axes, or for every sample.

use super::node::known;
use super::{Lowering, Node, gather, integers};
use crate::graph::op::Expand;
use crate::graph::{Dim, ValueType};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, Value};

/// `Expand`.
pub(super) fn expand(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let target = node.input(1)?.ints(1)?;
    if let Value::Ints(ints) = node.input(0)?
        && known(target)?.iter().all(|&size| size == 1)
    {
        return Ok(vec![Value::Ints(ints.clone())]);
    }
    if let Value::Ints(ints) = node.input(0)? {
        let target: Option<Vec<usize>> = known(target)?.into_iter().map(|size| usize::try_from(size).ok()).collect();
        let target = target.ok_or_else(|| NodeProblem::Unsupported("expanding to a negative size".to_owned()))?;
        lowering.budget.check::<Int>(target.iter().fold(1, |count: usize, &size| count.saturating_mul(size)))?;
        let zeros = Ints::new(target.clone(), vec![Int::from(0); target.iter().product()]).with_type(ints.ty);
        return Ok(vec![Value::Ints(integers::apply(&lowering.budget, integers::add, "Expand", ints, &zeros)?)]);
    }
    let input = lowering.ty(0, node.input(0)?)?;
    let rank = input.rank().max(target.values.len());
    let mut shape = Vec::new();
    for axis in 0..rank {
        let from = (axis + input.rank()).checked_sub(rank).map_or(Dim::Fixed(1), |axis| input.shape[axis]);
        let to = (axis + target.values.len()).checked_sub(rank).map(|axis| target.values[axis]);
        let to = to.map_or(Some(Dim::Fixed(1)), Int::dim);
        shape.push(match (from, to) {
            (from, Some(Dim::Fixed(1))) => from,
            (Dim::Batch(times), Some(Dim::Fixed(size)))
                if lowering.constant_batch().and_then(|batch| batch.checked_mul(times)) == Some(size) =>
            {
                from
            }
            (Dim::Fixed(1), Some(Dim::Fixed(size))) if axis == 0 && lowering.constant_batch() == Some(size) => {
                Dim::Batch(1)
            }
            (Dim::Fixed(1), Some(to)) => to,
            (from, Some(to)) if from == to => from,
            _ => {
                let found = input.to_string();
                return Err(NodeProblem::Shape {
                    found,
                    expected: "a shape that broadcasts to the second input".to_owned(),
                });
            }
        });
    }
    Ok(vec![broadcast(lowering, node.name, node.input(0)?, &input, shape)?])
}

/// `Tile`.
pub(super) fn tile(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let mut value = node.input(0)?.clone();
    let repeats = node.input(1)?.ints(1)?.values.to_vec();
    let ty = lowering.ty(0, &value)?;
    if repeats.len() != ty.rank() {
        let found = format!("{} repeats", repeats.len());
        return Err(NodeProblem::Shape { found, expected: format!("one for each axis of {ty}") });
    }
    for (axis, repeat) in repeats.into_iter().enumerate() {
        let ty = lowering.ty(0, &value)?;
        value = match (ty.shape[axis], repeat.dim()) {
            (_, Some(Dim::Fixed(1))) => value,
            (Dim::Fixed(1), Some(repeat)) => {
                let mut shape = ty.shape.clone();
                shape[axis] = repeat;
                broadcast(lowering, node.name, &value, &ty, shape)?
            }
            (Dim::Fixed(size), Some(Dim::Fixed(repeat))) => {
                let count = size.saturating_mul(repeat);
                lowering.budget.check::<usize>(count)?;
                gather::take(lowering, node.name, value, axis, (0..count).map(|i| i % size).collect())?
            }
            _ => return Err(NodeProblem::Batch(format!("repeating axis {axis} of {ty}"))),
        };
    }
    Ok(vec![value])
}

/// A value repeated to dimensions `shape`.
pub(super) fn broadcast(
    lowering: &mut Lowering,
    name: &str,
    value: &Value,
    from: &ValueType,
    shape: Vec<Dim>,
) -> Result<Value, NodeProblem> {
    if from.shape == shape {
        return Ok(value.clone());
    }
    let batched = shape.iter().any(|dim| matches!(dim, Dim::Batch(_)));
    let mut inputs = vec![value.clone()];
    if batched {
        inputs.push(Value::Computed(lowering.images));
    }
    lowering.emit(name, Expand { shape }, &inputs)
}
