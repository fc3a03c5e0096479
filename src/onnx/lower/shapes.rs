//! Operators that give the same numbers other axes, and shapes themselves.

use super::node::{axes, axis, known};
use super::{Lowering, Node};
use crate::graph::op::{Expand, Flatten, Reshape, Transpose};
use crate::graph::{Dim, ValueType};
use crate::onnx::error::NodeProblem;
use crate::onnx::tensor::MAX_ELEMENTS;
use crate::onnx::value::{Int, Ints, Value};

/// `Shape`, of all axes or of some.
pub(super) fn shape(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let shape: Vec<Int> = match node.input(0)? {
        Value::Ints(ints) => ints.dims.iter().map(|&size| Int::from(size as i64)).collect(),
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
    if let Value::Ints(ints) = node.input(0)? {
        let shape: Vec<Dim> = ints.dims.iter().map(|&size| Dim::Fixed(size)).collect();
        let dims = resolve(&shape, &target, zero_copies, None, &mut Merged::default());
        let dims = dims.ok_or_else(|| mismatch(&ValueType::f32(shape), &target))?;
        let dims = dims.into_iter().map(|dim| dim.size(1)).collect();
        return Ok(vec![Value::Ints(Ints { dims, values: ints.values.clone() })]);
    }
    let input = lowering.ty(0, node.input(0)?)?;
    let batch = lowering.constant_batch();
    let shape = resolve(&input.shape, &target, zero_copies, batch, &mut lowering.merged);
    let shape = shape.ok_or_else(|| mismatch(&input, &target))?;
    to_shape(lowering, node, shape)
}

fn mismatch(input: &ValueType, target: &[Int]) -> NodeProblem {
    let target: Vec<String> =
        target.iter().map(|int| int.dim().map_or(int.fixed.to_string(), |dim| dim.to_string())).collect();
    NodeProblem::Shape { found: input.to_string(), expected: format!("as many elements as [{}]", target.join(", ")) }
}

/// The first input with other dimensions.
fn to_shape(lowering: &mut Lowering, node: &Node, shape: Vec<Dim>) -> Result<Vec<Value>, NodeProblem> {
    let value = node.input(0)?;
    if lowering.ty(0, value)?.shape == shape {
        return Ok(vec![value.clone()]);
    }
    // The same constant, so that a layer made of it keeps its name.
    if let Value::Floats { tensor, name, initial } = value {
        let sizes: Vec<usize> = shape.iter().map(|dim| dim.size(1)).collect();
        let tensor = tensor.reshape(sizes)?;
        return Ok(vec![Value::Floats { tensor, name: name.clone(), initial: *initial }]);
    }
    Ok(vec![lowering.emit(node.name, Reshape { shape }, &[value.clone()])?])
}

/// How many elements stand before the batch in axes that it was merged into, by how many there are of
/// them for each sample.
pub(super) type Merged = std::collections::HashMap<usize, usize>;

/// The dimensions that `input` has after a reshape to `target`, in which `batch` is the number that
/// the file has in place of an open batch.
fn resolve(
    input: &[Dim],
    target: &[Int],
    zero_copies: bool,
    batch: Option<usize>,
    merged: &mut Merged,
) -> Option<Vec<Dim>> {
    let total = elements(input)?;
    let mut dims: Vec<Option<Dim>> = Vec::new();
    for (i, int) in target.iter().enumerate() {
        dims.push(match int.known() {
            Some(-1) => None,
            Some(0) if zero_copies => Some(*input.get(i)?),
            _ => Some(int.dim()?),
        });
    }
    let open = dims.iter().position(Option::is_none);
    if dims.iter().filter(|dim| dim.is_none()).count() > 1 {
        return None;
    }
    let known: Vec<Dim> = dims.iter().copied().flatten().collect();
    let rest = elements(&known)?;
    let with_open = |dim: Option<Dim>| -> Option<Vec<Dim>> {
        let shape: Option<Vec<Dim>> = dims.iter().map(|&known| known.or(dim)).collect();
        shape.filter(|shape| elements(shape) == Some(total))
    };
    let (Dim::Batch(samples), Dim::Fixed(rest)) = (total, rest) else {
        // No batch, or one that the target knows of.
        return with_open(open.and_then(|_| divide(total, rest)));
    };
    // The file's numbers hold for one batch size, which a target without an open size tells.
    let assumed = batch.or_else(|| {
        if open.is_none() { divide(Dim::Fixed(rest), Dim::Fixed(samples)).map(|d| d.size(1)) } else { None }
    });
    let aligned = assumed.and_then(|batch| {
        let sizes: Option<Vec<usize>> = dims
            .iter()
            .map(|dim| match dim {
                Some(dim) => Some(dim.size(1)),
                None => divide(Dim::Fixed(samples.checked_mul(batch)?), Dim::Fixed(rest)).map(|dim| dim.size(1)),
            })
            .collect();
        align(input, &sizes?, batch, merged)
    });
    aligned.filter(|shape| elements(shape) == Some(total)).or_else(|| with_open(divide(total, Dim::Fixed(rest))))
}

/// `sizes`, which hold for a batch of `batch`, with the axis in which the batch is made open.
///
/// It is where as many elements stand before and after it as in the input. Where its neighbours were
/// merged with it, or split off, only one side agrees: merging takes what stood before, splitting what
/// comes after.
fn align(input: &[Dim], sizes: &[usize], batch: usize, merged: &mut Merged) -> Option<Vec<Dim>> {
    let at = input.iter().position(|dim| matches!(dim, Dim::Batch(_)))?;
    let times = input[at].size(1);
    let product = |dims: &[Dim]| dims.iter().map(|dim| dim.size(1)).product::<usize>();
    let inner = *merged.get(&times).unwrap_or(&1);
    let (before, after) = (product(&input[..at]) * inner, times / inner * product(&input[at + 1..]));
    let suits = |check: fn(bool, bool) -> bool| {
        (0..sizes.len()).find(|&axis| {
            let [left, right] = [&sizes[..axis], &sizes[axis + 1..]].map(|sizes| sizes.iter().product::<usize>());
            sizes[axis].is_multiple_of(batch) && sizes[axis] > 0 && check(left == before, right == after)
        })
    };
    let (left, right) = (|| suits(|left, _| left), || suits(|_, right| right));
    let exact = suits(|left, right| left && right);
    let axis =
        exact.or_else(|| if sizes.len() < input.len() { right().or_else(left) } else { left().or_else(right) })?;
    let times = sizes[axis] / batch;
    let left: usize = sizes[..axis].iter().product();
    if left > 0 && before.is_multiple_of(left) {
        merged.insert(times, before / left);
    }
    let open = |(i, &size)| if i == axis { Dim::Batch(times) } else { Dim::Fixed(size) };
    Some(sizes.iter().enumerate().map(open).collect())
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
        return Ok(vec![Value::Ints(Ints { dims, values: ints.values.clone() })]);
    }
    to_shape(lowering, node, shape)
}

