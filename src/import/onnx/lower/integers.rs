//! Arithmetic on integers such as shapes, which may depend on the batch size.

use super::node::known;
use super::{Lowering, Node};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, Value};

/// More integers than any shape or index has.
pub(super) const MAX_COUNT: usize = 1 << 24;

/// Operators of integers alone.
pub(super) fn binary(_: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (a, b) = (node.input(0)?.ints(0)?, node.input(1)?.ints(1)?);
    Ok(vec![Value::Ints(apply(node.operator(), a, b)?)])
}

/// `operator` of every pair, of shapes that broadcast.
pub(super) fn apply(operator: &str, a: &Ints, b: &Ints) -> Result<Ints, NodeProblem> {
    let function: fn(Int, Int) -> Option<Int> = match operator {
        "Add" | "Sum" => |a, b| linear(a, b, i64::checked_add),
        "Sub" => |a, b| linear(a, b, i64::checked_sub),
        "Mul" => product,
        "Div" => quotient,
        "Mod" => |a, b| both(a, b, i64::checked_rem_euclid),
        "Max" => |a, b| both(a, b, |a, b| Some(a.max(b))),
        "Min" => |a, b| both(a, b, |a, b| Some(a.min(b))),
        "Equal" => |a, b| {
            // A multiple of the batch size is nothing else.
            let differ = a.batch != b.batch || a.fixed != b.fixed;
            Some(Int::from(i64::from(!differ)))
        },
        "Not" => |a, _| a.known().map(|a| Int::from(i64::from(a == 0))),
        "And" => |a, b| both(a, b, |a, b| Some(i64::from(a != 0 && b != 0))),
        "Or" => |a, b| both(a, b, |a, b| Some(i64::from(a != 0 || b != 0))),
        "Less" => |a, b| both(a, b, |a, b| Some(i64::from(a < b))),
        "LessOrEqual" => |a, b| both(a, b, |a, b| Some(i64::from(a <= b))),
        "Greater" => |a, b| both(a, b, |a, b| Some(i64::from(a > b))),
        "GreaterOrEqual" => |a, b| both(a, b, |a, b| Some(i64::from(a >= b))),
        _ => return Err(NodeProblem::Unsupported(format!("{operator} of integers"))),
    };
    let combine = |_: &[usize], pair: [Int; 2]| function(pair[0], pair[1]);
    broadcast([a, b], combine, || format!("{operator} of integers"))
}

/// `a` and `b` of each part, the fixed one and the multiple of the batch.
fn linear(a: Int, b: Int, function: fn(i64, i64) -> Option<i64>) -> Option<Int> {
    Some(Int { fixed: function(a.fixed, b.fixed)?, batch: function(a.batch, b.batch)? })
}

/// A function of numbers that do not depend on the batch size.
fn both(a: Int, b: Int, function: fn(i64, i64) -> Option<i64>) -> Option<Int> {
    function(a.known()?, b.known()?).map(Int::from)
}

fn product(a: Int, b: Int) -> Option<Int> {
    let (factor, other) = a.known().map(|a| (a, b)).or_else(|| b.known().map(|b| (b, a)))?;
    Some(Int { fixed: other.fixed.checked_mul(factor)?, batch: other.batch.checked_mul(factor)? })
}

/// Division that truncates, where it is exact or no batch is in it.
fn quotient(a: Int, b: Int) -> Option<Int> {
    match (a.known(), b.known()) {
        (Some(a), Some(b)) => a.checked_div(b).map(Int::from),
        (None, Some(b)) if a.fixed.checked_rem(b)? == 0 && a.batch.checked_rem(b)? == 0 => {
            Some(Int { fixed: a.fixed / b, batch: a.batch / b })
        }
        // As many batches as there are in one: what exporters write for a size that is left over.
        (None, None) if a.fixed == 0 && b.fixed == 0 && a.batch.checked_rem(b.batch)? == 0 => {
            Some(Int::from(a.batch / b.batch))
        }
        _ => None,
    }
}

/// `function` of the numbers at each place of the shape that all broadcast to.
fn broadcast<const N: usize>(
    inputs: [&Ints; N],
    function: impl Fn(&[usize], [Int; N]) -> Option<Int>,
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
                    return Err(NodeProblem::Shape { found, expected: "shapes that broadcast".to_owned() });
                }
            }
        }
    }
    let count = dims.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim)).filter(|&count| count <= MAX_COUNT);
    let count = count.ok_or_else(|| NodeProblem::Unsupported(format!("{dims:?} integers")))?;
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
    let value = |flat: usize| function(&dims, inputs.map(|ints| ints.values[place(ints, flat)]));
    let values: Option<Vec<Int>> = (0..count).map(value).collect();
    let values = values.ok_or_else(|| NodeProblem::Batch(what()))?;
    Ok(Ints { dims, values, ty: inputs[N - 1].ty })
}

