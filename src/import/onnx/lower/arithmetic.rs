//! Functions of numbers, alone and in pairs.

use super::node::known;
use super::{Lowering, Node, constants, integers};
use crate::graph::op::{Add, Binary, Choose, Relu, Relu6, Unary};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, Product, Value};
use candle_core::Tensor;

/// `Add`, which may be a matrix product's bias, and `Sum`.
pub(super) fn add(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let inputs = node.all_inputs()?;
    let with_bias = match inputs.as_slice() {
        [Value::Product(product), Value::Floats { tensor, name, .. }]
        | [Value::Floats { tensor, name, .. }, Value::Product(product)] => {
            bias(product, tensor)?.map(|bias| (product, bias, name))
        }
        _ => None,
    };
    if let Some((product, bias, name)) = with_bias {
        return Ok(vec![lowering.linear((**product).clone(), Some((bias, name)))?]);
    }
    let inputs = inputs.into_iter().map(|input| lowering.settle(input)).collect::<Result<Vec<_>, _>>()?;
    chain(lowering, node, inputs, |lowering, name, pair| lowering.emit(name, Add::default(), pair))
}

/// A constant as the bias of a product: one number an output.
fn bias(product: &Product, tensor: &Tensor) -> Result<Option<Tensor>, NodeProblem> {
    let outputs = product.weight.dims()[0];
    let is_row = tensor.dims().last() == Some(&outputs) && tensor.elem_count() == outputs;
    Ok(if is_row { Some(tensor.flatten_all()?) } else { None })
}

/// Operators of two inputs, and of any number of them.
pub(super) fn binary(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let op = match node.operator() {
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "Div" => Binary::Div,
        "Pow" => Binary::Pow,
        "Max" => Binary::Max,
        "Min" => Binary::Min,
        _ => Binary::PRelu,
    };
    chain(lowering, node, node.all_inputs()?, |lowering, name, pair| lowering.emit(name, op, pair))
}

/// `function` of the first two inputs, then of that and the third, and so on.
fn chain(
    lowering: &mut Lowering,
    node: &Node,
    inputs: Vec<Value>,
    function: impl Fn(&mut Lowering, &str, &[Value]) -> Result<Value, NodeProblem>,
) -> Result<Vec<Value>, NodeProblem> {
    let mut inputs = inputs.into_iter();
    let mut result = inputs.next().ok_or(NodeProblem::Missing(0))?;
    for input in inputs {
        result = match (&result, &input) {
            (Value::Ints(a), Value::Ints(b)) => Value::Ints(integers::apply(node.operator(), a, b)?),
            _ => function(lowering, node.name, &[result, input])?,
        };
    }
    Ok(vec![result])
}

/// Operators of one input.
pub(super) fn unary(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let input = [node.input(0)?.clone()];
    let op = match node.operator() {
        "Relu" => return Ok(vec![lowering.emit(node.name, Relu, &input)?]),
        "LeakyRelu" => Unary::LeakyRelu { slope: node.float_or("alpha", 0.01)? },
        "Elu" => Unary::Elu { alpha: node.float_or("alpha", 1.0)? },
        "HardSigmoid" => Unary::HardSigmoid { slope: node.float_or("alpha", 0.2)?, shift: node.float_or("beta", 0.5)? },
        "Gelu" => match node.text_or("approximate", "none")? {
            "none" => Unary::Gelu,
            "tanh" => Unary::GeluTanh,
            other => {
                let expected = "'none' or 'tanh'".to_owned();
                return Err(NodeProblem::Attribute { name: "approximate", found: format!("'{other}'"), expected });
            }
        },
        "Swish" => match node.float_or("alpha", 1.0)? {
            1.0 => Unary::Silu,
            other => {
                let (found, expected) = (other.to_string(), "1".to_owned());
                return Err(NodeProblem::Attribute { name: "alpha", found, expected });
            }
        },
        "Selu" => {
            Unary::Selu { alpha: node.float_or("alpha", 1.673_263_2)?, gamma: node.float_or("gamma", 1.050_701)? }
        }
        "Celu" => Unary::Celu { alpha: node.float_or("alpha", 1.0)? },
        "ThresholdedRelu" => Unary::ThresholdedRelu { alpha: node.float_or("alpha", 1.0)? },
        "Softplus" => Unary::Softplus,
        "Mish" => Unary::Mish,
        "Softsign" => Unary::Softsign,
        "Sign" => Unary::Sign,
        "Floor" => Unary::Floor,
        "Ceil" => Unary::Ceil,
        "Round" => Unary::Round,
        "Sin" => Unary::Sin,
        "Cos" => Unary::Cos,
        "Sigmoid" => Unary::Sigmoid,
        "HardSwish" => Unary::HardSwish,
        "Tanh" => Unary::Tanh,
        "Erf" => Unary::Erf,
        "Sqrt" => Unary::Sqrt,
        "Reciprocal" => Unary::Reciprocal,
        "Exp" => Unary::Exp,
        "Log" => Unary::Log,
        "Neg" => Unary::Neg,
        _ => Unary::Abs,
    };
    Ok(vec![lowering.emit(node.name, op, &input)?])
}

