//! Layers: convolutions, transposed or not, and fully connected ones.
//!
//! Weights are brought into the order that the graph's layers take: those of `CONV_2D` are `[out, height, width,
//! in]`, of `DEPTHWISE_CONV_2D` `[1, height, width, out]`, of `TRANSPOSE_CONV` `[out, height, width, in]` and of
//! `FULLY_CONNECTED` `[out, in]`.

use super::lowering::Bias;
use super::window::padding;
use super::{Computed, Lowering, Node, Value};
use crate::graph::op::{Conv, Linear, Reshape};
use crate::graph::{Dim, Operator, ValueId};
use crate::import::scales::OutputAxis;
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::{Conv2d, Convolution, DepthwiseConv2d, FullyConnected, TransposeConv};
use crate::import::tflite::tensor::{Constant, Data};
use crate::layer::{ConvAttributes, ConvTransposeAttributes};
use candle_core::{Device, Tensor};
use std::sync::Arc;

/// A weight of `D` sizes.
fn weight<'n, const D: usize>(node: &'n Node, index: usize) -> Result<(&'n Constant, [usize; D]), NodeProblem> {
    let constant = node.constant(index)?;
    let dims = constant.tensor.dims();
    match dims.try_into() {
        Ok(sizes) if !dims.contains(&0) => Ok((constant, sizes)),
        _ => Err(NodeProblem::Shape {
            found: format!("a weight {dims:?}"),
            expected: format!("{D} sizes of at least 1"),
        }),
    }
}

/// `CONV_2D`.
pub(super) fn conv(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let Conv2d(options) = node.options()?;
    let (x, [channels, height, width]) = node.images(lowering, 0)?;
    let (constant, [_, kernel_height, kernel_width, inputs]) = weight::<4>(node, 1)?;
    if channels % inputs != 0 {
        return Err(channels_differ(channels, inputs));
    }
    let attributes = ConvAttributes {
        stride: options.stride,
        padding: padding(
            options.padding,
            [height, width],
            [kernel_height, kernel_width],
            options.stride,
            options.dilation,
        )?,
        dilation: options.dilation,
        groups: channels / inputs,
    };
    convolution(lowering, node, Conv(attributes), x.id, &constant.permuted(&[0, 3, 1, 2])?, &options, false)
}

/// `DEPTHWISE_CONV_2D`.
pub(super) fn depthwise_conv(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let DepthwiseConv2d(options) = node.options()?;
    let (x, [channels, height, width]) = node.images(lowering, 0)?;
    let (constant, [first, kernel_height, kernel_width, outputs]) = weight::<4>(node, 1)?;
    if first != 1 || channels == 0 || outputs % channels != 0 {
        return Err(NodeProblem::Shape {
            found: format!("a weight {:?}", constant.tensor.dims()),
            expected: format!("[1, height, width, a multiple of {channels}]"),
        });
    }
    let attributes = ConvAttributes {
        stride: options.stride,
        padding: padding(
            options.padding,
            [height, width],
            [kernel_height, kernel_width],
            options.stride,
            options.dilation,
        )?,
        dilation: options.dilation,
        groups: channels,
    };
    convolution(lowering, node, Conv(attributes), x.id, &constant.permuted(&[3, 0, 1, 2])?, &options, false)
}

/// `TRANSPOSE_CONV`: inputs are the output's sizes, the weight, the images and optionally a bias.
pub(super) fn transpose_conv(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let TransposeConv(options) = node.options()?;
    let sizes = node.integers(0)?;
    let output = match *sizes {
        [_, height, width, _] if height.min(width) >= 1 && height.max(width) <= 1 << 16 => {
            [height as usize, width as usize]
        }
        _ => {
            let expected = "[batch, height, width, channels] of 1 to 65536".to_owned();
            return Err(NodeProblem::Shape { found: format!("output sizes {sizes:?}"), expected });
        }
    };
    let (x, [channels, height, width]) = node.images(lowering, 2)?;
    let (constant, [_, kernel_height, kernel_width, inputs]) = weight::<4>(node, 1)?;
    if channels != inputs {
        return Err(channels_differ(channels, inputs));
    }
    let kernel = [kernel_height, kernel_width];
    let mut attributes = ConvTransposeAttributes { stride: options.stride, ..ConvTransposeAttributes::default() };
    // The padding is that of the convolution whose input the output would be.
    let padding = padding(options.padding, output, kernel, options.stride, [1; 2])?;
    for axis in 0..2 {
        let whole = attributes.whole_output(axis, [height, width][axis], kernel[axis]);
        let before = padding[axis][0];
        let rest = whole.saturating_sub(before);
        attributes.padding[axis] = [before, rest.saturating_sub(output[axis])];
        // Positions that no tap reaches are at the end.
        attributes.output_padding[axis] = output[axis].saturating_sub(rest);
    }
    convolution(lowering, node, Conv(attributes), x.id, &constant.permuted(&[3, 0, 1, 2])?, &options, true)
}

