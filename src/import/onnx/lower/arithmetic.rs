//! Element-wise functions of one value or of pairs, comparisons, and selection.

use super::integers::IntFunction;
use super::node::known;
use super::{Lowering, Node, grids, integers, quantized};
use crate::graph::op::{Add, Binary, Relu, Relu6, Scale, Unary, Where};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, PendingLinear, Value};
use candle_core::Tensor;

/// `Add`, which may add the bias of a matrix product, and `Sum`.
pub(super) fn add(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let inputs = node.all_inputs()?;
    let with_bias = match inputs.as_slice() {
        [Value::Pending(linear), Value::Floats { tensor, name, .. }]
        | [Value::Floats { tensor, name, .. }, Value::Pending(linear)] => bias(linear, tensor)?.map(|bias| {
            lowering.scales.reshaped(tensor, &bias);
            (linear, bias, name)
        }),
        _ => None,
    };
    if let Some((linear, bias, name)) = with_bias {
        return Ok(vec![lowering.linear((**linear).clone(), Some((bias, name)))?]);
    }
    let inputs = inputs.into_iter().map(|input| lowering.settle(input)).collect::<Result<Vec<_>, _>>()?;
    chain(lowering, node, inputs, Some(integers::add), |lowering, name, pair| lowering.emit(name, Add::default(), pair))
}

/// A constant as the bias of a linear layer: one number for each output.
fn bias(linear: &PendingLinear, tensor: &Tensor) -> Result<Option<Tensor>, NodeProblem> {
    let outputs = linear.weight.dims()[0];
    let is_vector = tensor.dims().last() == Some(&outputs) && tensor.elem_count() == outputs;
    Ok(if is_vector { Some(tensor.flatten_all()?) } else { None })
}

/// An operator of two inputs, or of any number of them.
pub(super) fn binary(
    lowering: &mut Lowering,
    node: &Node,
    op: Binary,
    integers: Option<IntFunction>,
) -> Result<Vec<Value>, NodeProblem> {
    let of_pair = |lowering: &mut Lowering, name: &str, pair: &[Value]| -> Result<Value, NodeProblem> {
        if let (Binary::PRelu, Value::Floats { tensor: slope, .. }) = (op, &pair[1])
            && slope.flatten_all()?.to_vec1::<f32>()?.iter().all(|&slope| slope == 0.0)
        {
            return lowering.emit(name, Relu, &pair[..1]);
        }
        let result = lowering.emit(name, op, pair)?;
        if let Binary::Max | Binary::Min = op {
            lowering.keep_grid(&result, pair);
        }
        Ok(result)
    };
    chain(lowering, node, node.all_inputs()?, integers, of_pair)
}

/// `function` of the first two inputs, then of that and the third, and so on.
fn chain(
    lowering: &mut Lowering,
    node: &Node,
    inputs: Vec<Value>,
    integers: Option<IntFunction>,
    function: impl Fn(&mut Lowering, &str, &[Value]) -> Result<Value, NodeProblem>,
) -> Result<Vec<Value>, NodeProblem> {
    let mut inputs = inputs.into_iter();
    let mut result = inputs.next().ok_or(NodeProblem::Missing(0))?;
    for input in inputs {
        result = match (&result, &input) {
            (Value::Ints(a), Value::Ints(b)) => {
                let unsupported = || NodeProblem::Unsupported(format!("{} of integers", node.operator()));
                Value::Ints(integers::apply(
                    &lowering.budget,
                    integers.ok_or_else(unsupported)?,
                    node.operator(),
                    a,
                    b,
                )?)
            }
            _ => function(lowering, node.name, &[result, input])?,
        };
    }
    Ok(vec![result])
}

/// `Mean` of any number of inputs.
pub(super) fn mean(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let sum = add(lowering, node)?;
    Ok(vec![lowering.emit(node.name, Scale { factor: 1.0 / node.inputs.len() as f32 }, &sum)?])
}

/// `Pow`, whose exponent may be of another type than the base; the power is of the base's.
pub(super) fn pow(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let pair = [node.input(0)?.clone(), node.input(1)?.clone()];
    if let [Value::Ints(base), Value::Ints(exponent)] = &pair {
        let power = integers::apply(&lowering.budget, integers::pow, "Pow", base, exponent)?;
        return Ok(vec![Value::Ints(power.with_type(base.ty))]);
    }
    let power = lowering.emit(node.name, Binary::Pow, &real(node, &pair)?)?;
    Ok(vec![match (&pair[0], power) {
        (Value::Ints(base), Value::Floats { tensor, .. }) => {
            Value::Ints(integers::truncated(&tensor)?.with_type(base.ty))
        }
        (Value::Ints(_), _) => {
            return Err(NodeProblem::Unsupported("an integer to a power that is computed from the images".to_owned()));
        }
        (_, power) => power,
    }])
}

/// An operator of one input.
pub(super) fn unary(lowering: &mut Lowering, node: &Node, op: Unary) -> Result<Vec<Value>, NodeProblem> {
    let result = lowering.emit(node.name, op, &[node.input(0)?.clone()])?;
    if let Some(grid) = lowering.grid(node.input(0)?).and_then(|grid| grids::of_unary(op, &grid)) {
        lowering.set_grid(&result, grid);
    }
    Ok(vec![result])
}

