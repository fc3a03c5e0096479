//! Operators along axes of the file, wherever these are in the graph: reductions, softmax, concatenation, padding and
//! permutations.

use super::node::axis;
use super::{Computed, Lowering, Node, Value, integers};
use crate::graph::op::{Concat, Pad, Reduce, Reduction, Softmax};
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::{self, Activation, Concatenation, Reducer};
use crate::import::tflite::tensor::Data;

/// `MEAN`, `SUM` and `REDUCE_MAX`, of the axes that the second input lists.
pub(super) fn reduce(lowering: &mut Lowering, node: &Node, reduction: Reduction) -> Result<Value, NodeProblem> {
    let Reducer { keeps_axes } = node.options_or_default()?;
    let mut value = node.computed(lowering, 0)?;
    let rank = value.axes.len();
    let found = node.integers(1)?;
    let mut reduced = found.iter().take(2 * rank).map(|&found| axis(found, rank)).collect::<Result<Vec<_>, _>>()?;
    reduced.sort_unstable();
    reduced.dedup();
    // Those that stay are in the file's order, unless all are kept.
    let is_left = |axis: &&usize| !reduced.contains(axis);
    if !keeps_axes && !value.axes.iter().filter(is_left).is_sorted() {
        value = lowering.in_order(value)?;
    }
    let mut places: Vec<usize> = reduced.iter().map(|&axis| value.place(axis)).collect();
    places.sort_unstable();
    let axes = if keeps_axes { value.axes.clone() } else { (0..rank - reduced.len()).collect() };
    let id = if node.is_quantized() && reduction != Reduction::Max {
        integers::reduce(lowering, node, reduction, (places, keeps_axes), value.id)?
    } else {
        lowering.add(&node.name, Reduce { reduction, axes: places, keep_dims: keeps_axes }, &[value.id])?
    };
    Ok(Value::Computed(Computed { id, axes }))
}

/// `SOFTMAX`, along the last axis.
pub(super) fn softmax(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let options::Softmax { beta } = node.options()?;
    let Computed { id, axes } = node.computed(lowering, 0)?;
    let value = Computed { id, axes };
    let last = value.axes.len().saturating_sub(1);
    let axis = value.place(last);
    let id = if node.is_quantized() {
        integers::softmax(lowering, node, axis, beta, id)?
    } else {
        let x = lowering.multiplied(node, id, beta)?;
        lowering.add(&node.name, Softmax { axis, log: false }, &[x])?
    };
    Ok(Value::Computed(Computed { id, axes: value.axes }))
}

/// `CONCATENATION` of any number of inputs.
pub(super) fn concatenation(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let options: Concatenation = node.options()?;
    let axes = node.inputs.iter().find_map(|input| match input {
        Some(Value::Computed(computed)) => Some(computed.axes.clone()),
        _ => None,
    });
    let axes = axes.ok_or_else(|| NodeProblem::Unsupported("a concatenation of constants".to_owned()))?;
    let mut ids = Vec::new();
    for index in 0..node.inputs.len() {
        let value = match node.input(index)? {
            Value::Computed(computed) => computed.clone(),
            Value::Constant(_) => lowering.constant(&format!("{}.constant", node.name), node.constant(index)?)?,
        };
        if value.axes.len() != axes.len() {
            let found = lowering.graph.ty(value.id).to_string();
            return Err(NodeProblem::Shape { found, expected: format!("{} axes, as the first input", axes.len()) });
        }
        let mut id = lowering.arranged(value, &axes)?.id;
        if node.is_quantized() {
            id = integers::joined(lowering, node, index, id, options.activation)?;
        }
        ids.push(id);
    }
    let along = axis(options.axis.into(), axes.len())?;
    let place = axes.iter().position(|&own| own == along).unwrap_or(along);
    let mut id = lowering.add(&node.name, Concat { axis: place }, &ids)?;
    if node.is_quantized() {
        // Ranges of the operands may differ.
        lowering.graph.set_quantization(id, node.output_grid(options.activation)?);
    } else {
        id = lowering.finish(node, id, options.activation)?;
    }
    Ok(Value::Computed(Computed { id, axes }))
}

/// `PAD`, with zeros, and `PADV2`, with a number.
pub(super) fn pad(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    /// The most elements before or after an axis.
    const LARGEST: i64 = 1 << 16;
    let value = node.computed(lowering, 0)?;
    let found = node.integers(1)?;
    let rank = value.axes.len();
    if found.len() != 2 * rank || found.iter().any(|size| !(0..=LARGEST).contains(size)) {
        let shown = &found[..found.len().min(16)];
        let expected = format!("{} numbers of 0 to {LARGEST}", 2 * rank);
        return Err(NodeProblem::Shape { found: format!("padding {shown:?}"), expected });
    }
    let number = match node.optional(2) {
        None => 0.0,
        Some(_) => match node.constant(2)?.tensor.flatten_all()?.to_vec1::<f32>()?.as_slice() {
            &[number] => number,
            numbers => {
                let found = format!("{} numbers", numbers.len());
                return Err(NodeProblem::Shape { found, expected: "one number".to_owned() });
            }
        },
    };
    let padding = value.axes.iter().map(|&axis| [found[2 * axis] as usize, found[2 * axis + 1] as usize]);
    let op = Pad { padding: padding.collect(), value: number };
    let id = lowering.add(&node.name, op, &[value.id])?;
    if node.is_quantized() {
        // The number is one of the grid, and may lie outside of a part that an activation left.
        lowering.graph.set_quantization(id, node.output_grid(Activation::None)?);
    }
    Ok(Value::Computed(Computed { id, axes: value.axes }))
}

/// `TRANSPOSE`: the same value, whose axes the file counts otherwise.
pub(super) fn transpose(_: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let order = node.integers(1)?;
    let rank = match node.input(0)? {
        Value::Computed(computed) => computed.axes.len(),
        Value::Constant(_) => node.constant(0)?.tensor.rank(),
    };
    let places = order.iter().take(rank + 1).map(|&found| axis(found, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut sorted = places.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank) {
        let shown = &order[..order.len().min(16)];
        let expected = format!("each axis of {rank} once");
        return Err(NodeProblem::Shape { found: format!("axes {shown:?}"), expected });
    }
    match node.input(0)? {
        Value::Computed(Computed { id, axes }) => {
            // Axis `i` of the output is the input's axis `places[i]`.
            let renamed = |old: &usize| places.iter().position(|place| place == old).unwrap_or(*old);
            Ok(Value::Computed(Computed { id: *id, axes: axes.iter().map(renamed).collect() }))
        }
        Value::Constant(_) => Ok(Value::Constant(Data::Numbers(node.constant(0)?.permuted(&places)?))),
    }
}
