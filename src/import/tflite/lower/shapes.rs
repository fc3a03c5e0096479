//! Operators that change the axes of a value, and those on the integers that say how.
//!
//! A file has its batch size in all of these integers; where it is the whole first axis, it stays open.

use super::node::axis;
use super::{Computed, Lowering, Node, Value};
use crate::graph::Dim;
use crate::graph::op;
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::{Pack, Reshape, Squeeze, StridedSlice};
use crate::import::tflite::schema::MAX_AXES;
use crate::import::tflite::tensor::{self, Constant, Data};

/// `RESHAPE`, to the sizes of the second input, or else of the attributes.
pub(super) fn reshape(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let sizes = match node.optional(1) {
        Some(_) => node.integers(1)?.to_vec(),
        None => node.options::<Reshape>()?.shape,
    };
    let whole: usize = match node.input(0)? {
        Value::Computed(computed) => tensor::count(&lowering.sizes(computed)),
        Value::Constant(_) => node.constant(0)?.tensor.elem_count(),
    };
    let wrong = || NodeProblem::Shape {
        found: format!("sizes {:?}", &sizes[..sizes.len().min(2 * MAX_AXES)]),
        expected: format!("at most {MAX_AXES} sizes of {whole} elements"),
    };
    let known: Vec<usize> = sizes.iter().filter_map(|&size| usize::try_from(size).ok()).collect();
    let is_valid = sizes.len() <= MAX_AXES && known.len() + 1 >= sizes.len() && sizes.iter().all(|&size| size >= -1);
    let count = tensor::count(&known);
    if !is_valid {
        return Err(wrong());
    }
    let rest = if known.len() == sizes.len() { None } else { Some(whole.checked_div(count).ok_or_else(wrong)?) };
    let size = |&size: &i64| usize::try_from(size).ok().or(rest).unwrap_or(0);
    let sizes: Vec<usize> = sizes.iter().map(size).collect();
    if tensor::count(&sizes) != whole {
        return Err(wrong());
    }
    reshaped(lowering, node, &sizes)
}

/// The first input with these sizes, at the file's batch size.
fn reshaped(lowering: &mut Lowering, node: &Node, sizes: &[usize]) -> Result<Value, NodeProblem> {
    let value = match node.input(0)? {
        Value::Computed(computed) => computed.clone(),
        Value::Constant(_) => {
            // The channels of weights need not be an axis any more.
            let Constant { tensor, .. } = node.constant(0)?;
            let constant = Constant { tensor: tensor.reshape(sizes)?, scales: None };
            return Ok(Value::Constant(Data::Numbers(constant)));
        }
    };
    let mut shape: Vec<Dim> = sizes.iter().map(|&size| Dim::Fixed(size)).collect();
    if lowering.graph.ty(value.id).has_batch() {
        let batch = lowering.batch.size;
        match shape.first_mut() {
            Some(first) if sizes[0].is_multiple_of(batch) => *first = Dim::Batch(sizes[0] / batch),
            _ => return Err(NodeProblem::Batch(format!("a reshape to {sizes:?}"))),
        }
    }
    let ordered = lowering.numbers_in_order(value)?;
    let id = if lowering.graph.ty(ordered).shape == shape {
        ordered
    } else {
        lowering.add(&node.name, op::Reshape { shape }, &[ordered])?
    };
    Ok(Value::Computed(Computed::in_order(id, sizes.len())))
}

/// The sizes of the first input.
fn sizes(lowering: &Lowering, node: &Node) -> Result<Vec<usize>, NodeProblem> {
    match node.input(0)? {
        Value::Computed(computed) => Ok(lowering.sizes(computed)),
        Value::Constant(Data::Integers { dims, .. }) => Ok(dims.clone()),
        Value::Constant(Data::Numbers(constant)) => Ok(constant.tensor.dims().to_vec()),
    }
}

/// `SQUEEZE`: without axes of size 1, those of the attributes or all.
pub(super) fn squeeze(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let Squeeze { axes } = node.options_or_default()?;
    let sizes = sizes(lowering, node)?;
    let named = axes.iter().map(|&found| axis(found, sizes.len())).collect::<Result<Vec<_>, _>>()?;
    if let Some(&axis) = named.iter().find(|&&axis| sizes[axis] != 1) {
        let found = format!("size {} along axis {axis}", sizes[axis]);
        return Err(NodeProblem::Shape { found, expected: "size 1".to_owned() });
    }
    let is_gone = |axis: usize| if named.is_empty() { sizes[axis] == 1 } else { named.contains(&axis) };
    let left: Vec<usize> = (0..sizes.len()).filter(|&axis| !is_gone(axis)).map(|axis| sizes[axis]).collect();
    reshaped(lowering, node, &left)
}

/// `EXPAND_DIMS`: with one more axis.
pub(super) fn expand_dims(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let mut sizes = sizes(lowering, node)?;
    let &[found] = node.integers(1)? else {
        let expected = "one axis".to_owned();
        return Err(NodeProblem::Shape { found: format!("{} axes", node.integers(1)?.len()), expected });
    };
    sizes.insert(axis(found, sizes.len() + 1)?, 1);
    if sizes.len() > MAX_AXES {
        let (found, expected) = (format!("{} axes", sizes.len()), format!("at most {MAX_AXES}"));
        return Err(NodeProblem::Shape { found, expected });
    }
    reshaped(lowering, node, &sizes)
}

/// `SHAPE`: the sizes of a value, at the file's batch size.
pub(super) fn shape(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let values: Vec<i64> = sizes(lowering, node)?.into_iter().map(|size| size as i64).collect();
    Ok(Value::Constant(Data::Integers { dims: vec![values.len()], values }))
}

/// `STRIDED_SLICE` of a list of integers, such as sizes.
pub(super) fn strided_slice(_: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let options: StridedSlice = node.options()?;
    let unsupported =
        || NodeProblem::Unsupported("a slice of anything else than a list of constant integers".to_owned());
    let Value::Constant(Data::Integers { dims, values }) = node.input(0)? else { return Err(unsupported()) };
    let (&[begin], &[end], &[step]) = (node.integers(1)?, node.integers(2)?, node.integers(3)?) else {
        return Err(unsupported());
    };
    if dims.len() != 1 || step < 1 {
        return Err(unsupported());
    }
    let size = values.len() as i64;
    let at = |found: i64| (if found < 0 { found.saturating_add(size) } else { found }).clamp(0, size) as usize;
    let begin = if options.begin & 1 == 1 { 0 } else { at(begin) };
    if options.shrink_axis & 1 == 1 {
        let value = *values.get(begin).ok_or_else(unsupported)?;
        return Ok(Value::Constant(Data::Integers { dims: Vec::new(), values: vec![value] }));
    }
    let end = if options.end & 1 == 1 { values.len() } else { at(end) };
    let taken = values.get(begin..end.max(begin)).unwrap_or_default();
    let values: Vec<i64> = taken.iter().copied().step_by(usize::try_from(step).unwrap_or(usize::MAX)).collect();
    Ok(Value::Constant(Data::Integers { dims: vec![values.len()], values }))
}

/// `PACK` of single integers into a list of them.
pub(super) fn pack(_: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let Pack { axis: along } = node.options()?;
    let mut values = Vec::new();
    for index in 0..node.inputs.len().min(MAX_AXES + 1) {
        match node.integers(index)? {
            &[value] if along == 0 => values.push(value),
            _ => {
                let what = "packing anything else than single constant integers";
                return Err(NodeProblem::Unsupported(what.to_owned()));
            }
        }
    }
    Ok(Value::Constant(Data::Integers { dims: vec![values.len()], values }))
}
