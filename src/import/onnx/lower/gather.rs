//! Gathering from values, and scattering into constants, by indices of one axis or of several.

use super::node::{axis, known};
use super::{Lowering, Node, integers};
use crate::graph::Dim;
use crate::graph::op::{Gather, Reshape, Slice};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, Value};
use candle_core::{Device, Tensor};

/// Indices along an axis of `size`, which may be counted from the end.
fn places(found: &[i64], size: usize) -> Result<Vec<usize>, NodeProblem> {
    let place = |&found: &i64| {
        let place = if found < 0 { found.checked_add(size as i64)? } else { found };
        usize::try_from(place).ok().filter(|&place| place < size)
    };
    let places: Option<Vec<usize>> = found.iter().map(place).collect();
    places.ok_or_else(|| NodeProblem::Shape {
        found: format!("indices from {} to {}", found.iter().min().unwrap_or(&0), found.iter().max().unwrap_or(&0)),
        expected: format!("at least -{size} and less than {size}, the axis's size"),
    })
}

/// Elements of an axis by index, as a slice where possible. All gathering is done here, so that the indices
/// that nodes keep are counted.
pub(super) fn take(
    lowering: &mut Lowering,
    name: &str,
    value: Value,
    axis: usize,
    taken: Vec<usize>,
) -> Result<Value, NodeProblem> {
    let step = if taken.len() > 1 { taken[1].checked_sub(taken[0]) } else { Some(1) };
    let is_even = |step: usize| taken.windows(2).all(|pair| pair[0].checked_add(step) == Some(pair[1]));
    if let (Some(step), Some(&last)) = (step.filter(|&step| step > 0 && is_even(step)), taken.last()) {
        return lowering.emit(name, Slice { axis, start: taken[0], end: last + 1, step }, &[value]);
    }
    lowering.budget.spend::<usize>(taken.len())?;
    lowering.emit(name, Gather { axis, indices: taken }, &[value])
}

/// `Gather`.
pub(super) fn gather(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let indices = node.input(1)?.ints(1)?;
    let found = node.int_or("axis", 0)?;
    if let Value::Ints(data) = node.input(0)? {
        let axis = axis("axis", found, data.dims.len())?;
        let places = places(&known(indices)?, data.dims[axis])?;
        let outer: usize = data.dims[..axis].iter().product();
        let inner: usize = data.dims[axis + 1..].iter().product();
        let count = [outer, places.len(), inner].iter().fold(1, |count: usize, &size| count.saturating_mul(size));
        lowering.budget.check::<Int>(count)?;
        let at = |o: usize, place: usize, i: usize| data.values[(o * data.dims[axis] + place) * inner + i];
        let values =
            (0..outer).flat_map(|o| places.iter().flat_map(move |&place| (0..inner).map(move |i| (o, place, i))));
        let values = values.map(|(o, place, i)| at(o, place, i)).collect();
        let dims = [&data.dims[..axis], &indices.dims, &data.dims[axis + 1..]].concat();
        return Ok(vec![Value::Ints(Ints::new(dims, values).with_type(data.ty))]);
    }
    let data = node.input(0)?.clone();
    let ty = lowering.ty(0, &data)?;
    let axis = axis("axis", found, ty.rank())?;
    let Dim::Fixed(size) = ty.shape[axis] else {
        return gather_by_sample(lowering, node, data, indices);
    };
    let places = places(&known(indices)?, size)?;
    let taken = take(lowering, node.name, data, axis, places)?;
    if indices.dims.len() == 1 {
        return Ok(vec![taken]);
    }
    let between = indices.dims.iter().map(|&size| Dim::Fixed(size)).collect();
    let shape = [ty.shape[..axis].to_vec(), between, ty.shape[axis + 1..].to_vec()].concat();
    Ok(vec![lowering.emit(node.name, Reshape { shape }, &[taken])?])
}

/// `Gather` along an axis of all samples of a constant batch: exporters write it for strided views. If the
/// indices are the same within each sample, they hold for any batch size.
fn gather_by_sample(
    lowering: &mut Lowering,
    node: &Node,
    data: Value,
    indices: &Ints,
) -> Result<Vec<Value>, NodeProblem> {
    let ty = lowering.ty(0, &data)?;
    let batch = lowering.constant_batch().filter(|batch| indices.dims.len() > 1 && indices.dims[0] == *batch);
    let per_sample = || {
        let (&[Dim::Batch(times)], batch) = (ty.shape.as_slice(), batch?) else { return None };
        let places = places(&indices.known()?, times.checked_mul(batch)?).ok()?;
        let each = places.len() / batch;
        let first = places.get(..each).filter(|first| !first.is_empty())?.to_vec();
        let same = |(i, &place): (usize, &usize)| place == i / each * times + first[i % each];
        let is_one = first.iter().all(|&place| place < times);
        (is_one && places.iter().enumerate().all(same)).then_some((times, first))
    };
    let Some((times, of_one)) = per_sample() else {
        return Err(NodeProblem::Batch(format!("gathering along the batch axis of {ty}")));
    };
    let rows = Reshape { shape: vec![Dim::Batch(1), Dim::Fixed(times)] };
    let rows = if times == 1 && ty.rank() == 2 { data } else { lowering.emit(node.name, rows, &[data])? };
    let taken = if of_one.iter().copied().eq(0..times) { rows } else { take(lowering, node.name, rows, 1, of_one)? };
    let shape = std::iter::once(Dim::Batch(1)).chain(dims(&indices.dims[1..])).collect();
    Ok(vec![lowering.emit(node.name, Reshape { shape }, &[taken])?])
}

