//! The quantized arithmetic: bytes in, exact integer sums, one rounding out.
//!
//! With `x_q`, `w_q` the quantized operands, `K` the fan-in and every product from a table,
//!
//! ```text
//! acc = sum table(x_q, w_q) - z_w * sum x_q - z_x * sum w_q + K * z_x * z_w
//! y   = f32(f64(acc) * (f64(s_x) * f64(s_w)))
//! ```
//!
//! which for an exact table is the sum of `(x_q - z_x)(w_q - z_w)`. An activation factor `f` of the channel adds
//! `f * sum (x_q - z_x)` to sums of the multiplier's products: the same with `z_w - f` in place of `z_w`.
//!
//! All but the last line can be summed in parts. A transposed convolution does so: an output channel
//! has a row of weights for each kernel tap, and an output sums those that land on it.

use super::LayerProblem;
use super::after_sums::AfterSums;
use super::epilogue::Epilogue;
use super::quantized::{PackedTable, Quantized};
use super::scatter::Scatter;
use super::tiles::{Arithmetic, Workspace, Workspaces};
use crate::kernel::convert::{
    Dequantize, add_row, dequantize_narrow, dequantize_wide, requantize_narrow, requantize_wide,
};
use crate::kernel::{LANES, Lanes, Plane, Signedness, Tile, line_parts};
use crate::quant::LayerParams;
use std::cell::Cell;
use std::ops::Range;

/// Integer sums, their zero-point terms, scaling and epilogue.
pub(super) struct Integer<'a> {
    params: &'a LayerParams,
    /// Rows of weights that an output channel has.
    rows_per_output: usize,
    /// `sum w_q` of each row.
    weight_sums: &'a [i64],
    /// The weights, packed for the products to sum.
    packed: &'a PackedTable,
    epilogue: Epilogue<'a>,
}

/// Sums of a tile.
#[derive(Default)]
pub(super) struct Sums {
    block: Vec<Lanes<i32>>,
    /// Totals of blocks of depth, where one `i32` might overflow.
    wide: Vec<Lanes<i64>>,
    /// `sum x_q` of each column, where weights have zero points.
    columns: Vec<i32>,
}

impl<'a> Integer<'a> {
    /// Sums of exact products.
    pub fn exact(layer: &'a Quantized, epilogue: Epilogue<'a>) -> Self {
        Self::of_layer(layer, layer.params(), layer.exact(), epilogue)
    }

    /// Sums of the multiplier's products, where the layer has a multiplier.
    pub fn approximate(layer: &'a Quantized, epilogue: Epilogue<'a>) -> Option<Self> {
        Some(Self::of_layer(layer, layer.approximate_params()?, layer.approximate()?, epilogue))
    }

    /// Sums over the weights of `packed`, an output for each of whose rows; nothing follows them.
    pub fn of_rows(params: &'a LayerParams, weight_sums: &'a [i64], packed: &'a PackedTable) -> Self {
        Integer { params, rows_per_output: 1, weight_sums, packed, epilogue: Epilogue::default() }
    }

    fn of_layer(
        layer: &'a Quantized,
        params: &'a LayerParams,
        packed: &'a PackedTable,
        epilogue: Epilogue<'a>,
    ) -> Self {
        let (rows_per_output, weight_sums) = (layer.rows_per_output(), layer.weight_sums());
        Integer { params, rows_per_output, weight_sums, packed, epilogue }
    }

    /// The last step of output `channel`.
    fn dequantize(&self, channel: usize) -> Dequantize {
        dequantize(self.params, &self.epilogue, channel)
    }

    /// The bias of an output that is added to its sum.
    fn integer_bias(&self, channel: usize) -> i64 {
        self.epilogue.after_sums.map_or(0, |after| after.bias(channel))
    }

    /// Whether sums of `depth` products, with all that is added to them, fit 32 bits.
    fn is_narrow(&self, depth: usize) -> bool {
        // The limit of depths leaves no room for a bias, but half of it does.
        let max_bias = self.epilogue.after_sums.map_or(0, AfterSums::max_bias);
        let depths = self.packed.depths.narrow;
        depth <= depths && (max_bias == 0 || (depth <= depths / 2 && max_bias < 1 << 30))
    }

    /// The zero-point terms of a row: `acc = sum + constant - factor * sum x_q`.
    fn correction(&self, row: usize, depth: usize) -> (i64, i64) {
        let LayerParams { input, weight, .. } = self.params;
        let channel = row / self.rows_per_output;
        let (z_x, z_w) = (i64::from(input.zero_point()), i64::from(weight.zero_point(channel)));
        (z_x * (depth as i64 * z_w - self.weight_sums[row]), z_w)
    }

