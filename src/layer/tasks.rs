//! Work in even pieces, on the calling thread or on all threads.

use super::LayerProblem;
use rayon::prelude::*;

/// Calls `task` with the number of each piece of `outputs` of `size` values, and the piece.
///
/// # Errors
/// As the first task that fails.
pub(super) fn pieces(
    threads: usize,
    outputs: &mut [f32],
    size: usize,
    task: impl Fn(usize, &mut [f32]) -> Result<(), LayerProblem> + Sync + Send,
) -> Result<(), LayerProblem> {
    if threads == 1 {
        outputs.chunks_mut(size).enumerate().try_for_each(|(i, piece)| task(i, piece))
    } else {
        outputs.par_chunks_mut(size).enumerate().try_for_each(|(i, piece)| task(i, piece))
    }
}

/// Piece `i` of values in pieces of `size`, the last of which may be shorter.
pub(super) fn piece<T>(values: &[T], i: usize, size: usize) -> &[T] {
    &values[i * size..(i * size + size).min(values.len())]
}
