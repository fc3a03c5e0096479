//! `Reshape` and `Flatten`, and the search for the batch axis in their constant targets.

use super::node::axis;
use super::{Lowering, Node};
use crate::graph::op::{Flatten, Reshape};
use crate::graph::{Dim, ValueType, before_batch};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::tensor::MAX_ELEMENTS;
use crate::import::onnx::value::{Int, Ints, Value};

/// The product of dimensions, if it is one that memory could hold.
pub(super) fn elements(dims: &[Dim]) -> Option<Dim> {
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
        // The merged axis is split again.
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

/// A value with other dimensions of the same product.
pub(super) fn to_shape(
    lowering: &mut Lowering,
    name: &str,
    value: &Value,
    shape: Vec<Dim>,
) -> Result<Value, NodeProblem> {
    if lowering.ty(0, value)?.shape == shape {
        return Ok(value.clone());
    }
    // The constant keeps its name, so that a layer with this weight has it.
    if let Value::Floats { tensor, name, initial } = value {
        let sizes: Vec<usize> = shape.iter().map(|dim| dim.size(1)).collect();
        let reshaped = tensor.reshape(sizes)?;
        lowering.scales.reshaped(tensor, &reshaped);
        return Ok(Value::Floats { tensor: reshaped, name: name.clone(), initial: *initial });
    }
    lowering.emit(name, Reshape { shape }, std::slice::from_ref(value))
}

/// The outcome of a reshape.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Shape(Vec<Dim>),
    /// Positions and samples become one axis, the samples innermost.
    Merged {
        /// The dimensions with the two on axes of their own.
        apart: Vec<Dim>,
        /// The dimensions in the file.
        shape: Vec<Dim>,
    },
}

/// The dimensions that `input` has after a reshape to `target`; `batch` is the constant that the file has
/// instead of the batch size.
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
    // Either the target says which axis has the batch, ...
    let open = divide(total, rest);
    let shape: Option<Vec<Dim>> = dims.iter().map(|&dim| dim.or(open)).collect();
    let shape = shape.filter(|shape| elements(shape) == Some(total));
    // ... or it has a constant batch size, which a target without an inferred size reveals.
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

/// The outcome for dimensions whose batch axis is known.
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

/// `sizes`, which are those for a batch of `batch`, with the batch axis made open.
///
/// That is the axis with as many elements before it as in the input, or else with as many after it. If
/// there are both, a reshape to fewer axes merges the batch with the axes before it, and one to more
/// axes splits it from those after.
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
    // Here, the axis may be one past the last.
    let axis = if found == rank as i64 { rank } else { axis("axis", found, rank)? };
    Ok(vec![lowering.emit(node.name, Flatten { axis }, &[value])?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

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
        for_each_case(cases, |(input, target, batch, expected)| {
            let target: Vec<Int> = target.into_iter().map(Int::from).collect();
            let found = resolve(&input, &target, true, batch);
            assert_eq!(found, Some(Target::Shape(expected)), "{input:?} to {target:?}");
        });
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
        for_each_case([&[1, 5][..], &[-1, -1], &[1, -2], &[0, 0, 0], &[4, -1], &[i64::MAX, i64::MAX]], |target| {
            assert_eq!(to(target), None, "{target:?}");
        });
    }
}