fn channels_differ(channels: usize, inputs: usize) -> NodeProblem {
    NodeProblem::Shape {
        found: format!("an input of {channels} channels"),
        expected: format!("{inputs}, as the weight has"),
    }
}

/// A convolution, transposed or not: a transposed one has one more input before its bias, and the outputs of its weight
/// along the second axis.
fn convolution(
    lowering: &mut Lowering,
    node: &Node,
    op: impl Operator,
    x: ValueId,
    weight: &Constant,
    options: &Convolution,
    is_transposed: bool,
) -> Result<Value, NodeProblem> {
    let axis = usize::from(is_transposed);
    let bias = bias(lowering, node, x, weight, 2 + axis, axis)?;
    let y = lowering.layer(node, op, x, weight, bias, OutputAxis { axis, groups: 1 })?;
    let id = lowering.finish(node, y, options.activation)?;
    Ok(Value::Computed(Computed::channels_first(id)))
}

/// `FULLY_CONNECTED`: its input's samples and positions are rows of as many numbers as the weight has inputs.
pub(super) fn fully_connected(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let options: FullyConnected = node.options()?;
    let value = node.computed(lowering, 0)?;
    let (constant, [_, inputs]) = weight::<2>(node, 1)?;
    let shape = lowering.shape(&value);
    let keeps_axes = options.keeps_axes && shape.last() == Some(&Dim::Fixed(inputs));
    let x = if keeps_axes || (shape.len() == 2 && shape[1] == Dim::Fixed(inputs)) {
        lowering.in_order(value)?
    } else {
        let rows = match Dim::product(&shape) {
            Some(Dim::Fixed(count)) if count % inputs == 0 => Dim::Fixed(count / inputs),
            Some(Dim::Batch(count)) if count % inputs == 0 => Dim::Batch(count / inputs),
            _ => {
                let found = lowering.graph.ty(value.id).to_string();
                return Err(NodeProblem::Shape { found, expected: format!("rows of {inputs} numbers") });
            }
        };
        let name = format!("{} (rows)", node.name);
        let ordered = lowering.numbers_in_order(value)?;
        let id = lowering.add(&name, Reshape { shape: vec![rows, Dim::Fixed(inputs)] }, &[ordered])?;
        Computed::in_order(id, 2)
    };
    let bias = bias(lowering, node, x.id, constant, 2, 0)?;
    let y = lowering.layer(node, Linear, x.id, constant, bias, OutputAxis { axis: 0, groups: 1 })?;
    let id = lowering.finish(node, y, options.activation)?;
    Ok(Value::Computed(Computed { id, axes: x.axes }))
}

/// The bias of a layer with input `x` and a weight whose outputs lie along `axis`.
///
/// # Errors
/// When inputs, weights and bias are not all of real numbers, or all of integers.
fn bias(
    lowering: &Lowering,
    node: &Node,
    x: ValueId,
    weight: &Constant,
    index: usize,
    axis: usize,
) -> Result<Option<Bias>, NodeProblem> {
    let input = lowering.graph.ty(x).element.quantization().filter(|_| node.is_quantized());
    let scales = weight.scales.as_ref();
    let outputs = weight.tensor.dims()[axis];
    let Some(value) = node.optional(index) else { return Ok(None) };
    let (numbers, integers) = match (value, input, scales) {
        (Value::Constant(Data::Integers { values, .. }), Some(input), Some(scales)) => {
            let step = |output: usize| {
                let scale = scales.scales[if scales.scales.len() == 1 { 0 } else { output % scales.scales.len() }];
                f64::from(input.scale()) * f64::from(scale)
            };
            let numbers = values.iter().enumerate().map(|(output, &q)| (q as f64 * step(output)) as f32);
            let integers: Option<Arc<[i32]>> = values.iter().map(|&q| i32::try_from(q).ok()).collect();
            (Tensor::from_vec(numbers.collect::<Vec<_>>(), values.len(), &Device::Cpu)?, integers)
        }
        (Value::Constant(Data::Numbers(constant)), None, None) => (constant.tensor.flatten_all()?, None),
        (Value::Computed(_), ..) => return Err(NodeProblem::NotConstant(index)),
        (Value::Constant(_), ..) => {
            let found = "a bias of another type than the input".to_owned();
            return Err(NodeProblem::Kind { index, found, expected: "INT32 beside integers, FLOAT32 beside numbers" });
        }
    };
    if numbers.dims() != [outputs] {
        let found = format!("a bias of {} numbers", numbers.elem_count());
        return Err(NodeProblem::Shape { found, expected: format!("{outputs}, one for each output") });
    }
    Ok(Some(Bias { numbers, integers }))
}
