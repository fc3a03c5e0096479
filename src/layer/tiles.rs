//! The loop that every layer's arithmetic runs in: images in parallel, output positions in tiles.
//!
//! It knows where operands come from and where outputs go; an [`Arithmetic`] knows what they make.
//! Linear layers transpose their input into tiles; convolutions copy patches from padded planes; and
//! convolutions of few channels a group, which would copy more than they compute, slide over the
//! planes themselves.

use super::Window;
use crate::kernel::{LANES, Lanes, Plane, Tile, fill_tile, transpose_tile};
use rayon::prelude::*;
use std::ops::Range;

/// Columns that kernels compute side by side: what is left of a tile is rounded up to a multiple.
const COLUMN_BLOCK: usize = 64;

/// Fewest output rows of a task, where images alone do not keep all threads busy.
const ROW_BLOCK: usize = 16;

/// Most outputs of a group, and most input channels, for which sliding beats copying patches.
const THIN: usize = 4;

/// What turns operands into outputs.
pub(super) trait Arithmetic: Sync {
    /// An operand.
    type Operand: Copy + Default + Send + Sync;
    /// Memory that a thread keeps from tile to tile.
    type Scratch: Default + Send;

    /// What stands for padding.
    fn padding(&self) -> Self::Operand;

    /// Overwrites `outputs[i]` with output channel `channels.start + i` for the columns of `tile`.
    fn outputs(
        &self,
        channels: Range<usize>,
        tile: &Tile<Self::Operand>,
        scratch: &mut Self::Scratch,
        outputs: &mut [Lanes<f32>],
    );

    /// Whether sums over that many products can be taken whole, as sliding does.
    fn can_slide(&self, depth: usize) -> bool;

    /// Overwrites `outputs`, the positions of one image, with output channels `channels` of the
    /// group that `plane` holds.
    fn slide(
        &self,
        channels: Range<usize>,
        plane: &Plane<Self::Operand>,
        scratch: &mut Self::Scratch,
        outputs: &mut [f32],
    );
}

/// The output of `window` over `input` (`[images, channels, height, width]`), as
/// `[images, outputs, positions]`.
pub(super) fn run<A: Arithmetic>(arithmetic: &A, window: &Window, input: &[A::Operand]) -> Vec<f32> {
    let mut output = vec![0f32; window.output_elements()];
    if output.is_empty() {
        return output;
    }
    let threads = rayon::current_num_threads();
    let images = images_per_task(window, threads);
    let split_rows = window.images.div_ceil(images) < threads;
    let image_elements = window.outputs * window.geometry.positions();
    output.par_chunks_mut(images * image_elements).enumerate().for_each_init(
        || Task::new(arithmetic, window, input, split_rows),
        |task, (i, output)| task.run(i * images, output),
    );
    output
}

/// As many images as fill whole tiles, and leave every thread something to do.
fn images_per_task(window: &Window, threads: usize) -> usize {
    let positions = window.geometry.positions();
    let fair = window.images.div_ceil(threads).max(1);
    let fewest = LANES.div_ceil(positions);
    // Among a few times the fewest, the first that computes the least filler.
    let filler = |images: usize| {
        let columns = images * positions;
        (columns.next_multiple_of(COLUMN_BLOCK) - columns) * 1000 / columns
    };
    let best = (fewest..=4 * fewest).min_by_key(|&images| filler(images) / 20).unwrap_or(fewest);
    if best <= fair || fair * positions < COLUMN_BLOCK { best } else { fair }
}

/// One thread's part of the work, and the memory that it keeps.
struct Task<'a, A: Arithmetic> {
    arithmetic: &'a A,
    window: &'a Window,
    input: &'a [A::Operand],
    split_rows: bool,
    tile: Tile<A::Operand>,
    planes: Vec<Plane<A::Operand>>,
    rows: Vec<Lanes<f32>>,
    scratch: A::Scratch,
}

impl<'a, A: Arithmetic> Task<'a, A> {
    fn new(arithmetic: &'a A, window: &'a Window, input: &'a [A::Operand], split_rows: bool) -> Self {
        let (tile, planes, rows, scratch) = (Tile::default(), Vec::new(), Vec::new(), A::Scratch::default());
        Task { arithmetic, window, input, split_rows, tile, planes, rows, scratch }
    }

