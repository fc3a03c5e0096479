//! Transposed convolutions in accumulators.
//!
//! An output sums the products of the inputs that a tap takes to it. Outputs that the same taps reach gather their
//! operands side by side, as those of a convolution: along each axis these are a [`Reach`], and those of a rectangle of
//! the kernel a pair of them.

use super::arithmetic::{Accumulating, Scratch};
use crate::kernel::{LANES, Tile};
use crate::layer::taps::Taps;
use crate::layer::tasks::{piece, pieces};
use crate::layer::tiles::{Arithmetic, Workspace, with_workspace};
use crate::layer::{LayerProblem, Window};
use std::ops::Range;

/// Output positions along one axis that the same taps reach.
struct Reach {
    taps: Vec<usize>,
    /// The positions.
    outputs: Vec<usize>,
    /// The inputs that the taps take to each position, tap by tap.
    inputs: Vec<Vec<usize>>,
}

/// Those of an axis with a kernel of `kernel` taps, which have all outputs.
fn reaches(axis: &Taps, kernel: usize) -> Vec<Reach> {
    let mut reaches: Vec<Reach> = Vec::new();
    for output in 0..axis.outputs() {
        let (taps, inputs): (Vec<usize>, Vec<usize>) =
            (0..kernel).filter_map(|tap| Some((tap, axis.source(tap, output)?))).unzip();
        let at = reaches.iter().position(|reach| reach.taps == taps).unwrap_or_else(|| {
            reaches.push(Reach { inputs: vec![Vec::new(); taps.len()], taps, outputs: Vec::new() });
            reaches.len() - 1
        });
        reaches[at].outputs.push(output);
        reaches[at].inputs.iter_mut().zip(inputs).for_each(|(of_tap, input)| of_tap.push(input));
    }
    reaches
}

/// Those of both axes.
fn axes(window: &Window) -> [Vec<Reach>; 2] {
    [0, 1].map(|axis| reaches(&Taps::new(&window.geometry, axis), window.geometry.kernel[axis]))
}

/// The output of the transposed `window` over `input` (`[images, channels, height, width]`), as
/// `[images, outputs, positions]`.
///
/// # Errors
/// When a number of the input is NaN.
pub fn run(
    arithmetic: &Accumulating,
    window: &Window,
    input: &[f32],
    threads: usize,
) -> Result<Vec<f32>, LayerProblem> {
    let mut output = vec![0f32; window.output_elements()];
    if output.is_empty() {
        return Ok(output);
    }
    let [rows, columns] = axes(window);
    let inputs = window.geometry.channels * window.geometry.input.iter().product::<usize>();
    let outputs = window.group_outputs() * window.geometry.positions();
    pieces(threads, &mut output, outputs, |i, output| {
        let (group, input) = (i % window.groups, piece(input, i, inputs));
        with_workspace::<Accumulating, _>(|Workspace { operands, tile, scratch, .. }| {
            let operands = arithmetic.operands(input, operands)?;
            for rows in &rows {
                for columns in &columns {
                    let gather = Gather { arithmetic, window, group, rows, columns };
                    gather.run(operands, tile, scratch, output);
                }
            }
            Ok(())
        })
    })?;
    Ok(output)
}

/// Calls `each` with the channel and the weights of every kind of sum that an output can be.
pub fn for_each_sum(arithmetic: &Accumulating, window: &Window, mut each: impl FnMut(usize, &[u8])) {
    let [rows, columns] = axes(window);
    let mut weights = Vec::new();
    for group in 0..window.groups {
        for (rows, columns) in rows.iter().flat_map(|rows| columns.iter().map(move |columns| (rows, columns))) {
            let gather = Gather { arithmetic, window, group, rows, columns };
            for channel in gather.channels() {
                weights.clear();
                gather.weights(channel, &mut weights);
                each(channel, &weights);
            }
        }
    }
}

/// The outputs of one group of one image that the same taps of both axes reach.
struct Gather<'a> {
    arithmetic: &'a Accumulating<'a>,
    window: &'a Window,
    group: usize,
    rows: &'a Reach,
    columns: &'a Reach,
}

impl Gather<'_> {
    fn channels(&self) -> Range<usize> {
        let outputs = self.window.group_outputs();
        self.group * outputs..(self.group + 1) * outputs
    }

    /// Writes the outputs among those of the group.
    fn run(&self, operands: &[u8], tile: &mut Tile, scratch: &mut Scratch, output: &mut [f32]) {
        let (positions, each) = (self.rows.outputs.len() * self.columns.outputs.len(), self.columns.outputs.len());
        let (width, all) = (self.window.geometry.output[1], self.window.geometry.positions());
        for start in (0..positions).step_by(LANES) {
            let lanes = start..(start + LANES).min(positions);
            self.fill(operands, lanes.clone(), tile);
            let activations: Vec<&[u8]> = tile.rows().iter().map(|row| &row.0[..lanes.len()]).collect();
            let write = |channel: usize, numbers: &[f32]| {
                let output = &mut output[(channel - self.channels().start) * all..][..all];
                for (at, &number) in lanes.clone().zip(numbers) {
                    output[self.rows.outputs[at / each] * width + self.columns.outputs[at % each]] = number;
                }
            };
            let weights = |channel: usize, bytes: &mut Vec<u8>| self.weights(channel, bytes);
            self.arithmetic.channels(self.channels(), lanes.len(), &activations, scratch, weights, write);
        }
    }

    /// Adds the weights of an output channel, `[channels, taps]`.
    fn weights(&self, channel: usize, bytes: &mut Vec<u8>) {
        let (kernel, weights) = (self.window.geometry.kernel, self.arithmetic.weights);
        for input in 0..self.window.geometry.channels {
            for row in &self.rows.taps {
                let tap = |column: &usize| weights.row((channel * kernel[0] + row) * kernel[1] + column)[input];
                bytes.extend(self.columns.taps.iter().map(tap));
            }
        }
    }

    /// Fills `tile` with the operands of some of the positions.
    fn fill(&self, operands: &[u8], lanes: Range<usize>, tile: &mut Tile) {
        let ([height, width], channels) = (self.window.geometry.input, self.window.geometry.channels);
        let (each, taps) = (self.columns.outputs.len(), self.rows.taps.len() * self.columns.taps.len());
        tile.reset(channels * taps, lanes.len());
        let pairs = self.rows.inputs.iter().flat_map(|rows| self.columns.inputs.iter().map(move |x| (rows, x)));
        for (tap, (rows, columns)) in pairs.enumerate() {
            for (c, channel) in operands.chunks_exact(height * width).enumerate() {
                for (operand, at) in tile.row_mut(c * taps + tap).iter_mut().zip(lanes.clone()) {
                    *operand = channel[rows[at / each] * width + columns[at % each]];
                }
            }
        }
    }
}
