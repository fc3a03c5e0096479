//! What accumulators went through.

use super::setting::AccBits;
use serde::{Deserialize, Serialize};

/// What a layer's accumulators went through in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccumulatorFindings {
    /// The least width at which no addition would have left the range, by the sums after each addition of an
    /// accumulator of any width; at least 2.
    pub bits_needed: u32,
    /// The least width at which none can, whatever the operands.
    pub bits_worst_case: u32,
    /// Outputs in which at least one addition left the range.
    pub overflows: u64,
    /// Additions that left it.
    pub overflowed_additions: u64,
    /// Outputs that were computed.
    pub outputs: u64,
    /// The least and the largest sum after any addition, of an accumulator of any width.
    pub range: [i64; 2],
}

/// The same while it is being found: what parts of a run found is put together in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// The least and the largest prefix; 0, which all begin with, is one.
    pub range: [i64; 2],
    /// Outputs in which at least one addition overflowed.
    pub overflows: u64,
    /// Additions that did.
    pub additions: u64,
    /// Outputs.
    pub outputs: u64,
}

impl Found {
    /// Adds what another part found.
    pub fn merge(&mut self, other: &Found) {
        widen(&mut self.range, other.range);
        self.overflows += other.overflows;
        self.additions += other.additions;
        self.outputs += other.outputs;
    }

    /// With the range of the worst case.
    pub fn with_worst_case(self, range: [i64; 2]) -> AccumulatorFindings {
        AccumulatorFindings {
            bits_needed: AccBits::of_range(self.range),
            bits_worst_case: AccBits::of_range(range),
            overflows: self.overflows,
            overflowed_additions: self.additions,
            outputs: self.outputs,
            range: self.range,
        }
    }
}

/// Makes `range` hold another one too.
pub fn widen(range: &mut [i64; 2], other: [i64; 2]) {
    *range = [range[0].min(other[0]), range[1].max(other[1])];
}
