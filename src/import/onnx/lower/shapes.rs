//! Operators that give the same numbers other axes, and shapes themselves.

use super::node::{axes, axis, known};
use super::{Lowering, Node, integers};
use crate::graph::op::{Expand, Flatten, Gather, Reshape, Transpose};
use crate::graph::{Dim, ValueType, before_batch};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::tensor::MAX_ELEMENTS;
use crate::import::onnx::value::{Int, Ints, Value};

/// `Shape`, of all axes or of some.
pub(super) fn shape(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let shape: Vec<Int> = match node.input(0)? {
        Value::Ints(ints) => ints.dims.iter().map(|&size| Int::from(size as i64)).collect(),
        Value::Merged { shape, .. } => shape.iter().copied().map(Int::from).collect(),
        value => lowering.ty(0, value)?.shape.into_iter().map(Int::from).collect(),
    };
    let rank = shape.len() as i64;
    let place = |found: i64| if found < 0 { found.saturating_add(rank) } else { found }.clamp(0, rank) as usize;
    let (start, end) = (place(node.int_or("start", 0)?), place(node.int_or("end", rank)?));
    Ok(vec![Value::Ints(Ints::vector(shape.get(start..end).unwrap_or_default().to_vec()))])
}

/// The product of dimensions, if it is one that memory could hold.
fn elements(dims: &[Dim]) -> Option<Dim> {
    let sizes = dims.iter().try_fold(1usize, |count, dim| count.checked_mul(dim.size(1)));
    sizes.filter(|&count| count < MAX_ELEMENTS).and_then(|_| Dim::product(dims))
}

/// `total / part`, where that is a dimension.
fn divide(total: Dim, part: Dim) -> Option<Dim> {
    let exactly = |a: usize, b: usize| (b > 0 && a.is_multiple_of(b)).then(|| a / b);
    match (total, part) {
        (Dim::Fixed(a), Dim::Fixed(b)) | (Dim::Batch(a), Dim::Batch(b)) => exactly(a, b).map(Dim::Fixed),
        (Dim::Batch(a), Dim::Fixed(b)) => exactly(a, b).map(Dim::Batch),
        (Dim::Fixed(_), Dim::Batch(_)) => None,
    }
}

/// `Reshape`.
pub(super) fn reshape(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let target = node.input(1)?.ints(1)?.values.clone();
    let zero_copies = !node.flag("allowzero")?;
    let input = match node.input(0)? {
        Value::Ints(ints) => {
            let shape: Vec<Dim> = ints.dims.iter().map(|&size| Dim::Fixed(size)).collect();
            let Some(Target::Shape(dims)) = resolve(&shape, &target, zero_copies, None) else {
                return Err(mismatch(&shape, &target));
            };
            let dims = dims.into_iter().map(|dim| dim.size(1)).collect();
            return Ok(vec![Value::Ints(Ints { dims, ..ints.clone() })]);
        }
        // Taken apart again, out of what was merged.
        Value::Merged { id, .. } => Value::Computed(*id),
        value => value.clone(),
    };
    let from = lowering.ty(0, &input)?.shape;
    let to = resolve(&from, &target, zero_copies, lowering.constant_batch());
    Ok(vec![match to.ok_or_else(|| mismatch(&from, &target))? {
        Target::Shape(shape) => to_shape(lowering, node.name, &input, shape)?,
        Target::Merged { apart, shape } => {
            let Value::Computed(id) = to_shape(lowering, node.name, &input, apart)? else {
                return Err(mismatch(&from, &target));
            };
            Value::Merged { id, shape }
        }
    }])
}

fn mismatch(input: &[Dim], target: &[Int]) -> NodeProblem {
    let target: Vec<String> =
        target.iter().map(|int| int.dim().map_or(int.fixed.to_string(), |dim| dim.to_string())).collect();
    let found = ValueType::f32(input).to_string();
    NodeProblem::Shape { found, expected: format!("as many elements as [{}]", target.join(", ")) }
}

