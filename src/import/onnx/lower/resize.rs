//! Resizing to the nearest neighbor, which repeats elements along each axis, and linear resizing.

use super::node::axis;
use super::{Lowering, Node, gather};
use crate::graph::Dim;
use crate::graph::op::Interpolate;
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Value};

/// `Resize`, and `Upsample`, which it replaced.
pub(super) fn resize(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let is_linear = match node.text_or("mode", "nearest")? {
        "nearest" => false,
        "linear" => true,
        mode => {
            let hint = "export with mode 'linear' or 'nearest'";
            return Err(NodeProblem::Unsupported(format!("resizing in mode '{mode}' ({hint})")));
        }
    };
    if is_linear && node.flag("antialias")? {
        return Err(NodeProblem::Unsupported("resizing with antialias (export without it)".to_owned()));
    }
    let mut value = node.input(0)?.clone();
    let shape = lowering.ty(0, &value)?.shape;
    let factors = Factors::read(node, &shape)?;
    let rounding = Rounding::read(node)?;
    let batch = lowering.constant_batch().unwrap_or(1) as i64;
    // The whole batch, open or constant.
    let is_all = |size: Int, times: usize| {
        size == Int::from(Dim::Batch(times)) || size.known() == (times as i64).checked_mul(batch)
    };
    for (axis, dim) in shape.into_iter().enumerate() {
        let (size, scale) = match (factors.sizes.as_ref(), factors.scales.as_ref(), dim) {
            (_, Some(scales), Dim::Batch(_)) if scales[axis] == 1.0 => continue,
            (Some(sizes), _, Dim::Batch(times)) if is_all(sizes[axis], times) => continue,
            (_, _, Dim::Batch(_)) => return Err(NodeProblem::Batch(format!("resizing axis {axis}"))),
            (Some(sizes), scales, Dim::Fixed(size)) => {
                let to = sizes[axis].known().ok_or_else(|| NodeProblem::Batch(format!("resizing axis {axis}")))?;
                (to, scales.map_or(to as f32 / size as f32, |scales| scales[axis]))
            }
            (None, Some(scales), Dim::Fixed(size)) => ((size as f32 * scales[axis]).floor() as i64, scales[axis]),
            (None, None, _) => return Err(NodeProblem::Missing(2)),
        };
        let Dim::Fixed(from @ 1..) = dim else { continue };
        if !(1..1 << 24).contains(&size) || !scale.is_finite() {
            return Err(NodeProblem::Unsupported(format!("resizing axis {axis} to size {size}")));
        }
        if is_linear {
            let place = |at: usize| {
                let x = rounding.coordinate(at, from, size as usize, scale).clamp(0.0, (from - 1) as f32);
                (x as usize, x.fract())
            };
            let places: Vec<(usize, f32)> = (0..size as usize).map(place).collect();
            if size as usize != from || places.iter().enumerate().any(|(at, &place)| place != (at, 0.0)) {
                lowering.budget.spend::<(usize, f32)>(places.len())?;
                value = lowering.emit(node.name, Interpolate { axis, places }, &[value])?;
            }
            continue;
        }
        let places: Vec<usize> = (0..size as usize).map(|at| rounding.place(at, from, size as usize, scale)).collect();
        if !places.iter().copied().eq(0..from) {
            value = gather::take(lowering, node.name, value, axis, places)?;
        }
    }
    Ok(vec![value])
}

/// What each axis is resized to, and by.
struct Factors {
    /// The sizes, where they are not those that the scale factors make.
    sizes: Option<Vec<Int>>,
    /// The scale factors, where they are not those that the sizes make.
    scales: Option<Vec<f32>>,
}

impl Factors {
    fn read(node: &Node, shape: &[Dim]) -> Result<Self, NodeProblem> {
        let rank = shape.len();
        let axes: Vec<usize> = match node.ints("axes")? {
            Some(axes) => axes.iter().map(|&found| axis("axes", found, rank)).collect::<Result<_, _>>()?,
            None => (0..rank).collect(),
        };
        // Since version 11, a region of interest comes before the scales.
        let at = if node.opset < 11 { 1 } else { 2 };
        let scales = match (node.floats("scales")?, node.optional(at)) {
            (Some(scales), _) => Some(scales.to_vec()),
            (None, Some(Value::Ints(ints))) if ints.values.is_empty() => None,
            (None, Some(value)) => Some(value.floats(at)?.flatten_all()?.to_vec1::<f32>()?),
            (None, None) => None,
        };
        let scales = scales.filter(|scales| !scales.is_empty());
        let sizes = node.optional(3).map(|value| Ok::<_, NodeProblem>(value.ints(3)?.values.to_vec())).transpose()?;
        let sizes = sizes.filter(|sizes| !sizes.is_empty());
        let counts = [scales.as_ref().map(Vec::len), sizes.as_ref().map(Vec::len)];
        if let Some(count) = counts.into_iter().flatten().find(|&count| count != axes.len()) {
            let expected = format!("one for each of {} axes", axes.len());
            return Err(NodeProblem::Shape { found: format!("{count} scales or sizes"), expected });
        }
        // Sizes alone count where a file has both.
        let (sizes, scales) = match sizes {
            Some(sizes) => {
                let (sizes, scale) = kept_ratio(node, shape, &axes, sizes)?;
                (Some(sizes), scale.map(|scale| vec![scale; axes.len()]))
            }
            None => (None, scales),
        };
        // Other axes stay as they are.
        let sizes = sizes.map(|sizes| over_all(&axes, &sizes, shape.iter().copied().map(Int::from).collect()));
        let scales = scales.map(|scales| over_all(&axes, &scales, vec![1.0; rank]));
        Ok(Factors { sizes, scales })
    }
}

