//! Readings: what the numbers of a table file can be taken to mean.
//!
//! A file holds entries; a [`Reading`] says how they become products. [`Stated`] is what is known of
//! it beforehand, piece by piece; detection fills in the rest.

use super::Bits;
use super::format::{self, Format};
use crate::kernel::Signedness;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The integer type of a file's entries, little-endian in raw files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the variants are Rust's own types")]
pub enum Entry {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
}

impl Entry {
    /// All types, narrowest first, unsigned before signed.
    pub const ALL: [Entry; 8] =
        [Entry::U8, Entry::I8, Entry::U16, Entry::I16, Entry::U32, Entry::I32, Entry::U64, Entry::I64];

    /// The name, as Rust spells it.
    pub fn name(self) -> &'static str {
        match self {
            Entry::U8 => "u8",
            Entry::I8 => "i8",
            Entry::U16 => "u16",
            Entry::I16 => "i16",
            Entry::U32 => "u32",
            Entry::I32 => "i32",
            Entry::U64 => "u64",
            Entry::I64 => "i64",
        }
    }

    /// Bytes of one entry.
    pub fn size(self) -> usize {
        match self {
            Entry::U8 | Entry::I8 => 1,
            Entry::U16 | Entry::I16 => 2,
            Entry::U32 | Entry::I32 => 4,
            Entry::U64 | Entry::I64 => 8,
        }
    }

    /// Whether entries can be negative.
    pub fn is_signed(self) -> bool {
        matches!(self, Entry::I8 | Entry::I16 | Entry::I32 | Entry::I64)
    }

    /// The smallest and largest value.
    pub fn range(self) -> (i128, i128) {
        let bits = 8 * self.size();
        if self.is_signed() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
    }

    /// Whether `value` is one of this type's.
    pub fn holds(self, value: i128) -> bool {
        let (low, high) = self.range();
        (low..=high).contains(&value)
    }

    /// `value` as this type's, bit patterns of the same width taken as two's complement; `None` if it
    /// has more bits than the type.
    pub fn wrapped(self, value: i128) -> Option<i128> {
        let modulus = 1i128 << (8 * self.size());
        let (_, high) = self.range();
        if self.holds(value) {
            Some(value)
        } else {
            (self.is_signed() && value > high && value < modulus).then(|| value - modulus)
        }
    }
}

/// The order of a file's rows and columns over signed operands. Unsigned ones know only `Numeric`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexOrder {
    /// From the smallest operand to the largest.
    Numeric,
    /// By the operand's bit pattern: 0 to 127, then -128 to -1.
    TwosComplement,
}

impl IndexOrder {
    /// The name that options and reports use.
    pub fn name(self) -> &'static str {
        match self {
            IndexOrder::Numeric => "numeric",
            IndexOrder::TwosComplement => "twos-complement",
        }
    }

    /// The numeric position of the operand at `position` of a file in this order.
    pub(super) fn numeric(self, position: usize, bits: Bits) -> usize {
        match self {
            IndexOrder::Numeric => position,
            IndexOrder::TwosComplement => position ^ (bits.values() / 2),
        }
    }
}

/// How a file's entries were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The type of entries, where the file format has one.
    pub entry: Option<Entry>,
    /// Signed or unsigned operands.
    pub signedness: Signedness,
    /// The order of rows and columns.
    pub index: IndexOrder,
    /// Widths of the first and second operand.
    pub bits: [Bits; 2],
}

impl fmt::Display for Reading {
    /// In the grammar of [`LutFormat`].
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Reading { entry, signedness, index, bits } = *self;
        let index = (signedness == Signedness::Signed).then_some(index);
        let bits = (bits != [Bits::EIGHT; 2]).then_some(bits);
        Stated { entry, signedness: Some(signedness), index, bits }.fmt(f)
    }
}

/// What is said of a reading before the entries are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stated {
    /// The type of entries.
    pub entry: Option<Entry>,
    /// Signed or unsigned operands.
    pub signedness: Option<Signedness>,
    /// The order of rows and columns.
    pub index: Option<IndexOrder>,
    /// Widths of the first and second operand.
    pub bits: Option<[Bits; 2]>,
}