    /// Computes whole images from `first_image` on.
    fn run(&mut self, first_image: usize, output: &mut [f32]) {
        let geometry = self.window.geometry;
        let images = output.len() / (self.window.outputs * geometry.positions());
        self.rows.resize(self.window.group_outputs(), Lanes::default());
        if geometry.is_pointwise() && geometry.input == [1, 1] && self.window.groups == 1 {
            for start in (0..images).step_by(LANES) {
                let columns = start..(start + LANES).min(images);
                let rows = first_image + columns.start..first_image + columns.end;
                transpose_tile(self.input, geometry.channels, rows, &mut self.tile);
                self.compute(0, columns, output);
            }
            return;
        }
        let is_thin = self.window.groups > 1 && geometry.channels <= THIN && self.window.group_outputs() <= THIN;
        let slides = is_thin && self.arithmetic.can_slide(geometry.depth());
        let planes = if slides { 1 } else { images };
        self.planes.resize_with(planes, || Plane::new(geometry, self.arithmetic.padding()));
        for group in 0..self.window.groups {
            if slides {
                (0..images).for_each(|image| self.slide(first_image, image, group, output));
                continue;
            }
            for image in 0..images {
                let channels = channels(self.window, self.input, first_image + image, group);
                self.planes[image].fill(channels);
            }
            let columns = images * geometry.positions();
            for start in (0..columns).step_by(LANES) {
                let columns = start..(start + LANES).min(columns);
                fill_tile(&self.planes, columns.clone(), &mut self.tile);
                self.compute(group, columns, output);
            }
        }
    }

    /// Computes the group's outputs for the tile, and copies them to their places.
    fn compute(&mut self, group: usize, columns: Range<usize>, output: &mut [f32]) {
        let (arithmetic, tile) = (self.arithmetic, &self.tile);
        let first = group * self.rows.len();
        if self.split_rows {
            let block = self.rows.len().div_ceil(rayon::current_num_threads()).max(ROW_BLOCK);
            self.rows.par_chunks_mut(block).enumerate().for_each(|(i, rows)| {
                let first = first + i * block;
                arithmetic.outputs(first..first + rows.len(), tile, &mut A::Scratch::default(), rows);
            });
        } else {
            arithmetic.outputs(first..first + self.rows.len(), tile, &mut self.scratch, &mut self.rows);
        }
        scatter(self.window, first, &self.rows, columns, output);
    }

    /// Computes the group's outputs for one image.
    fn slide(&mut self, first_image: usize, image: usize, group: usize, output: &mut [f32]) {
        let (positions, rows) = (self.window.geometry.positions(), self.rows.len());
        let plane = &mut self.planes[0];
        plane.fill(channels(self.window, self.input, first_image + image, group));
        let first = group * rows;
        let at = (image * self.window.outputs + first) * positions;
        let output = &mut output[at..at + rows * positions];
        self.arithmetic.slide(first..first + rows, plane, &mut self.scratch, output);
    }
}

/// The channels that a group reads from an image.
fn channels<'a, T>(window: &Window, input: &'a [T], image: usize, group: usize) -> &'a [T] {
    let geometry = &window.geometry;
    let plane = geometry.input[0] * geometry.input[1];
    &input[(image * window.channels() + group * geometry.channels) * plane..][..geometry.channels * plane]
}

/// Copies the lanes of a tile to their places among whole images; `first` is the channel of the
/// first row.
fn scatter(window: &Window, first: usize, rows: &[Lanes<f32>], columns: Range<usize>, output: &mut [f32]) {
    let positions = window.geometry.positions();
    let mut column = columns.start;
    while column < columns.end {
        let (image, position) = (column / positions, column % positions);
        let run = (positions - position).min(columns.end - column);
        let lane = column - columns.start;
        let at = (image * window.outputs + first) * positions + position;
        for (row, lanes) in rows.iter().enumerate() {
            let output = &mut output[at + row * positions..];
            if let ([y], [value]) = (&mut output[..run], &lanes.0[lane..lane + run]) {
                *y = *value;
            } else {
                output[..run].copy_from_slice(&lanes.0[lane..lane + run]);
            }
        }
        column += run;
    }
}