/// `Clip`, whose bounds are attributes before version 11.
pub(super) fn clip(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    if let Value::Ints(ints) = node.input(0)? {
        let [low, high] = [node.int_bound(1)?, node.int_bound(2)?];
        let clip = |int| Int::from(i64::min(i64::max(int, low.unwrap_or(int)), high.unwrap_or(i64::MAX)));
        let values = known(ints)?.into_iter().map(clip).collect();
        return Ok(vec![Value::Ints(Ints { values, ..ints.clone() })]);
    }
    let min = node.float_by_either("min", 1)?.unwrap_or(f32::NEG_INFINITY);
    let max = node.float_by_either("max", 2)?.unwrap_or(f32::INFINITY);
    let input = [node.input(0)?.clone()];
    // The names that activations go by where they have one.
    let output = match (min, max) {
        (0.0, f32::INFINITY | f32::MAX) => lowering.emit(node.name, Relu, &input),
        (0.0, 6.0) => lowering.emit(node.name, Relu6, &input),
        _ => lowering.emit(node.name, Unary::Clip { min, max }, &input),
    };
    Ok(vec![output?])
}

/// `Where`: of integers at once, of numbers as a node.
pub(super) fn choose(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let inputs = [node.input(0)?, node.input(1)?, node.input(2)?];
    if let [Value::Ints(condition), Value::Ints(a), Value::Ints(b)] = inputs {
        return Ok(vec![Value::Ints(integers::choose(condition, a, b)?)]);
    }
    let inputs = real(node, &inputs.map(Clone::clone))?;
    Ok(vec![lowering.emit(node.name, Choose, &inputs)?])
}

/// Comparisons and logic, whose result is 1 or 0: of constants as integers, else as numbers.
pub(super) fn compare(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let zero = Value::Ints(Ints::new(vec![], vec![Int::from(0)]));
    let a = node.input(0)?;
    let b = if node.operator() == "Not" { &zero } else { node.input(1)? };
    if let (Value::Ints(a), Value::Ints(b)) = (a, b) {
        return Ok(vec![Value::Ints(integers::apply(node.operator(), a, b)?)]);
    }
    let (op, swap) = match node.operator() {
        "Equal" | "Not" => (Binary::Equal, false),
        "Less" => (Binary::Less, false),
        "Greater" => (Binary::Less, true),
        "LessOrEqual" => (Binary::LessOrEqual, false),
        "GreaterOrEqual" => (Binary::LessOrEqual, true),
        "And" => (Binary::Min, false),
        _ => (Binary::Max, false),
    };
    let mut pair = real(node, &[a.clone(), b.clone()])?;
    if swap {
        pair.reverse();
    }
    Ok(vec![match lowering.emit(node.name, op, &pair)? {
        Value::Floats { tensor, .. } => {
            let values = tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().map(|x| Int::from(x as i64)).collect();
            Value::Ints(Ints::new(tensor.dims().to_vec(), values))
        }
        computed => computed,
    }])
}

/// Values of which some are constant integers, truth values among them, as real numbers.
fn real(node: &Node, values: &[Value]) -> Result<Vec<Value>, NodeProblem> {
    let value = |value: &Value| match value {
        Value::Ints(ints) => constants::real(ints, node.name),
        other => Ok(other.clone()),
    };
    values.iter().map(value).collect()
}
