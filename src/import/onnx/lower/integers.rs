//! Arithmetic on integers such as shapes, which may depend on the batch size.

use super::node::known;
use super::{Lowering, Node};
use crate::import::onnx::budget::Budget;
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, Value};
use candle_core::{Device, Tensor};

/// The most integers whose indices are exact in `f32`.
const MAX_COUNT: usize = 1 << 24;

/// A function of two integers; `None` where the result would depend on the batch size in a way that [`Int`]
/// cannot express, or overflow.
pub(super) type IntFunction = fn(Int, Int) -> Option<Int>;

/// `function` of every pair, of shapes that broadcast; `operator` is its name in messages.
pub(super) fn apply(
    budget: &Budget,
    function: IntFunction,
    operator: &str,
    a: &Ints,
    b: &Ints,
) -> Result<Ints, NodeProblem> {
    broadcast(budget, [a, b], |[a, b]| function(a, b), || format!("{operator} of integers"))
}

pub(super) fn add(a: Int, b: Int) -> Option<Int> {
    linear(a, b, i64::checked_add)
}

pub(super) fn sub(a: Int, b: Int) -> Option<Int> {
    linear(a, b, i64::checked_sub)
}

pub(super) fn mul(a: Int, b: Int) -> Option<Int> {
    let (factor, other) = a.known().map(|a| (a, b)).or_else(|| b.known().map(|b| (b, a)))?;
    Some(Int { fixed: other.fixed.checked_mul(factor)?, batch: other.batch.checked_mul(factor)? })
}

/// Division that truncates, where it is exact or does not depend on the batch size.
pub(super) fn div(a: Int, b: Int) -> Option<Int> {
    match (a.known(), b.known()) {
        (Some(a), Some(b)) => a.checked_div(b).map(Int::from),
        (None, Some(b)) if a.fixed.checked_rem(b)? == 0 && a.batch.checked_rem(b)? == 0 => {
            Some(Int { fixed: a.fixed / b, batch: a.batch / b })
        }
        // A ratio of multiples of the batch: exporters write it for an inferred size.
        (None, None) if a.fixed == 0 && b.fixed == 0 && a.batch.checked_rem(b.batch)? == 0 => {
            Some(Int::from(a.batch / b.batch))
        }
        _ => None,
    }
}

pub(super) fn max(a: Int, b: Int) -> Option<Int> {
    known_pair(a, b, |a, b| Some(a.max(b)))
}

pub(super) fn min(a: Int, b: Int) -> Option<Int> {
    known_pair(a, b, |a, b| Some(a.min(b)))
}

/// A multiple of the batch size equals nothing but the same multiple.
#[expect(clippy::unnecessary_wraps, reason = "it is an IntFunction")]
pub(super) fn equal(a: Int, b: Int) -> Option<Int> {
    Some(Int::from(i64::from(a == b)))
}

/// The power, cut off to an integer where the exponent is negative.
pub(super) fn pow(a: Int, b: Int) -> Option<Int> {
    known_pair(a, b, |a, b| match (a, u32::try_from(b)) {
        (_, Ok(b)) => a.checked_pow(b),
        (1, _) => Some(1),
        (-1, _) => Some(if b % 2 == 0 { 1 } else { -1 }),
        (0, _) => None,
        (_, Err(_)) => (b < 0).then_some(0),
    })
}

/// Whether the first is 0.
pub(super) fn not(a: Int, _: Int) -> Option<Int> {
    a.known().map(|a| Int::from(i64::from(a == 0)))
}

pub(super) fn and(a: Int, b: Int) -> Option<Int> {
    known_pair(a, b, |a, b| Some(i64::from(a != 0 && b != 0)))
}

pub(super) fn or(a: Int, b: Int) -> Option<Int> {
    known_pair(a, b, |a, b| Some(i64::from(a != 0 || b != 0)))
}

pub(super) fn less(a: Int, b: Int) -> Option<Int> {
    known_pair(a, b, |a, b| Some(i64::from(a < b)))
}

pub(super) fn less_or_equal(a: Int, b: Int) -> Option<Int> {
    known_pair(a, b, |a, b| Some(i64::from(a <= b)))
}

pub(super) fn greater(a: Int, b: Int) -> Option<Int> {
    less(b, a)
}

pub(super) fn greater_or_equal(a: Int, b: Int) -> Option<Int> {
    less_or_equal(b, a)
}

/// `function` of the fixed parts and of the multiples of the batch size.
fn linear(a: Int, b: Int, function: fn(i64, i64) -> Option<i64>) -> Option<Int> {
    Some(Int { fixed: function(a.fixed, b.fixed)?, batch: function(a.batch, b.batch)? })
}

