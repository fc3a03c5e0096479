//! The loop of sums in the order of the weight's elements, which scales are observed under: images in parallel,
//! output positions in tiles.
//!
//! It knows where operands come from and where outputs go; a [`TileArithmetic`] computes one from the other. Linear
//! layers transpose their input into tiles; pointwise convolutions copy their channels, others patches from padded
//! planes; and convolutions of few channels per group, which would copy more than they compute, slide over the planes
//! themselves. Layers that are not observed run over [images](super::images).

use super::tasks::{piece, pieces};
use super::{LayerProblem, Window};
use crate::kernel::{LANES, Lanes, Plane, Planes, Tile, TilingModel, fill_pointwise_tile, fill_tile, transpose_tile};
use rayon::prelude::*;
use std::cell::Cell;
use std::ops::{AddAssign, Range};
use std::thread::LocalKey;

/// Output rows of a task are a multiple of these, where images alone do not keep all threads busy and rows may
/// be split anywhere.
const FEWEST_ROWS: usize = 16;

/// Whether groups have so few input channels and outputs that sliding is faster than copying patches.
pub(super) fn is_depthwise(groups: usize, channels: usize, outputs: usize) -> bool {
    const MOST: usize = 4;
    groups > 1 && channels <= MOST && outputs <= MOST
}

/// Memory that a thread keeps from layer to layer.
#[derive(Debug, Default)]
pub(super) struct Workspace<T, S, U> {
    pub operands: Vec<T>,
    planes: Planes<T>,
    pub tile: Tile<T>,
    rows: Vec<Lanes<f32>>,
    pub scratch: S,
    /// Sums of a tile that is scattered, and the totals that they are added to.
    pub sums: Vec<Lanes<U>>,
    pub totals: Vec<U>,
}

/// Each thread's memory for one kind of arithmetic.
pub(super) type Workspaces<T, S, U> = LocalKey<Cell<Workspace<T, S, U>>>;

/// Calls `body` with this thread's memory.
pub(super) fn with_workspace<A: Arithmetic, R>(
    body: impl FnOnce(&mut Workspace<A::Operand, A::Scratch, A::Sum>) -> R,
) -> R {
    // Taken, not borrowed: rayon may run another task on a thread that waits for tasks of its own.
    let mut workspace = A::workspaces().take();
    let result = body(&mut workspace);
    A::workspaces().set(workspace);
    result
}

/// The arithmetic that turns operands into outputs.
pub(super) trait Arithmetic: Sync {
    /// An operand.
    type Operand: Copy + PartialEq + Default + Send + Sync + 'static;
    /// Memory of its own that a thread keeps from tile to tile.
    type Scratch: Default + Send + 'static;
    /// A sum of products, to be added to others.
    type Sum: Copy + Default + AddAssign + Send + Sync + 'static;

    /// Where threads keep their memory.
    fn workspaces() -> &'static Workspaces<Self::Operand, Self::Scratch, Self::Sum>;

    /// The operands of numbers, written to `buffer` where they are not the numbers themselves.
    ///
    /// # Errors
    /// When a number has no operand.
    fn operands<'a>(
        &self,
        numbers: &'a [f32],
        buffer: &'a mut Vec<Self::Operand>,
    ) -> Result<&'a [Self::Operand], LayerProblem>;

    /// The operand of padding.
    fn padding(&self) -> Self::Operand;
}

/// Arithmetic whose outputs are computed tile by tile; their bits do not depend on how.
pub(super) trait TileArithmetic: Arithmetic {
    /// Overwrites `outputs[i]` with output channel `channels.start + i` for the columns of `tile`.
    fn outputs(
        &self,
        channels: Range<usize>,
        tile: &Tile<Self::Operand>,
        scratch: &mut Self::Scratch,
        outputs: &mut [Lanes<f32>],
    );

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
/// `[images, outputs, positions]`, computed by at most `threads` threads.
///
/// # Errors
/// When a number of the input has no operand.
pub(super) fn run<A: TileArithmetic>(
    arithmetic: &A,
    window: &Window,
    input: &[f32],
    threads: usize,
) -> Result<Vec<f32>, LayerProblem> {
    let mut output = vec![0f32; window.output_elements()];
    if output.is_empty() {
        return Ok(output);
    }
    let images = images_per_task(window, threads);
    let split_rows = window.images.div_ceil(images) < threads;
    let job = Job { arithmetic, window, split_rows };
    let inputs = images * window.channels() * window.geometry.input.iter().product::<usize>();
    let outputs = images * window.outputs * window.geometry.positions();
    pieces(threads, &mut output, outputs, |i, output| job.run(piece(input, i, inputs), output))?;
    Ok(output)
}

/// As many images as fill whole tiles and still leave work for each of `threads`.
fn images_per_task(window: &Window, threads: usize) -> usize {
    let positions = window.geometry.positions();
    let fair = window.images.div_ceil(threads).max(1);
    let fewest = LANES.div_ceil(positions);
    // Among a few times the fewest, the first with the smallest share of padding columns, in steps of 2 %.
    let padding = |images: usize| {
        let columns = images * positions;
        TilingModel::CPU.padding_columns(columns) * 1000 / columns
    };
    let best = (fewest..=4 * fewest).min_by_key(|&images| padding(images) / 20).unwrap_or(fewest);
    if best <= fair || fair * positions < TilingModel::CPU.block { best } else { fair }
}

/// How operands reach the arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    /// Images of one position, as linear layers have them, transposed into tiles.
    Rows,
    /// The channels of a pointwise window, which are its patches.
    Channels,
    /// Patches of padded planes.
    Patches,
    /// Padded planes, slid over.
    Slide,
}

