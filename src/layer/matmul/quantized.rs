//! The quantized product: bytes of both factors, exact integer sums, one rounding out.
//!
//! Neither factor is known before it is multiplied, so that nothing of either can be laid out once; the table is,
//! for any bytes. Of the two roles that kernels know, the second factor takes that of the activations, whose
//! columns lie side by side in memory as lanes do, and so do the product's; the first factor's rows take that of
//! the weights, and the table is transposed. The sums, zero-point terms and the rounding are those of
//! [`Integer`], which is symmetric in its operands.

use super::blocks;
use crate::kernel::{
    ConvGeometry, EffectiveTable, Kernel, LANES, Lanes, PreparedTable, Tile, WeightMatrix, fill_pointwise_tile,
};
use crate::layer::accumulator::{AccumulatedProduct, LayerAccumulator, Ways};
use crate::layer::epilogue::Epilogue;
use crate::layer::integer::{Integer, Sums, numbers_of_totals};
use crate::layer::quantized::{Depths, PackedTable, Shifts, operands};
use crate::layer::{InferenceMode, LayerProblem};
use crate::lut::{Coding, Lut};
use crate::quant::{ActivationParams, IntRange, LayerParams, ParamsError};
use candle_core::Tensor;
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Rows whose outputs are computed between two fills of a tile's memory.
const ROWS: usize = 256;

/// A product quantized, with what its integer arithmetic needs.
#[derive(Clone)]
pub(super) struct QuantizedMatMul {
    params: LayerParams,
    shifts: Option<Shifts>,
    /// The second factor.
    second: ActivationParams,
    /// The second factor in the role of the input, the first in that of the weight.
    exchanged: LayerParams,
    exact: Arc<Multiplier>,
    multiplier: Option<Arc<Multiplier>>,
}

/// Products of a table, laid out when they are first summed.
pub(super) struct Multiplier {
    /// Of the second factor as activation and the first as weight.
    table: EffectiveTable,
    kernel: &'static dyn Kernel,
    prepared: OnceLock<Box<dyn PreparedTable>>,
}

impl Multiplier {
    /// `before`, where that is of the same table and kernel.
    fn new(table: &EffectiveTable, kernel: &'static dyn Kernel, before: Option<&Arc<Multiplier>>) -> Arc<Self> {
        let table = table.transposed();
        match before.filter(|before| before.table == table && before.kernel.name() == kernel.name()) {
            Some(before) => Arc::clone(before),
            None => Arc::new(Multiplier { table, kernel, prepared: OnceLock::new() }),
        }
    }

    fn pack(&self, weights: WeightMatrix) -> PackedTable {
        let prepared = self.prepared.get_or_init(|| self.kernel.prepare(&self.table));
        PackedTable { weights: prepared.pack(weights), depths: Depths::of(&self.table) }
    }
}

thread_local! {
    static MEMORY: Cell<Memory> = Cell::default();
}

/// What a thread keeps from block to block.
#[derive(Default)]
struct Memory {
    left: Vec<u8>,
    right: Vec<u8>,
    /// `sum a_q` of each row.
    row_sums: Vec<i64>,
    tile: Tile,
    rows: Vec<Lanes<f32>>,
    sums: Sums,
}

impl QuantizedMatMul {
    /// Quantizes both factors for exact products and for those of `lut`, keeping what has not changed since the
    /// layer was quantized `before`.
    pub fn new(
        params: LayerParams,
        coding: Coding,
        lut: Option<&Lut>,
        kernel: &'static dyn Kernel,
        before: Option<&Self>,
    ) -> Result<Self, LayerProblem> {
        let (params, shifts) = match lut {
            Some(lut) => {
                let (params, shifts) = operands(params, coding, lut)?;
                (params, Some(shifts))
            }
            None => (params, None),
        };
        let second = params.weight.as_activation().ok_or_else(|| {
            let (scales, zero_points) = (params.weight.scales().len(), params.weight.zero_points().len());
            ParamsError::Channels { scales, zero_points, channels: 1 }
        })?;
        let signs = [params.input.range(), params.weight.range()].map(IntRange::signedness);
        let exact = EffectiveTable::exact(signs[0], signs[1]);
        let multiplier = match lut {
            None => None,
            Some(lut) => {
                let [first, second] = signs.map(|signedness| coding.operand_signedness(signedness));
                let table = coding.effective_table(lut, first, second)?;
                Some(Multiplier::new(&table, kernel, before.and_then(|before| before.multiplier.as_ref())))
            }
        };
        let exact = Multiplier::new(&exact, kernel, before.map(|before| &before.exact));
        let exchanged = LayerParams::new(second, params.input.as_weight());
        Ok(QuantizedMatMul { params, shifts, second, exchanged, exact, multiplier })
    }

