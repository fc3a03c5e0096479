//! Which pairs of integers a product of two activations multiplies: of all outputs, or of some.

use super::shape::{MatMulShape, SampleAxis};
use crate::layer::values::with_values;
use crate::quant::ActivationParams;
use candle_core::Tensor;
use rayon::prelude::*;

/// How often each pair of bytes meets in the product of the first `counted` of `samples` samples of `a` and `b`, which
/// lie along `axis`, as `[second][first]`; `None` where the factors do not fit each other.
pub(super) fn count_pairs(
    [first, second]: [ActivationParams; 2],
    axis: Option<SampleAxis>,
    [a, b]: [&Tensor; 2],
    [counted, samples]: [usize; 2],
) -> Option<Vec<u64>> {
    let of_samples = |factor: &Tensor| match axis {
        Some(at) if factor.dims().get(at.axis) == Some(&(at.elements * samples)) => {
            factor.narrow(at.axis, 0, at.elements * counted)
        }
        _ => Ok(factor.clone()),
    };
    let (shape, a, b) = factors([first, second], &of_samples(a).ok()?, &of_samples(b).ok()?)?;
    let MatMulShape { rows, depth, columns, .. } = shape;
    let matrices = a.chunks(rows * depth).zip(b.chunks(depth * columns)).collect::<Vec<_>>();
    let none = || vec![0u64; 1 << 16];
    let add = |mut pairs: Vec<u64>, (a, b): &(&[u8], &[u8])| {
        for k in 0..depth {
            let mut counts = [[0u32; 256]; 2];
            a.iter().skip(k).step_by(depth).for_each(|&byte| counts[0][usize::from(byte)] += 1);
            b[k * columns..][..columns].iter().for_each(|&byte| counts[1][usize::from(byte)] += 1);
            let [first, second] = &counts;
            for (pairs, &times) in pairs.chunks_exact_mut(256).zip(second).filter(|(_, times)| **times > 0) {
                pairs.iter_mut().zip(first).for_each(|(pair, &count)| *pair += u64::from(count) * u64::from(times));
            }
        }
        pairs
    };
    let sum = |mut pairs: Vec<u64>, other: Vec<u64>| {
        pairs.iter_mut().zip(other).for_each(|(pair, other)| *pair += other);
        pairs
    };
    // Few pieces: each has pairs of its own to add up.
    let piece = matrices.len().div_ceil(rayon::current_num_threads()).max(1);
    Some(matrices.par_chunks(piece).map(|matrices| matrices.iter().fold(none(), add)).reduce(none, sum))
}

/// The pairs of bytes that some outputs of `a` times `b` sum the products of, those of the first factor and those of the
/// second; `places` says which of so many outputs, counted through one sample after the other. `None` where the factors
/// do not fit each other.
pub(super) fn read_outputs(
    params: [ActivationParams; 2],
    axis: Option<SampleAxis>,
    [a, b]: [&Tensor; 2],
    places: &dyn Fn(usize) -> Vec<usize>,
) -> Option<Vec<[Vec<u8>; 2]>> {
    let by_sample = |factor: &Tensor| factor.transpose(0, axis.map_or(0, |samples| samples.axis)).ok();
    let (MatMulShape { rows, depth, columns, .. }, a, b) = factors(params, &by_sample(a)?, &by_sample(b)?)?;
    let read = |place: usize| {
        let (matrix, row, column) = (place / (rows * columns), place / columns % rows, place % columns);
        let first = &a[(matrix * rows + row) * depth..][..depth];
        let second = b[matrix * depth * columns + column..].iter().step_by(columns).take(depth);
        [first.to_vec(), second.copied().collect()]
    };
    Some(places(a.len() / depth * columns).into_iter().map(read).collect())
}

/// The bytes of two factors over all leading axes.
fn factors(params: [ActivationParams; 2], a: &Tensor, b: &Tensor) -> Option<(MatMulShape, Vec<u8>, Vec<u8>)> {
    let shape = MatMulShape::new(a.dims(), b.dims()).ok()?;
    let [left, right, _] = shape.broadcast();
    let bytes = |factor: &Tensor, dims: Vec<usize>, params: &ActivationParams| {
        let quantize = |values: &[f32]| {
            let mut bytes = vec![0; values.len()];
            params.quantize_slice(values, &mut bytes);
            bytes
        };
        with_values(&factor.broadcast_as(dims).ok()?, quantize).ok()
    };
    let (a, b) = (bytes(a, left, &params[0])?, bytes(b, right, &params[1])?);
    Some((shape, a, b))
}
