//! The quantized arithmetic: bytes in, exact integer sums, one rounding out.
//!
//! With `x_q`, `w_q` the quantized operands, `K` the fan-in and every product from a table,
//!
//! ```text
//! acc = sum table(x_q, w_q) - z_w * sum x_q - z_x * sum w_q + K * z_x * z_w
//! y   = f32(f64(acc) * (f64(s_x) * f64(s_w)))
//! ```
//!
//! which for an exact table is the sum of `(x_q - z_x)(w_q - z_w)`.

use super::tiles::Arithmetic;
use super::{LayerProblem, Window};
use crate::kernel::{EffectiveTable, Kernel, LANES, Lanes, PackedWeights, Signedness, Tile, WeightMatrix};
use crate::lut::{Coding, Lut};
use crate::quant::{IntRange, LayerParams};
use std::fmt;
use std::ops::Range;

/// A layer's weights as bytes, with all that its integer arithmetic needs.
pub(super) struct Quantized {
    params: LayerParams,
    shifted: bool,
    /// `sum w_q` of each output.
    weight_sums: Vec<i64>,
    exact: Packed,
    approximate: Option<Packed>,
}

/// Weights packed for one table, group by group.
struct Packed {
    groups: Vec<Box<dyn PackedWeights>>,
    safe_depth: usize,
}

impl Quantized {
    /// Quantizes `weight` (`outputs` rows) and packs it for exact products, and for those of `lut`.
    pub fn new(
        params: LayerParams,
        coding: Coding,
        lut: Option<&Lut>,
        kernel: &dyn Kernel,
        weight: &[f32],
        outputs: usize,
        groups: usize,
    ) -> Result<Self, LayerProblem> {
        let (params, shifted) = if let Some(lut) = lut {
            let (input, input_shifted) = params.input.for_coding(coding)?;
            let (weight, weight_shifted) = params.weight.for_coding(coding)?;
            coding.check(lut)?;
            check_operands(lut, coding, [input.range(), weight.range()])?;
            (LayerParams { input, weight }, input_shifted || weight_shifted)
        } else {
            // Without a table, any 8-bit range will do.
            (params, false)
        };
        let bytes = params.weight.quantize(weight, outputs)?;
        let depth = bytes.len() / outputs;
        let kind = params.weight.range().signedness();
        let sum = |row: &[u8]| row.iter().map(|&byte| i64::from(kind.value(byte))).sum();
        let weight_sums = bytes.chunks_exact(depth).map(sum).collect();
        let pack = |table: &EffectiveTable| Packed {
            groups: bytes
                .chunks_exact(bytes.len() / groups)
                .map(|bytes| kernel.pack(table, WeightMatrix::new(bytes, depth)))
                .collect(),
            safe_depth: table.safe_depth(),
        };
        let approximate = match lut {
            None => None,
            Some(lut) => {
                let kind = |range: IntRange| operand_kind(coding, range);
                let table = coding.effective_table(lut, kind(params.input.range()), kind(params.weight.range()))?;
                Some(pack(&table))
            }
        };
        let exact = pack(&EffectiveTable::exact(params.input.range().signedness(), kind));
        Ok(Quantized { params, shifted, weight_sums, exact, approximate })
    }

    /// The parameters in use, shifted into the coding's range where they had to be.
    pub fn params(&self) -> &LayerParams {
        &self.params
    }

    /// Whether the parameters given were shifted.
    pub fn is_shifted(&self) -> bool {
        self.shifted
    }

    /// Bytes of `input`.
    pub fn quantize(&self, input: &[f32]) -> Result<Vec<u8>, LayerProblem> {
        use rayon::prelude::*;
        const CHUNK: usize = 1 << 14;
        let mut bytes = vec![0; input.len()];
        let has_nan = bytes
            .par_chunks_mut(CHUNK)
            .zip(input.par_chunks(CHUNK))
            .map(|(bytes, values)| self.params.input.quantize_slice(values, bytes))
            .reduce(|| false, |a, b| a | b);
        if has_nan { Err(LayerProblem::NaN) } else { Ok(bytes) }
    }

    /// The arithmetic of exact products.
    pub fn exact<'a>(&'a self, window: &Window, bias: Option<&'a [f32]>) -> Integer<'a> {
        self.arithmetic(&self.exact, window, bias)
    }

    /// The arithmetic of the multiplier's products, where there is a multiplier.
    pub fn approximate<'a>(&'a self, window: &Window, bias: Option<&'a [f32]>) -> Option<Integer<'a>> {
        self.approximate.as_ref().map(|packed| self.arithmetic(packed, window, bias))
    }

    fn arithmetic<'a>(&'a self, packed: &'a Packed, window: &Window, bias: Option<&'a [f32]>) -> Integer<'a> {
        Integer { layer: self, packed, bias, group_outputs: window.group_outputs() }
    }
}

