//! The unperturbed arithmetic with the same bits on every processor, which scales are observed under.

use super::LayerProblem;
use super::epilogue::Epilogue;
use super::taps::Taps;
use super::tasks::{piece, pieces};
use super::tiles::{Arithmetic, TileArithmetic, Workspace, Workspaces, with_workspace};
use super::window::Window;
use crate::kernel::{LANES, Lanes, OrderedSums, Plane, Tile, slide_ordered};
use std::cell::Cell;
use std::ops::Range;

/// Sums of `f32` products in `f64`, in the order of the weight's elements, to which the bias is added
/// before they are rounded.
pub(super) struct Ordered<'a> {
    /// `[outputs, depth]` of all groups; of a transposed convolution, `[outputs, taps, channels]`.
    pub weight: &'a [f32],
    /// What happens to the sums.
    pub epilogue: Epilogue<'a>,
}

/// Memory that a thread keeps from tile to tile.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    sums: OrderedSums,
    plane: Vec<f64>,
    /// Weights of one phase of a transposed convolution.
    weights: Vec<f32>,
}

thread_local! {
    static WORKSPACE: Cell<Workspace<f32, Scratch, f64>> = Cell::default();
}

impl Arithmetic for Ordered<'_> {
    type Operand = f32;
    type Scratch = Scratch;
    type Sum = f64;

    fn workspaces() -> &'static Workspaces<f32, Scratch, f64> {
        &WORKSPACE
    }

    fn operands<'a>(&self, numbers: &'a [f32], _: &'a mut Vec<f32>) -> Result<&'a [f32], LayerProblem> {
        Ok(numbers)
    }

    fn padding(&self) -> f32 {
        0.0
    }
}

impl TileArithmetic for Ordered<'_> {
    fn outputs(&self, channels: Range<usize>, tile: &Tile<f32>, scratch: &mut Scratch, outputs: &mut [Lanes<f32>]) {
        let depth = tile.rows().len();
        let weight = &self.weight[channels.start * depth..channels.end * depth];
        scratch.sums.products(weight, tile, |row, sums| {
            self.epilogue.round(channels.start + row, sums, &mut outputs[row].0[..sums.len()]);
        });
    }

    fn slide(&self, channels: Range<usize>, plane: &Plane<f32>, scratch: &mut Scratch, outputs: &mut [f32]) {
        let geometry = plane.geometry();
        let (depth, positions, width) = (geometry.depth(), geometry.positions(), geometry.output[1]);
        scratch.plane.resize(plane.positions(), 0.0);
        for (channel, outputs) in channels.zip(outputs.chunks_exact_mut(positions)) {
            slide_ordered(&self.weight[channel * depth..][..depth], plane, &mut scratch.plane);
            for (oy, line) in outputs.chunks_exact_mut(width).enumerate() {
                self.epilogue.round(channel, plane.output_row(&scratch.plane, oy), line);
            }
        }
    }
}

/// The output of the transposed `window` over `input` (`[images, channels, height, width]`), as
/// `[images, outputs, positions]`.
///
/// Outputs whose distance is a multiple of the stride are reached by the same taps of the kernel. Those of
/// one such phase gather their operands as a convolution without stride does, so that each sum takes its
/// products in the order of the weight: input channel, then height, then width of the kernel.
pub(super) fn transposed(
    arithmetic: &Ordered,
    window: &Window,
    input: &[f32],
    threads: usize,
) -> Result<Vec<f32>, LayerProblem> {
    let mut output = vec![0f32; window.output_elements()];
    let geometry = &window.geometry;
    let inputs = geometry.channels * geometry.input.iter().product::<usize>();
    let outputs = window.group_outputs() * geometry.positions();
    if output.is_empty() {
        return Ok(output);
    }
    let phases = [0, 1].map(|axis| phases(&Taps::new(geometry, axis), geometry.kernel[axis]));
    pieces(threads, &mut output, outputs, |i, output| {
        let (group, input) = (i % window.groups, piece(input, i, inputs));
        with_workspace::<Ordered, _>(|Workspace { tile, scratch, .. }| {
            for rows in &phases[0] {
                for columns in &phases[1] {
                    let phase = Gather { arithmetic, window, group, rows, columns };
                    phase.run(input, tile, scratch, output);
                }
            }
        });
        Ok(())
    })?;
    Ok(output)
}

