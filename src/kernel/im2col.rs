//! Patches of images as the rows of a tile.

use super::{LANES, Plane, Planes, Tile};
use std::ops::Range;

/// Fills `tile` with the patches of output positions `columns`, counted through the images of
/// `planes`, their rows, and columns.
///
/// Tile row `(c * kh + ky) * kw + kx` holds tap `(ky, kx)` of channel `c` for every position.
///
/// # Panics
/// When there are no planes, or `columns` reaches past them or is wider than a tile.
pub fn fill_tile<T: Copy + PartialEq + Default>(planes: &Planes<T>, columns: Range<usize>, tile: &mut Tile<T>) {
    let geometry = planes.plane(0).geometry();
    let positions = geometry.positions();
    tile.reset(geometry.depth(), columns.len());
    let mut start = columns.start;
    while start < columns.end {
        let image = start / positions;
        let end = ((image + 1) * positions).min(columns.end);
        let plane = planes.plane(image);
        let runs = runs(&plane, start - image * positions..end - image * positions, start - columns.start);
        // Short runs are copied by short blocks, of which less is thrown away.
        match geometry.output[1] {
            0..=8 => copy_runs::<T, 8>(&plane, &runs, tile),
            9..=16 => copy_runs::<T, 16>(&plane, &runs, tile),
            _ => copy_runs::<T, 32>(&plane, &runs, tile),
        }
        start = end;
    }
}

/// Positions that lie side by side in a plane and in a tile.
struct Run {
    lane: usize,
    position: usize,
    len: usize,
}

/// Splits output positions of one image where the plane has others between them.
fn runs<T: Copy>(plane: &Plane<T>, outputs: Range<usize>, first_lane: usize) -> Vec<Run> {
    let width = plane.geometry().output[1];
    let run = |at: usize, len: usize| {
        let (oy, ox) = (at / width, at % width);
        Run { lane: first_lane + at - outputs.start, position: plane.position(oy, ox), len }
    };
    if plane.is_dense() {
        return vec![run(outputs.start, outputs.len())];
    }
    let mut runs = Vec::with_capacity(outputs.len() / width + 2);
    let mut at = outputs.start;
    while at < outputs.end {
        let len = (width - at % width).min(outputs.end - at);
        runs.push(run(at, len));
        at += len;
    }
    runs
}

/// Copies runs for every tap, `BLOCK` values at a time. A run that is not a whole number of blocks
/// writes past its end, and the next run overwrites that; past the last run are padding columns.
fn copy_runs<T: Copy + Default, const BLOCK: usize>(plane: &Plane<T>, runs: &[Run], tile: &mut Tile<T>) {
    // Runs whose blocks would write past the tile, or read past the plane, are copied exactly.
    let deepest = (0..plane.depth()).map(|k| plane.from_tap(k).len()).min().unwrap_or(0);
    let fits = |run: &&Run| {
        let len = run.len.next_multiple_of(BLOCK);
        run.lane + len <= LANES && run.position + len <= deepest
    };
    let (whole, rest) = runs.split_at(runs.iter().take_while(fits).count());
    for k in 0..plane.depth() {
        let from = plane.from_tap(k);
        let row = tile.whole_row_mut(k);
        for run in whole {
            for start in (0..run.len).step_by(BLOCK) {
                // SAFETY: `fits` holds for the run: whole blocks from its lane on are within the
                // row, and from its position on within what any tap reads.
                unsafe {
                    let from = from.as_ptr().add(run.position + start).cast::<[T; BLOCK]>();
                    row.as_mut_ptr().add(run.lane + start).cast::<[T; BLOCK]>().write(from.read());
                }
            }
        }
        for run in rest {
            row[run.lane..][..run.len].copy_from_slice(&from[run.position..][..run.len]);
        }
    }
}

/// Fills `tile` with the operands of positions `columns` of a pointwise window, which are its patches:
/// positions are counted through images of `depth` channels of `positions`, which begin `stride`
/// operands apart in `images`.
///
/// # Panics
/// When `columns` reaches past the images or is wider than a tile.
pub fn fill_pointwise_tile<T: Copy + Default>(
    images: &[T],
    stride: usize,
    [depth, positions]: [usize; 2],
    columns: Range<usize>,
    tile: &mut Tile<T>,
) {
    tile.reset(depth, columns.len());
    let mut start = columns.start;
    while start < columns.end {
        let (image, position) = (start / positions, start % positions);
        let run = (positions - position).min(columns.end - start);
        let lanes = start - columns.start..start - columns.start + run;
        for (k, channel) in images[image * stride..][..depth * positions].chunks_exact(positions).enumerate() {
            tile.row_mut(k)[lanes.clone()].copy_from_slice(&channel[position..position + run]);
        }
        start += run;
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