/// Fails unless the integers of activations and weights are operands of the multiplier: its table
/// has no products for others.
fn check_operands(lut: &Lut, coding: Coding, ranges: [IntRange; 2]) -> Result<(), LayerProblem> {
    for (i, (operand, range)) in ["activations", "weights"].into_iter().zip(ranges).enumerate() {
        let takes = coding.operand_range(lut, i);
        if !takes.contains(&range.q_min()) || !takes.contains(&range.q_max()) {
            let (lut, found) = (lut.name().to_owned(), [range.q_min(), range.q_max()]);
            return Err(LayerProblem::Operand { operand, found, lut, coding, takes: [*takes.start(), *takes.end()] });
        }
    }
    Ok(())
}

/// How a coding reads the bytes of a range that it accepts. Sign-magnitude takes either kind.
fn operand_kind(coding: Coding, range: IntRange) -> Signedness {
    match coding {
        Coding::Signed => Signedness::Signed,
        Coding::Affine => Signedness::Unsigned,
        Coding::SignMagnitude => range.signedness(),
    }
}

impl fmt::Debug for Quantized {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Quantized").field("params", &self.params).finish_non_exhaustive()
    }
}

/// Integer sums, their zero-point terms, scaling and bias.
pub(super) struct Integer<'a> {
    layer: &'a Quantized,
    packed: &'a Packed,
    bias: Option<&'a [f32]>,
    group_outputs: usize,
}

/// Sums of a tile.
#[derive(Default)]
pub(super) struct Sums {
    block: Vec<Lanes<i32>>,
    /// Totals of blocks of depth, where one `i32` is not surely enough.
    wide: Vec<Lanes<i64>>,
}

impl Integer<'_> {
    /// `sum x_q` of each column.
    fn column_sums(&self, tile: &Tile) -> [i64; LANES] {
        let kind = self.layer.params.input.range().signedness();
        let mut sums = [0i64; LANES];
        for row in tile.rows() {
            for (sum, &byte) in sums.iter_mut().zip(&row.0) {
                *sum += i64::from(kind.value(byte));
            }
        }
        sums
    }

    /// Scales `acc(lane)` of output `channel` into `outputs`.
    fn finish(&self, channel: usize, columns: usize, acc: impl Fn(usize) -> i64, outputs: &mut Lanes<f32>) {
        let LayerParams { input, weight } = &self.layer.params;
        let scale = f64::from(input.scale()) * f64::from(weight.scale(channel));
        for (lane, y) in outputs.0[..columns].iter_mut().enumerate() {
            *y = (acc(lane) as f64 * scale) as f32;
        }
        if let Some(bias) = self.bias {
            outputs.0[..columns].iter_mut().for_each(|y| *y += bias[channel]);
        }
    }
}

impl Arithmetic for Integer<'_> {
    type Operand = u8;
    type Scratch = Sums;

    /// The quantized zero: the hardware multiplies padding like any other operand.
    fn padding(&self) -> u8 {
        self.layer.params.input.zero_point() as u8
    }

    fn outputs(&self, group: usize, rows: Range<usize>, tile: &Tile, scratch: &mut Sums, outputs: &mut [Lanes<f32>]) {
        let LayerParams { input, weight } = &self.layer.params;
        let (depth, columns) = (tile.rows().len(), tile.columns());
        let weights = &self.packed.groups[group];
        let Sums { block, wide } = scratch;
        block.resize(rows.len(), Lanes::default());
        let is_wide = depth > self.packed.safe_depth;
        if is_wide {
            wide.clear();
            wide.resize(rows.len(), Lanes::default());
            for start in (0..depth).step_by(self.packed.safe_depth) {
                let end = (start + self.packed.safe_depth).min(depth);
                weights.sums(tile, rows.clone(), start..end, block);
                for (wide, block) in wide.iter_mut().zip(block.iter()) {
                    wide.0.iter_mut().zip(&block.0).for_each(|(wide, &sum)| *wide += i64::from(sum));
                }
            }
        } else {
            weights.sums(tile, rows.clone(), 0..depth, block);
        }

        let z_x = i64::from(input.zero_point());
        let first = group * self.group_outputs + rows.start;
        let channels = first..first + rows.len();
        let needs_columns = channels.clone().any(|o| weight.zero_point(o) != 0);
        let column_sums = if needs_columns { self.column_sums(tile) } else { [0; LANES] };
        for (row, (channel, outputs)) in channels.zip(outputs).enumerate() {
            let z_w = i64::from(weight.zero_point(channel));
            let constant = z_x * (depth as i64 * z_w - self.layer.weight_sums[channel]);
            let corrected = |sum: i64, lane: usize| sum - z_w * column_sums[lane] + constant;
            if is_wide {
                self.finish(channel, columns, |lane| corrected(wide[row].0[lane], lane), outputs);
            } else {
                self.finish(channel, columns, |lane| corrected(i64::from(block[row].0[lane]), lane), outputs);
            }
        }
    }
}
