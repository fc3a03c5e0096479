//! Linear and convolution layers, and matrix products of two activations.

use super::build::spatial;
use super::window::{AutoPad, Sliding, stated_padding};
use super::{Lowering, Node};
use crate::graph::op::{Add, Conv, MatMul, Reshape, Transpose};
use crate::graph::{Dim, Operator, ValueId};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::name;
use crate::import::onnx::operation::title;
use crate::import::onnx::value::{PendingLinear, Value};
use crate::import::same_padding::OddSide;
use crate::import::scales::OutputAxis;
use crate::layer::{ConvAttributes, ConvTransposeAttributes};
use candle_core::Tensor;

/// `Conv` over one or two axes.
pub(super) fn conv(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let rank = lowering.ty(1, node.input(1)?)?.rank();
    Ok(vec![match rank {
        3 => conv_over::<1>(lowering, node)?,
        4 => conv_over::<2>(lowering, node)?,
        _ => return Err(NodeProblem::Unsupported(format!("convolution with a {rank}-D weight (expected 3-D or 4-D)"))),
    }])
}

fn conv_over<const D: usize>(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let [input, kernel] = sizes::<D>(lowering, node)?;
    let sliding = Sliding::read(node, &kernel, &input)?;
    let attributes = ConvAttributes::<D> {
        stride: std::array::from_fn(|axis| sliding.stride[axis]),
        padding: std::array::from_fn(|axis| sliding.padding[axis]),
        dilation: std::array::from_fn(|axis| sliding.dilation[axis]),
        groups: groups(node)?,
    };
    convolution(lowering, node, Conv(attributes), OutputAxis { axis: 0, groups: 1 })
}

/// `ConvTranspose` over one or two axes.
pub(super) fn conv_transpose(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let rank = lowering.ty(1, node.input(1)?)?.rank();
    Ok(vec![match rank {
        3 => conv_transpose_over::<1>(lowering, node)?,
        4 => conv_transpose_over::<2>(lowering, node)?,
        _ => {
            return Err(NodeProblem::Unsupported(format!(
                "transposed convolution with a {rank}-D weight (expected 3-D or 4-D)"
            )));
        }
    }])
}

fn conv_transpose_over<const D: usize>(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let [input, kernel] = sizes::<D>(lowering, node)?;
    let array = |name, least, default| -> Result<[usize; D], NodeProblem> {
        Ok(node.sizes(name, D, least)?.and_then(|found| found.try_into().ok()).unwrap_or([default; D]))
    };
    let mut attributes = ConvTransposeAttributes::<D> {
        stride: array("strides", 1, 1)?,
        padding: [[0; 2]; D],
        output_padding: array("output_padding", 0, 0)?,
        dilation: array("dilations", 1, 1)?,
        groups: groups(node)?,
    };
    let auto_pad = AutoPad::read(node)?;
    let odd = if let AutoPad::Same(odd) = auto_pad { odd } else { OddSide::Before };
    // The requested output size overrides `pads`.
    let target: Option<Vec<usize>> = match (node.sizes("output_shape", D, 1)?, &auto_pad) {
        (None, AutoPad::Same(_)) => {
            Some((0..D).map(|axis| input[axis].saturating_mul(attributes.stride[axis])).collect())
        }
        (stated, _) => stated,
    };
    if let Some(target) = target {
        for axis in 0..D {
            let whole = attributes.whole_output(axis, input[axis], kernel[axis]);
            attributes.padding[axis] = odd.split(whole.saturating_sub(target[axis]));
            // Positions that no tap reaches are at the end.
            attributes.output_padding[axis] += target[axis].saturating_sub(whole);
        }
    } else if let AutoPad::Stated = auto_pad {
        let stated = stated_padding(node, D)?;
        attributes.padding = std::array::from_fn(|axis| stated[axis]);
    }
    let groups = attributes.groups;
    convolution(lowering, node, Conv(attributes), OutputAxis { axis: 1, groups })
}

/// The spatial sizes of a convolution's input and kernel.
fn sizes<const D: usize>(lowering: &Lowering, node: &Node) -> Result<[Vec<usize>; 2], NodeProblem> {
    let x = lowering.ty(0, node.input(0)?)?;
    let (input, kernel) = (spatial(&x)?, spatial(&lowering.ty(1, node.input(1)?)?)?);
    if input.len() != D || kernel.contains(&0) {
        let expected = format!("{D} spatial axes, like the kernel {kernel:?}");
        return Err(NodeProblem::Shape { found: x.to_string(), expected });
    }
    Ok([input, kernel])
}

/// Groups of channels; 0, which no convolution accepts, if the attribute is negative.
fn groups(node: &Node) -> Result<usize, NodeProblem> {
    Ok(usize::try_from(node.int_or("group", 1)?).unwrap_or(0))
}

/// A convolution; a layer if its weights are constants.
fn convolution(
    lowering: &mut Lowering,
    node: &Node,
    op: impl Operator,
    outputs: OutputAxis,
) -> Result<Value, NodeProblem> {
    let (x, weight) = (node.input(0)?, node.input(1)?);
    let bias = node.optional(2);
    let bias_name = if let Some(Value::Floats { name, .. }) = bias { Some(name.as_str()) } else { None };
    match (weight, bias) {
        (Value::Floats { tensor, name, .. }, None | Some(Value::Floats { .. })) => {
            let name = name::layer(name, bias_name, node.name, node.operator());
            let x = lowering.id(0, x)?;
            let bias = bias.map(|bias| bias.floats(2)).transpose()?.cloned();
            Ok(Value::Computed(lowering.layer(&name, x, op, tensor.clone(), bias, outputs)?))
        }
        // With computed weights it is a convolution, but has no approximate counterpart.
        _ => lowering.emit(node.name, op, &node.all_inputs()?),
    }
}

