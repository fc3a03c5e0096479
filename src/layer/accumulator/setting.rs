//! What accumulator a layer is asked to have.

use crate::registry::{Named, Registry, by_name};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The accumulator of a layer's sums.
///
/// ```
/// use approx_eval::layer::{AccBits, AccOverflow, Accumulator};
///
/// let accumulator = Accumulator { bits: "12".parse()?, overflow: AccOverflow::Saturate };
/// assert_eq!(accumulator.range(), Some([-2048, 2047]));
/// // One of any width, that is only measured.
/// assert_eq!(Accumulator::from(AccBits::AUTO).range(), None);
/// # Ok::<(), approx_eval::layer::AccBitsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accumulator {
    /// Its width.
    pub bits: AccBits,
    /// What becomes of a sum that leaves its range.
    pub overflow: AccOverflow,
}

impl Accumulator {
    /// The least and the largest sum that it holds; `None` where it holds any.
    pub fn range(&self) -> Option<[i64; 2]> {
        let half = 1i64 << (self.bits.get()? - 2);
        // In halves, as 2^63 has no room.
        Some([-half - half, half - 1 + half])
    }
}

impl From<AccBits> for Accumulator {
    /// One that wraps around.
    fn from(bits: AccBits) -> Self {
        Accumulator { bits, overflow: AccOverflow::default() }
    }
}

/// The width of an accumulator in bits: 2 to 64, or as many as its sums need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct AccBits(Option<u8>);

/// A width outside 2 to 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("accumulator width {0}, expected 2 to 64 bits, or auto to find the width that sums need")]
#[non_exhaustive]
pub struct AccBitsError(String);

/// The name of [`AccBits::AUTO`].
const AUTO: &str = "auto";

/// A width as files have it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Bits(u32),
    Name(String),
}

impl AccBits {
    /// As many as sums need: nothing overflows, and what they need is found.
    pub const AUTO: AccBits = AccBits(None);

    /// The width, if it is limited.
    pub fn get(self) -> Option<u32> {
        self.0.map(u32::from)
    }

    /// The least width that holds all of a range.
    pub fn of_range(range: [i64; 2]) -> u32 {
        // Those of the number but for its sign, and the sign.
        let bits = |x: i64| i64::BITS + 1 - (x ^ (x >> 63)).leading_zeros();
        range.map(bits).into_iter().fold(2, u32::max)
    }
}

impl TryFrom<u32> for AccBits {
    type Error = AccBitsError;

    fn try_from(bits: u32) -> Result<Self, AccBitsError> {
        let width = u8::try_from(bits).ok().filter(|bits| (2..=64).contains(bits));
        width.map(|width| AccBits(Some(width))).ok_or_else(|| AccBitsError(bits.to_string()))
    }
}

impl std::str::FromStr for AccBits {
    type Err = AccBitsError;

    fn from_str(s: &str) -> Result<Self, AccBitsError> {
        match s {
            AUTO => Ok(AccBits::AUTO),
            number => number.parse::<u32>().map_err(|_| AccBitsError(s.to_owned()))?.try_into(),
        }
    }
}

impl fmt::Display for AccBits {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Some(bits) => bits.fmt(f),
            None => AUTO.fmt(f),
        }
    }
}

impl TryFrom<Written> for AccBits {
    type Error = AccBitsError;

    fn try_from(written: Written) -> Result<Self, AccBitsError> {
        match written {
            Written::Bits(bits) => bits.try_into(),
            Written::Name(name) => name.parse(),
        }
    }
}

impl From<AccBits> for Written {
    fn from(bits: AccBits) -> Self {
        bits.get().map_or_else(|| Written::Name(AUTO.to_owned()), Written::Bits)
    }
}

/// What becomes of a sum that leaves an accumulator's range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AccOverflow {
    /// Its upper bits are lost.
    #[default]
    Wrap,
    /// It is the range's end.
    Saturate,
}

/// Every overflow.
pub static ACC_OVERFLOWS: Registry<AccOverflow> =
    Registry::new("overflow", &[AccOverflow::Wrap, AccOverflow::Saturate]);

by_name!(AccOverflow, ACC_OVERFLOWS);

impl Named for AccOverflow {
    fn name(&self) -> &'static str {
        match self {
            AccOverflow::Wrap => "wrap",
            AccOverflow::Saturate => "saturate",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            AccOverflow::Wrap => "Keep the lower bits, in two's complement",
            AccOverflow::Saturate => "Keep the end of the range that was left",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    /// By the table of two's complement.
    #[test]
    fn widths_of_ranges() {
        let cases = [
            ([0, 0], 2),
            ([-1, 0], 2),
            ([-2, 1], 2),
            ([0, 2], 3),
            ([-3, 0], 3),
            ([-128, 127], 8),
            ([-129, 0], 9),
            ([0, 128], 9),
            ([i64::MIN, 0], 64),
            ([0, i64::MAX], 64),
            ([i64::MIN / 2, i64::MAX / 2], 63),
        ];
        for_each_case(cases, |(range, bits)| {
            assert_eq!(AccBits::of_range(range), bits, "{range:?}");
            let holds = |bits: u32| {
                let accumulator = Accumulator::from(AccBits::try_from(bits).unwrap());
                let [low, high] = accumulator.range().unwrap();
                low <= range[0] && range[1] <= high
            };
            assert!(holds(bits) && (bits == 2 || !holds(bits - 1)), "{range:?}");
        });
    }

    #[test]
    fn widths_are_read_and_written() {
        for_each_case(["2", "64", "auto"], |text| {
            let bits: AccBits = text.parse().unwrap();
            assert_eq!(bits.to_string(), text);
            let json = serde_json::to_string(&bits).unwrap();
            assert_eq!(serde_json::from_str::<AccBits>(&json).unwrap(), bits, "{json}");
        });
        for_each_case(["1", "65", "0", "-3", "", "wide", "300", "4294967298"], |text| {
            let error = text.parse::<AccBits>().unwrap_err().to_string();
            assert!(error.contains(&format!("width {text}, expected 2 to 64 bits, or auto")), "{error}");
        });
    }
}