/// `a` where `condition` is not 0, else `b`.
pub(super) fn choose(condition: &Ints, a: &Ints, b: &Ints) -> Result<Ints, NodeProblem> {
    let choice = |_: &[usize], [condition, a, b]: [Int; 3]| Some(if condition == Int::from(0) { b } else { a });
    broadcast([condition, a, b], choice, String::new)
}

/// One number that stands for all of one axis of integers.
pub(super) fn reduce(node: &Node, ints: &Ints) -> Result<Ints, NodeProblem> {
    let function = match node.operator() {
        "ReduceSum" => "Add",
        "ReduceProd" => "Mul",
        "ReduceMax" => "Max",
        "ReduceMin" => "Min",
        other => return Err(NodeProblem::Unsupported(format!("{other} of integers"))),
    };
    let (Some((&first, rest)), 1) = (ints.values.split_first(), ints.dims.len()) else {
        let found = format!("{:?}", ints.dims);
        return Err(NodeProblem::Shape { found, expected: "one axis of integers".to_owned() });
    };
    let one = |value: Int| Ints::new(vec![], vec![value]);
    let reduced = rest.iter().try_fold(one(first), |all, &value| apply(function, &all, &one(value)))?;
    let dims = if node.int_or("keepdims", 1)? == 0 { vec![] } else { vec![1] };
    Ok(Ints { dims, ty: ints.ty, ..reduced })
}

/// Integers moved as `operate` moves their places, which it sees as real numbers.
pub(super) fn moved(
    ints: &Ints,
    operate: impl FnOnce(Value) -> Result<Value, NodeProblem>,
) -> Result<Ints, NodeProblem> {
    if ints.values.len() > MAX_COUNT {
        return Err(NodeProblem::Unsupported(format!("{} integers", ints.values.len())));
    }
    let places = Ints::new(ints.dims.clone(), (0..ints.values.len() as i64).map(Int::from).collect());
    let places = operate(super::constants::real(&places, "places")?)?;
    let places = places.floats(0)?;
    let values = places.flatten_all()?.to_vec1::<f32>()?.into_iter().map(|place| ints.values[place as usize]);
    Ok(Ints { dims: places.dims().to_vec(), values: values.collect(), ty: ints.ty })
}

/// `Range`.
pub(super) fn range(_: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
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
            usize::try_from(steps.max(0)).ok().filter(|&count| count <= MAX_COUNT)
        }
    };
    let count = count.ok_or_else(|| NodeProblem::Unsupported(format!("a range by steps of {delta}")))?;
    let values = (0..count as i64).map(|i| Int::from(start + i * delta)).collect();
    Ok(vec![Value::Ints(Ints::vector(values))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(fixed: i64, batch: i64) -> Int {
        Int { fixed, batch }
    }

    #[test]
    fn the_batch_is_carried_along() {
        let vector = |values: &[Int]| Ints::vector(values.to_vec());
        let (n, two) = (vector(&[int(0, 1)]), vector(&[int(2, 0)]));
        let twice = apply("Mul", &n, &two).unwrap();
        assert_eq!(twice, vector(&[int(0, 2)]));
        assert_eq!(apply("Add", &twice, &two).unwrap(), vector(&[int(2, 2)]));
        assert_eq!(apply("Sub", &twice, &n).unwrap(), n);
        assert_eq!(apply("Div", &twice, &two).unwrap(), n);
        assert_eq!(apply("Div", &twice, &n).unwrap(), two);
        assert!(matches!(apply("Mul", &n, &n), Err(NodeProblem::Batch(_))));
        assert!(matches!(apply("Div", &n, &two), Err(NodeProblem::Batch(_))));
        assert!(matches!(apply("Div", &two, &vector(&[int(0, 0)])), Err(NodeProblem::Batch(_))));
        assert!(matches!(apply("Max", &n, &two), Err(NodeProblem::Batch(_))));
    }

    #[test]
    fn integers_broadcast() {
        let rows = Ints::new(vec![2, 1], vec![int(1, 0), int(2, 0)]);
        let columns = Ints::vector(vec![int(10, 0), int(20, 0), int(30, 0)]);
        let table = apply("Mul", &rows, &columns).unwrap();
        assert_eq!((table.dims.clone(), table.known().unwrap()), (vec![2, 3], vec![10, 20, 30, 20, 40, 60]));
        let equal = apply("Equal", &table, &Ints::new(vec![], vec![int(20, 0)])).unwrap();
        assert_eq!(equal.known().unwrap(), [0, 1, 0, 1, 0, 0]);
        assert!(apply("Add", &columns, &Ints::vector(vec![int(1, 0), int(2, 0)])).is_err());
    }
}
