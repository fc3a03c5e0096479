//! Operators that cut values into parts, and join them.

use super::gather::take;
use super::node::{axis, known};
use super::{Lowering, Node, expand, integers};
use crate::graph::Dim;
use crate::graph::op::{Concat, Slice};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, Value};

/// `Concat`.
pub(super) fn concat(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let mut inputs = node.all_inputs()?;
    let first = inputs.first().ok_or(NodeProblem::Missing(0))?;
    let found = node.int_or("axis", 1)?;
    if let Value::Ints(ints) = first
        && ints.dims.len() != 1
    {
        return Ok(vec![Value::Ints(concat_integers(lowering, node, &inputs)?)]);
    }
    if let Value::Ints(ints) = first {
        axis("axis", found, ints.dims.len())?;
        let mut values = Vec::new();
        for (i, input) in inputs.iter().enumerate() {
            let ints = input.ints(i)?;
            one_axis(ints)?;
            values.extend_from_slice(&ints.values);
        }
        return Ok(vec![Value::Ints(Ints::vector(values).with_type(ints.ty))]);
    }
    let types = inputs.iter().enumerate().map(|(i, input)| lowering.ty(i, input)).collect::<Result<Vec<_>, _>>()?;
    let axis = axis("axis", found, types[0].rank())?;
    // An input without a batch axis is repeated for each sample.
    let batch = types.iter().find_map(|ty| ty.shape.iter().position(|dim| matches!(dim, Dim::Batch(1))));
    if let Some(batch) = batch.filter(|&batch| batch != axis) {
        let size = lowering.constant_batch().unwrap_or(1);
        for (input, ty) in inputs.iter_mut().zip(&types) {
            if ty.shape.get(batch) == Some(&Dim::Fixed(1)) || ty.shape.get(batch) == Some(&Dim::Fixed(size)) {
                let mut shape = ty.shape.clone();
                shape[batch] = Dim::Batch(1);
                *input = expand::broadcast(lowering, node.name, input, ty, shape)?;
            }
        }
    }
    Ok(vec![lowering.emit(node.name, Concat { axis }, &inputs)?])
}

/// Integers of several axes, joined along one of them.
fn concat_integers(lowering: &mut Lowering, node: &Node, inputs: &[Value]) -> Result<Ints, NodeProblem> {
    let all = inputs.iter().enumerate().map(|(i, input)| input.ints(i)).collect::<Result<Vec<_>, _>>()?;
    let axis = axis("axis", node.int_or("axis", 1)?, all[0].dims.len())?;
    let flat = Ints::vector(all.iter().flat_map(|ints| ints.values.iter().copied()).collect()).with_type(all[0].ty);
    integers::moved(&flat, |places| {
        let mut start = 0;
        let mut parts = Vec::new();
        for ints in &all {
            let part = places.floats(0)?.narrow(0, start, ints.values.len())?.reshape(ints.dims.as_slice())?;
            start += ints.values.len();
            parts.push(Value::Floats { tensor: part, name: node.name.to_owned(), initial: false });
        }
        lowering.emit(node.name, Concat { axis }, &parts)
    })
}

/// Fails unless integers are a vector.
fn one_axis(ints: &Ints) -> Result<(), NodeProblem> {
    if ints.dims.len() == 1 {
        return Ok(());
    }
    Err(NodeProblem::Shape { found: format!("{:?}", ints.dims), expected: "a 1-D tensor of integers".to_owned() })
}

/// The slice of one axis.
struct Cut {
    axis: usize,
    start: Int,
    end: Int,
    step: i64,
}

impl Cut {
    /// The selected indices of `size`, by NumPy's rules; `None` for all of them.
    fn elements(&self, size: Dim, batch: Option<usize>) -> Result<Option<Vec<usize>>, NodeProblem> {
        let far = self.end.known().is_some_and(|end| end >= i64::from(i32::MAX));
        let is_end =
            far || self.end == Int::from(size) || (batch.is_some() && self.end.known() == batch.map(|b| b as i64));
        let Dim::Fixed(size) = size else {
            let is_all = self.start == Int::from(0) && is_end && self.step == 1;
            let part = || NodeProblem::Batch(format!("a slice of axis {}", self.axis));
            return if is_all { Ok(None) } else { Err(part()) };
        };
        let (Some(start), Some(end)) = (self.start.known(), self.end.known()) else {
            return Err(NodeProblem::Batch(format!("a slice of axis {}", self.axis)));
        };
        let count = size as i64;
        let from_start = |place: i64| if place < 0 { place.saturating_add(count) } else { place };
        let (start, end) = (from_start(start), from_start(end));
        let taken: Vec<usize> = match self.step {
            step @ 1.. => {
                (start.clamp(0, count)..end.clamp(0, count)).step_by(step as usize).map(|i| i as usize).collect()
            }
            0 => Vec::new(),
            step => {
                let (first, last) = (start.clamp(-1, count - 1), end.clamp(-1, count - 1));
                (last + 1..=first).rev().step_by(step.unsigned_abs() as usize).map(|i| i as usize).collect()
            }
        };
        if taken.is_empty() {
            return Err(NodeProblem::Unsupported(format!("an empty slice of axis {}", self.axis)));
        }
        Ok((taken.len() != size || self.step < 0).then_some(taken))
    }
}