/// `Transpose`; a constant keeps its name, so that a layer made of it does.
pub(super) fn transpose(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let value = node.input(0)?.clone();
    let rank = lowering.ty(0, &value)?.rank();
    let order = match node.ints("perm")? {
        Some(order) => order.iter().map(|&found| axis("perm", found, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).rev().collect(),
    };
    let origin = if let Value::Floats { name, initial, .. } = &value { Some((name.clone(), *initial)) } else { None };
    let output = lowering.emit(node.name, Transpose { order }, &[value])?;
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
    let input = lowering.ty(0, node.input(0)?)?;
    let rank = input.rank().max(target.values.len());
    let mut shape = Vec::new();
    for axis in 0..rank {
        let from = (axis + input.rank()).checked_sub(rank).map_or(Dim::Fixed(1), |axis| input.shape[axis]);
        let to = (axis + target.values.len()).checked_sub(rank).map(|axis| target.values[axis]);
        let to = to.map_or(Some(Dim::Fixed(1)), Int::dim);
        shape.push(match (from, to) {
            (from, Some(Dim::Fixed(1))) => from,
            (Dim::Batch(1), Some(Dim::Fixed(size))) if lowering.constant_batch() == Some(size) => from,
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

    #[test]
    fn the_batch_is_found_in_constant_targets() {
        let fixed = Dim::Fixed;
        let (n, twelve) = (Dim::Batch(1), Dim::Batch(12));
        let cases: Vec<(Vec<Dim>, Vec<i64>, Option<usize>, Vec<Dim>)> = vec![
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
            // Merged with the positions before it.
            (vec![fixed(197), n, fixed(12), fixed(64)], vec![197, 768], Some(1), vec![Dim::Batch(197), fixed(768)]),
            // No -1 and no batch size that the file tells.
            (vec![n, fixed(6)], vec![1, 2, 3], None, vec![n, fixed(2), fixed(3)]),
        ];
        for (input, target, batch, expected) in cases {
            let target: Vec<Int> = target.into_iter().map(Int::from).collect();
            let found = resolve(&input, &target, true, batch, &mut Merged::default());
            assert_eq!(found, Some(expected), "{input:?} to {target:?}");
        }
    }

    /// Positions and batch, merged and split again: the batch comes out where it was.
    #[test]
    fn merged_axes_are_split_as_they_were() {
        let mut merged = Merged::default();
        let input = [Dim::Fixed(197), Dim::Batch(1), Dim::Fixed(768)];
        let target = |sizes: &[i64]| sizes.iter().map(|&size| Int::from(size)).collect::<Vec<_>>();
        let flat = resolve(&input, &target(&[197, 768]), true, Some(1), &mut merged).unwrap();
        assert_eq!(flat, [Dim::Batch(197), Dim::Fixed(768)]);
        assert_eq!(resolve(&flat, &target(&[197, 1, 768]), true, Some(1), &mut merged).unwrap(), input);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let input = [Dim::Batch(1), Dim::Fixed(6)];
        let to = |target: &[i64]| {
            let target: Vec<Int> = target.iter().map(|&size| Int::from(size)).collect();
            resolve(&input, &target, true, Some(1), &mut Merged::default())
        };
        for target in [&[1, 5][..], &[-1, -1], &[1, -2], &[0, 0, 0], &[4, -1], &[i64::MAX, i64::MAX]] {
            assert_eq!(to(target), None, "{target:?}");
        }
    }
}
