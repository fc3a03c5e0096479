//! Operators that produce constants, or pass their input on.

use super::node::{axis, known};
use super::{Lowering, Node, integers, quantized};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::tensor::Constant;
use crate::import::onnx::value::{Int, Ints, Value};
use candle_core::{Device, Tensor};
use rten_onnx::onnx::DataType;

/// A tensor of the file as a value called `name`.
pub(super) fn value(constant: Constant, name: &str, initial: bool) -> Value {
    match constant {
        Constant::Floats(tensor) => Value::Floats { tensor, name: name.to_owned(), initial },
        Constant::Ints(ints) => Value::Ints(ints),
    }
}

/// `Constant`.
pub(super) fn constant(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let floats = |values: &[f32], dims: &[usize]| -> Result<Value, NodeProblem> {
        let tensor = Tensor::from_slice(values, dims, &Device::Cpu)?;
        Ok(value(Constant::Floats(tensor), node.name, false))
    };
    let ints = |values: &[i64], dims: Vec<usize>| {
        Value::Ints(Ints::new(dims, values.iter().copied().map(Int::from).collect()))
    };
    let found = if let Some(tensor) = node.tensor("value")? {
        value(lowering.read(tensor)?, output(node), false)
    } else if let Some(int) = node.int("value_int")? {
        ints(&[int], vec![])
    } else if let Some(found) = node.ints("value_ints")? {
        ints(found, vec![found.len()])
    } else if let Some(found) = node.floats("value_floats")? {
        floats(found, &[found.len()])?
    } else {
        let missing = || NodeProblem::Unsupported("a constant without a value".to_owned());
        floats(&[node.float("value_float")?.ok_or_else(missing)?], &[])?
    };
    lowering.budget.exempt(&found);
    Ok(vec![found])
}

/// The name of the node's first output, which becomes the parameter's name.
fn output<'n>(node: &'n Node) -> &'n str {
    node.proto.output.first().map_or(node.name, String::as_str)
}

/// `ConstantOfShape`.
pub(super) fn constant_of_shape(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let dims = known(node.input(0)?.ints(0)?)?;
    let sizes: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let sizes = sizes.ok_or_else(|| NodeProblem::Unsupported(format!("a constant of shape {dims:?}")))?;
    let count = sizes.iter().fold(1, |count: usize, &size| count.saturating_mul(size.max(1)));
    let number = node.tensor("value")?.map(|tensor| lowering.read(tensor)).transpose()?;
    let one = || NodeProblem::Attribute {
        name: "value",
        found: "a tensor with several elements".to_owned(),
        expected: "one number".to_owned(),
    };
    Ok(vec![match number {
        Some(Constant::Ints(ints)) => {
            let [number] = ints.values.as_slice() else { return Err(one()) };
            lowering.budget.check::<Int>(count)?;
            let values = vec![*number; sizes.iter().product()];
            Value::Ints(Ints::new(sizes, values).with_type(ints.ty))
        }
        number => {
            let number = match number {
                Some(Constant::Floats(tensor)) => tensor.flatten_all()?.to_vec1::<f32>()?,
                _ => vec![0.0],
            };
            let [number] = number.as_slice() else { return Err(one()) };
            lowering.budget.check::<f32>(count)?;
            let tensor = Tensor::from_vec(vec![*number; sizes.iter().product()], sizes, &Device::Cpu)?;
            // In files without weights, this is what stands in for them.
            Value::Floats { tensor, name: output(node).to_owned(), initial: true }
        }
    }])
}

/// `CumSum` of constants: exporters use it for positions.
pub(super) fn cumulative_sum(_: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    if node.flag("exclusive")? || node.flag("reverse")? {
        return Err(NodeProblem::Unsupported("an exclusive or reverse cumulative sum".to_owned()));
    }
    let real = match node.input(0)? {
        Value::Ints(ints) => integers::real(ints, output(node))?,
        value => value.clone(),
    };
    let tensor = real.floats(0)?;
    let along = known(node.input(1)?.ints(1)?)?;
    let along = axis("axis", along.first().copied().unwrap_or(0), tensor.rank())?;
    let mut values = tensor.flatten_all()?.to_vec1::<f32>()?;
    let inner: usize = tensor.dims()[along + 1..].iter().product();
    let block = inner * tensor.dims()[along];
    for i in (0..values.len()).filter(|i| i % block >= inner) {
        values[i] += values[i - inner];
    }
    if let Value::Ints(ints) = node.input(0)? {
        let values = values.into_iter().map(|sum| Int::from(sum as i64)).collect();
        return Ok(vec![Value::Ints(Ints::new(ints.dims.clone(), values).with_type(ints.ty))]);
    }
    let tensor = Tensor::from_vec(values, tensor.dims(), &Device::Cpu)?;
    Ok(vec![Value::Floats { tensor, name: output(node).to_owned(), initial: false }])
}