/// Output positions along one axis that the same taps reach.
#[derive(Debug)]
struct Phase {
    /// The positions: every `step`th from `first` on.
    first: usize,
    step: usize,
    count: usize,
    /// The taps, in order, and for each the input position that it takes to each output.
    taps: Vec<(usize, Vec<Option<usize>>)>,
}

/// The phases of an axis with a kernel of `kernel` taps.
fn phases(axis: &Taps, kernel: usize) -> Vec<Phase> {
    let step = axis.stride();
    let phase = |first: usize| {
        let positions = (first..axis.outputs()).step_by(step);
        let sources =
            |tap: usize| -> Vec<Option<usize>> { positions.clone().map(|output| axis.source(tap, output)).collect() };
        let taps = (0..kernel).map(|tap| (tap, sources(tap)));
        let taps = taps.filter(|(_, sources)| sources.iter().any(Option::is_some)).collect();
        Phase { first, step, count: positions.len(), taps }
    };
    (0..step.min(axis.outputs())).map(phase).collect()
}

/// One phase of both axes of one group of one image.
struct Gather<'a> {
    arithmetic: &'a Ordered<'a>,
    window: &'a Window,
    group: usize,
    rows: &'a Phase,
    columns: &'a Phase,
}

impl Gather<'_> {
    fn run(&self, input: &[f32], tile: &mut Tile<f32>, scratch: &mut Scratch, output: &mut [f32]) {
        let Scratch { sums, weights, .. } = scratch;
        let first = self.group * self.window.group_outputs();
        self.weights(first, weights);
        let positions = self.rows.count * self.columns.count;
        let (width, all) = (self.window.geometry.output[1], self.window.geometry.positions());
        for start in (0..positions).step_by(LANES) {
            let lanes = start..(start + LANES).min(positions);
            self.fill(input, lanes.clone(), tile);
            let mut rounded = [0f32; LANES];
            let mut finish = |row: usize, sums: &[f64]| {
                let rounded = &mut rounded[..lanes.len()];
                self.arithmetic.epilogue.round(first + row, sums, rounded);
                for (at, &y) in lanes.clone().zip(&*rounded) {
                    let (oy, ox) = (at / self.columns.count, at % self.columns.count);
                    let place = |phase: &Phase, i: usize| phase.first + i * phase.step;
                    output[row * all + place(self.rows, oy) * width + place(self.columns, ox)] = y;
                }
            };
            if weights.is_empty() {
                // No tap lands here.
                (0..self.window.group_outputs()).for_each(|row| finish(row, &[0.0; LANES][..lanes.len()]));
            } else {
                sums.products(weights, tile, finish);
            }
        }
    }

    /// The weights of the phase's taps, `[outputs of the group, channels, taps]`.
    fn weights(&self, first: usize, weights: &mut Vec<f32>) {
        let geometry = &self.window.geometry;
        let taps = geometry.kernel[0] * geometry.kernel[1];
        weights.clear();
        for output in first..first + self.window.group_outputs() {
            for channel in 0..geometry.channels {
                let of = |tap: usize| self.arithmetic.weight[(output * taps + tap) * geometry.channels + channel];
                for (ky, _) in &self.rows.taps {
                    weights.extend(self.columns.taps.iter().map(|(kx, _)| of(ky * geometry.kernel[1] + kx)));
                }
            }
        }
    }

    /// Fills `tile` with the operands of positions `lanes` of the phase: 0 where a tap lands from outside.
    fn fill(&self, input: &[f32], lanes: Range<usize>, tile: &mut Tile<f32>) {
        let ([height, width], channels) = (self.window.geometry.input, self.window.geometry.channels);
        tile.reset(channels * self.rows.taps.len() * self.columns.taps.len(), lanes.len());
        let taps = self.rows.taps.len() * self.columns.taps.len();
        let pairs = self.rows.taps.iter().flat_map(|(_, rows)| self.columns.taps.iter().map(move |(_, x)| (rows, x)));
        for (tap, (rows, columns)) in pairs.enumerate() {
            let source = |at: usize| {
                let (y, x) = rows[at / self.columns.count].zip(columns[at % self.columns.count])?;
                Some(y * width + x)
            };
            let sources: Vec<Option<usize>> = lanes.clone().map(source).collect();
            for (c, channel) in input.chunks_exact(height * width).enumerate() {
                let values = tile.row_mut(c * taps + tap).iter_mut();
                values.zip(&sources).for_each(|(value, source)| *value = source.map_or(0.0, |at| channel[at]));
            }
        }
    }
}