/// `Slice`, whose bounds are attributes before version 10.
pub(super) fn slice(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let either = |name, index: usize| -> Result<Option<Vec<Int>>, NodeProblem> {
        match node.ints(name)? {
            Some(found) => Ok(Some(found.iter().copied().map(Int::from).collect())),
            None => node.optional(index).map(|value| Ok(value.ints(index)?.values.to_vec())).transpose(),
        }
    };
    let starts = either("starts", 1)?.ok_or(NodeProblem::Missing(1))?;
    let ends = either("ends", 2)?.ok_or(NodeProblem::Missing(2))?;
    let count = starts.len();
    let axes = node.ints_by_either("axes", 3)?.unwrap_or_else(|| (0..count as i64).collect());
    let steps = node.optional(4).map(|value| known(value.ints(4)?)).transpose()?.unwrap_or_else(|| vec![1; count]);
    if [ends.len(), axes.len(), steps.len()] != [count; 3] {
        let found = format!("{count} starts, {} ends, {} axes, {} steps", ends.len(), axes.len(), steps.len());
        return Err(NodeProblem::Shape { found, expected: "the same number of each".to_owned() });
    }
    let cuts = |rank: usize| -> Result<Vec<Cut>, NodeProblem> {
        let cut =
            |i: usize| Ok(Cut { axis: axis("axes", axes[i], rank)?, start: starts[i], end: ends[i], step: steps[i] });
        (0..count).map(cut).collect()
    };
    if let Value::Ints(ints) = node.input(0)?
        && ints.dims.len() > 1
    {
        let cut = |mut places: Value| {
            for cut in cuts(ints.dims.len())? {
                if let Some(taken) = cut.elements(Dim::Fixed(ints.dims[cut.axis]), None)? {
                    places = take(lowering, node.name, places, cut.axis, taken)?;
                }
            }
            Ok(places)
        };
        return Ok(vec![Value::Ints(integers::moved(ints, cut)?)]);
    }
    if let Value::Ints(ints) = node.input(0)? {
        one_axis(ints)?;
        let mut values = ints.values.to_vec();
        for cut in cuts(1)? {
            // A slice of a shape may be empty.
            match cut.elements(Dim::Fixed(values.len()), None) {
                Ok(None) => (),
                Ok(Some(taken)) => values = taken.into_iter().map(|i| values[i]).collect(),
                Err(NodeProblem::Unsupported(_)) => values.clear(),
                Err(error) => return Err(error),
            }
        }
        return Ok(vec![Value::Ints(Ints::vector(values).with_type(ints.ty))]);
    }
    let mut value = node.input(0)?.clone();
    let ty = lowering.ty(0, &value)?;
    for cut in cuts(ty.rank())? {
        if let Some(taken) = cut.elements(ty.shape[cut.axis], lowering.constant_batch())? {
            value = take(lowering, node.name, value, cut.axis, taken)?;
        }
    }
    Ok(vec![value])
}

/// `Split`, whose sizes are an attribute before version 13.
pub(super) fn split(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let value = node.input(0)?.clone();
    let shape: Vec<Dim> = match &value {
        Value::Ints(ints) => ints.dims.iter().map(|&size| Dim::Fixed(size)).collect(),
        value => lowering.ty(0, value)?.shape,
    };
    let axis = axis("axis", node.int_or("axis", 0)?, shape.len())?;
    let Dim::Fixed(size) = shape[axis] else {
        return Err(NodeProblem::Batch(format!("splitting axis {axis}")));
    };
    let parts = node.proto.output.len().max(1);
    let sizes: Vec<usize> = if let Some(sizes) = node.ints_by_either("split", 1)? {
        sizes.into_iter().map(|size| usize::try_from(size).unwrap_or(usize::MAX)).collect()
    } else {
        // Equal parts, except for the last.
        let each = size.div_ceil(parts);
        (0..parts).map(|i| size.saturating_sub(i * each).min(each)).collect()
    };
    let total = sizes.iter().try_fold(0usize, |total, &size| total.checked_add(size));
    if total != Some(size) || sizes.len() != parts || sizes.contains(&0) {
        let expected = format!("{parts} parts of sizes {sizes:?} along axis {axis}");
        return Err(NodeProblem::Shape { found: format!("an axis of size {size}"), expected });
    }
    let mut outputs = Vec::new();
    let mut start = 0;
    for size in sizes {
        let end = start + size;
        outputs.push(match &value {
            Value::Ints(ints) => {
                one_axis(ints)?;
                Value::Ints(Ints::vector(ints.values[start..end].to_vec()).with_type(ints.ty))
            }
            value => lowering.emit(node.name, Slice { axis, start, end, step: 1 }, std::slice::from_ref(value))?,
        });
        start = end;
    }
    Ok(outputs)
}
