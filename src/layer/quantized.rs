//! A layer's quantized weights: quantized once, packed once for each table.
//!
//! Quantizing a layer again with the same weight parameters, as a sweep over multipliers does, keeps
//! the bytes and what was packed for exact products. Weights are packed for a table when its products
//! are first summed, so that exact products are packed only where a mode uses them.

use super::LayerProblem;
use crate::kernel::{
    EffectiveTable, IntegerDot, Kernel, PackedWeights, Signedness, Way, WeightMatrix, bytes_of, choose,
};
use crate::lut::{Coding, Lut, Operand};
use crate::quant::{IntRange, LayerParams, WeightParams};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// How far the integers of both operands were shifted.
pub type Shifts = [i32; 2];

/// A layer quantized, with what its integer arithmetic needs.
#[derive(Debug, Clone)]
pub struct Quantized {
    params: LayerParams,
    shifts: Option<Shifts>,
    weights: Arc<QuantizedWeights>,
    multiplier: Option<Arc<Multiplier>>,
}

/// Weights as bytes.
struct QuantizedWeights {
    params: WeightParams,
    kernel: &'static dyn Kernel,
    /// Output channels, and the rows that each has.
    rows: [usize; 2],
    bytes: Vec<u8>,
    /// `sum w_q` of each row.
    sums: Vec<i64>,
    /// Packed for exact products with signed and with unsigned activations.
    exact: [OnceLock<PackedTable>; 2],
}

/// A multiplier's products of the operands of one layer.
struct Multiplier {
    /// Which layers of the same multiplier share.
    table: Arc<EffectiveTable>,
    /// The layer's parameters as sums of these products see them: activation factors are taken off the zero points of
    /// the weights.
    params: LayerParams,
    /// How they are summed, once that is asked.
    way: OnceLock<Way>,
    packed: OnceLock<PackedTable>,
}

/// Weights packed for one table.
pub(super) struct PackedTable {
    pub weights: Box<dyn PackedWeights>,
    pub depths: Depths,
}

/// How many products an `i32` sums.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depths {
    /// Products whose sum fits an `i32`.
    pub safe: usize,
    /// The same with room for the zero-point terms.
    pub narrow: usize,
}

/// The most that the zero-point terms add for each product: three terms of at most `255 * 255`.
const CORRECTION: u32 = 3 * 255 * 255;

impl Depths {
    /// Those of the terms of `table`.
    pub fn of(table: &EffectiveTable) -> Self {
        let narrow = i32::MAX.unsigned_abs() / table.max_abs().saturating_add(CORRECTION);
        Depths { safe: table.safe_depth(), narrow: narrow as usize }
    }
}

impl QuantizedWeights {
    /// Quantizes `weight`, of `outputs` times `rows_per_output` rows.
    fn new(
        params: WeightParams,
        kernel: &'static dyn Kernel,
        weight: &[f32],
        rows: [usize; 2],
    ) -> Result<Self, LayerProblem> {
        let bytes = params.quantize(weight, rows[0])?;
        let signedness = params.range().signedness();
        let sum = |row: &[u8]| row.iter().map(|&byte| i64::from(signedness.value(byte))).sum();
        let sums = bytes.chunks_exact(bytes.len() / (rows[0] * rows[1])).map(sum).collect();
        Ok(QuantizedWeights { params, kernel, rows, bytes, sums, exact: Default::default() })
    }

    fn pack(&self, table: &EffectiveTable) -> PackedTable {
        PackedTable { weights: self.kernel.pack(table, self.matrix()), depths: Depths::of(table) }
    }

    fn matrix(&self) -> WeightMatrix<'_> {
        WeightMatrix::new(&self.bytes, self.bytes.len() / self.sums.len())
    }

    /// The table of exact products.
    fn exact_table(&self, activation: Signedness) -> EffectiveTable {
        EffectiveTable::exact(activation, self.params.range().signedness())
    }

    /// The weights packed for exact products.
    fn exact(&self, activation: Signedness) -> &PackedTable {
        let packed = &self.exact[usize::from(activation == Signedness::Unsigned)];
        packed.get_or_init(|| self.pack(&self.exact_table(activation)))
    }
}

/// What a layer multiplies its activations by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factors<'a> {
    pub weight: &'a [f32],
    /// Output channels, and the rows of the weight that each has.
    pub rows: [usize; 2],
    /// What the sum of an output channel's activations is multiplied by and added to its sum of the multiplier's
    /// products.
    pub of_sums: Option<&'a [i32]>,
}

