//! `Pad`, with a constant, the edge, or a reflection.

use super::node::{axis, known};
use super::{Lowering, Node};
use crate::graph::Dim;
use crate::graph::op::{Gather, Pad};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::Value;

/// `Pad`, whose sizes are attributes before version 11.
pub(super) fn pad(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let value = node.input(0)?.clone();
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
        if both.iter().any(|pad| !(0..1 << 24).contains(pad)) {
            return Err(NodeProblem::Unsupported(format!("negative or too large padding {both:?}")));
        }
        padding[axis("axes", found, ty.rank())?] = both.map(|pad| pad as usize);
    }
    match node.text_or("mode", "constant")? {
        "constant" => {
            let number = node.float_by_either("value", 2)?.unwrap_or(0.0);
            Ok(vec![lowering.emit(node.name, Pad { padding, value: number }, &[value])?])
        }
        mode @ ("edge" | "reflect") => mirror(lowering, node, value, &ty.shape, &padding, mode == "edge"),
        mode => {
            Err(NodeProblem::Unsupported(format!("padding mode '{mode}' (expected 'constant', 'edge' or 'reflect')")))
        }
    }
}

/// Padding with copies of the value's own elements.
fn mirror(
    lowering: &mut Lowering,
    node: &Node,
    mut value: Value,
    shape: &[Dim],
    padding: &[[usize; 2]],
    edge: bool,
) -> Result<Vec<Value>, NodeProblem> {
    for (axis, (&dim, &[before, after])) in
        shape.iter().zip(padding).enumerate().filter(|(_, (_, pad))| **pad != [0, 0])
    {
        let Dim::Fixed(size @ 1..) = dim else {
            return Err(NodeProblem::Batch(format!("padding axis {axis}")));
        };
        let last = size as i64 - 1;
        let place = |at: i64| {
            // One reflection, which does not repeat the edge itself.
            let reflected = if at < 0 { -at } else { last - (last - at).abs() };
            let place = if edge { at.clamp(0, last) } else { reflected };
            (0..=last).contains(&place).then_some(place as usize)
        };
        let places = (-(before as i64)..size as i64 + after as i64).map(place);
        let indices: Option<Vec<usize>> = places.collect();
        let indices = indices.ok_or_else(|| {
            NodeProblem::Unsupported(format!("'reflect' padding of at least the size of axis {axis}"))
        })?;
        value = lowering.emit(node.name, Gather { axis, indices }, &[value])?;
    }
    Ok(vec![value])
}
