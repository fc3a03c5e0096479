//! Integers from numbers, and numbers from integers.

use super::{Computed, Lowering, Node, Value, integers};
use crate::graph::op::FakeQuantize;
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::tensor::{self, Constant, Data};

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
    let grid = tensor::grid(node.output)?.ok_or_else(|| NodeProblem::Type {
        tensor: node.output.name.to_string(),
        found: node.output.ty.to_string(),
        expected: "INT8, UINT8 or INT16",
    })?;
    let id = match lowering.graph.ty(id).element.quantization() {
        Some(_) => integers::requantize(lowering, node, grid, id)?,
        None => lowering.add(&node.name, FakeQuantize(grid), &[id])?,
    };
    Ok(Value::Computed(Computed { id, axes }))
}