/// `Gemm`: `alpha A B + beta C`.
pub(super) fn gemm(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (alpha, beta) = (node.float_or("alpha", 1.0)?, node.float_or("beta", 1.0)?);
    let mut a = node.input(0)?.clone();
    if node.flag("transA")? {
        a = lowering.emit(node.name, Transpose { order: vec![1, 0] }, &[a])?;
    }
    let (b, c) = (node.input(1)?, node.optional(2));
    let is_transposed = node.flag("transB")?;
    let Value::Floats { tensor, name, .. } = b else {
        if alpha != 1.0 || beta != 1.0 {
            return Err(NodeProblem::Unsupported(
                "alpha or beta other than 1 for a product of two activations".to_owned(),
            ));
        }
        let b = if is_transposed {
            lowering.emit(node.name, Transpose { order: vec![1, 0] }, std::slice::from_ref(b))?
        } else {
            b.clone()
        };
        let product = lowering.emit(&name::product(node.name, node.operator()), MatMul, &[a, b])?;
        return Ok(vec![match c {
            Some(c) => lowering.emit(node.name, Add::default(), &[product, c.clone()])?,
            None => product,
        }]);
    };
    if tensor.rank() != 2 {
        let (found, expected) = (format!("a weight {:?}", tensor.dims()), "a matrix".to_owned());
        return Err(NodeProblem::Shape { found, expected });
    }
    let scaled = |tensor: &Tensor, factor: f32| match factor {
        1.0 => Ok(tensor.clone()),
        factor => tensor.affine(f64::from(factor), 0.0),
    };
    let weight = if is_transposed { tensor.clone() } else { tensor.t()?.contiguous()? };
    if !is_transposed {
        lowering.scales.transposed(tensor, &weight, &[1, 0]);
    }
    let (x, merged) = rows(lowering, &a, weight.dims()[0])?;
    let multiplied = scaled(&weight, alpha)?;
    lowering.scales.multiplied(&weight, &multiplied, alpha);
    let linear = PendingLinear {
        x,
        merged,
        weight: multiplied,
        weight_name: name.clone(),
        node: node.name.to_owned(),
        operator: node.operator().to_owned(),
        title: title(node.proto),
    };
    let outputs = linear.weight.dims()[0];
    Ok(vec![match c {
        None => lowering.linear(linear, None)?,
        Some(Value::Floats { tensor, name, .. }) if [1, outputs].contains(&tensor.elem_count()) => {
            let bias = scaled(&tensor.flatten_all()?.broadcast_as(outputs)?.contiguous()?, beta)?;
            if beta == 1.0 {
                lowering.scales.reshaped(tensor, &bias);
            }
            lowering.linear(linear, Some((bias, name)))?
        }
        Some(c) if beta == 1.0 => {
            let product = lowering.linear(linear, None)?;
            lowering.emit(node.name, Add::default(), &[product, c.clone()])?
        }
        Some(_) => {
            return Err(NodeProblem::Unsupported("beta other than 1 for a C that is not a bias vector".to_owned()));
        }
    }])
}

/// The graph's value that a layer with `outputs` outputs reads, and the dimensions of its output in the
/// file where axes are merged there.
fn rows(lowering: &mut Lowering, value: &Value, outputs: usize) -> Result<(ValueId, Option<Vec<Dim>>), NodeProblem> {
    let Value::Merged { id, shape } = value else { return Ok((lowering.id(0, value)?, None)) };
    let mut shape = shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = Dim::Fixed(outputs);
    }
    Ok((*id, Some(shape)))
}

/// `MatMul`: a linear layer where the right side is a constant matrix.
pub(super) fn matmul(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (a, b) = (node.input(0)?.clone(), node.input(1)?.clone());
    let is_matrix = match &a {
        Value::Computed(x) => lowering.graph.ty(*x).rank() >= 2,
        value => matches!(value, Value::Merged { .. }),
    };
    if matches!(&b, Value::Floats { tensor, .. } if tensor.rank() == 2) && is_matrix {
        return Ok(vec![product(lowering, node, &a, &b)?]);
    }
    let types = [lowering.ty(0, &a)?, lowering.ty(1, &b)?];
    // Ranks are made equal by leading axes of size 1.
    let rank = types[0].rank().max(types[1].rank());
    let mut sides = Vec::new();
    for (value, ty) in [a, b].into_iter().zip(types) {
        if ty.rank() < 2 {
            return Err(NodeProblem::Unsupported("a matrix product with a 1-D input".to_owned()));
        }
        let missing = rank - ty.rank();
        let shape = [vec![Dim::Fixed(1); missing], ty.shape].concat();
        sides.push(if missing == 0 { value } else { lowering.emit(node.name, Reshape { shape }, &[value])? });
    }
    Ok(vec![lowering.emit(&name::product(node.name, node.operator()), MatMul, &sides)?])
}

/// The product with a constant matrix `[in, out]`: a linear layer whose bias may follow.
pub(super) fn product(lowering: &mut Lowering, node: &Node, a: &Value, b: &Value) -> Result<Value, NodeProblem> {
    let tensor = b.floats(1)?;
    let weight_name = if let Value::Floats { name, .. } = b { name.clone() } else { String::new() };
    let (x, merged) = rows(lowering, a, tensor.dims()[1])?;
    let weight = tensor.t()?.contiguous()?;
    lowering.scales.transposed(tensor, &weight, &[1, 0]);
    Ok(Value::Pending(Box::new(PendingLinear {
        x,
        merged,
        weight,
        weight_name,
        node: node.name.to_owned(),
        operator: node.operator().to_owned(),
        title: title(node.proto),
    })))
}
