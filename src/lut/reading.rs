//! Readings: the ways to interpret the numbers of a table file.
//!
//! A file holds entries; a [`Reading`] says how they become products. A [`PartialReading`] is what is
//! known of it beforehand; detection fills in the rest.

use super::Bits;
use super::format::{FORMATS, Format};
use crate::integer::{INTEGER_TYPES, IntegerType};
use crate::kernel::Signedness;
use crate::registry::{Named, Registry, by_name};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The order of a file's rows and columns over signed operands. Unsigned ones are always `Numeric`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndexOrder {
    /// From the smallest operand to the largest.
    Numeric,
    /// By the operand's bit pattern: 0 to 127, then -128 to -1.
    TwosComplement,
}

/// Both index orders.
pub static INDEX_ORDERS: Registry<IndexOrder> =
    Registry::new("index order", &[IndexOrder::Numeric, IndexOrder::TwosComplement]);

impl Named for IndexOrder {
    fn name(&self) -> &'static str {
        match self {
            IndexOrder::Numeric => "numeric",
            IndexOrder::TwosComplement => "twos-complement",
        }
    }
}

by_name!(IndexOrder, INDEX_ORDERS);

impl IndexOrder {
    /// The numeric position of the operand at `position` of a file in this order.
    pub(super) fn numeric(self, position: usize, bits: Bits) -> usize {
        match self {
            IndexOrder::Numeric => position,
            IndexOrder::TwosComplement => position ^ (bits.values() / 2),
        }
    }
}

/// How a file's entries were interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The type of entries, where the file format has one; little-endian in raw files.
    pub entry: Option<IntegerType>,
    /// Signed or unsigned operands.
    pub signedness: Signedness,
    /// The order of rows and columns.
    pub index: IndexOrder,
    /// Widths of the first and second operand.
    pub bits: [Bits; 2],
}

impl fmt::Display for Reading {
    /// In the words of a [`LutFormat`].
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Reading { entry, signedness, index, bits } = *self;
        let index = (signedness == Signedness::Signed).then_some(index);
        let bits = (bits != [Bits::EIGHT; 2]).then_some(bits);
        PartialReading { entry, signedness: Some(signedness), index, bits }.fmt(f)
    }
}

/// The parts of a reading that are stated rather than detected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PartialReading {
    /// The type of entries.
    pub entry: Option<IntegerType>,
    /// Signed or unsigned operands.
    pub signedness: Option<Signedness>,
    /// The order of rows and columns.
    pub index: Option<IndexOrder>,
    /// Widths of the first and second operand.
    pub bits: Option<[Bits; 2]>,
}

impl PartialReading {
    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        *self == PartialReading::default()
    }

    /// This reading, with `weaker` filling in what is missing.
    #[must_use]
    pub fn or(self, weaker: PartialReading) -> PartialReading {
        PartialReading {
            entry: self.entry.or(weaker.entry),
            signedness: self.signedness.or(weaker.signedness),
            index: self.index.or(weaker.index),
            bits: self.bits.or(weaker.bits),
        }
    }

    /// This reading without the parts that `stronger` states.
    #[must_use]
    pub fn without(&self, stronger: PartialReading) -> PartialReading {
        PartialReading {
            entry: self.entry.filter(|_| stronger.entry.is_none()),
            signedness: self.signedness.filter(|_| stronger.signedness.is_none()),
            index: self.index.filter(|_| stronger.index.is_none()),
            bits: self.bits.filter(|_| stronger.bits.is_none()),
        }
    }

    /// Whether `reading` agrees with all that is stated.
    pub fn matches(&self, reading: &Reading) -> bool {
        self.entry.is_none_or(|entry| Some(entry) == reading.entry)
            && self.signedness.is_none_or(|signedness| signedness == reading.signedness)
            && self.index.is_none_or(|index| index == reading.index)
            && self.bits.is_none_or(|bits| bits == reading.bits)
    }
}

impl fmt::Display for PartialReading {
    /// In the words of a [`LutFormat`].
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let signedness = self.signedness.map(|signedness| match signedness {
            Signedness::Unsigned => "unsigned",
            Signedness::Signed => "signed",
        });
        let words = [
            self.entry.map(|entry| entry.to_string()),
            signedness.map(str::to_owned),
            self.index.map(|index| index.to_string()),
            self.bits.map(|[first, second]| format!("{first}x{second}")),
        ];
        f.write_str(&words.into_iter().flatten().collect::<Vec<_>>().join("-"))
    }
}

/// How a table's file is read or written, as far as that is stated: words joined by hyphens, each
/// optional, in any order.
///
/// | word | states |
/// | --- | --- |
/// | `bin`, `npy`, `csv`, `text`, `c`, `safetensors` | the file's format, whatever its extension |
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
        "LUT format '{format}' states {what} twice or against itself (entries of u8, u16, u32, u64 are of unsigned \
         multipliers, and only signed ones have twos-complement order)"
    )]
    Conflict {
        /// The whole format.
        format: String,
        /// What the words are about.
        what: &'static str,
    },
}

/// The names of all file formats, for messages.
pub(super) fn format_names() -> String {
    FORMATS.names().collect::<Vec<_>>().join(", ")
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

/// Reads `8x8`, or `8` for both operands.
pub(super) fn parse_size(text: &str) -> Option<[Bits; 2]> {
    let (first, second) = text.split_once('x').unwrap_or((text, text));
    let bits = |text: &str| text.parse::<u32>().ok().and_then(|bits| Bits::try_from(bits).ok());
    Some([bits(first)?, bits(second)?])
}