/// A value with other dimensions.
fn to_shape(lowering: &mut Lowering, name: &str, value: &Value, shape: Vec<Dim>) -> Result<Value, NodeProblem> {
    if lowering.ty(0, value)?.shape == shape {
        return Ok(value.clone());
    }
    // The same constant, so that a layer made of it keeps its name.
    if let Value::Floats { tensor, name, initial } = value {
        let sizes: Vec<usize> = shape.iter().map(|dim| dim.size(1)).collect();
        let reshaped = tensor.reshape(sizes)?;
        lowering.quantization.reshaped(tensor, &reshaped);
        return Ok(Value::Floats { tensor: reshaped, name: name.clone(), initial: *initial });
    }
    lowering.emit(name, Reshape { shape }, std::slice::from_ref(value))
}

/// What a reshape leads to.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Shape(Vec<Dim>),
    /// Dimensions in which positions and samples are one axis, the samples innermost; and those with
    /// them apart.
    Merged {
        apart: Vec<Dim>,
        shape: Vec<Dim>,
    },
}

/// The dimensions that `input` has after a reshape to `target`, in which `batch` is the number that
/// the file has in place of an open batch.
fn resolve(input: &[Dim], target: &[Int], zero_copies: bool, batch: Option<usize>) -> Option<Target> {
    let total = elements(input)?;
    let mut dims: Vec<Option<Dim>> = Vec::new();
    for (i, int) in target.iter().enumerate() {
        dims.push(match int.known() {
            Some(-1) => None,
            Some(0) if zero_copies => Some(*input.get(i)?),
            _ => Some(int.dim()?),
        });
    }
    if dims.iter().filter(|dim| dim.is_none()).count() > 1 {
        return None;
    }
    let is_open = dims.contains(&None);
    let known: Vec<Dim> = dims.iter().copied().flatten().collect();
    let rest = elements(&known)?;
    // Sizes of one sample, in an axis of which the batch is to be found: where the target says, ...
    let open = divide(total, rest);
    let shape: Option<Vec<Dim>> = dims.iter().map(|&dim| dim.or(open)).collect();
    let shape = shape.filter(|shape| elements(shape) == Some(total));
    // ... or where the file has a constant. A target without an open size tells that, too.
    let (Dim::Batch(samples), Dim::Fixed(rest)) = (total, rest) else {
        return settle(input, shape?);
    };
    let assumed = match (batch, is_open) {
        (None, false) => divide(Dim::Fixed(rest), Dim::Fixed(samples)).map(|dim| dim.size(1)),
        (batch, _) => batch,
    };
    let constant = assumed.and_then(|batch| {
        let open = divide(Dim::Fixed(samples.checked_mul(batch)?), Dim::Fixed(rest));
        let sizes: Option<Vec<usize>> = dims.iter().map(|&dim| Some(dim.or(open)?.size(1))).collect();
        align(input, &sizes?, batch)
    });
    constant.or_else(|| settle(input, shape?))
}

/// Dimensions of known batch axis as what a reshape leads to.
fn settle(input: &[Dim], shape: Vec<Dim>) -> Option<Target> {
    let (before, target) = (before_batch(input), before_batch(&shape));
    if before == target {
        return Some(Target::Shape(shape));
    }
    let axis = shape.iter().position(|dim| matches!(dim, Dim::Batch(_)))?;
    let positions = divide(Dim::Fixed(before), Dim::Fixed(target))?;
    let samples = divide(shape[axis], positions)?;
    let apart = [&shape[..axis], &[positions, samples], &shape[axis + 1..]].concat();
    Some(Target::Merged { apart, shape })
}

/// `sizes`, which hold for a batch of `batch`, with the axis in which the batch is made open.
///
/// It is where as many elements stand before it as in the input, or else where as many stand after
/// it. Where both would do, a reshape to fewer axes merges the batch with what stood before it, and
/// one to more splits it off what comes after.
fn align(input: &[Dim], sizes: &[usize], batch: usize) -> Option<Target> {
    let at = input.iter().position(|dim| matches!(dim, Dim::Batch(_)))?;
    let (before, total) = (before_batch(input), elements(input)?);
    let after: usize = input[at..].iter().map(|dim| dim.size(1)).product();
    let open = |axis: usize| -> Option<Vec<Dim>> {
        let times = sizes[axis].checked_div(batch).filter(|times| times * batch == sizes[axis] && *times > 0)?;
        let dim = |(i, &size)| if i == axis { Dim::Batch(times) } else { Dim::Fixed(size) };
        Some(sizes.iter().enumerate().map(dim).collect()).filter(|dims: &Vec<Dim>| elements(dims) == Some(total))
    };
    let find = |check: &dyn Fn(usize, usize) -> bool| {
        (0..sizes.len()).find_map(|axis| {
            let [left, right] = [&sizes[..axis], &sizes[axis + 1..]].map(|sizes| sizes.iter().product::<usize>());
            if check(left, right) { open(axis) } else { None }
        })
    };
    let (left, right) = (|| find(&|left, _| left == before), || find(&|_, right| right == after));
    let exact = find(&|left, right| left == before && right == after);
    let shape =
        exact.or_else(|| if sizes.len() < input.len() { right().or_else(left) } else { left().or_else(right) })?;
    settle(input, shape)
}

