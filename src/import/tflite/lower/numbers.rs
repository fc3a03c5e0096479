//! Integers from numbers, and numbers from integers.

use super::{Computed, Lowering, Node, Value, integers};
use crate::graph::op::Quantize;
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::Activation;
use crate::import::tflite::schema::TensorType;
use crate::import::tflite::tensor::{Constant, Data};

/// `DEQUANTIZE`: the numbers that integers represent, which the graph has already.
pub(super) fn dequantize(_: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    match node.input(0)? {
        Value::Computed(computed) => Ok(Value::Computed(computed.clone())),
        Value::Constant(_) => {
            let tensor = node.constant(0)?.tensor.clone();
            Ok(Value::Constant(Data::Numbers(Constant { tensor, scales: None })))
        }
    }
}

/// `QUANTIZE`, of numbers or of other integers.
pub(super) fn quantize(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let Computed { id, axes } = node.computed(lowering, 0)?;
    // Numbers that were integers before are on a grid of the graph, but not of the file.
    let id = match node.types.first().copied().flatten().and_then(TensorType::is_quantized) {
        Some(true) => integers::requantize(lowering, node, id)?,
        _ => lowering.add(&node.name, Quantize(node.output_grid(Activation::None)?), &[id])?,
    };
    Ok(Value::Computed(Computed { id, axes }))
}
