//! The loop of transposed convolutions, which scatter inputs instead of gathering them.
//!
//! Every kernel tap multiplies every input position, which is what a pointwise convolution with an
//! output for each channel and tap does; its sums are then added up where they land in the output.
//! So only products of real inputs are computed: none for the gaps of a stride, and those that land
//! outside the output are dropped. An output sums as many products as land on it.

use super::taps::Taps;
use super::tasks::{piece, pieces};
use super::tiles::{Arithmetic, Workspace, with_workspace};
use super::{LayerProblem, Window};
use crate::kernel::{ConvGeometry, LANES, Lanes, Tile, fill_pointwise_tile};
use std::mem;
use std::ops::Range;

/// Sums of one tile that are computed together: a few times as many as kernels take side by side.
const ROW_BLOCK: usize = 32;

/// Arithmetic whose sums can be added up before they become outputs.
pub(super) trait Scatter: Arithmetic {
    /// Overwrites `sums[i]` with row `rows.start + i` of the weights, each row a kernel tap of an
    /// output channel, for the columns of `tile`.
    fn sums(
        &self,
        rows: Range<usize>,
        tile: &Tile<Self::Operand>,
        scratch: &mut Self::Scratch,
        sums: &mut [Lanes<Self::Sum>],
    );

    /// Turns the totals of `channel` into outputs.
    fn finish(&self, channel: usize, sums: &[Self::Sum], scratch: &mut Self::Scratch, outputs: &mut [f32]);
}

/// The output of the transposed `window` over `input` (`[images, channels, height, width]`), as
/// `[images, outputs, positions]`, computed by one thread or by all.
///
/// # Errors
/// When a number of the input has no operand.
pub(super) fn run<A: Scatter>(
    arithmetic: &A,
    window: &Window,
    input: &[f32],
    threads: usize,
) -> Result<Vec<f32>, LayerProblem> {
    let mut output = vec![0f32; window.output_elements()];
    let (outputs, inputs) = (window.geometry.positions(), window.geometry.input.iter().product::<usize>());
    if output.is_empty() {
        return Ok(output);
    }
    let job = Job { arithmetic, window, taps: [0, 1].map(|axis| Taps::new(&window.geometry, axis)) };
    let (output_group, input_group) = (window.group_outputs() * outputs, window.geometry.channels * inputs);
    pieces(threads, &mut output, output_group, |i, output| {
        job.run(i % window.groups, piece(input, i, input_group), output, threads)
    })?;
    Ok(output)
}

/// What all groups of all images share.
struct Job<'a, A> {
    arithmetic: &'a A,
    window: &'a Window,
    taps: [Taps; 2],
}

impl<A: Scatter> Job<'_, A> {
    /// Computes one group of one image.
    fn run(&self, group: usize, input: &[f32], output: &mut [f32], threads: usize) -> Result<(), LayerProblem> {
        // Taken out of this thread's memory, which the tasks below use.
        let mut buffer = with_workspace::<A, _>(|workspace| mem::take(&mut workspace.operands));
        let operands = self.arithmetic.operands(input, &mut buffer)?;
        let channels = (ROW_BLOCK / self.taps_per_channel()).max(1);
        let block = channels * self.window.geometry.positions();
        let first = group * self.window.group_outputs();
        pieces(threads, output, block, |i, output| {
            with_workspace::<A, _>(|workspace| self.channels(workspace, first + i * channels, operands, output));
            Ok(())
        })?;
        with_workspace::<A, _>(|workspace| workspace.operands = buffer);
        Ok(())
    }

    fn taps_per_channel(&self) -> usize {
        self.window.geometry.kernel.iter().product()
    }

    /// Computes `output`, whole channels of which the first is `first`.
    fn channels(
        &self,
        workspace: &mut Workspace<A::Operand, A::Scratch, A::Sum>,
        first: usize,
        operands: &[A::Operand],
        output: &mut [f32],
    ) {
        let (outputs, taps) = (self.window.geometry.positions(), self.taps_per_channel());
        let inputs = operands.len() / self.window.geometry.channels;
        let rows = output.len() / outputs * taps;
        let Workspace { tile, scratch, sums, totals, .. } = workspace;
        sums.resize(rows, Lanes::default());
        totals.clear();
        totals.resize(output.len(), A::Sum::default());
        for start in (0..inputs).step_by(LANES) {
            let columns = start..(start + LANES).min(inputs);
            let shape = [self.window.geometry.channels, inputs];
            fill_pointwise_tile(operands, operands.len(), shape, columns.clone(), tile);
            self.arithmetic.sums(first * taps..first * taps + rows, tile, scratch, sums);
            for (totals, sums) in totals.chunks_exact_mut(outputs).zip(sums.chunks_exact(taps)) {
                for (tap, sums) in sums.iter().enumerate() {
                    self.add(tap, columns.clone(), &sums.0, totals);
                }
            }
        }
        let channels = output.chunks_exact_mut(outputs).zip(totals.chunks_exact(outputs));
        for (i, (output, totals)) in channels.enumerate() {
            self.arithmetic.finish(first + i, totals, scratch, output);
        }
    }

    /// Adds the sums of a tap at input positions `columns` to the outputs of its channel.
    fn add(&self, tap: usize, columns: Range<usize>, sums: &[A::Sum], totals: &mut [A::Sum]) {
        let ConvGeometry { input, output, kernel, stride, .. } = &self.window.geometry;
        let ([y_taps, x_taps], taps) = (&self.taps, [tap / kernel[1], tap % kernel[1]]);
        let (rows, row_columns) = (y_taps.inputs(taps[0]), x_taps.inputs(taps[1]));
        let in_tile = columns.start / input[1]..columns.end.div_ceil(input[1]);
        for y in rows.start.max(in_tile.start)..rows.end.min(in_tile.end) {
            let row = y * input[1];
            let start = (row + row_columns.start).max(columns.start);
            let end = (row + row_columns.end).min(columns.end);
            if start >= end {
                continue;
            }
            let at = y_taps.output(taps[0], y) * output[1] + x_taps.output(taps[1], start - row);
            let totals = totals[at..].iter_mut().step_by(stride[1]);
            totals.zip(&sums[start - columns.start..end - columns.start]).for_each(|(total, &sum)| *total += sum);
        }
    }
}