/// `Flatten`.
pub(super) fn flatten(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let value = node.input(0)?.clone();
    let rank = lowering.ty(0, &value)?.rank();
    let found = node.int_or("axis", 1)?;
    // One past the last axis is allowed here.
    let axis = if found == rank as i64 { rank } else { axis("axis", found, rank)? };
    Ok(vec![lowering.emit(node.name, Flatten { axis }, &[value])?])
}

/// The axes that `Squeeze` and `Unsqueeze` name, by attribute before version 13.
fn named_axes(node: &Node, rank: impl Fn(usize) -> usize) -> Result<Option<Vec<usize>>, NodeProblem> {
    let found = node.ints_by_either("axes", 1)?;
    found.map(|found| axes("axes", &found, rank(found.len()))).transpose()
}

/// `Squeeze`.
pub(super) fn squeeze(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let shape = dims(lowering, node)?;
    let named = named_axes(node, |_| shape.len())?;
    let goes = |axis: &usize| named.as_ref().map_or(shape[*axis] == Dim::Fixed(1), |named| named.contains(axis));
    let kept: Vec<Dim> = (0..shape.len()).filter(|axis| !goes(axis)).map(|axis| shape[axis]).collect();
    if elements(&kept) != elements(&shape) {
        let found = ValueType::f32(shape).to_string();
        return Err(NodeProblem::Shape { found, expected: format!("size 1 along axes {named:?}") });
    }
    with_dims(lowering, node, kept)
}

/// `Unsqueeze`.
pub(super) fn unsqueeze(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let mut shape = dims(lowering, node)?;
    let named = named_axes(node, |count| shape.len() + count)?.ok_or(NodeProblem::Missing(1))?;
    for axis in named {
        if axis > shape.len() {
            return Err(NodeProblem::Shape {
                found: ValueType::f32(shape).to_string(),
                expected: format!("at least {axis} axes"),
            });
        }
        shape.insert(axis, Dim::Fixed(1));
    }
    with_dims(lowering, node, shape)
}

/// The dimensions of the first input, integers or not.
fn dims(lowering: &Lowering, node: &Node) -> Result<Vec<Dim>, NodeProblem> {
    match node.input(0)? {
        Value::Ints(ints) => Ok(ints.dims.iter().map(|&size| Dim::Fixed(size)).collect()),
        value => Ok(lowering.ty(0, value)?.shape),
    }
}

/// The first input, integers or not, with other dimensions of the same product.
fn with_dims(lowering: &mut Lowering, node: &Node, shape: Vec<Dim>) -> Result<Vec<Value>, NodeProblem> {
    if let Value::Ints(ints) = node.input(0)? {
        let dims = shape.into_iter().map(|dim| dim.size(1)).collect();
        return Ok(vec![Value::Ints(Ints { dims, ..ints.clone() })]);
    }
    Ok(vec![to_shape(lowering, node.name, node.input(0)?, shape)?])
}

