//! The words that state a table file: its format together with the reading of its entries.
//!
//! Options, assignments and reports use one text for both, as `bin-i16-signed`.

use super::format::{FORMATS, Format, format_names};
use super::reading::{INDEX_ORDERS, IndexOrder, PartialReading, parse_size};
use crate::integer::INTEGER_TYPES;
use crate::kernel::Signedness;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// How a table's file is read or written, as far as that is stated: words joined by hyphens, each
/// optional, in any order.
///
/// | word | states |
/// | --- | --- |
/// | `bin`, `npy`, `csv`, `text`, `memh`, `c`, `safetensors` | the file's format, whatever its extension |
/// | `u8`, `i8`, `u16`, `i16`, `u32`, `i32`, `u64`, `i64` | the type of entries; unsigned ones imply `unsigned` |
/// | `unsigned`, `signed` | the operands |
/// | `numeric`, `twos-complement` | the order of rows and columns; the second implies `signed` |
/// | `8x8`, `4x6`, .. | the widths of the first and second operand |
///
/// ```
/// use approx_eval::lut::LutFormat;
///
/// let format: LutFormat = "twos-complement-bin-i16".parse()?;
/// assert_eq!(format.to_string(), "bin-i16-signed-twos-complement");
/// assert_eq!(format.to_string().parse(), Ok(format));
/// # Ok::<(), approx_eval::lut::LutFormatError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LutFormat {
    /// The file's format.
    pub container: Option<&'static dyn Format>,
    /// The reading of its entries.
    pub stated: PartialReading,
}

impl fmt::Display for LutFormat {
    /// The words in the order of the table above, implied ones included.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (container, stated) = (self.container.map(|format| format.name().to_owned()), self.stated.to_string());
        let words = container.into_iter().chain((!stated.is_empty()).then_some(stated));
        f.pad(&words.collect::<Vec<_>>().join("-"))
    }
}

impl Serialize for LutFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LutFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a text is not a [`LutFormat`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LutFormatError {
    /// A word that means nothing here.
    #[error(
        "unknown word '{word}' in LUT format '{format}', expected {}, an entry type ({}), unsigned or signed, {}, or a \
         size like 8x8, joined by hyphens",
        format_names(),
        INTEGER_TYPES.names().collect::<Vec<_>>().join(", "),
        INDEX_ORDERS.names().collect::<Vec<_>>().join(" or ")
    )]
    Word {
        /// The word.
        word: String,
        /// The whole format.
        format: String,
    },
    /// Two words that exclude each other.
    #[error(
        "LUT format '{format}' states {what} twice or contradicts itself (unsigned entry types imply unsigned operands, and \
         twos-complement order implies signed ones)"
    )]
    Conflict {
        /// The whole format.
        format: String,
        /// What the words are about.
        what: &'static str,
    },
}

impl FromStr for LutFormat {
    type Err = LutFormatError;

    fn from_str(text: &str) -> Result<Self, LutFormatError> {
        let conflict = |what| LutFormatError::Conflict { format: text.to_owned(), what };
        let mut parsed = LutFormat::default();
        let whole = text.replace("twos-complement", "twos_complement");
        for word in whole.split('-') {
            let stated = &mut parsed.stated;
            let (fresh, what) = if let Some(&format) = FORMATS.get(word) {
                (parsed.container.replace(format).is_none(), "the file format")
            } else if let Some(&entry) = INTEGER_TYPES.get(word) {
                (stated.entry.replace(entry).is_none(), "the entry type")
            } else if let Some(bits) = parse_size(word) {
                (stated.bits.replace(bits).is_none(), "the size")
            } else {
                match word {
                    "unsigned" => (stated.signedness.replace(Signedness::Unsigned).is_none(), "the signedness"),
                    "signed" => (stated.signedness.replace(Signedness::Signed).is_none(), "the signedness"),
                    "numeric" => (stated.index.replace(IndexOrder::Numeric).is_none(), "the index order"),
                    "twos_complement" => {
                        (stated.index.replace(IndexOrder::TwosComplement).is_none(), "the index order")
                    }
                    _ => return Err(LutFormatError::Word { word: word.to_owned(), format: text.to_owned() }),
                }
            };
            if !fresh {
                return Err(conflict(what));
            }
        }
        let stated = &mut parsed.stated;
        let implied = [
            stated.entry.is_some_and(|entry| !entry.is_signed()).then_some(Signedness::Unsigned),
            (stated.index == Some(IndexOrder::TwosComplement)).then_some(Signedness::Signed),
        ];
        for implied in implied.into_iter().flatten() {
            if *stated.signedness.get_or_insert(implied) != implied {
                return Err(conflict("the signedness"));
            }
        }
        Ok(parsed)
    }
}