/// `Trilu` of constants: exporters make causal masks of it.
pub(super) fn triangle(_: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (is_upper, diagonal) = (node.int_or("upper", 1)? != 0, node.int_bound(1)?.unwrap_or(0));
    let input = node.input(0)?;
    let dims = match input {
        Value::Ints(ints) => ints.dims.as_slice(),
        value => value.floats(0)?.dims(),
    };
    let [.., rows, columns] = *dims else {
        return Err(NodeProblem::Unsupported(format!("a triangle of a tensor of shape {dims:?}")));
    };
    let is_kept = |i: usize| {
        let above = (i % columns) as i64 - (i / columns % rows) as i64;
        if is_upper { above >= diagonal } else { above <= diagonal }
    };
    if let Value::Ints(ints) = input {
        let number = |(i, &int): (usize, &Int)| if is_kept(i) { int } else { Int::from(0) };
        let values = ints.values.iter().enumerate().map(number).collect();
        return Ok(vec![Value::Ints(Ints::new(ints.dims.clone(), values).with_type(ints.ty))]);
    }
    let numbers = input.floats(0)?.flatten_all()?.to_vec1::<f32>()?;
    let numbers = numbers.into_iter().enumerate().map(|(i, x)| if is_kept(i) { x } else { 0.0 }).collect();
    let tensor = Tensor::from_vec(numbers, dims, &Device::Cpu)?;
    Ok(vec![Value::Floats { tensor, name: output(node).to_owned(), initial: false }])
}

/// `Dropout`, which does nothing in evaluation.
pub(super) fn dropout(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let is_training = node.optional(2).map(|mode| known(mode.ints(2)?)).transpose()?;
    let drops = node.float_by_either("ratio", 1)?.unwrap_or(0.5) != 0.0;
    if drops && is_training.is_some_and(|mode| mode.iter().any(|&mode| mode != 0)) {
        let what = "dropout in training mode, which is random (export after model.eval())";
        return Err(NodeProblem::Unsupported(what.to_owned()));
    }
    identity(lowering, node)
}

/// `Identity`.
pub(super) fn identity(_: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let mut value = node.input(0)?.clone();
    if let Value::Floats { name, .. } = &mut value {
        // Exporters that deduplicate tensors restore the other's name this way.
        output(node).clone_into(name);
    }
    Ok(vec![value])
}

/// An integer converted to type `ty`, which wraps around if it has 8 bits.
fn wrap(int: Int, ty: DataType) -> Int {
    match (int.known(), ty) {
        (Some(known), DataType::UINT8) => Int::from(i64::from(known as u8)),
        (Some(known), DataType::BOOL) => Int::from(i64::from(known != 0)),
        (Some(known), DataType::INT8) => Int::from(i64::from(known as i8)),
        _ => int,
    }
}

/// `Cast`.
pub(super) fn cast(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    cast_to(lowering, node, DataType(node.int_or("to", 1)? as i32))
}

/// `CastLike`: to the type of another value.
pub(super) fn cast_like(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    if let Value::Quantized(..) = node.input(1)? {
        return Err(NodeProblem::Quantized(1));
    }
    cast_to(lowering, node, if let Value::Ints(ints) = node.input(1)? { ints.ty } else { DataType::FLOAT })
}

/// The first input as another type: real numbers stay `f32`, constants become what is asked for.
fn cast_to(lowering: &mut Lowering, node: &Node, to: DataType) -> Result<Vec<Value>, NodeProblem> {
    Ok(vec![match (node.input(0)?.clone(), quantized::is_float(to)) {
        (Value::Quantized(numbers, grid), _) => quantized::cast(lowering, node, &numbers, &grid, to)?,
        (Value::Ints(ints), true) => integers::real(&ints, output(node))?,
        (Value::Floats { tensor, .. }, false) => {
            let is_bool = to == DataType::BOOL;
            let cast = |x: f32| wrap(Int::from(if is_bool { i64::from(x != 0.0) } else { x as i64 }), to);
            let values = tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().map(cast).collect();
            Value::Ints(Ints::new(tensor.dims().to_vec(), values).with_type(to))
        }
        (Value::Ints(ints), false) => {
            let values = ints.values.iter().map(|&int| wrap(int, to)).collect();
            Value::Ints(Ints::new(ints.dims, values).with_type(to))
        }
        (Value::Computed(_), false) => return Err(NodeProblem::Unsupported(format!("casting activations to {to}"))),
        (value, _) => value,
    }])
}
