//! Functions of two values whose shapes broadcast, as NumPy's do.

use super::image::is_image;
use super::{CHUNK, with_values};
use crate::graph::operator::check_f32;
use crate::graph::{Dim, OpError, ValueType};
use crate::kernel::{ImageLayout, Images, ImagesMut, for_simd_levels};
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::Range;

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

/// Two operands as they meet in an output.
pub(super) struct Pairs {
    /// All axes but the last, on each of whose lines an operand advances by the step or stays.
    outer: Vec<Axis>,
    inner: Axis,
}

impl Pairs {
    /// The pairs of operands of dimensions `a` and `b`, and the dimensions of the output.
    fn new(a: &[usize], b: &[usize]) -> (Self, Vec<usize>) {
        let (mut outer, shape) = axes(a, b);
        let inner = outer.pop().unwrap_or(Axis { size: 1, steps: [0; 2] });
        (Pairs { outer, inner }, shape)
    }
}

/// Where a line of the output starts in each operand.
struct Line<'a> {
    outer: &'a [Axis],
    /// The line's index along each axis, the last axis first.
    indices: Vec<usize>,
    starts: [usize; 2],
}

impl<'a> Line<'a> {
    /// Line `line` of all.
    fn new(outer: &'a [Axis], mut line: usize) -> Self {
        let mut starts = [0; 2];
        let mut index = |axis: &Axis| {
            let index = line % axis.size;
            line /= axis.size;
            (0..2).for_each(|i| starts[i] += index * axis.steps[i]);
            index
        };
        let indices = outer.iter().rev().map(&mut index).collect();
        Line { outer, indices, starts }
    }

    /// Goes on to the next line.
    fn advance(&mut self) {
        for (axis, index) in self.outer.iter().rev().zip(&mut self.indices) {
            *index += 1;
            (0..2).for_each(|i| self.starts[i] += axis.steps[i]);
            if *index < axis.size {
                return;
            }
            *index = 0;
            (0..2).for_each(|i| self.starts[i] -= axis.size * axis.steps[i]);
        }
    }
}

/// Overwrites the third argument with a function of pairs of numbers of the operands that follow, from the output
/// element on whose index is the second.
pub(super) type Function = dyn Fn(&Pairs, usize, &mut [f32], [&[f32]; 2]) + Sync;

/// The loop over pairs of numbers, which is compiled for each function.
pub(super) fn each(function: impl Fn(f32, f32) -> f32 + Sync + 'static) -> Box<Function> {
    Box::new(move |pairs, first, output, operands| zip(&function, pairs, first, output, operands))
}

for_simd_levels! {
    fn zip<F: Fn(f32, f32) -> f32>(
        function: &F,
        pairs: &Pairs,
        first: usize,
        output: &mut [f32],
        operands: [&[f32]; 2],
    ) {
        let ([a, b], mut output) = (operands, output);
        let Axis { size, steps } = pairs.inner;
        let mut line = Line::new(&pairs.outer, first / size.max(1));
        let mut skipped = first % size.max(1);
        while !output.is_empty() {
            let (now, later) = output.split_at_mut(output.len().min(size - skipped));
            let [at_a, at_b] = [0, 1].map(|i| line.starts[i] + skipped * steps[i]);
            let (a, b) = (&a[at_a..], &b[at_b..]);
            match steps {
                [0, 0] => now.fill(function(a[0], b[0])),
                [0, _] => {
                    let a = a[0];
                    for (y, &b) in now.iter_mut().zip(b) {
                        *y = function(a, b);
                    }
                }
                [_, 0] => {
                    let b = b[0];
                    for (y, &a) in now.iter_mut().zip(a) {
                        *y = function(a, b);
                    }
                }
                _ => {
                    for (y, (&a, &b)) in now.iter_mut().zip(a.iter().zip(b)) {
                        *y = function(a, b);
                    }
                }
            }
            (output, skipped) = (later, 0);
            line.advance();
        }
    }
}

/// `function` of every pair of numbers.
pub(super) fn apply(a: &Tensor, b: &Tensor, function: &Function) -> Result<Tensor, OpError> {
    let (pairs, shape) = Pairs::new(a.dims(), b.dims());
    let mut output = vec![0f32; shape.iter().product()];
    let mut compute = |a: &[f32], b: &[f32]| {
        let chunks = output.par_chunks_mut(CHUNK).enumerate();
        chunks.for_each(|(i, output)| function(&pairs, i * CHUNK, output, [a, b]));
    };
    with_values(a, |a| with_values(b, |b| compute(a, b)))??;
    Ok(Tensor::from_vec(output, shape, a.device())?)
}

/// Whether [`apply_to_images`] takes inputs of these types: each has the output's channels or one, and the output's
/// positions or one.
pub(super) fn takes_images(inputs: &[&ValueType]) -> bool {
    let [a, b] = inputs else { return false };
    let is_one = |sizes: &[Dim]| sizes.iter().all(|&size| size == Dim::Fixed(1));
    let agree = |a: &[Dim], b: &[Dim]| a == b || is_one(a) || is_one(b);
    let agree = |axes: Range<usize>| agree(&a.shape[axes.clone()], &b.shape[axes]);
    is_image(a) && is_image(b) && a.rank() == b.rank() && a.shape[0] == b.shape[0] && agree(1..2) && agree(2..a.rank())
}

/// `function` of every pair of numbers of images.
pub(super) fn apply_to_images([a, b]: [&Images<f32>; 2], output: &mut ImagesMut<f32>, function: &Function) {
    let layouts = [a.layout, b.layout, output.layout];
    if layouts.iter().any(ImageLayout::has_border) {
        let line = |layout: ImageLayout| [layout.size[1], layout.elements];
        let (pairs, _) = Pairs::new(&line(a.layout), &line(b.layout));
        for image in 0..output.count() {
            for y in 0..output.layout.size[0] {
                let operands = [a, b].map(|x| x.line(image, y.min(x.layout.size[0] - 1)));
                function(&pairs, 0, output.line_mut(image, y), operands);
            }
        }
        return;
    }
    let images = |layout: ImageLayout| [output.count(), layout.positions(), layout.elements];
    let (pairs, _) = Pairs::new(&images(a.layout), &images(b.layout));
    function(&pairs, 0, output.values, [a.values, b.values]);
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