    /// `sum x_q` over `rows` of `columns` bytes, where an output of `channels` needs it.
    fn sum_columns<'r>(
        &self,
        channels: Range<usize>,
        columns: usize,
        rows: impl Iterator<Item = &'r [u8]>,
        sums: &mut Vec<i32>,
    ) {
        let LayerParams { input, weight, .. } = self.params;
        sums.clear();
        sums.resize(columns, 0);
        if channels.into_iter().any(|channel| weight.zero_point(channel) != 0) {
            let (flip, offset) = match input.range().signedness() {
                Signedness::Signed => (0x80, 128),
                Signedness::Unsigned => (0, 0),
            };
            rows.for_each(|row| add_row(sums, row, flip, offset));
        }
    }

    /// Overwrites `sums` with those of `rows` of the weights, over any number of products.
    fn sum_wide(&self, rows: Range<usize>, tile: &Tile, block: &mut Vec<Lanes<i32>>, sums: &mut [Lanes<i64>]) {
        let PackedTable { weights, depths } = self.packed;
        let depth = tile.rows().len();
        block.resize(rows.len(), Lanes::default());
        sums.fill(Lanes::default());
        for start in (0..depth).step_by(depths.safe) {
            weights.sums(tile, rows.clone(), start..start.saturating_add(depths.safe).min(depth), block);
            for (sums, block) in sums.iter_mut().zip(block.iter()) {
                sums.0.iter_mut().zip(&block.0).for_each(|(sum, &block)| *sum += i64::from(block));
            }
        }
    }

    /// The numbers of narrow sums of output `channel`.
    fn narrow_numbers(&self, channel: usize, depth: usize, sums: &[i32], columns: &[i32], outputs: &mut [f32]) {
        let (constant, factor) = self.correction(channel, depth);
        let (constant, factor) = ((constant + self.integer_bias(channel)) as i32, factor as i32);
        match self.epilogue.after_sums.and_then(|after| after.requantize(self.epilogue.clip)) {
            Some((rule, multipliers)) => {
                requantize_narrow(&rule, multipliers[channel], sums, constant, factor, columns, outputs);
            }
            None => dequantize_narrow(&self.dequantize(channel), sums, constant, factor, columns, outputs),
        }
    }

    /// The numbers of sums of any size, that lack `constant` and the columns times `factor`.
    fn wide_numbers(
        &self,
        channel: usize,
        (constant, factor): (i64, i64),
        sums: &[i64],
        columns: &[i32],
        outputs: &mut [f32],
    ) {
        let constant = constant + self.integer_bias(channel);
        wide_numbers(self.params, &self.epilogue, channel, (constant, factor), sums, columns, outputs);
    }
}

/// The last step of output `channel` where its sums are scaled to real numbers.
fn dequantize(params: &LayerParams, epilogue: &Epilogue, channel: usize) -> Dequantize {
    Dequantize {
        scale: f64::from(params.input.scale()) * f64::from(params.weight.scale(channel)),
        bias: epilogue.bias.filter(|_| epilogue.after_sums.is_none()).map(|bias| bias[channel]),
        clip: epilogue.clip,
    }
}

/// The numbers of sums of any size, that lack `constant` and the columns times `factor`.
fn wide_numbers(
    params: &LayerParams,
    epilogue: &Epilogue,
    channel: usize,
    (constant, factor): (i64, i64),
    sums: &[i64],
    columns: &[i32],
    outputs: &mut [f32],
) {
    match epilogue.after_sums.and_then(|after| after.requantize(epilogue.clip)) {
        Some((rule, multipliers)) => {
            requantize_wide(&rule, multipliers[channel], sums, constant, factor, columns, outputs);
        }
        None => dequantize_wide(&dequantize(params, epilogue, channel), sums, constant, factor, columns, outputs),
    }
}

/// The numbers of at most [`LANES`] sums of `channel` that lack nothing.
///
/// # Panics
/// When the slices differ in length, or are longer.
pub(super) fn numbers_of_totals(
    params: &LayerParams,
    epilogue: &Epilogue,
    channel: usize,
    sums: &[i64],
    outputs: &mut [f32],
) {
    let columns = &[0; LANES][..sums.len()];
    wide_numbers(params, epilogue, channel, (0, 0), sums, columns, outputs);
}

thread_local! {
    static WORKSPACE: Cell<Workspace<u8, Sums, i64>> = Cell::default();
}