/// `all` with the elements of `axes` replaced.
fn over_all<T: Copy>(axes: &[usize], found: &[T], mut all: Vec<T>) -> Vec<T> {
    axes.iter().zip(found).for_each(|(&axis, &found)| all[axis] = found);
    all
}

/// The sizes along `axes`, and the one scale factor that they follow where the policy says so: the largest
/// that exceeds no size, or the smallest that falls short of none.
fn kept_ratio(
    node: &Node,
    shape: &[Dim],
    axes: &[usize],
    sizes: Vec<Int>,
) -> Result<(Vec<Int>, Option<f32>), NodeProblem> {
    let better: fn(f32, f32) -> f32 = match node.text_or("keep_aspect_ratio_policy", "stretch")? {
        "stretch" => return Ok((sizes, None)),
        "not_larger" => f32::min,
        "not_smaller" => f32::max,
        policy => return Err(NodeProblem::Unsupported(format!("keep_aspect_ratio_policy '{policy}'"))),
    };
    let from = |&axis: &usize| if let Dim::Fixed(from @ 1..) = shape[axis] { Some(from as f32) } else { None };
    let pairs: Option<Vec<(f32, f32)>> =
        axes.iter().zip(&sizes).map(|(axis, size)| Some((from(axis)?, size.known()? as f32))).collect();
    let pairs = pairs.ok_or_else(|| NodeProblem::Batch("a kept aspect ratio".to_owned()))?;
    let scale = pairs.iter().map(|(from, to)| to / from).reduce(better).unwrap_or(1.0);
    // Half up.
    let sizes = pairs.iter().map(|(from, _)| Int::from((scale * from + 0.5).floor() as i64)).collect();
    Ok((sizes, Some(scale)))
}

/// How output coordinates are mapped to input coordinates.
struct Rounding<'n> {
    transformation: &'n str,
    nearest: &'n str,
}

impl<'n> Rounding<'n> {
    fn read(node: &'n Node) -> Result<Self, NodeProblem> {
        let is_old = node.opset < 11;
        let transformation =
            if is_old { "asymmetric" } else { node.text_or("coordinate_transformation_mode", "half_pixel")? };
        let nearest = if is_old { "floor" } else { node.text_or("nearest_mode", "round_prefer_floor")? };
        let known = ["half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "asymmetric", "align_corners"];
        if !known.contains(&transformation) {
            return Err(NodeProblem::Unsupported(format!("coordinate_transformation_mode '{transformation}'")));
        }
        if !["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].contains(&nearest) {
            return Err(NodeProblem::Unsupported(format!("nearest_mode '{nearest}'")));
        }
        Ok(Rounding { transformation, nearest })
    }

    /// The input coordinate, of `from`, of output element `at` of `to`; `scale` is about `to / from`.
    fn coordinate(&self, at: usize, from: usize, to: usize, scale: f32) -> f32 {
        let x = at as f32;
        match self.transformation {
            "asymmetric" => x / scale,
            "align_corners" | "pytorch_half_pixel" if to == 1 => 0.0,
            "align_corners" => x * (from - 1) as f32 / (to - 1) as f32,
            "half_pixel_symmetric" => {
                let exact = from as f32 * scale;
                let shift = from as f32 / 2.0 * (1.0 - to as f32 / exact);
                shift + (x + 0.5) / scale - 0.5
            }
            _ => (x + 0.5) / scale - 0.5,
        }
    }

    /// The input element, of `from`, nearest to output element `at` of `to`.
    fn place(&self, at: usize, from: usize, to: usize, scale: f32) -> usize {
        let x = self.coordinate(at, from, to, scale);
        let nearest = match self.nearest {
            "round_prefer_floor" => (x - 0.5).ceil(),
            "round_prefer_ceil" => (x + 0.5).floor(),
            "ceil" => x.ceil(),
            _ => x.floor(),
        };
        (nearest.max(0.0) as usize).min(from - 1)
    }
}
