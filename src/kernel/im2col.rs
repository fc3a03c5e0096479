//! Patches of images as the rows of a tile.

use super::{Plane, Tile};
use std::ops::Range;

/// Values copied at a time. A run shorter than that writes past its end, and the next run's copy
/// over it; what is left past the last one is not among the columns in use.
const BLOCK: usize = 32;

/// Fills `tile` with the patches of output positions `columns`, counted through the images of
/// `planes`, their rows, and columns.
///
/// Tile row `(c * kh + ky) * kw + kx` holds tap `(ky, kx)` of channel `c` for every position.
///
/// # Panics
/// When there are no planes, or `columns` reaches past them or is wider than a tile.
pub fn fill_tile<T: Copy + Default>(planes: &[Plane<T>], columns: Range<usize>, tile: &mut Tile<T>) {
    let geometry = planes[0].geometry();
    let (positions, depth) = (geometry.positions(), geometry.depth());
    tile.reset(depth, columns.len());
    let mut start = columns.start;
    while start < columns.end {
        let image = start / positions;
        let end = ((image + 1) * positions).min(columns.end);
        let plane = &planes[image];
        let runs = runs(plane, start - image * positions..end - image * positions, start - columns.start);
        for k in 0..depth {
            let row = tile.whole_row_mut(k);
            let from = plane.from_tap(k);
            for run in &runs {
                copy(&from[run.position..], run.len, &mut row[run.lane..]);
            }
        }
        start = end;
    }
}

/// Positions of one output row that lie side by side in a tile.
struct Run {
    lane: usize,
    position: usize,
    len: usize,
}

/// Splits output positions of one image at the ends of output rows.
fn runs<T: Copy>(plane: &Plane<T>, outputs: Range<usize>, first_lane: usize) -> Vec<Run> {
    let width = plane.geometry().output[1];
    let mut runs = Vec::with_capacity(outputs.len() / width + 2);
    let mut at = outputs.start;
    while at < outputs.end {
        let (oy, ox) = (at / width, at % width);
        let len = (width - ox).min(outputs.end - at);
        runs.push(Run { lane: first_lane + at - outputs.start, position: plane.position(oy, ox), len });
        at += len;
    }
    runs
}

/// Copies `len` values, in blocks where there is room.
#[inline]
fn copy<T: Copy>(from: &[T], len: usize, to: &mut [T]) {
    let blocks = len.div_ceil(BLOCK) * BLOCK;
    if blocks <= to.len() && blocks <= from.len() {
        let blocks = from[..blocks].as_chunks::<BLOCK>().0.iter().zip(to.as_chunks_mut::<BLOCK>().0);
        blocks.for_each(|(from, to)| *to = *from);
    } else {
        to[..len].copy_from_slice(&from[..len]);
    }
}

/// Fills `tile` with the operands of rows `columns` of a matrix of `depth` columns: the tile of a
/// linear layer, whose operands lie side by side.
///
/// # Panics
/// When `columns` reaches past the matrix or is wider than a tile.
pub fn transpose_tile<T: Copy + Default>(matrix: &[T], depth: usize, columns: Range<usize>, tile: &mut Tile<T>) {
    /// Operands moved at a time, so that the lines written to stay in the first-level cache.
    const ROWS: usize = 64;
    tile.reset(depth, columns.len());
    for first in (0..depth).step_by(ROWS) {
        let block = first..(first + ROWS).min(depth);
        for (lane, row) in columns.clone().enumerate() {
            let operands = &matrix[row * depth..][block.clone()];
            for (k, &operand) in block.clone().zip(operands) {
                tile.row_mut(k)[lane] = operand;
            }
        }
    }
}