impl Arithmetic for Integer<'_> {
    type Operand = u8;
    type Scratch = Sums;
    type Sum = i64;

    fn workspaces() -> &'static Workspaces<u8, Sums, i64> {
        &WORKSPACE
    }

    fn operands<'a>(&self, numbers: &'a [f32], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], LayerProblem> {
        buffer.resize(numbers.len(), 0);
        let has_nan = self.params.input.quantize_slice(numbers, buffer);
        if has_nan { Err(LayerProblem::NaN) } else { Ok(buffer) }
    }

    /// The quantized zero: the hardware multiplies padding like any other operand.
    fn padding(&self) -> u8 {
        self.params.input.zero_point() as u8
    }
}

impl Integer<'_> {
    /// Overwrites `outputs[i]` with output channel `channels.start + i` for the columns of `tile`.
    pub fn outputs(&self, channels: Range<usize>, tile: &Tile, scratch: &mut Sums, outputs: &mut [Lanes<f32>]) {
        let (depth, width) = (tile.rows().len(), tile.columns());
        let PackedTable { weights, .. } = self.packed;
        let Sums { block, wide, columns } = scratch;
        self.sum_columns(channels.clone(), width, tile.rows().iter().map(|row| &row.0[..width]), columns);
        if self.is_narrow(depth) {
            block.resize(channels.len(), Lanes::default());
            weights.sums(tile, channels.clone(), 0..depth, block);
            for (channel, (sums, outputs)) in channels.zip(block.iter().zip(outputs)) {
                self.narrow_numbers(channel, depth, &sums.0[..width], columns, &mut outputs.0[..width]);
            }
            return;
        }
        wide.resize(channels.len(), Lanes::default());
        self.sum_wide(channels.clone(), tile, block, wide);
        for (channel, (sums, outputs)) in channels.zip(wide.iter().zip(outputs)) {
            let correction = self.correction(channel, depth);
            self.wide_numbers(channel, correction, &sums.0[..width], columns, &mut outputs.0[..width]);
        }
    }

    /// Whether sums over that many products need no splitting, which sliding does not do.
    pub fn can_slide(&self, depth: usize) -> bool {
        self.is_narrow(depth)
    }

    /// Overwrites `rows[i]` with output channel `channels.start + i` at output `positions` of an image, no more than a
    /// row has lanes; `plane` holds the channels of all groups, of `group_outputs` each.
    pub fn slide(
        &self,
        group_outputs: usize,
        channels: Range<usize>,
        plane: &Plane,
        positions: Range<usize>,
        scratch: &mut Sums,
        rows: &mut [Lanes<f32>],
    ) {
        let width = plane.geometry().output[1];
        let depth = self.packed.weights.depth();
        let at = |position: usize| plane.position(position / width, position % width);
        let within = at(positions.start)..at(positions.end - 1) + 1;
        let Sums { block, columns, .. } = scratch;
        block.resize(within.len().div_ceil(LANES), Lanes::default());
        for (channel, row) in channels.zip(rows) {
            let tap = channel / group_outputs * depth;
            let taps = (tap..tap + depth).map(|k| &plane.from_tap(k)[within.clone()]);
            self.sum_columns(channel..channel + 1, within.len(), taps, columns);
            self.packed.weights.slide(plane, tap, channel, within.clone(), block);
            let sums = Lanes::flatten(block);
            for part in line_parts(positions.clone(), plane.geometry().output) {
                let from = plane.position(part.y, part.x) - within.start;
                let (sums, columns) = (&sums[from..][..part.count], &columns[from..][..part.count]);
                self.narrow_numbers(channel, depth, sums, columns, &mut row.0[part.first..][..part.count]);
            }
        }
    }
}

impl Scatter for Integer<'_> {
    fn sums(&self, rows: Range<usize>, tile: &Tile, scratch: &mut Sums, sums: &mut [Lanes<i64>]) {
        let (depth, width, each) = (tile.rows().len(), tile.columns(), self.rows_per_output);
        let Sums { block, columns, .. } = scratch;
        let channels = rows.start / each..rows.end.div_ceil(each);
        self.sum_columns(channels, width, tile.rows().iter().map(|row| &row.0[..width]), columns);
        self.sum_wide(rows.clone(), tile, block, sums);
        for (row, sums) in rows.zip(sums) {
            let (constant, factor) = self.correction(row, depth);
            let terms = columns.iter().map(|&column| constant - factor * i64::from(column));
            sums.0.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
    }

    fn finish(&self, channel: usize, sums: &[i64], scratch: &mut Sums, outputs: &mut [f32]) {
        // The sums include the zero-point terms.
        scratch.columns.clear();
        scratch.columns.resize(sums.len(), 0);
        self.wide_numbers(channel, (0, 0), sums, &scratch.columns, outputs);
    }
}