impl Quantized {
    /// Quantizes a layer for exact products and for those of `lut`, reusing what has not changed since it was
    /// quantized `before`.
    pub fn new(
        params: LayerParams,
        coding: Coding,
        lut: Option<&Lut>,
        kernel: &'static dyn Kernel,
        factors: Factors,
        before: Option<&Quantized>,
    ) -> Result<Self, LayerProblem> {
        let Factors { weight, rows, of_sums } = factors;
        let (params, shifts) = match lut {
            Some(lut) => {
                let (params, shifts) = operands(params, coding, lut)?;
                (params, Some(shifts))
            }
            // Without a table, any 8-bit range will do.
            None => (params, None),
        };
        let same_weights = before.map(|before| &before.weights).filter(|weights| {
            weights.params == params.weight && weights.kernel.name() == kernel.name() && weights.rows == rows
        });
        let weights = match same_weights {
            Some(weights) => Arc::clone(weights),
            None => Arc::new(QuantizedWeights::new(params.weight.clone(), kernel, weight, rows)?),
        };
        let multiplier = match lut {
            None => None,
            Some(lut) => {
                let [activation, weight] = [params.input.range(), params.weight.range()]
                    .map(|range| coding.operand_signedness(range.signedness()));
                let table = shared(coding.effective_table(lut, activation, weight)?);
                let params = match of_sums {
                    Some(factors) => less_factors(&params, factors, rows[0])?,
                    None => params.clone(),
                };
                // Ways are right for the activations that can occur.
                let same_table = same_weights.and(before).and_then(|before| before.multiplier.as_ref());
                let is_same = |multiplier: &&Arc<Multiplier>| multiplier.table == table && multiplier.params == params;
                Some(match same_table.filter(is_same) {
                    Some(multiplier) => Arc::clone(multiplier),
                    None => Arc::new(Multiplier { table, params, way: OnceLock::new(), packed: OnceLock::new() }),
                })
            }
        };
        Ok(Quantized { params, shifts, weights, multiplier })
    }

    /// The parameters in use, shifted into the coding's range where they had to be.
    pub fn params(&self) -> &LayerParams {
        &self.params
    }

    /// The parameters as sums of the multiplier's products see them, where there is one.
    pub fn approximate_params(&self) -> Option<&LayerParams> {
        Some(&self.multiplier.as_deref()?.params)
    }

    /// How far the integers of input and weights had to be shifted for the multiplier, where there is one.
    pub fn shifts(&self) -> Option<Shifts> {
        self.shifts
    }

    /// Rows of weights that an output channel has.
    pub fn rows_per_output(&self) -> usize {
        self.weights.rows[1]
    }

    /// `sum w_q` of each row.
    pub fn weight_sums(&self) -> &[i64] {
        &self.weights.sums
    }

    /// The weights packed for exact products.
    pub fn exact(&self) -> &PackedTable {
        self.weights.exact(self.params.input.range().signedness())
    }

    /// Whether the layer quantized `before` had the same operands and weights in memory, and the same table.
    pub fn keeps(&self, before: &Quantized) -> [bool; 2] {
        let is_same_table = match (&self.multiplier, &before.multiplier) {
            (Some(table), Some(before)) => Arc::ptr_eq(table, before),
            (table, before) => table.is_none() && before.is_none(),
        };
        [self.params == before.params && Arc::ptr_eq(&self.weights, &before.weights), is_same_table]
    }

    /// Whether there is a multiplier.
    pub fn has_multiplier(&self) -> bool {
        self.multiplier.is_some()
    }