/// A function of integers that do not depend on the batch size.
fn known_pair(a: Int, b: Int, function: fn(i64, i64) -> Option<i64>) -> Option<Int> {
    function(a.known()?, b.known()?).map(Int::from)
}

/// `function` of the elements at each index of the shape that all inputs broadcast to.
fn broadcast<const N: usize>(
    budget: &Budget,
    inputs: [&Ints; N],
    function: impl Fn([Int; N]) -> Option<Int>,
    what: impl Fn() -> String,
) -> Result<Ints, NodeProblem> {
    let rank = inputs.iter().map(|ints| ints.dims.len()).max().unwrap_or(0);
    let size = |ints: &Ints, axis: usize| (axis + ints.dims.len()).checked_sub(rank).map_or(1, |axis| ints.dims[axis]);
    let mut dims = vec![1; rank];
    for (axis, dim) in dims.iter_mut().enumerate() {
        for ints in inputs {
            match (size(ints, axis), *dim) {
                (1, _) => (),
                (size, 1) => *dim = size,
                (size, dim) if size == dim => (),
                _ => {
                    let found = format!("{:?}", inputs.map(|ints| &ints.dims));
                    return Err(NodeProblem::Shape {
                        found,
                        expected: "shapes that broadcast to each other".to_owned(),
                    });
                }
            }
        }
    }
    let count = dims.iter().fold(1, |count: usize, &dim| count.saturating_mul(dim));
    budget.check::<Int>(count)?;
    let place = |ints: &Ints, flat: usize| {
        let (mut rest, mut place, mut step) = (flat, 0, 1);
        for axis in (0..rank).rev() {
            let (i, size) = (rest % dims[axis], size(ints, axis));
            rest /= dims[axis];
            if size > 1 {
                place += i * step;
                step *= size;
            }
        }
        place
    };
    let value = |flat: usize| function(inputs.map(|ints| ints.values[place(ints, flat)]));
    let values: Option<Vec<Int>> = (0..count).map(value).collect();
    let values = values.ok_or_else(|| NodeProblem::Batch(what()))?;
    Ok(Ints::new(dims, values).with_type(inputs[N - 1].ty))
}

/// `a` where `condition` is not 0, else `b`.
pub(super) fn select(budget: &Budget, condition: &Ints, a: &Ints, b: &Ints) -> Result<Ints, NodeProblem> {
    let select = |[condition, a, b]: [Int; 3]| Some(if condition == Int::from(0) { b } else { a });
    broadcast(budget, [condition, a, b], select, String::new)
}

/// A vector of integers reduced to one by `step`.
pub(super) fn reduce(
    budget: &Budget,
    node: &Node,
    ints: &Ints,
    step: Option<IntFunction>,
) -> Result<Ints, NodeProblem> {
    let step = step.ok_or_else(|| NodeProblem::Unsupported(format!("{} of integers", node.operator())))?;
    let (Some((&first, rest)), 1) = (ints.values.split_first(), ints.dims.len()) else {
        let found = format!("{:?}", ints.dims);
        return Err(NodeProblem::Shape { found, expected: "a 1-D tensor of integers".to_owned() });
    };
    let one = |value: Int| Ints::new(vec![], vec![value]);
    let reduced =
        rest.iter().try_fold(one(first), |all, &value| apply(budget, step, node.operator(), &all, &one(value)))?;
    let dims = if node.int_or("keepdims", 1)? == 0 { vec![] } else { vec![1] };
    Ok(Ints { dims, ty: ints.ty, ..reduced })
}

/// Integers as real numbers, called `name`.
pub(super) fn real(ints: &Ints, name: &str) -> Result<Value, NodeProblem> {
    let values = known(ints)?.into_iter().map(|int| int as f32).collect::<Vec<_>>();
    let tensor = Tensor::from_vec(values, ints.dims.as_slice(), &Device::Cpu)?;
    Ok(Value::Floats { tensor, name: name.to_owned(), initial: false })
}

/// Real numbers cut off to integers.
pub(super) fn truncated(tensor: &Tensor) -> Result<Ints, NodeProblem> {
    let values = tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().map(|x| Int::from(x as i64)).collect();
    Ok(Ints::new(tensor.dims().to_vec(), values))
}

/// Integers moved as `operate` moves their indices, which it is given as real numbers.
pub(super) fn moved(
    ints: &Ints,
    operate: impl FnOnce(Value) -> Result<Value, NodeProblem>,
) -> Result<Ints, NodeProblem> {
    if ints.values.len() > MAX_COUNT {
        return Err(NodeProblem::Unsupported(format!("{} integers", ints.values.len())));
    }
    let places = Ints::new(ints.dims.clone(), (0..ints.values.len() as i64).map(Int::from).collect());
    let places = operate(real(&places, "places")?)?;
    let places = places.floats(0)?;
    let values = places.flatten_all()?.to_vec1::<f32>()?.into_iter().map(|place| ints.values[place as usize]);
    Ok(Ints::new(places.dims().to_vec(), values.collect()).with_type(ints.ty))
}

