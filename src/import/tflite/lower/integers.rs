//! Operators on integers, between values whose numbers lie on grids: one function an operator.

use super::{Lowering, Node};
use crate::graph::ValueId;
use crate::graph::op::{
    Binary, IntegerAveragePool, IntegerBinary, IntegerFunction, IntegerMean, IntegerSoftmax, PoolWindow, Reduction,
    Unary,
};
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::Activation;
use crate::quant::Grid;

/// The grid of input `index`, which is `id` in the graph.
fn input(lowering: &Lowering, index: usize, id: ValueId) -> Result<Grid, NodeProblem> {
    let found = || "integers of several scales".to_owned();
    let grid = lowering.graph.ty(id).element.quantization();
    grid.ok_or_else(|| NodeProblem::Kind { index, found: found(), expected: "integers of one scale" })
}

/// The grids of the first two inputs.
fn inputs(lowering: &Lowering, ids: [ValueId; 2]) -> Result<[Grid; 2], NodeProblem> {
    Ok([input(lowering, 0, ids[0])?, input(lowering, 1, ids[1])?])
}

/// `ADD`.
pub(super) fn add(
    lowering: &mut Lowering,
    node: &Node,
    ids: [ValueId; 2],
    activation: Activation,
) -> Result<ValueId, NodeProblem> {
    let op = IntegerBinary::sum(inputs(lowering, ids)?, node.output_grid(activation)?)?;
    lowering.add(&node.name, op, &ids)
}

/// `SUB` and `MUL`.
pub(super) fn binary(
    lowering: &mut Lowering,
    node: &Node,
    op: Binary,
    ids: [ValueId; 2],
    activation: Activation,
) -> Result<ValueId, NodeProblem> {
    let (inputs, output) = (inputs(lowering, ids)?, node.output_grid(activation)?);
    match op {
        Binary::Sub => lowering.add(&node.name, IntegerBinary::difference(inputs, output)?, &ids),
        _ => lowering.add(&node.name, IntegerBinary::product(inputs, output)?, &ids),
    }
}

/// `LOGISTIC`, `HARD_SWISH` and `LEAKY_RELU`.
pub(super) fn unary(lowering: &mut Lowering, node: &Node, op: Unary, x: ValueId) -> Result<ValueId, NodeProblem> {
    let (input, output) = (input(lowering, 0, x)?, node.output_grid(Activation::None)?);
    let op = match op {
        Unary::Sigmoid => IntegerFunction::sigmoid(input, output)?,
        Unary::HardSwish => IntegerFunction::hard_swish(input, output)?,
        Unary::LeakyRelu { slope } => IntegerFunction::leaky_relu(input, output, slope)?,
        _ => return Err(NodeProblem::Unsupported(format!("{} of integers", node.kind))),
    };
    lowering.add(&node.name, op, &[x])
}

/// `RELU`, `RELU6` and `RELU_N1_TO_1`.
pub(super) fn activation(
    lowering: &mut Lowering,
    node: &Node,
    activation: Activation,
    x: ValueId,
) -> Result<ValueId, NodeProblem> {
    let op = IntegerFunction::clip(input(lowering, 0, x)?, node.output_grid(activation)?)?;
    lowering.add(&node.name, op, &[x])
}

/// `AVERAGE_POOL_2D`.
pub(super) fn average_pool(
    lowering: &mut Lowering,
    node: &Node,
    window: PoolWindow,
    x: ValueId,
    activation: Activation,
) -> Result<ValueId, NodeProblem> {
    let op = IntegerAveragePool::new(window, input(lowering, 0, x)?, node.output_grid(activation)?)?;
    lowering.add(&node.name, op, &[x])
}

/// `MEAN` over `axes`, which are kept with size 1 where `keeps_axes` says so.
pub(super) fn reduce(
    lowering: &mut Lowering,
    node: &Node,
    reduction: Reduction,
    (axes, keeps_axes): (Vec<usize>, bool),
    x: ValueId,
) -> Result<ValueId, NodeProblem> {
    if reduction != Reduction::Mean {
        return Err(NodeProblem::Unsupported(format!("{} of integers", node.kind)));
    }
    let (input, output) = (input(lowering, 0, x)?, node.output_grid(Activation::None)?);
    lowering.add(&node.name, IntegerMean::new(axes, keeps_axes, input, output)?, &[x])
}

/// `SOFTMAX` of inputs multiplied by `beta`.
pub(super) fn softmax(
    lowering: &mut Lowering,
    node: &Node,
    axis: usize,
    beta: f32,
    x: ValueId,
) -> Result<ValueId, NodeProblem> {
    let (input, output) = (input(lowering, 0, x)?, node.output_grid(Activation::None)?);
    lowering.add(&node.name, IntegerSoftmax::new(axis, beta, input, output)?, &[x])
}

/// An operand of `CONCATENATION`, on the grid of all.
pub(super) fn joined(
    lowering: &mut Lowering,
    node: &Node,
    index: usize,
    x: ValueId,
    activation: Activation,
) -> Result<ValueId, NodeProblem> {
    let (input, output) = (input(lowering, index, x)?, node.output_grid(activation)?);
    let is_inside = input.q_min() >= output.q_min() && input.q_max() <= output.q_max();
    if input.has_steps_of(&output) && is_inside {
        return Ok(x);
    }
    lowering.add(&format!("{} (input {index})", node.name), IntegerFunction::joined(input, output)?, &[x])
}

/// `QUANTIZE` from one grid to another.
pub(super) fn requantize(lowering: &mut Lowering, node: &Node, x: ValueId) -> Result<ValueId, NodeProblem> {
    let (input, output) = (input(lowering, 0, x)?, node.output_grid(Activation::None)?);
    lowering.add(&node.name, IntegerFunction::rescale(input, output)?, &[x])
}