    /// What sums its products.
    pub fn kernel(&self) -> &'static dyn Kernel {
        self.weights.kernel
    }

    /// The weights as bytes, row-major.
    pub fn weights(&self) -> WeightMatrix<'_> {
        self.weights.matrix()
    }

    /// The multiplier's products.
    pub fn table(&self) -> Option<&EffectiveTable> {
        Some(&self.multiplier.as_deref()?.table)
    }

    /// The same, in the place that layers of the multiplier share.
    pub fn shared_table(&self) -> Option<Arc<EffectiveTable>> {
        Some(Arc::clone(&self.multiplier.as_deref()?.table))
    }

    /// The way in which the multiplier's products are summed.
    pub fn way(&self) -> Option<&Way> {
        let multiplier = self.multiplier.as_deref()?;
        Some(multiplier.way.get_or_init(|| self.find_way(multiplier)))
    }

    /// A magnitude that no sum of the multiplier's products exceeds, zero-point terms included.
    pub fn sums_to(&self) -> i64 {
        let LayerParams { input, weight, .. } = self.approximate_params().unwrap_or(&self.params);
        let largest = |range: IntRange| i64::from(range.q_max().max(-range.q_min()));
        let (x, w, z_x) = (largest(input.range()), largest(weight.range()), i64::from(input.zero_point().abs()));
        let z_w = weight.zero_points().iter().map(|z| i64::from(z.abs())).max().unwrap_or(0);
        let product = self.table().map_or(0, |table| i64::from(table.max_abs()));
        (product + z_w * x + z_x * w + z_x * z_w).saturating_mul(self.weights().depth() as i64)
    }

    /// The cheapest way that is right: other ways than look-ups sum modulo 2^32, zero points as products, and whole rows.
    fn find_way(&self, Multiplier { table, params, .. }: &Multiplier) -> Way {
        let LayerParams { input, weight, .. } = params;
        let is_narrow = self.sums_to() <= i64::from(i32::MAX);
        let fits_byte = weight.zero_points().iter().all(|&z| i8::try_from(-z).is_ok());
        let kernel = self.weights.kernel;
        let fits = is_narrow && (fits_byte || matches!(kernel.integers(), IntegerDot::Words(_)));
        if self.rows_per_output() > 1 || !fits {
            return Way::LookUps;
        }
        choose(kernel, table, self.weights.matrix(), &bytes_of(input.range().integers()))
    }

    /// How the multiplier's products are summed, or else exact ones, in words.
    pub fn describe(&self, is_approximate: bool) -> String {
        let kernel = self.weights.kernel;
        match self.table().filter(|_| is_approximate).zip(self.way()) {
            Some((table, way)) => {
                format!("{}: {}", kernel.name(), way.describe(kernel, table, self.weights.matrix()))
            }
            None => format!("{}: integer products alone", kernel.name()),
        }
    }

    /// The weights packed for the multiplier's products, where there is a multiplier.
    pub fn approximate(&self) -> Option<&PackedTable> {
        let Multiplier { table, packed, .. } = self.multiplier.as_deref()?;
        Some(packed.get_or_init(|| self.weights.pack(table)))
    }
}

/// The parameters with activation factors taken off the zero points of `outputs` channels of weights.
fn less_factors(params: &LayerParams, factors: &[i32], outputs: usize) -> Result<LayerParams, LayerProblem> {
    /// What kernels have room for.
    const LARGEST: i32 = 255;
    if factors.len() != outputs {
        return Err(LayerProblem::ActivationFactors { found: factors.len(), outputs });
    }
    let weight = params.weight.less(factors);
    match weight.zero_points().iter().position(|zero_point| zero_point.abs() > LARGEST) {
        Some(channel) => Err(LayerProblem::ActivationFactor { channel, factor: factors[channel] }),
        None => Ok(LayerParams { weight, ..params.clone() }),
    }
}

/// The table, in the place where another layer has it already, if one does.
fn shared(table: EffectiveTable) -> Arc<EffectiveTable> {
    static TABLES: Mutex<Vec<Weak<EffectiveTable>>> = Mutex::new(Vec::new());
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    tables.retain(|known| known.strong_count() > 0);
    if let Some(known) = tables.iter().filter_map(Weak::upgrade).find(|known| **known == table) {
        return known;
    }
    let table = Arc::new(table);
    tables.push(Arc::downgrade(&table));
    table
}

/// The parameters, shifted into the range of `coding`, and how far. Fails where their integers are not operands of
/// the multiplier, whose table has no products for others.
pub(super) fn operands(params: LayerParams, coding: Coding, lut: &Lut) -> Result<(LayerParams, Shifts), LayerProblem> {
    coding.check(lut)?;
    let takes = |operand| coding.operand_range(lut, operand);
    let (input, input_shift) = params.input.for_coding(coding, &takes(Operand::Activation))?;
    let (weight, weight_shift) = params.weight.for_coding(coding, &takes(Operand::Weight))?;
    for (operand, range) in [(Operand::Activation, input.range()), (Operand::Weight, weight.range())] {
        let expected = takes(operand);
        if !expected.contains(&range.q_min()) || !expected.contains(&range.q_max()) {
            return Err(LayerProblem::Operand {
                operand,
                found: [range.q_min(), range.q_max()],
                lut: lut.name().to_owned(),
                coding,
                takes: [*expected.start(), *expected.end()],
            });
        }
    }
    Ok((LayerParams { input, weight, bias: params.bias }, [input_shift, weight_shift]))
}

impl fmt::Debug for QuantizedWeights {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("QuantizedWeights").field("params", &self.params).finish_non_exhaustive()
    }
}

impl fmt::Debug for Multiplier {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Multiplier").finish_non_exhaustive()
    }
}
