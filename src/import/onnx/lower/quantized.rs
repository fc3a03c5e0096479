//! Networks that are quantized already, as pairs of `QuantizeLinear` and `DequantizeLinear` (QDQ).
//!
//! A pair on activations becomes one node that rounds, whose output is quantized in the graph; a constant
//! becomes the real numbers that its integers represent. [`Scales`](crate::import::scales::Scales) has the
//! scales of constants for the layers that read them, so that they multiply the file's own integers.

use super::node::{axis, known};
use super::{Lowering, Node};
use crate::graph::op::{FakeQuantize, Unary};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, Value};
use crate::import::scales::ConstantScales;
use crate::quant::{ActivationParams, IntRange};
use candle_core::{Device, Tensor};
use rten_onnx::onnx::DataType;

/// The scales and zero points of a node's second and third input, equally many.
fn scales(node: &Node) -> Result<(Vec<f32>, Vec<i32>), NodeProblem> {
    if node.int_or("block_size", 0)? != 0 {
        let what = "blocked quantization (quantize per tensor or per output channel)";
        return Err(NodeProblem::Unsupported(what.to_owned()));
    }
    let scales = node.input(1)?.floats(1)?.flatten_all()?.to_vec1::<f32>()?;
    let zero_points = match node.optional(2) {
        Some(zero_points) => known(zero_points.ints(2)?)?.into_iter().map(|z| z as i32).collect(),
        None => vec![0; scales.len()],
    };
    if scales.is_empty() || scales.len() != zero_points.len() {
        let (scales, zero_points) = (scales.len(), zero_points.len());
        let found = format!("quantization by {scales} scales and {zero_points} zero points (expected the same number)");
        return Err(NodeProblem::Unsupported(found));
    }
    Ok((scales, zero_points))
}

/// The range of an element type, of the 8 bits that layers multiply.
fn range(ty: DataType) -> Result<IntRange, NodeProblem> {
    match ty {
        DataType::UINT8 => Ok(IntRange::new(0, 255)?),
        DataType::INT8 => Ok(IntRange::new(-128, 127)?),
        other => Err(NodeProblem::Unsupported(format!("quantization to {other} (quantize to 8 bits)"))),
    }
}

/// `QuantizeLinear`.
pub(super) fn quantize(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (scales, zero_points) = scales(node)?;
    let ty = match (node.optional(2), node.int_or("output_dtype", 0)?) {
        (Some(zero_points), _) => zero_points.ints(2)?.ty,
        (None, 0) => DataType::UINT8,
        (None, stated) => DataType(stated as i32),
    };
    let range = range(ty)?;
    let value = node.input(0)?.clone();
    if let Value::Floats { tensor, .. } = &value {
        let axis = axis_of(node, tensor.dims(), scales.len())?;
        let inner: usize = tensor.dims().iter().skip(axis + 1).product();
        let values = tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().enumerate().map(|(i, x)| {
            let channel = i / inner % scales.len();
            let q = (x / scales[channel]).round_ties_even() + zero_points[channel] as f32;
            Int::from(q.clamp(range.q_min() as f32, range.q_max() as f32) as i64)
        });
        return Ok(vec![Value::Ints(Ints::new(tensor.dims().to_vec(), values.collect()).with_type(ty))]);
    }
    let (&[scale], &[zero_point]) = (scales.as_slice(), zero_points.as_slice()) else {
        return Err(NodeProblem::Unsupported("activations with several scales (quantize them per tensor)".to_owned()));
    };
    let params = ActivationParams::new(scale, zero_point, range)?;
    let rounded = lowering.emit(node.name, FakeQuantize(params.into()), &[value])?;
    Ok(vec![Value::Quantized(Box::new(rounded), params)])
}

/// `Clip` of quantized integers.
pub(super) fn clip(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let Value::Quantized(value, params) = node.input(0)? else { return Err(NodeProblem::Quantized(1)) };
    let (scale, zero_point, range) = (params.scale(), params.zero_point(), params.range());
    let bound = |index: usize, default: i32| -> Result<i32, NodeProblem> {
        let inside = |bound: i64| bound.clamp(range.q_min().into(), range.q_max().into()) as i32;
        Ok(node.int_bound(index)?.map_or(default, inside))
    };
    let (low, high) = (bound(1, range.q_min())?, bound(2, range.q_max())?);
    // If the bounds cross, the upper one wins.
    let low = low.min(high);
    let number = |q: i32| (q - zero_point) as f32 * scale;
    let op = Unary::Clip { min: number(low), max: number(high) };
    let clipped = lowering.emit(node.name, op, std::slice::from_ref(value))?;
    // The range becomes that of the bounds, unless these exclude the zero point, which padding needs.
    let narrow = IntRange::new(low, high).and_then(|range| ActivationParams::new(scale, zero_point, range));
    let params = narrow.unwrap_or(*params);
    if let Value::Computed(id) = &clipped {
        lowering.graph.set_quantization(*id, params.into());
    }
    Ok(vec![Value::Quantized(Box::new(clipped), params)])
}

/// A scale and zero point, for messages.
pub(super) fn grid(scale: f32, zero_point: i32) -> String {
    format!("scale {scale} and zero point {zero_point}")
}

/// The axis that scales belong to; the last for a single scale.
fn axis_of(node: &Node, dims: &[usize], scales: usize) -> Result<usize, NodeProblem> {
    if scales == 1 {
        return Ok(dims.len().saturating_sub(1));
    }
    let axis = axis("axis", node.int_or("axis", 1)?, dims.len())?;
    if dims[axis] != scales {
        let expected = format!("{scales} elements along axis {axis}, one for each scale");
        return Err(NodeProblem::Shape { found: format!("{dims:?}"), expected });
    }
    Ok(axis)
}

/// `DequantizeLinear`.
pub(super) fn dequantize(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (scales, zero_points) = scales(node)?;
    let ints = match node.input(0)? {
        Value::Ints(ints) => ints,
        Value::Quantized(value, params) => {
            if [params.scale()] == *scales && [params.zero_point()] == *zero_points {
                return Ok(vec![(**value).clone()]);
            }
            let by = grid(params.scale(), params.zero_point());
            let found = match (scales.as_slice(), zero_points.as_slice()) {
                (&[scale], &[zero_point]) => grid(scale, zero_point),
                _ => format!("{} scales", scales.len()),
            };
            return Err(NodeProblem::Unsupported(format!("dequantizing by {found} a tensor quantized by {by}")));
        }
        _ => return Err(NodeProblem::Kind { index: 0, found: "real numbers", expected: "quantized integers" }),
    };
    let axis = axis_of(node, &ints.dims, scales.len())?;
    let inner: usize = ints.dims.iter().skip(axis + 1).product();
    let number = |(i, q): (usize, i64)| {
        let channel = i / inner.max(1) % scales.len();
        (q - i64::from(zero_points[channel])) as f32 * scales[channel]
    };
    let values: Vec<f32> = known(ints)?.into_iter().enumerate().map(number).collect();
    let tensor = Tensor::from_vec(values, ints.dims.as_slice(), &Device::Cpu)?;
    // A bias has 32 bits, and its scale is that of the layer's products.
    if ints.ty != DataType::INT32 {
        let range = range(ints.ty)?;
        lowering.scales.add(&tensor, ConstantScales { scales, zero_points, range, axis });
    }
    // The name that the weight had before it was quantized.
    let name = node.proto.input.first().map_or(node.name, String::as_str);
    let name = name.strip_suffix("_quantized").unwrap_or(name).to_owned();
    Ok(vec![Value::Floats { tensor, name, initial: true }])
}