    /// The parameters in use, shifted into the coding's range where they had to be.
    pub fn params(&self) -> &LayerParams {
        &self.params
    }

    /// How far the integers of both factors had to be shifted for the multiplier, where there is one.
    pub fn shifts(&self) -> Option<Shifts> {
        self.shifts
    }

    /// How products are summed, in words.
    pub fn describe(&self) -> String {
        format!("{}: a table packed for operands of any value", self.exact.kernel.name())
    }

    /// Exact products.
    pub fn exact(&self) -> &Multiplier {
        &self.exact
    }

    /// The multiplier's products, where there is a multiplier.
    pub fn approximate(&self) -> Option<&Multiplier> {
        self.multiplier.as_deref()
    }

    /// The product of `a` and `b` by `multiplier`, one of the layer's own.
    ///
    /// # Errors
    /// When the factors do not fit each other, or a number is NaN.
    pub fn run(&self, multiplier: &Multiplier, a: &Tensor, b: &Tensor) -> Result<Tensor, LayerProblem> {
        blocks::product(a, b, &MEMORY, |shape, memory, a, b, output| {
            let (depth, columns) = (shape.depth, shape.columns);
            let Memory { left, right, row_sums, tile, rows, sums } = memory;
            quantize(&self.params.input, a, left)?;
            quantize(&self.second, b, right)?;
            let signedness = self.params.input.range().signedness();
            row_sums.clear();
            let sum = |row: &[u8]| row.iter().map(|&byte| i64::from(signedness.value(byte))).sum::<i64>();
            row_sums.extend(left.chunks_exact(depth).map(sum));
            let packed = multiplier.pack(WeightMatrix::new(left, depth));
            let arithmetic = Integer::of_rows(&self.exchanged, row_sums, &packed);
            for start in (0..columns).step_by(LANES) {
                let columns_of_tile = start..(start + LANES).min(columns);
                fill_pointwise_tile(right, right.len(), [depth, columns], columns_of_tile.clone(), tile);
                for first in (0..row_sums.len()).step_by(ROWS) {
                    let block = first..(first + ROWS).min(row_sums.len());
                    rows.resize(block.len(), Lanes::default());
                    arithmetic.outputs(block.clone(), tile, sums, rows);
                    for (row, lanes) in block.zip(rows.iter()) {
                        let output = &mut output[row * columns..][columns_of_tile.clone()];
                        output.copy_from_slice(&lanes.0[..columns_of_tile.len()]);
                    }
                }
            }
            Ok(())
        })
    }
}

impl QuantizedMatMul {
    /// As [`run`](Self::run) in `mode`, with sums in accumulators.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn accumulate(
        &self,
        multiplier: &Multiplier,
        accumulator: &LayerAccumulator,
        mode: InferenceMode,
        a: &Tensor,
        b: &Tensor,
    ) -> Result<Tensor, LayerProblem> {
        let factors = [&self.params.input, &self.second];
        let product = AccumulatedProduct { factors, table: &multiplier.table, accumulator: accumulator.setting() };
        blocks::product(a, b, &MEMORY, |shape, memory, a, b, output| {
            let (depth, columns) = (shape.depth, shape.columns);
            let Memory { left, right, tile, .. } = memory;
            quantize(&self.params.input, a, left)?;
            quantize(&self.second, b, right)?;
            for start in (0..columns).step_by(LANES) {
                let columns_of_tile = start..(start + LANES).min(columns);
                fill_pointwise_tile(right, right.len(), [depth, columns], columns_of_tile.clone(), tile);
                let found = product.rows(left.chunks_exact(depth), tile, |row, sums| {
                    let output = &mut output[row * columns..][columns_of_tile.clone()];
                    numbers_of_totals(&self.exchanged, &Epilogue::default(), row, sums, output);
                });
                let ways = Ways { mode, geometry: ConvGeometry::point(depth), is_followed: false };
                accumulator.record(&found, ways, || product.worst_case(depth));
            }
            Ok(())
        })
    }
}

/// Writes the bytes of numbers.
fn quantize(params: &ActivationParams, numbers: &[f32], bytes: &mut Vec<u8>) -> Result<(), LayerProblem> {
    bytes.resize(numbers.len(), 0);
    if params.quantize_slice(numbers, bytes) { Err(LayerProblem::NaN) } else { Ok(()) }
}

impl fmt::Debug for QuantizedMatMul {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("QuantizedMatMul").field("params", &self.params).finish_non_exhaustive()
    }
}
