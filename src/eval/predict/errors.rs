//! The errors of a multiplier's terms.

use crate::kernel::{EffectiveTable, Kernel, PackedWeights, PreparedTable, Signedness, WeightMatrix};
use crate::lut::{Coding, CodingError, Lut};

/// The error of every term of a multiplier under a coding: what it gives less the exact product.
pub(super) struct ErrorTable {
    coding: Coding,
    kinds: [Signedness; 2],
    terms: EffectiveTable,
    /// The same as numbers, 256 of each weight.
    rows: Vec<[f32; 256]>,
    prepared: Box<dyn PreparedTable>,
}

impl ErrorTable {
    /// Those of `lut`, whose operands are bytes of these kinds: activation and weight.
    pub fn new(
        lut: &Lut,
        coding: Coding,
        kinds: [Signedness; 2],
        kernel: &'static dyn Kernel,
    ) -> Result<Self, CodingError> {
        let [activation, weight] = kinds;
        let given = coding.effective_table(lut, activation, weight)?;
        // Integers of these kinds are bytes.
        let terms = EffectiveTable::from_fn(activation, weight, |x, w| given.term(x as u8, w as u8) - x * w);
        let rows = (0..=255u8).map(|weight| terms.row(weight).map(|error| error as f32)).collect();
        Ok(ErrorTable { coding, kinds, rows, prepared: kernel.prepare(&terms), terms })
    }

    /// Whether they are those of bytes of these kinds under `coding`.
    pub fn is_for(&self, coding: Coding, kinds: [Signedness; 2]) -> bool {
        self.coding == coding && self.kinds == kinds
    }

    /// The error of one pair of bytes.
    pub fn of(&self, activation: u8, weight: u8) -> i32 {
        self.terms.term(activation, weight)
    }

    /// The errors of the products of one weight, by the activation's byte.
    pub fn row(&self, weight: u8) -> &[f32; 256] {
        &self.rows[usize::from(weight)]
    }

    /// How many errors an `i32` sums.
    pub fn safe_depth(&self) -> usize {
        self.terms.safe_depth()
    }

    /// Weights laid out for sums of errors.
    pub fn pack(&self, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        self.prepared.pack(weights)
    }
}
