//! Functions of two values whose shapes broadcast, as NumPy's do.

use super::{CHUNK, with_values};
use crate::graph::operator::check_f32;
use crate::graph::{Dim, OpError, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// The dimension that two broadcast to.
fn dim(a: Dim, b: Dim) -> Option<Dim> {
    match (a, b) {
        (a, b) if a == b => Some(a),
        (Dim::Fixed(1), other) | (other, Dim::Fixed(1)) => Some(other),
        _ => None,
    }
}

/// The type of a function of two inputs.
pub(super) fn infer(inputs: &[&ValueType]) -> Result<ValueType, OpError> {
    check_f32(inputs, 2..=2, "2")?;
    let (a, b) = (inputs[0], inputs[1]);
    let rank = a.rank().max(b.rank());
    let along = |ty: &ValueType, axis: usize| match (axis + ty.rank()).checked_sub(rank) {
        Some(axis) => ty.shape[axis],
        None => Dim::Fixed(1),
    };
    let shape: Option<Vec<Dim>> = (0..rank).map(|axis| dim(along(a, axis), along(b, axis))).collect();
    let shape = shape.ok_or_else(|| OpError::input(1, b, format!("a shape that broadcasts with {a}")))?;
    Ok(ValueType::f32(shape))
}

/// One or several axes of the output, merged, and the step of each operand along them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    size: usize,
    steps: [usize; 2],
}

/// The output's axes for operands of dimensions `a` and `b`, merged where possible, and its dimensions.
fn axes(a: &[usize], b: &[usize]) -> (Vec<Axis>, Vec<usize>) {
    let rank = a.len().max(b.len());
    let mut steps = [1, 1];
    // From the last axis to the first.
    let mut reversed: Vec<Axis> = Vec::new();
    let mut shape = vec![1; rank];
    for axis in 1..=rank {
        let sizes = [a, b].map(|dims| dims.len().checked_sub(axis).map_or(1, |i| dims[i]));
        let size = if sizes[0] == 1 { sizes[1] } else { sizes[0] };
        shape[rank - axis] = size;
        let mut here = Axis { size, steps: [0; 2] };
        for i in 0..2 {
            if sizes[i] != 1 {
                here.steps[i] = steps[i];
                steps[i] *= sizes[i];
            }
        }
        match reversed.last_mut() {
            _ if size == 1 => (),
            // Two axes whose steps continue each other are one.
            Some(inner) if (0..2).all(|i| here.steps[i] == inner.steps[i] * inner.size) => inner.size *= size,
            _ => reversed.push(here),
        }
    }
    reversed.reverse();
    (reversed, shape)
}

/// `function` of every pair of numbers.
pub(super) fn apply(a: &Tensor, b: &Tensor, function: impl Fn(f32, f32) -> f32 + Sync) -> Result<Tensor, OpError> {
    let (mut axes, shape) = axes(a.dims(), b.dims());
    let inner = axes.pop().unwrap_or(Axis { size: 1, steps: [0; 2] });
    let mut output = vec![0f32; shape.iter().product()];
    // Where operand `i` starts in line `line` of the output.
    let start = |line: usize, i: usize| {
        let place =
            |(rest, start): (usize, usize), axis: &Axis| (rest / axis.size, start + rest % axis.size * axis.steps[i]);
        axes.iter().rev().fold((line, 0), place).1
    };
    let piece = inner.size.clamp(1, CHUNK);
    let lines = (CHUNK / inner.size.max(1)).max(1);
    let mut compute = |a: &[f32], b: &[f32]| {
        output.par_chunks_mut((lines * inner.size).max(1)).enumerate().for_each(|(chunk, output)| {
            for (line, output) in output.chunks_mut(inner.size).enumerate() {
                let line = chunk * lines + line;
                let (a, b) = (&a[start(line, 0)..], &b[start(line, 1)..]);
                output.par_chunks_mut(piece).enumerate().for_each(|(i, output)| {
                    let [a, b] = [(a, inner.steps[0]), (b, inner.steps[1])].map(|(x, step)| &x[i * piece * step..]);
                    zip(output, a, b, inner.steps, &function);
                });
            }
        });
    };
    with_values(a, |a| with_values(b, |b| compute(a, b)))??;
    Ok(Tensor::from_vec(output, shape, a.device())?)
}

/// `function` along one line, on which each operand advances or stays.
fn zip(output: &mut [f32], a: &[f32], b: &[f32], steps: [usize; 2], function: impl Fn(f32, f32) -> f32) {
    match steps {
        [0, 0] => output.fill(function(a[0], b[0])),
        [0, _] => output.iter_mut().zip(b).for_each(|(y, &b)| *y = function(a[0], b)),
        [_, 0] => output.iter_mut().zip(a).for_each(|(y, &a)| *y = function(a, b[0])),
        _ => output.iter_mut().zip(a.iter().zip(b)).for_each(|(y, (&a, &b))| *y = function(a, b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_joined_where_both_operands_go_on() {
        let axis = |size, a, b| Axis { size, steps: [a, b] };
        assert_eq!(axes(&[2, 3, 4], &[2, 3, 4]), (vec![axis(24, 1, 1)], vec![2, 3, 4]));
        // One number for each channel.
        assert_eq!(
            axes(&[2, 3, 4, 5], &[3, 1, 1]),
            (vec![axis(2, 60, 0), axis(3, 20, 1), axis(20, 1, 0)], vec![2, 3, 4, 5])
        );
        assert_eq!(axes(&[6, 1], &[5]), (vec![axis(6, 1, 0), axis(5, 0, 1)], vec![6, 5]));
        assert_eq!(axes(&[1, 1], &[]), (vec![], vec![1, 1]));
    }
}
