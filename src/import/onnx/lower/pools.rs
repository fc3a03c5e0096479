//! Pooling, and reductions over axes.

use super::build::spatial;
use super::integers::IntFunction;
use super::node::axes;
use super::window::Sliding;
use super::{Lowering, Node, integers};
use crate::graph::op::{AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool, PoolWindow, Reduce, Reduction};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::Value;

/// The window of a pooling over one or two axes.
fn window(lowering: &Lowering, node: &Node) -> Result<PoolWindow, NodeProblem> {
    let input = spatial(&lowering.ty(0, node.input(0)?)?)?;
    let axes = input.len();
    if !(1..=2).contains(&axes) {
        return Err(NodeProblem::Unsupported(format!("pooling over {axes} spatial axes (expected 1 or 2)")));
    }
    let missing = || NodeProblem::Unsupported("pooling without kernel_shape".to_owned());
    let kernel = node.sizes("kernel_shape", axes, 1)?.ok_or_else(missing)?;
    let sliding = Sliding::read(node, &kernel, &input)?;
    // Values with one spatial axis have height 1.
    let pair = |sizes: &[usize]| match *sizes {
        [height, width] => [height, width],
        _ => [1, sizes[0]],
    };
    let padding = match *sliding.padding.as_slice() {
        [height, width] => [height, width],
        _ => [[0; 2], sliding.padding[0]],
    };
    Ok(PoolWindow {
        kernel: pair(&kernel),
        stride: pair(&sliding.stride),
        padding,
        dilation: pair(&sliding.dilation),
        ceil_mode: node.flag("ceil_mode")?,
    })
}

/// `MaxPool`.
pub(super) fn max(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    // Their order, the attribute `storage_order`, does not matter to the values.
    if node.proto.output.get(1).is_some_and(|indices| lowering.reader_count(indices) > 0) {
        return Err(NodeProblem::Unsupported("the output Indices of a pooling".to_owned()));
    }
    let op = MaxPool(window(lowering, node)?);
    Ok(vec![lowering.emit(node.name, op, &[node.input(0)?.clone()])?])
}

/// `AveragePool`.
pub(super) fn average(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let op = AveragePool { window: window(lowering, node)?, count_include_pad: node.flag("count_include_pad")? };
    Ok(vec![lowering.emit(node.name, op, &[node.input(0)?.clone()])?])
}

/// `GlobalAveragePool`.
pub(super) fn global_average(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    Ok(vec![lowering.emit(node.name, GlobalAveragePool, &[node.input(0)?.clone()])?])
}

/// `GlobalMaxPool`.
pub(super) fn global_max(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    Ok(vec![lowering.emit(node.name, GlobalMaxPool, &[node.input(0)?.clone()])?])
}

/// `ReduceMean` and other reductions, whose axes are an attribute before version 18 (13 for sums).
pub(super) fn reduce(
    lowering: &mut Lowering,
    node: &Node,
    reduction: Reduction,
    integer_step: Option<IntFunction>,
) -> Result<Vec<Value>, NodeProblem> {
    let input = node.input(0)?.clone();
    if let Value::Ints(ints) = &input {
        return Ok(vec![Value::Ints(integers::reduce(&lowering.budget, node, ints, integer_step)?)]);
    }
    let rank = lowering.ty(0, &input)?.rank();
    let named = node.ints_by_either("axes", 1)?.unwrap_or_default();
    let all = || (0..rank).collect();
    let axes = match named.as_slice() {
        [] if node.flag("noop_with_empty_axes")? => return Ok(vec![input]),
        [] => all(),
        named => axes("axes", named, rank)?,
    };
    let keep_dims = node.int_or("keepdims", 1)? != 0;
    Ok(vec![lowering.emit(node.name, Reduce { reduction, axes, keep_dims }, &[input])?])
}
