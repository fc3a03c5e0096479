//! Readings: the ways to interpret the numbers of a table file.
//!
//! A file holds entries; a [`Reading`] says how they become products. A [`PartialReading`] is what is
//! known of it beforehand; detection fills in the rest.

use super::Bits;
use crate::integer::IntegerType;
use crate::kernel::Signedness;
use crate::registry::{Named, Registry, by_name};
use std::fmt;

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
    /// In the words of a [`LutFormat`](super::LutFormat).
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
    /// In the words of a [`LutFormat`](super::LutFormat).
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

/// Reads `8x8`, or `8` for both operands.
pub(super) fn parse_size(text: &str) -> Option<[Bits; 2]> {
    let (first, second) = text.split_once('x').unwrap_or((text, text));
    let bits = |text: &str| text.parse::<u32>().ok().and_then(|bits| Bits::try_from(bits).ok());
    Some([bits(first)?, bits(second)?])
}