impl Stated {
    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        *self == Stated::default()
    }

    /// These statements, and `weaker` ones where these are silent.
    #[must_use]
    pub fn or(self, weaker: Stated) -> Stated {
        Stated {
            entry: self.entry.or(weaker.entry),
            signedness: self.signedness.or(weaker.signedness),
            index: self.index.or(weaker.index),
            bits: self.bits.or(weaker.bits),
        }
    }

    /// These statements without what `stronger` ones speak of.
    #[must_use]
    pub fn beyond(&self, stronger: Stated) -> Stated {
        Stated {
            entry: self.entry.filter(|_| stronger.entry.is_none()),
            signedness: self.signedness.filter(|_| stronger.signedness.is_none()),
            index: self.index.filter(|_| stronger.index.is_none()),
            bits: self.bits.filter(|_| stronger.bits.is_none()),
        }
    }

    /// Whether `reading` is as stated.
    pub fn admits(&self, reading: &Reading) -> bool {
        self.entry.is_none_or(|entry| Some(entry) == reading.entry)
            && self.signedness.is_none_or(|signedness| signedness == reading.signedness)
            && self.index.is_none_or(|index| index == reading.index)
            && self.bits.is_none_or(|bits| bits == reading.bits)
    }
}

impl fmt::Display for Stated {
    /// In the grammar of [`LutFormat`].
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let signedness = self.signedness.map(|signedness| match signedness {
            Signedness::Unsigned => "unsigned",
            Signedness::Signed => "signed",
        });
        let words = [
            self.entry.map(|entry| entry.name().to_owned()),
            signedness.map(str::to_owned),
            self.index.map(|index| index.name().to_owned()),
            self.bits.map(|[first, second]| format!("{first}x{second}")),
        ];
        f.write_str(&words.into_iter().flatten().collect::<Vec<_>>().join("-"))
    }
}

/// What `--lut-format` states: words joined by hyphens, each optional, in any order.
///
/// | word | states |
/// | --- | --- |
/// | `bin`, `npy`, `csv`, `text`, `c`, `safetensors` | the file's format, whatever its extension |
/// | `u8`, `i8`, `u16`, `i16`, `u32`, `i32`, `u64`, `i64` | the type of entries; unsigned ones imply `unsigned` |
/// | `unsigned`, `signed` | the operands |
/// | `numeric`, `twos-complement` | the order of rows and columns; the second implies `signed` |
/// | `8x8`, `4x6`, .. | the widths of the first and second operand |
///
/// So `u16`, `i16-twos-complement` and `bin-i32-signed-numeric` are formats.
#[derive(Clone, Copy, Default)]
pub struct LutFormat {
    /// The file's format.
    pub container: Option<&'static dyn Format>,
    /// The reading of its entries.
    pub stated: Stated,
}

impl fmt::Debug for LutFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let container = self.container.map(Format::name);
        f.debug_struct("LutFormat").field("container", &container).field("stated", &self.stated).finish()
    }
}

/// Why a text is no [`LutFormat`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LutFormatError {
    /// A word of no meaning here.
    #[error(
        "unknown word `{word}` in LUT format `{format}`, expected {}, an entry type (u8, i8, u16, i16, u32, i32, u64, i64), \
         unsigned or signed, numeric or twos-complement, or a size like 8x8, joined by hyphens",
        format::names()
    )]
    Word {
        /// The word.
        word: String,
        /// The whole format.
        format: String,
    },
    /// Two words that cannot both hold.
    #[error(
        "LUT format `{format}` says {what} twice or against itself (entries of u8, u16, u32, u64 are of unsigned multipliers, and only signed ones have twos-complement order)"
    )]
    Conflict {
        /// The whole format.
        format: String,
        /// What they are about.
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
            let (fresh, what) = if let Some(format) = format::by_name(word) {
                (parsed.container.replace(format).is_none(), "the file format")
            } else if let Some(entry) = Entry::ALL.into_iter().find(|entry| entry.name() == word) {
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

// TEMPORARY until the registry branch is merged.
impl PartialEq for LutFormat {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}
impl Eq for LutFormat {}
impl std::hash::Hash for LutFormat {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.to_string().hash(state);
    }
}
impl fmt::Display for LutFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Stated { entry, signedness, index, bits } = self.stated;
        let mut words: Vec<String> = Vec::new();
        words.extend(self.container.map(|c| c.name().to_owned()));
        words.extend(entry.map(|e| e.name().to_owned()));
        words.extend(signedness.map(|s| if s == Signedness::Signed { "signed" } else { "unsigned" }.to_owned()));
        words.extend(index.map(|i| i.name().to_owned()));
        words.extend(bits.map(|[a, b]| format!("{a}x{b}")));
        f.write_str(&words.join("-"))
    }
}
impl Serialize for LutFormat {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
