//! Functions of each element: sums, products and activations.

use super::{Computed, Lowering, Node, Value, integers};
use crate::graph::ValueId;
use crate::graph::op::{Add, Binary, Unary};
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::{self, Activation, LeakyRelu};
use crate::import::tflite::schema::MAX_AXES;
use crate::import::tflite::tensor::{Constant, Data};

/// Two operands whose axes are in one order, and that order.
struct Operands {
    ids: [ValueId; 2],
    axes: Vec<usize>,
}

/// The first two inputs of a node, whose shapes broadcast.
fn operands(lowering: &mut Lowering, node: &Node) -> Result<Operands, NodeProblem> {
    let values = [node.input(0)?, node.input(1)?];
    let rank = |value: &Value| match value {
        Value::Computed(computed) => computed.axes.len(),
        Value::Constant(Data::Numbers(constant)) => constant.tensor.rank(),
        Value::Constant(Data::Integers { dims, .. }) => dims.len(),
    };
    let all = values.map(rank).into_iter().max().unwrap_or(0).min(MAX_AXES);
    // That of a computed operand, unless the other one is computed and has fewer axes, which then are the last ones.
    let computed = |value: &&Value| if let Value::Computed(computed) = value { Some(computed.clone()) } else { None };
    let (whole, partial): (Vec<Computed>, Vec<Computed>) =
        values.iter().filter_map(computed).partition(|computed| computed.axes.len() == all);
    let axes = match whole.first() {
        Some(first) if partial.is_empty() => first.axes.clone(),
        _ => (0..all).collect(),
    };
    let mut operand = |index: usize| -> Result<ValueId, NodeProblem> {
        let value = match values[index] {
            Value::Computed(computed) if computed.axes.len() == all => lowering.arranged(computed.clone(), &axes)?,
            Value::Computed(computed) => lowering.in_order(computed.clone())?,
            Value::Constant(_) => {
                let constant = node.constant(index)?;
                let missing = all - constant.tensor.rank();
                let dims = [vec![1; missing], constant.tensor.dims().to_vec()].concat();
                let scales = constant.scales.clone().map(|mut scales| {
                    scales.axis += missing;
                    scales
                });
                let whole = Constant { tensor: constant.tensor.reshape(dims)?, scales };
                lowering.constant(&format!("{}.constant", node.name), &whole.permuted(&axes)?)?
            }
        };
        Ok(value.id)
    };
    Ok(Operands { ids: [operand(0)?, operand(1)?], axes })
}

/// `ADD`.
pub(super) fn add(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let options::Add(activation) = node.options()?;
    let Operands { ids, axes } = operands(lowering, node)?;
    let id = if node.is_quantized() {
        integers::add(lowering, node, ids, activation)?
    } else {
        let sum = lowering.add(&node.name, Add::default(), &ids)?;
        lowering.finish(node, sum, activation)?
    };
    Ok(Value::Computed(Computed { id, axes }))
}

/// `SUB` and `MUL`.
pub(super) fn binary(lowering: &mut Lowering, node: &Node, op: Binary) -> Result<Value, NodeProblem> {
    let activation = match op {
        Binary::Sub => node.options::<options::Sub>()?.0,
        _ => node.options::<options::Mul>()?.0,
    };
    let Operands { ids, axes } = operands(lowering, node)?;
    let id = if node.is_quantized() {
        integers::binary(lowering, node, op, ids, activation)?
    } else {
        let value = lowering.add(&node.name, op, &ids)?;
        lowering.finish(node, value, activation)?
    };
    Ok(Value::Computed(Computed { id, axes }))
}

/// A function of each number.
pub(super) fn unary(lowering: &mut Lowering, node: &Node, op: Unary) -> Result<Value, NodeProblem> {
    let Computed { id, axes } = node.computed(lowering, 0)?;
    let id = if node.is_quantized() {
        integers::unary(lowering, node, op, id)?
    } else {
        lowering.add(&node.name, op, &[id])?
    };
    Ok(Value::Computed(Computed { id, axes }))
}

/// `LEAKY_RELU`.
pub(super) fn leaky_relu(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let LeakyRelu { slope } = node.options()?;
    unary(lowering, node, Unary::LeakyRelu { slope })
}

/// `RELU`, `RELU6` and `RELU_N1_TO_1`: activations on their own.
pub(super) fn activation(lowering: &mut Lowering, node: &Node, activation: Activation) -> Result<Value, NodeProblem> {
    let Computed { id, axes } = node.computed(lowering, 0)?;
    let id = if node.is_quantized() {
        integers::activation(lowering, node, activation, id)?
    } else {
        lowering.activated(&node.name, id, activation)?
    };
    Ok(Value::Computed(Computed { id, axes }))
}