/// `GatherND`: rows by indices of the leading axes.
pub(super) fn gather_nd(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    if node.int_or("batch_dims", 0)? != 0 {
        return Err(NodeProblem::Unsupported("batch_dims other than 0".to_owned()));
    }
    let data = node.input(0)?.clone();
    let indices = node.input(1)?.ints(1)?;
    let ty = lowering.ty(0, &data)?;
    let depth = indices.dims.last().copied().unwrap_or(0);
    let size = |dim: &Dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None };
    let sizes: Option<Vec<usize>> = ty.shape.iter().map(size).collect();
    let sizes = sizes.filter(|sizes| (1..=sizes.len()).contains(&depth));
    let sizes = sizes.ok_or_else(|| NodeProblem::Batch(format!("gathering {depth}-D indices from {ty}")))?;
    let (chosen, row) = sizes.split_at(depth);
    let shape = dims(&[&[chosen.iter().product()], row].concat()).collect();
    let flat = lowering.emit(node.name, Reshape { shape }, &[data])?;
    let taken = take(lowering, node.name, flat, 0, rows(indices, chosen)?)?;
    let shape = dims(&[&indices.dims[..indices.dims.len() - 1], row].concat()).collect();
    Ok(vec![lowering.emit(node.name, Reshape { shape }, &[taken])?])
}

/// `ScatterND` of constants: replaces rows.
pub(super) fn scatter_nd(_: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    if !matches!(node.text_or("reduction", "none")?, "none" | "") {
        return Err(NodeProblem::Unsupported("a 'reduction' other than 'none'".to_owned()));
    }
    let indices = node.input(1)?.ints(1)?;
    if let (Value::Ints(data), Value::Ints(updates)) = (node.input(0)?, node.input(2)?) {
        let mut values = data.values.to_vec();
        put(&mut values, &data.dims, indices, &updates.values)?;
        return Ok(vec![Value::Ints(Ints::new(data.dims.clone(), values).with_type(data.ty))]);
    }
    let real = |index: usize| match node.input(index)? {
        Value::Ints(ints) => integers::real(ints, node.name)?.floats(index).cloned(),
        other => other.floats(index).cloned(),
    };
    let (data, updates) = (real(0)?, real(2)?.flatten_all()?.to_vec1::<f32>()?);
    let mut values = data.flatten_all()?.to_vec1::<f32>()?;
    put(&mut values, data.dims(), indices, &updates)?;
    let tensor = Tensor::from_vec(values, data.dims(), &Device::Cpu)?;
    Ok(vec![Value::Floats { tensor, name: node.name.to_owned(), initial: false }])
}

/// Writes the rows of `updates` into `values`, of dimensions `dims`, at `indices`.
fn put<T: Copy>(values: &mut [T], dims: &[usize], indices: &Ints, updates: &[T]) -> Result<(), NodeProblem> {
    let depth = indices.dims.last().copied().unwrap_or(0);
    if !(1..=dims.len()).contains(&depth) {
        let expected = format!("a last axis of size 1 to {}", dims.len());
        return Err(NodeProblem::Shape { found: format!("{:?}", indices.dims), expected });
    }
    let (chosen, row) = dims.split_at(depth);
    let (rows, size) = (rows(indices, chosen)?, row.iter().product::<usize>());
    if rows.len() * size != updates.len() {
        let expected = format!("{} rows of {size} numbers", rows.len());
        return Err(NodeProblem::Shape { found: format!("{} numbers", updates.len()), expected });
    }
    for (i, at) in rows.into_iter().enumerate() {
        values[at * size..][..size].copy_from_slice(&updates[i * size..][..size]);
    }
    Ok(())
}

/// The flat row numbers of indices into leading axes of `sizes`.
fn rows(indices: &Ints, sizes: &[usize]) -> Result<Vec<usize>, NodeProblem> {
    let row = |index: &[i64]| {
        let pairs = index.iter().zip(sizes);
        pairs.into_iter().try_fold(0, |row, (&i, &size)| Ok(row * size + places(&[i], size)?[0]))
    };
    known(indices)?.chunks(sizes.len()).map(row).collect()
}

fn dims(sizes: &[usize]) -> impl Iterator<Item = Dim> {
    sizes.iter().map(|&size| Dim::Fixed(size))
}
