//! Operand widths.

use crate::kernel::Signedness;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The width of one operand: 2 to 8 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Bits(u8);

/// A width outside 2 to 8 bits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("operand width {0}, expected 2 to 8 bits")]
#[non_exhaustive]
pub struct BitsError(String);

impl Bits {
    /// The width of quantized bytes.
    pub const EIGHT: Bits = Bits(8);

    /// All widths, narrowest first.
    pub fn all() -> impl Iterator<Item = Bits> {
        (2..=8).map(Bits)
    }

    /// The width in bits.
    pub fn get(self) -> u32 {
        u32::from(self.0)
    }

    /// How many values an operand of this width has.
    pub fn values(self) -> usize {
        1 << self.0
    }

    /// The width whose operands have `values` values.
    pub fn from_value_count(values: usize) -> Option<Bits> {
        Bits::all().find(|bits| bits.values() == values)
    }

    /// The values themselves: `0..=2^bits - 1`, or `-2^(bits - 1)..=2^(bits - 1) - 1` in two's complement.
    pub fn range(self, signedness: Signedness) -> RangeInclusive<i32> {
        match signedness {
            Signedness::Unsigned => 0..=(1 << self.0) - 1,
            Signedness::Signed => -(1 << (self.0 - 1))..=(1 << (self.0 - 1)) - 1,
        }
    }
}

impl TryFrom<u32> for Bits {
    type Error = BitsError;

    fn try_from(bits: u32) -> Result<Self, BitsError> {
        Bits::all().find(|width| width.get() == bits).ok_or_else(|| BitsError(bits.to_string()))
    }
}

impl std::str::FromStr for Bits {
    type Err = BitsError;

    fn from_str(s: &str) -> Result<Self, BitsError> {
        s.parse::<u32>().map_err(|_| BitsError(s.to_owned()))?.try_into()
    }
}

impl From<Bits> for u32 {
    fn from(bits: Bits) -> u32 {
        bits.get()
    }
}

impl std::fmt::Display for Bits {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
