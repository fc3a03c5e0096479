//! The file formats of tables.
//!
//! A [`Format`] turns a file's bytes into [`Contents`], entries that are not interpreted yet, and
//! a [`Lut`] into bytes. Entries are interpreted afterwards, in the same way for every format, by
//! [`detect`](super::detect). A new format is one file of this folder and one line of [`FORMATS`].

mod c;
mod labels;
mod memh;
mod netlist;
mod npy;
mod numbers;
pub(super) mod raw;
mod registry;
mod safetensors;
mod text;
mod triples;

pub use netlist::circuit;
pub use registry::{FORMATS, by_contents, by_extension};
pub(super) use registry::{format_names, native_bytes};

use super::fields::{FieldError, Fields};
use super::reading::{IndexOrder, PartialReading};
use super::{Bits, Lut};
use crate::integer::IntegerType;
use crate::registry::Named;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The most entries of a table.
pub(super) const MAX_ENTRIES: usize = 1 << 16;

/// A file format for tables. Formats are equal when their names are.
pub trait Format: Named + Sync {
    /// The file name extensions, without the dot, lower-case; the first is the usual one.
    fn extensions(&self) -> &'static [&'static str];

    /// Whether bytes look like a file of this format.
    fn recognizes(&self, bytes: &[u8]) -> bool;

    /// Splits a file into entries and metadata.
    ///
    /// # Errors
    /// When the bytes do not follow this format, or hold no table.
    fn read(&self, bytes: &[u8]) -> Result<Contents, FormatError>;

    /// The bytes of a file that holds `lut`, laid out as `layout` states.
    ///
    /// # Errors
    /// When the format cannot have this layout, or an entry does not fit its type.
    fn write(&self, lut: &Lut, layout: &PartialReading) -> Result<Vec<u8>, FormatError>;
}

impl PartialEq for dyn Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Format {}

impl Hash for dyn Format {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for dyn Format {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.name())
    }
}

/// What a file holds before its entries are interpreted.
#[derive(Debug)]
pub struct Contents {
    /// The entries.
    pub entries: Entries,
    /// Rows and columns, where the file states them.
    pub shape: Option<[Bits; 2]>,
    /// What the file states about the multiplier and how to read it.
    pub fields: Fields,
}

impl Contents {
    /// Entries of a file that states nothing but their shape.
    pub fn new(entries: Entries, shape: Option<[Bits; 2]>) -> Contents {
        Contents { entries, shape, fields: Fields::default() }
    }
}

/// The entries of a table file, first operand major.
#[derive(Debug)]
pub enum Entries {
    /// Little-endian integers of unknown width.
    Bytes(Vec<u8>),
    /// Bit patterns of integers of so many bits, in order of the operands' bit patterns.
    Words {
        /// The patterns.
        values: Vec<u64>,
        /// Their width, at most 64.
        bits: u32,
    },
    /// Integers, of a type that the file names or of none.
    Numbers {
        /// The values.
        values: Vec<i128>,
        /// Their type.
        entry: Option<IntegerType>,
    },
}

/// Why a file cannot be read or written in its format.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The bytes break the format.
    #[error("{0}")]
    Broken(String),
    /// The table's shape is not a multiplier's.
    #[error("the table has {found}, expected a power of two from 4 to 256 per side, such as 256 x 256")]
    Shape {
        /// The shape found.
        found: String,
    },
    /// A field of a text is not an integer.
    #[error("line {line}: '{field}' is not an integer")]
    Number {
        /// Counted from 1.
        line: usize,
        /// The field.
        field: String,
    },
    /// A metadata field has an invalid value.
    #[error("metadata: {0}")]
    Field(#[from] FieldError),
    /// The layout to write is impossible.
    #[error("cannot write {format} files in this layout: {reason}")]
    Layout {
        /// The format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A product is out of the entry type's range.
    #[error("the product {value} does not fit entries of {}; state a wider type such as i32", .entry.name())]
    Overflow {
        /// The product.
        value: i32,
        /// The type of entries.
        entry: IntegerType,
    },
}

/// Widths of operands whose table has `rows` x `columns` entries.
fn table_bits(rows: usize, columns: usize) -> Result<[Bits; 2], FormatError> {
    match (Bits::from_value_count(rows), Bits::from_value_count(columns)) {
        (Some(first), Some(second)) => Ok([first, second]),
        _ => Err(FormatError::Shape { found: format!("{rows} x {columns} entries") }),
    }
}

/// The shape of `entries` numbers in rows of the given lengths; `None` for a stream, whose rows have
/// any length.
fn matrix(rows: &[usize], entries: usize) -> Result<Option<[Bits; 2]>, FormatError> {
    let columns = rows.first().copied().unwrap_or(0);
    let ragged = rows.iter().position(|&row| row != columns);
    match (ragged, table_bits(rows.len(), columns)) {
        (None, Ok(bits)) => Ok(Some(bits)),
        _ if entries.is_power_of_two() && entries >= 16 => Ok(None),
        (None, Err(error)) => Err(error),
        (Some(row), _) => Err(FormatError::Broken(format!(
            "{entries} numbers in rows of different lengths ({columns} in row 1, {} in row {}), expected 256 x 256 numbers",
            rows[row],
            row + 1
        ))),
    }
}

/// The entry type and index order of a layout for `lut`: unless stated, the first of `usual` that holds
/// every product, and numeric order.
fn layout(
    format: &'static str,
    lut: &Lut,
    stated: &PartialReading,
    usual: &[IntegerType],
) -> Result<(IntegerType, IndexOrder), FormatError> {
    let error = |reason: String| FormatError::Layout { format, reason };
    let actual =
        PartialReading { signedness: Some(lut.signedness()), bits: Some(lut.bits()), ..PartialReading::default() };
    if actual.or(*stated) != stated.or(actual) {
        let [a, b] = lut.bits();
        return Err(error(format!("the multiplier is {:?}, {a}x{b} bits", lut.signedness()).to_lowercase()));
    }
    let overflow =
        |entry: IntegerType| lut.products().map(|(.., product)| product).find(|&product| !entry.holds(product.into()));
    let fitting = usual.iter().copied().find(|&entry| overflow(entry).is_none());
    let entry = stated.entry.or(fitting).unwrap_or(IntegerType::I32);
    match overflow(entry) {
        Some(value) => Err(FormatError::Overflow { value, entry }),
        None => Ok((entry, stated.index.unwrap_or(IndexOrder::Numeric))),
    }
}