/// `Relu`.
pub(super) fn relu(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    Ok(vec![lowering.emit(node.name, Relu, &[node.input(0)?.clone()])?])
}

/// `Gelu`, exact or approximated.
pub(super) fn gelu(node: &Node) -> Result<Unary, NodeProblem> {
    match node.text_or("approximate", "none")? {
        "none" => Ok(Unary::Gelu),
        "tanh" => Ok(Unary::GeluTanh),
        other => {
            let expected = "'none' or 'tanh'".to_owned();
            Err(NodeProblem::Attribute { name: "approximate", found: format!("'{other}'"), expected })
        }
    }
}

/// `Swish` without a factor.
pub(super) fn swish(node: &Node) -> Result<Unary, NodeProblem> {
    match node.float_or("alpha", 1.0)? {
        1.0 => Ok(Unary::Silu),
        other => {
            let (found, expected) = (other.to_string(), "1".to_owned());
            Err(NodeProblem::Attribute { name: "alpha", found, expected })
        }
    }
}

/// `Clip`, whose bounds are attributes before version 11.
pub(super) fn clip(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    if let Value::Quantized(..) = node.input(0)? {
        return quantized::clip(lowering, node);
    }
    if let Value::Ints(ints) = node.input(0)? {
        let [low, high] = [node.int_bound(1)?, node.int_bound(2)?];
        let clip = |int| Int::from(i64::min(i64::max(int, low.unwrap_or(int)), high.unwrap_or(i64::MAX)));
        let values = known(ints)?.into_iter().map(clip).collect();
        return Ok(vec![Value::Ints(Ints::new(ints.dims.clone(), values).with_type(ints.ty))]);
    }
    let min = node.float_by_either("min", 1)?.unwrap_or(f32::NEG_INFINITY);
    let max = node.float_by_either("max", 2)?.unwrap_or(f32::INFINITY);
    let input = [node.input(0)?.clone()];
    // By the name of the activation, where it has one.
    let output = match (min, max) {
        (0.0, f32::INFINITY | f32::MAX) => lowering.emit(node.name, Relu, &input),
        (0.0, 6.0) => lowering.emit(node.name, Relu6, &input),
        _ => lowering.emit(node.name, Unary::Clip { min, max }, &input),
    }?;
    if let Some(grid) = lowering.grid(&input[0]).and_then(|grid| grids::of_unary(Unary::Clip { min, max }, &grid)) {
        lowering.set_grid(&output, grid);
    }
    Ok(vec![output])
}

/// `Where`: computed at once for constant integers, else a node.
pub(super) fn select(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let inputs = [node.input(0)?, node.input(1)?, node.input(2)?];
    if let [Value::Ints(condition), Value::Ints(a), Value::Ints(b)] = inputs {
        return Ok(vec![Value::Ints(integers::select(&lowering.budget, condition, a, b)?)]);
    }
    let inputs = real(node, &inputs.map(Clone::clone))?;
    let result = lowering.emit(node.name, Where, &inputs)?;
    lowering.keep_grid(&result, &inputs[1..]);
    Ok(vec![result])
}

/// A comparison or logical operation on two inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    /// Its function of real numbers.
    pub op: Binary,
    /// Whether that takes the inputs in reverse order.
    pub is_swapped: bool,
    /// Its function of constant integers.
    pub integers: IntFunction,
}

/// Comparisons and logic, whose result is 1 or 0: constant integers if the inputs are, else real numbers.
pub(super) fn compare(lowering: &mut Lowering, node: &Node, comparison: Comparison) -> Result<Vec<Value>, NodeProblem> {
    compare_pair(lowering, node, comparison, [node.input(0)?, node.input(1)?])
}

/// `Not`: whether a truth value is 0.
pub(super) fn not(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let zero = Value::Ints(Ints::new(vec![], vec![Int::from(0)]));
    let equal = Comparison { op: Binary::Equal, is_swapped: false, integers: integers::not };
    compare_pair(lowering, node, equal, [node.input(0)?, &zero])
}

fn compare_pair(
    lowering: &mut Lowering,
    node: &Node,
    comparison: Comparison,
    [a, b]: [&Value; 2],
) -> Result<Vec<Value>, NodeProblem> {
    if let (Value::Ints(a), Value::Ints(b)) = (a, b) {
        return Ok(vec![Value::Ints(integers::apply(&lowering.budget, comparison.integers, node.operator(), a, b)?)]);
    }
    let mut pair = real(node, &[a.clone(), b.clone()])?;
    if comparison.is_swapped {
        pair.reverse();
    }
    Ok(vec![match lowering.emit(node.name, comparison.op, &pair)? {
        Value::Floats { tensor, .. } => Value::Ints(integers::truncated(&tensor)?),
        computed => computed,
    }])
}

/// Values with constant integers, such as truth values, converted to real numbers.
fn real(node: &Node, values: &[Value]) -> Result<Vec<Value>, NodeProblem> {
    let value = |value: &Value| match value {
        Value::Ints(ints) => integers::real(ints, node.name),
        other => Ok(other.clone()),
    };
    values.iter().map(value).collect()
}
