//! `Pad`, with a constant, the edge, a reflection or a repetition; negative padding crops.

use super::gather::take;
use super::node::{axis, known};
use super::{Lowering, Node};
use crate::graph::Dim;
use crate::graph::op::{Pad, Slice};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::Value;

/// `Pad`, whose sizes are attributes before version 11.
pub(super) fn pad(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let mut value = node.input(0)?.clone();
    let ty = lowering.ty(0, &value)?;
    let pads = node.ints_by_either("pads", 1)?.ok_or(NodeProblem::Missing(1))?;
    let axes = match node.optional(3) {
        Some(axes) => known(axes.ints(3)?)?,
        None => (0..ty.rank() as i64).collect(),
    };
    if pads.len() != 2 * axes.len() {
        let expected = format!("two for each of {} axes", axes.len());
        return Err(NodeProblem::Attribute { name: "pads", found: format!("{} numbers", pads.len()), expected });
    }
    let mut padding = vec![[0; 2]; ty.rank()];
    for (i, &found) in axes.iter().enumerate() {
        let both = [pads[i], pads[i + axes.len()]];
        if both.iter().any(|pad| !(-(1 << 24)..1 << 24).contains(pad)) {
            return Err(NodeProblem::Unsupported(format!("too large padding {both:?}")));
        }
        let axis = axis("axes", found, ty.rank())?;
        value = crop(lowering, node, value, axis, both.map(|pad| pad.min(0).unsigned_abs() as usize))?;
        padding[axis] = both.map(|pad| pad.max(0) as usize);
    }
    let shape = lowering.ty(0, &value)?.shape;
    match node.text_or("mode", "constant")? {
        "constant" => {
            let number = node.float_by_either("value", 2)?.unwrap_or(0.0);
            Ok(vec![lowering.emit(node.name, Pad { padding, value: number }, &[value])?])
        }
        "edge" => copies(lowering, node, value, &shape, &padding, |at, last| at.clamp(0, last)),
        // One reflection, which does not repeat the edge itself.
        "reflect" => {
            copies(
                lowering,
                node,
                value,
                &shape,
                &padding,
                |at, last| {
                    if at < 0 { -at } else { last - (last - at).abs() }
                },
            )
        }
        "wrap" => copies(lowering, node, value, &shape, &padding, |at, last| at.rem_euclid(last + 1)),
        mode => {
            let expected = "expected 'constant', 'edge', 'reflect' or 'wrap'";
            Err(NodeProblem::Unsupported(format!("padding mode '{mode}' ({expected})")))
        }
    }
}

/// A value without its first and last elements along an axis.
fn crop(
    lowering: &mut Lowering,
    node: &Node,
    value: Value,
    axis: usize,
    [first, last]: [usize; 2],
) -> Result<Value, NodeProblem> {
    match lowering.ty(0, &value)?.shape[axis] {
        _ if [first, last] == [0, 0] => Ok(value),
        Dim::Batch(_) => Err(NodeProblem::Batch(format!("cropping axis {axis}"))),
        Dim::Fixed(size) => {
            let end = size.saturating_sub(last);
            lowering.emit(node.name, Slice { axis, start: first, end, step: 1 }, &[value])
        }
    }
}

/// Padding with copies of the value's own elements: the element at `place(at, last)` of an axis that ends with
/// `last`, for each position `at` from before its start to after its end.
fn copies(
    lowering: &mut Lowering,
    node: &Node,
    mut value: Value,
    shape: &[Dim],
    padding: &[[usize; 2]],
    place: fn(i64, i64) -> i64,
) -> Result<Vec<Value>, NodeProblem> {
    for (axis, (&dim, &[before, after])) in
        shape.iter().zip(padding).enumerate().filter(|(_, (_, pad))| **pad != [0, 0])
    {
        let Dim::Fixed(size @ 1..) = dim else {
            return Err(NodeProblem::Batch(format!("padding axis {axis}")));
        };
        let last = size as i64 - 1;
        let inside = |at: i64| Some(place(at, last)).filter(|place| (0..=last).contains(place)).map(|at| at as usize);
        let indices: Option<Vec<usize>> = (-(before as i64)..size as i64 + after as i64).map(inside).collect();
        let indices = indices.ok_or_else(|| {
            NodeProblem::Unsupported(format!("'reflect' padding of at least the size of axis {axis}"))
        })?;
        value = take(lowering, node.name, value, axis, indices)?;
    }
    Ok(vec![value])
}
