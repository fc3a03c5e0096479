//! Operators of the QONNX dialect, which Brevitas writes: numbers rounded to integers of any width, by several rules
//! (<https://github.com/fastmachinelearning/qonnx/blob/main/docs/qonnx-custom-ops/quant_op.md>).

use super::operator::OnnxOperator as Op;
use super::operators::with;
use super::quantized;
use super::{Lowering, Node};
use crate::graph::op::{RoundTo, RoundingMode};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::Value;
use crate::import::scales::ConstantScales;
use crate::quant::Grid;
use crate::registry::Registry;
use candle_core::Tensor;

/// Every operator.
pub(super) static OPERATORS: Registry<Op> =
    Registry::new("operator of QONNX", &[with("IntQuant", quant), with("Quant", quant)]);

/// The attribute `rounding_mode` by name.
const MODES: [(&str, RoundingMode); 9] = [
    ("ROUND", RoundingMode::HalfEven),
    ("HALF_EVEN", RoundingMode::HalfEven),
    ("CEIL", RoundingMode::Ceil),
    ("FLOOR", RoundingMode::Floor),
    ("UP", RoundingMode::Up),
    ("DOWN", RoundingMode::Down),
    ("ROUND_TO_ZERO", RoundingMode::Down),
    ("HALF_UP", RoundingMode::HalfUp),
    ("HALF_DOWN", RoundingMode::HalfDown),
];

/// `Quant` and `IntQuant`: the numbers that integers of a number of bits represent, real numbers before and after.
fn quant(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (range, mode) = (range(node)?, mode(node)?);
    let scales = node.input(1)?.floats(1)?;
    let zero_points = zero_points(node)?;
    let value = node.input(0)?;
    let Value::Floats { tensor, name, .. } = value else {
        let (&[scale], &[zero_point]) = (scales.flatten_all()?.to_vec1::<f32>()?.as_slice(), zero_points.as_slice())
        else {
            let what = "activations with several scales (quantize them per tensor)";
            return Err(NodeProblem::Unsupported(what.to_owned()));
        };
        let grid = Grid::new(scale, zero_point, range)?;
        let is_plain = mode == RoundingMode::HalfEven && zero_point == 0;
        return Ok(vec![if is_plain {
            quantized::rounded(lowering, node.name, value, grid)?
        } else {
            lowering.emit(node.name, RoundTo { grid, mode }, std::slice::from_ref(value))?
        }]);
    };
    let axis = axis(scales, tensor)?;
    let scales = scales.flatten_all()?.to_vec1::<f32>()?;
    let zero_points = if zero_points.len() == 1 { vec![zero_points[0]; scales.len()] } else { zero_points };
    if zero_points.len() != scales.len() {
        let found = format!("{} scales and {} zero points", scales.len(), zero_points.len());
        return Err(NodeProblem::Shape { found, expected: "as many of both".to_owned() });
    }
    let pairs = scales.iter().zip(&zero_points);
    let grids = pairs.map(|(&scale, &zero)| Grid::new(scale, zero, range)).collect::<Result<Vec<_>, _>>()?;
    let steps: Vec<_> = grids.iter().map(|grid| RoundTo::steps(grid, mode)).collect();
    let inner: usize = tensor.dims()[(axis + 1).min(tensor.rank())..].iter().product();
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    let integer = |(i, &x): (usize, &f32)| steps[i / inner.max(1) % steps.len()](x) as i32;
    let integers: Vec<i32> = values.iter().enumerate().map(integer).collect();
    let (dims, name) = (tensor.dims().to_vec(), name.clone());
    let scales = ConstantScales::new(scales, zero_points, integers, axis, range[0] < 0);
    Ok(vec![quantized::constant(lowering, &name, &dims, scales)?])
}

/// The integers of the node's number of bits.
fn range(node: &Node) -> Result<[i32; 2], NodeProblem> {
    let bits = match node.input(3)? {
        Value::Ints(_) => node.int_bound(3)?.unwrap_or(0) as f64,
        _ => f64::from(node.number(3)?),
    };
    let (is_signed, is_narrow) = (node.int_or("signed", 1)? != 0, node.flag("narrow")?);
    let most = if is_signed { 32.0 } else { 31.0 };
    if bits.fract() != 0.0 || !(2.0..=most).contains(&bits) {
        return Err(NodeProblem::Unsupported(format!("quantization to {bits} bits (quantize to 2 to 8 bits)")));
    }
    let half = 1i64 << (bits as u32 - 1);
    let narrow = i64::from(is_narrow);
    let range = if is_signed { [narrow - half, half - 1] } else { [0, 2 * half - 1 - narrow] };
    Ok(range.map(|q| q as i32))
}

fn mode(node: &Node) -> Result<RoundingMode, NodeProblem> {
    let name = node.text_or("rounding_mode", "ROUND")?;
    let found = MODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|&(_, mode)| mode).ok_or_else(|| NodeProblem::Attribute {
        name: "rounding_mode",
        found: format!("'{name}'"),
        expected: MODES.map(|(known, _)| known).join(", "),
    })
}

/// Zero points, which are real numbers here.
fn zero_points(node: &Node) -> Result<Vec<i32>, NodeProblem> {
    let found = node.input(2)?.floats(2)?.flatten_all()?.to_vec1::<f32>()?;
    let integer = |&zero_point: &f32| {
        let is_integer = zero_point.fract() == 0.0 && zero_point.abs() < 1e9;
        is_integer.then_some(zero_point as i32)
    };
    let all: Option<Vec<i32>> = found.iter().map(integer).collect();
    all.ok_or_else(|| NodeProblem::Unsupported(format!("quantization with zero points {found:?} (integers are)")))
}

/// The axis along which a constant's scales lie, which broadcast to it; the last for a single scale.
fn axis(scales: &Tensor, tensor: &Tensor) -> Result<usize, NodeProblem> {
    let long: Vec<usize> = (0..scales.rank()).filter(|&axis| scales.dims()[axis] != 1).collect();
    let last = tensor.rank().saturating_sub(1);
    let along = match *long.as_slice() {
        [] => return Ok(last),
        [axis] => (axis + tensor.rank()).checked_sub(scales.rank()),
        _ => None,
    };
    let fits = |&axis: &usize| tensor.dims().get(axis) == Some(&scales.elem_count());
    along.filter(fits).ok_or_else(|| NodeProblem::Shape {
        found: format!("scales {:?} for a constant {:?}", scales.dims(), tensor.dims()),
        expected: "one scale for all or one for each output channel".to_owned(),
    })
}