/// What all tasks share.
struct Job<'a, A> {
    arithmetic: &'a A,
    window: &'a Window,
    split_rows: bool,
}

impl<A: TileArithmetic> Job<'_, A> {
    /// Computes whole images in this thread's memory.
    fn run(&self, input: &[f32], output: &mut [f32]) -> Result<(), LayerProblem> {
        with_workspace::<A, _>(|workspace| self.run_within(workspace, input, output))
    }

    fn run_within(
        &self,
        workspace: &mut Workspace<A::Operand, A::Scratch, A::Sum>,
        input: &[f32],
        output: &mut [f32],
    ) -> Result<(), LayerProblem> {
        let Workspace { operands, planes, tile, rows, scratch, .. } = workspace;
        let operands = self.arithmetic.operands(input, operands)?;
        let Window { geometry, groups, outputs, .. } = self.window;
        let images = output.len() / (outputs * geometry.positions());
        rows.resize(self.window.group_outputs(), Lanes::default());
        let strategy = self.strategy();
        match strategy {
            Strategy::Patches => planes.reset(*geometry, self.arithmetic.padding(), images),
            Strategy::Slide => planes.reset(*geometry, self.arithmetic.padding(), 1),
            Strategy::Rows | Strategy::Channels => (),
        }
        let positions = geometry.positions();
        for group in 0..*groups {
            let of_image = |image| channels(self.window, operands, image, group);
            match strategy {
                Strategy::Slide => {
                    for image in 0..images {
                        planes.fill(0, of_image(image));
                        self.slide(group, &planes.plane(0), image, scratch, output);
                    }
                    continue;
                }
                Strategy::Patches => (0..images).for_each(|image| planes.fill(image, of_image(image))),
                Strategy::Rows | Strategy::Channels => (),
            }
            for start in (0..images * positions).step_by(LANES) {
                let columns = start..(start + LANES).min(images * positions);
                match strategy {
                    Strategy::Rows => transpose_tile(operands, geometry.channels, columns.clone(), tile),
                    Strategy::Channels => {
                        let (stride, shape) = (self.window.channels() * positions, [geometry.channels, positions]);
                        let operands = &operands[group * geometry.channels * positions..];
                        fill_pointwise_tile(operands, stride, shape, columns.clone(), tile);
                    }
                    Strategy::Slide | Strategy::Patches => fill_tile(planes, columns.clone(), tile),
                }
                self.compute(group, tile, columns, rows, scratch, output);
            }
        }
        Ok(())
    }

    fn strategy(&self) -> Strategy {
        let Window { geometry, groups, .. } = self.window;
        if is_depthwise(*groups, geometry.channels, self.window.group_outputs()) {
            Strategy::Slide
        } else if !geometry.is_pointwise() {
            Strategy::Patches
        } else if geometry.input == [1, 1] && *groups == 1 {
            Strategy::Rows
        } else {
            Strategy::Channels
        }
    }

    /// Computes the group's outputs for the tile, and copies them to their places.
    fn compute(
        &self,
        group: usize,
        tile: &Tile<A::Operand>,
        columns: Range<usize>,
        rows: &mut [Lanes<f32>],
        scratch: &mut A::Scratch,
        output: &mut [f32],
    ) {
        let first = group * rows.len();
        if self.split_rows {
            let block = rows.len().div_ceil(rayon::current_num_threads()).next_multiple_of(FEWEST_ROWS);
            rows.par_chunks_mut(block).enumerate().for_each(|(i, rows)| {
                let first = first + i * block;
                self.arithmetic.outputs(first..first + rows.len(), tile, &mut A::Scratch::default(), rows);
            });
        } else {
            self.arithmetic.outputs(first..first + rows.len(), tile, scratch, rows);
        }
        scatter(self.window, first, rows, columns, output);
    }

    /// Computes the group's outputs for one image.
    fn slide(
        &self,
        group: usize,
        plane: &Plane<A::Operand>,
        image: usize,
        scratch: &mut A::Scratch,
        output: &mut [f32],
    ) {
        let (positions, rows) = (self.window.geometry.positions(), self.window.group_outputs());
        let first = group * rows;
        let at = (image * self.window.outputs + first) * positions;
        let output = &mut output[at..at + rows * positions];
        self.arithmetic.slide(first..first + rows, plane, scratch, output);
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
