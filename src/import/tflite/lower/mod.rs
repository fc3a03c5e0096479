//! Lowering: the operators of a file, one after the other, become nodes of a [`Graph`](crate::graph::Graph).
//!
//! [`operators`] is the registry; the functions that it lists add to a [`Lowering`]. A file has channels last, the
//! graph's layers take them first: values stay as layers leave them, and each knows which of the file's axes its own
//! are ([`Computed`]), so that axes are moved only where an operator needs the file's order, as a reshape does.

mod arithmetic;
mod axes;
mod integers;
mod layers;
mod lowering;
mod node;
mod numbers;
mod operators;
mod pools;
mod resize;
mod shapes;
mod value;
mod window;

pub(super) use lowering::{Batch, Lowering};
pub(super) use operators::{OPERATORS, TfliteOperator};
pub(super) use value::{Computed, Value};

use node::Node;
use operators::Types;

use super::error::NodeProblem;
use super::schema::{Model, Operator, Tensor, TensorType};
use super::tensor;
use crate::quant::Grid;

/// An operator of the file, and what it is.
pub(super) struct Step<'a> {
    pub operator: &'a Operator<'a>,
    pub kind: &'static TfliteOperator,
    /// The number of the tensor that it computes.
    pub output: i32,
    /// The name of its node.
    pub name: String,
}

/// Lowers an operator.
pub(super) fn step(lowering: &mut Lowering, model: &Model, step: &Step) -> Result<(), NodeProblem> {
    let &Step { operator, kind, output, .. } = step;
    let inputs = operator.inputs.iter().map(|number| input(lowering, model, number)).collect::<Result<_, _>>()?;
    let types = operator.inputs.iter().map(|number| Some(model.main.tensor(number)?.ty)).collect();
    let name = step.name.clone();
    let node = Node { operator, name, kind: kind.name, output: find(model, output)?, inputs, types };
    if kind.types == Types::Alike {
        check_types(&node, kind)?;
    }
    let value = (kind.lower)(lowering, &node)?;
    check_grid(lowering, &node, &value)?;
    lowering.define(output, value)
}

/// Fails unless an operator's inputs and output are all real numbers, or all integers on grids.
fn check_types(node: &Node, kind: &TfliteOperator) -> Result<(), NodeProblem> {
    let expected = node.is_quantized();
    for (index, ty) in node.types.iter().enumerate() {
        match ty.and_then(TensorType::is_quantized) {
            Some(true) if !expected && kind.has_weight && index == 1 => return Err(NodeProblem::DynamicRange),
            Some(found) if found != expected => {
                let (found, expected) = (ty.map(|ty| ty.to_string()).unwrap_or_default(), "the type of the output");
                return Err(NodeProblem::Kind { index, found, expected });
            }
            _ => (),
        }
    }
    Ok(())
}

/// Fails if a value has other integers than the tensor that it is: those of an input that it moves.
fn check_grid(lowering: &Lowering, node: &Node, value: &Value) -> Result<(), NodeProblem> {
    let Value::Computed(computed) = value else { return Ok(()) };
    let (own, stated) = (lowering.graph.ty(computed.id).element.quantization(), tensor::grid(node.output)?);
    match (own, stated) {
        (Some(own), Some(stated)) if !own.has_steps_of(&stated) => {
            let describe = |grid: Grid| format!("scale {} and zero point {}", grid.scale(), grid.zero_point());
            let (found, expected) = (format!("an output of {}", describe(stated)), describe(own));
            Err(NodeProblem::Shape { found, expected: format!("{expected}, as its input") })
        }
        _ => Ok(()),
    }
}

/// Tensor `number`, which must be one of the file.
fn find<'a>(model: &'a Model, number: i32) -> Result<&'a Tensor<'a>, NodeProblem> {
    let tensors = model.main.tensors.len();
    model.main.tensor(number).ok_or(NodeProblem::NoTensor { found: number, tensors })
}

/// The value of an operator's input; `None` for one that is left out.
fn input(lowering: &mut Lowering, model: &Model, number: i32) -> Result<Option<Value>, NodeProblem> {
    if number == -1 {
        return Ok(None);
    }
    if let Some(value) = lowering.value(number) {
        return Ok(Some(value.clone()));
    }
    let tensor = find(model, number)?;
    let data = if tensor.is_variable { None } else { tensor::read(tensor, model.buffers.get(tensor.buffer as usize))? };
    let value = Value::Constant(data.ok_or_else(|| NodeProblem::NoValue(tensor.name.to_string()))?);
    lowering.define(number, value.clone())?;
    Ok(Some(value))
}