/// `Transpose`; a constant keeps its name, so that a layer made of it does.
pub(super) fn transpose(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let value = node.input(0)?.clone();
    let rank = dims(lowering, node)?.len();
    let order: Vec<usize> = match node.ints("perm")? {
        Some(order) => order.iter().map(|&found| axis("perm", found, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).rev().collect(),
    };
    if let Value::Ints(ints) = &value {
        let order = |places: Value| lowering.emit(node.name, Transpose { order }, &[places]);
        return Ok(vec![Value::Ints(integers::moved(ints, order)?)]);
    }
    let origin = if let Value::Floats { name, initial, .. } = &value { Some((name.clone(), *initial)) } else { None };
    let output = lowering.emit(node.name, Transpose { order: order.clone() }, std::slice::from_ref(&value))?;
    if let (Value::Floats { tensor: from, .. }, Value::Floats { tensor: to, .. }) = (&value, &output) {
        lowering.quantization.transposed(from, to, &order);
    }
    Ok(vec![match (output, origin) {
        (Value::Floats { tensor, .. }, Some((name, initial))) => Value::Floats { tensor, name, initial },
        (output, _) => output,
    }])
}

/// `Expand`.
pub(super) fn expand(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let target = node.input(1)?.ints(1)?;
    if let Value::Ints(ints) = node.input(0)?
        && known(target)?.iter().all(|&size| size == 1)
    {
        return Ok(vec![Value::Ints(ints.clone())]);
    }
    if let Value::Ints(ints) = node.input(0)? {
        let target: Option<Vec<usize>> = known(target)?.into_iter().map(|size| usize::try_from(size).ok()).collect();
        let count = |sizes: &Vec<usize>| sizes.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
        let target = target.filter(|sizes| count(sizes).is_some_and(|count| count <= integers::MAX_COUNT));
        let target = target.ok_or_else(|| NodeProblem::Unsupported("an expansion to that size".to_owned()))?;
        let none = Ints::new(target.clone(), vec![Int::from(0); target.iter().product()]).of(ints.ty);
        return Ok(vec![Value::Ints(integers::apply("Add", ints, &none)?)]);
    }
    let input = lowering.ty(0, node.input(0)?)?;
    let rank = input.rank().max(target.values.len());
    let mut shape = Vec::new();
    for axis in 0..rank {
        let from = (axis + input.rank()).checked_sub(rank).map_or(Dim::Fixed(1), |axis| input.shape[axis]);
        let to = (axis + target.values.len()).checked_sub(rank).map(|axis| target.values[axis]);
        let to = to.map_or(Some(Dim::Fixed(1)), Int::dim);
        shape.push(match (from, to) {
            (from, Some(Dim::Fixed(1))) => from,
            (Dim::Batch(times), Some(Dim::Fixed(size)))
                if lowering.constant_batch().and_then(|batch| batch.checked_mul(times)) == Some(size) =>
            {
                from
            }
            (Dim::Fixed(1), Some(Dim::Fixed(size))) if axis == 0 && lowering.constant_batch() == Some(size) => {
                Dim::Batch(1)
            }
            (Dim::Fixed(1), Some(to)) => to,
            (from, Some(to)) if from == to => from,
            _ => {
                let found = input.to_string();
                return Err(NodeProblem::Shape {
                    found,
                    expected: "a shape that expands to the second input".to_owned(),
                });
            }
        });
    }
    Ok(vec![broadcast(lowering, node.name, node.input(0)?, &input, shape)?])
}

/// `Tile`.
pub(super) fn tile(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let mut value = node.input(0)?.clone();
    let repeats = node.input(1)?.ints(1)?.values.clone();
    let ty = lowering.ty(0, &value)?;
    if repeats.len() != ty.rank() {
        let found = format!("{} repeats", repeats.len());
        return Err(NodeProblem::Shape { found, expected: format!("one for each axis of {ty}") });
    }
    for (axis, repeat) in repeats.into_iter().enumerate() {
        let ty = lowering.ty(0, &value)?;
        value = match (ty.shape[axis], repeat.dim()) {
            (_, Some(Dim::Fixed(1))) => value,
            (Dim::Fixed(1), Some(repeat)) => {
                let mut shape = ty.shape.clone();
                shape[axis] = repeat;
                broadcast(lowering, node.name, &value, &ty, shape)?
            }
            (Dim::Fixed(size), Some(Dim::Fixed(repeat))) if size.saturating_mul(repeat) <= integers::MAX_COUNT => {
                let indices = (0..size * repeat).map(|i| i % size).collect();
                lowering.emit(node.name, Gather { axis, indices }, &[value])?
            }
            _ => return Err(NodeProblem::Batch(format!("a repetition of axis {axis} of {ty}"))),
        };
    }
    Ok(vec![value])
}

/// A value repeated to dimensions `shape`.
pub(super) fn broadcast(
    lowering: &mut Lowering,
    name: &str,
    value: &Value,
    from: &ValueType,
    shape: Vec<Dim>,
) -> Result<Value, NodeProblem> {
    if from.shape == shape {
        return Ok(value.clone());
    }
    let batched = shape.iter().any(|dim| matches!(dim, Dim::Batch(_)));
    let mut inputs = vec![value.clone()];
    if batched {
        inputs.push(Value::Computed(lowering.images));
    }
    lowering.emit(name, Expand { shape }, &inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The input, the target, the file's batch size, and what comes of it.
    type Case = (Vec<Dim>, Vec<i64>, Option<usize>, Vec<Dim>);

    #[test]
    fn the_batch_is_found_in_constant_targets() {
        let fixed = Dim::Fixed;
        let (n, twelve) = (Dim::Batch(1), Dim::Batch(12));
        let cases: Vec<Case> = vec![
            // Flattening for a classifier.
            (vec![n, fixed(256), fixed(6), fixed(6)], vec![1, 9216], Some(1), vec![n, fixed(9216)]),
            (vec![n, fixed(256), fixed(6), fixed(6)], vec![1, -1], Some(1), vec![n, fixed(9216)]),
            (vec![n, fixed(256), fixed(6), fixed(6)], vec![-1, 9216], None, vec![n, fixed(9216)]),
            (vec![n, fixed(256), fixed(1), fixed(1)], vec![0, -1], None, vec![n, fixed(256)]),
            (vec![n, fixed(8)], vec![4, 8], Some(4), vec![n, fixed(8)]),
            // Shuffling channels.
            (
                vec![n, fixed(8), fixed(3), fixed(3)],
                vec![1, 2, 4, 3, 3],
                Some(1),
                vec![n, fixed(2), fixed(4), fixed(3), fixed(3)],
            ),
            // Heads of attention, the batch second.
            (vec![fixed(197), n, fixed(768)], vec![197, 12, 64], Some(1), vec![fixed(197), twelve, fixed(64)]),
            (vec![fixed(197), n, fixed(768)], vec![197, 24, 64], Some(2), vec![fixed(197), twelve, fixed(64)]),
            (vec![fixed(197), n, fixed(768)], vec![197, -1, 64], None, vec![fixed(197), twelve, fixed(64)]),
            (
                vec![twelve, fixed(197), fixed(64)],
                vec![1, 12, 197, 64],
                Some(1),
                vec![n, fixed(12), fixed(197), fixed(64)],
            ),
            // No -1 and no batch size that the file tells.
            (vec![n, fixed(6)], vec![1, 2, 3], None, vec![n, fixed(2), fixed(3)]),
        ];
        for (input, target, batch, expected) in cases {
            let target: Vec<Int> = target.into_iter().map(Int::from).collect();
            let found = resolve(&input, &target, true, batch);
            assert_eq!(found, Some(Target::Shape(expected)), "{input:?} to {target:?}");
        }
    }

    /// Positions before the samples, merged with them and taken apart again.
    #[test]
    fn merged_axes_stay_apart() {
        let input = [Dim::Fixed(197), Dim::Batch(1), Dim::Fixed(12), Dim::Fixed(64)];
        let fixed = |sizes: &[i64]| sizes.iter().map(|&size| Int::from(size)).collect::<Vec<_>>();
        let targets = [
            (fixed(&[197, 768]), Some(1)),
            (fixed(&[394, 768]), Some(2)),
            (fixed(&[-1, 768]), None),
            (vec![Int { fixed: 0, batch: 197 }, Int::from(768)], None),
        ];
        for (target, batch) in targets {
            let apart = vec![Dim::Fixed(197), Dim::Batch(1), Dim::Fixed(768)];
            let shape = vec![Dim::Batch(197), Dim::Fixed(768)];
            let found = resolve(&input, &target, true, batch).unwrap();
            assert_eq!(found, Target::Merged { apart: apart.clone(), shape }, "{target:?}");
            let again = resolve(&apart, &fixed(&[197, 1, 768]), true, Some(1));
            assert_eq!(again, Some(Target::Shape(apart)));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let input = [Dim::Batch(1), Dim::Fixed(6)];
        let to = |target: &[i64]| {
            let target: Vec<Int> = target.iter().map(|&size| Int::from(size)).collect();
            resolve(&input, &target, true, Some(1))
        };
        for target in [&[1, 5][..], &[-1, -1], &[1, -2], &[0, 0, 0], &[4, -1], &[i64::MAX, i64::MAX]] {
            assert_eq!(to(target), None, "{target:?}");
        }
    }
}
