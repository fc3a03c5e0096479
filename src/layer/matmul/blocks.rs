//! The loop that both arithmetics of a product run in: matrices in parallel, in blocks of rows where matrices
//! alone do not keep all threads busy.

use super::shape::MatMulShape;
use crate::layer::LayerProblem;
use crate::layer::values::with_values;
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use std::cell::Cell;
use std::thread::LocalKey;

/// The product of `a` and `b`, each block of rows by `compute`, which is given its thread's `memory`, the block of
/// the left matrix, the right matrix and the block of the product to overwrite.
///
/// # Errors
/// When the factors do not fit each other, or as `compute`.
pub(super) fn product<S: Default>(
    a: &Tensor,
    b: &Tensor,
    memory: &'static LocalKey<Cell<S>>,
    compute: impl Fn(&MatMulShape, &mut S, &[f32], &[f32], &mut [f32]) -> Result<(), LayerProblem> + Sync,
) -> Result<Tensor, LayerProblem> {
    let shape = MatMulShape::new(a.dims(), b.dims())?;
    let [left, right, dims] = shape.broadcast();
    let (a, b) = (a.broadcast_as(left)?, b.broadcast_as(right)?);
    let MatMulShape { rows, depth, columns, .. } = shape;
    let mut output = vec![0f32; dims.iter().product()];
    let matrix = rows * columns;
    if !output.is_empty() {
        let (matrices, threads) = (output.len() / matrix, rayon::current_num_threads());
        let block = if matrices < threads { rows.div_ceil(threads) } else { rows };
        let mut multiply = |a: &[f32], b: &[f32]| {
            output.par_chunks_exact_mut(matrix).enumerate().try_for_each(|(i, output)| {
                let (a, b) = (&a[i * rows * depth..][..rows * depth], &b[i * depth * columns..][..depth * columns]);
                let blocks = output.par_chunks_mut(block * columns).zip(a.par_chunks(block * depth));
                blocks.try_for_each(|(output, a)| {
                    // Taken, not borrowed: rayon may run another task on a thread that waits for tasks of its own.
                    let mut taken = memory.take();
                    let result = compute(&shape, &mut taken, a, b, output);
                    memory.set(taken);
                    result
                })
            })
        };
        with_values(&a, |a| with_values(&b, |b| multiply(a, b)))???;
    }
    Ok(Tensor::from_vec(output, dims, &Device::Cpu)?)
}
