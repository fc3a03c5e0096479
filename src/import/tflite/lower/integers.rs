//! Operators on integers, between values whose numbers lie on grids.
//!
//! Each takes values of the graph and returns one; [`Lowering::finish`] rounds what is not on the output's grid yet.

use super::{Lowering, Node};
use crate::graph::ValueId;
use crate::graph::op::{Add, AveragePool, Binary, FakeQuantize, PoolWindow, Reduce, Reduction, Softmax, Unary};
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::Activation;
use crate::quant::Grid;

/// `ADD`.
pub(super) fn add(
    lowering: &mut Lowering,
    node: &Node,
    inputs: [ValueId; 2],
    _: Activation,
) -> Result<ValueId, NodeProblem> {
    lowering.add(&node.name, Add::default(), &inputs)
}

/// `MUL` and `SUB`.
pub(super) fn binary(
    lowering: &mut Lowering,
    node: &Node,
    op: Binary,
    inputs: [ValueId; 2],
    _: Activation,
) -> Result<ValueId, NodeProblem> {
    lowering.add(&node.name, op, &inputs)
}

/// `LOGISTIC`, `HARD_SWISH` and `LEAKY_RELU`.
pub(super) fn unary(lowering: &mut Lowering, node: &Node, op: Unary, x: ValueId) -> Result<ValueId, NodeProblem> {
    lowering.add(&node.name, op, &[x])
}

/// `AVERAGE_POOL_2D`.
pub(super) fn average_pool(
    lowering: &mut Lowering,
    node: &Node,
    window: PoolWindow,
    x: ValueId,
    _: Activation,
) -> Result<ValueId, NodeProblem> {
    lowering.add(&node.name, AveragePool { window, count_include_pad: false }, &[x])
}

/// `MEAN` and `SUM`.
pub(super) fn reduce(
    lowering: &mut Lowering,
    node: &Node,
    reduction: Reduction,
    (axes, keep_dims): (Vec<usize>, bool),
    x: ValueId,
) -> Result<ValueId, NodeProblem> {
    lowering.add(&node.name, Reduce { reduction, axes, keep_dims }, &[x])
}

/// `SOFTMAX` of inputs multiplied by `beta`.
pub(super) fn softmax(
    lowering: &mut Lowering,
    node: &Node,
    axis: usize,
    beta: f32,
    x: ValueId,
) -> Result<ValueId, NodeProblem> {
    let x = lowering.multiplied(node, x, beta)?;
    lowering.add(&node.name, Softmax { axis, log: false }, &[x])
}

/// `QUANTIZE` from one grid to another.
pub(super) fn requantize(lowering: &mut Lowering, node: &Node, grid: Grid, x: ValueId) -> Result<ValueId, NodeProblem> {
    lowering.add(&node.name, FakeQuantize(grid), &[x])
}