/// `Mod`.
pub(super) fn modulo(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (a, b) = (node.input(0)?.ints(0)?, node.input(1)?.ints(1)?);
    let modulo: IntFunction = |a, b| known_pair(a, b, i64::checked_rem_euclid);
    Ok(vec![Value::Ints(apply(&lowering.budget, modulo, node.operator(), a, b)?)])
}

/// `Range`.
pub(super) fn range(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    if let Value::Floats { .. } = node.input(0)? {
        return Ok(vec![real_range(lowering, node)?]);
    }
    let number = |index: usize| match known(node.input(index)?.ints(index)?)?.as_slice() {
        [number] => Ok(*number),
        numbers => Err(NodeProblem::Shape { found: format!("[{}]", numbers.len()), expected: "one number".to_owned() }),
    };
    let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
    let count = match delta {
        0 => None,
        delta => {
            let span = i128::from(limit) - i128::from(start);
            let steps = span / i128::from(delta) + i128::from(span % i128::from(delta) != 0);
            usize::try_from(steps.max(0)).ok()
        }
    };
    let count = count.ok_or_else(|| no_range(start, limit, delta))?;
    lowering.budget.check::<Int>(count)?;
    let values = (0..count as i64).map(|i| Int::from(start + i * delta)).collect();
    Ok(vec![Value::Ints(Ints::vector(values))])
}

/// A range of real numbers, as many as onnxruntime counts.
fn real_range(lowering: &Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let [start, limit, delta] = [node.number(0)?, node.number(1)?, node.number(2)?];
    let steps = (f64::from(limit - start) / f64::from(delta)).ceil().max(0.0);
    if !steps.is_finite() {
        return Err(no_range(start, limit, delta));
    }
    // Beyond all numbers, it is the largest.
    let count = steps as usize;
    lowering.budget.check::<f32>(count)?;
    let values: Vec<f32> = (0..count).map(|i| start + i as f32 * delta).collect();
    let tensor = Tensor::from_vec(values, count, &Device::Cpu)?;
    Ok(Value::Floats { tensor, name: node.name.to_owned(), initial: false })
}

fn no_range<T: std::fmt::Display>(start: T, limit: T, delta: T) -> NodeProblem {
    NodeProblem::Unsupported(format!("a range from {start} to {limit} in steps of {delta}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(fixed: i64, batch: i64) -> Int {
        Int { fixed, batch }
    }

    #[test]
    fn the_batch_is_carried_along() {
        let budget = Budget::of_file(0);
        let vector = |values: &[Int]| Ints::vector(values.to_vec());
        let (n, two) = (vector(&[int(0, 1)]), vector(&[int(2, 0)]));
        let twice = apply(&budget, mul, "Mul", &n, &two).unwrap();
        assert_eq!(twice, vector(&[int(0, 2)]));
        assert_eq!(apply(&budget, add, "Add", &twice, &two).unwrap(), vector(&[int(2, 2)]));
        assert_eq!(apply(&budget, sub, "Sub", &twice, &n).unwrap(), n);
        assert_eq!(apply(&budget, div, "Div", &twice, &two).unwrap(), n);
        assert_eq!(apply(&budget, div, "Div", &twice, &n).unwrap(), two);
        assert!(matches!(apply(&budget, mul, "Mul", &n, &n), Err(NodeProblem::Batch(_))));
        assert!(matches!(apply(&budget, div, "Div", &n, &two), Err(NodeProblem::Batch(_))));
        assert!(matches!(apply(&budget, div, "Div", &two, &vector(&[int(0, 0)])), Err(NodeProblem::Batch(_))));
        assert!(matches!(apply(&budget, max, "Max", &n, &two), Err(NodeProblem::Batch(_))));
    }

    #[test]
    fn integers_broadcast() {
        let budget = Budget::of_file(0);
        let rows = Ints::new(vec![2, 1], vec![int(1, 0), int(2, 0)]);
        let columns = Ints::vector(vec![int(10, 0), int(20, 0), int(30, 0)]);
        let table = apply(&budget, mul, "Mul", &rows, &columns).unwrap();
        assert_eq!((table.dims.clone(), table.known().unwrap()), (vec![2, 3], vec![10, 20, 30, 20, 40, 60]));
        let equal = apply(&budget, equal, "Equal", &table, &Ints::new(vec![], vec![int(20, 0)])).unwrap();
        assert_eq!(equal.known().unwrap(), [0, 1, 0, 1, 0, 0]);
        assert!(apply(&budget, add, "Add", &columns, &Ints::vector(vec![int(1, 0), int(2, 0)])).is_err());
    }
}
