//! The loop that every layer's arithmetic runs in: images in parallel, output positions in tiles.
//!
//! It knows where operands come from and where outputs go; an [`Arithmetic`] knows what a tile's
//! operands make.

use super::Window;
use crate::kernel::{Im2col, LANES, Lanes, Tile, fill_tile};
use rayon::prelude::*;
use std::ops::Range;

/// Output rows computed by one task where images alone do not keep all threads busy.
const ROW_BLOCK: usize = 16;

/// What turns a tile of operands into outputs.
pub(super) trait Arithmetic: Sync {
    /// An operand.
    type Operand: Copy + Default + Send + Sync;
    /// Memory that a thread keeps from tile to tile.
    type Scratch: Default + Send;

    /// What stands for padding.
    fn padding(&self) -> Self::Operand;

    /// Overwrites `outputs[i]` with output row `rows.start + i` of `group`, for all columns.
    fn outputs(
        &self,
        group: usize,
        rows: Range<usize>,
        tile: &Tile<Self::Operand>,
        scratch: &mut Self::Scratch,
        outputs: &mut [Lanes<f32>],
    );
}

/// The output of `window` over `input` (`[images, channels, height, width]`), as
/// `[images, outputs, positions]`.
pub(super) fn run<A: Arithmetic>(arithmetic: &A, window: &Window, input: &[A::Operand]) -> Vec<f32> {
    let mut output = vec![0f32; window.output_elements()];
    let positions = window.geometry.positions();
    let image_elements = window.outputs * positions;
    if output.is_empty() {
        return output;
    }
    let threads = rayon::current_num_threads();
    // Enough images for whole tiles, few enough for several tasks a thread.
    let images = window.images.div_ceil(4 * threads).max(LANES.div_ceil(positions));
    let split_rows = window.images.div_ceil(images) < threads;
    output.par_chunks_mut(images * image_elements).enumerate().for_each_init(
        || (Tile::default(), Vec::new(), A::Scratch::default()),
        |(tile, rows, scratch), (task, output)| {
            let first_image = task * images;
            let columns = output.len() / image_elements * positions;
            rows.resize(window.group_outputs(), Lanes::default());
            for group in 0..window.groups {
                let source = Im2col {
                    images: input,
                    total_channels: window.channels(),
                    first_channel: group * window.geometry.channels,
                    geometry: window.geometry,
                    padding: arithmetic.padding(),
                };
                for start in (0..columns).step_by(LANES) {
                    let end = (start + LANES).min(columns);
                    fill_tile(&source, first_image * positions + start..first_image * positions + end, tile);
                    if split_rows {
                        rows.par_chunks_mut(ROW_BLOCK).enumerate().for_each_init(
                            A::Scratch::default,
                            |scratch, (block, rows)| {
                                let first = block * ROW_BLOCK;
                                arithmetic.outputs(group, first..first + rows.len(), tile, scratch, rows);
                            },
                        );
                    } else {
                        arithmetic.outputs(group, 0..rows.len(), tile, scratch, rows);
                    }
                    scatter(window, group, rows, start..end, output);
                }
            }
        },
    );
    output
}

/// Copies the lanes of a tile to their places among whole images.
fn scatter(window: &Window, group: usize, rows: &[Lanes<f32>], columns: Range<usize>, output: &mut [f32]) {
    let positions = window.geometry.positions();
    for (row, lanes) in rows.iter().enumerate() {
        let channel = group * rows.len() + row;
        let mut column = columns.start;
        while column < columns.end {
            let (image, position) = (column / positions, column % positions);
            let run = (positions - position).min(columns.end - column);
            let at = (image * window.outputs + channel) * positions + position;
            output[at..at + run].copy_from_slice(&lanes.0[column - columns.start..][..run]);
            column += run;
        }
    }
}
