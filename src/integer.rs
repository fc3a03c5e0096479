//! The integer types that files store: entries of multiplier tables, pixels and labels of data sets.

use crate::registry::{Named, Registry, by_name};
use safetensors::Dtype;

/// An integer type of up to 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are Rust's own types")]
pub enum IntegerType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
}

/// Every integer type, narrowest first, unsigned before signed.
pub static INTEGER_TYPES: Registry<IntegerType> = Registry::new(
    "integer type",
    &[
        IntegerType::U8,
        IntegerType::I8,
        IntegerType::U16,
        IntegerType::I16,
        IntegerType::U32,
        IntegerType::I32,
        IntegerType::U64,
        IntegerType::I64,
    ],
);

impl Named for IntegerType {
    fn name(&self) -> &'static str {
        match self {
            IntegerType::U8 => "u8",
            IntegerType::I8 => "i8",
            IntegerType::U16 => "u16",
            IntegerType::I16 => "i16",
            IntegerType::U32 => "u32",
            IntegerType::I32 => "i32",
            IntegerType::U64 => "u64",
            IntegerType::I64 => "i64",
        }
    }
}

by_name!(IntegerType, INTEGER_TYPES);

impl IntegerType {
    /// The type of `size` bytes, if there is one.
    pub fn from_size(size: usize, is_signed: bool) -> Option<IntegerType> {
        INTEGER_TYPES.iter().copied().find(|kind| (kind.size(), kind.is_signed()) == (size, is_signed))
    }

    /// The type of a safetensors tensor, if it holds integers.
    pub fn from_dtype(dtype: Dtype) -> Option<IntegerType> {
        match dtype {
            Dtype::U8 => Some(IntegerType::U8),
            Dtype::I8 => Some(IntegerType::I8),
            Dtype::U16 => Some(IntegerType::U16),
            Dtype::I16 => Some(IntegerType::I16),
            Dtype::U32 => Some(IntegerType::U32),
            Dtype::I32 => Some(IntegerType::I32),
            Dtype::U64 => Some(IntegerType::U64),
            Dtype::I64 => Some(IntegerType::I64),
            _ => None,
        }
    }

    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            IntegerType::U8 | IntegerType::I8 => 1,
            IntegerType::U16 | IntegerType::I16 => 2,
            IntegerType::U32 | IntegerType::I32 => 4,
            IntegerType::U64 | IntegerType::I64 => 8,
        }
    }

    /// Whether values can be negative.
    pub fn is_signed(self) -> bool {
        matches!(self, IntegerType::I8 | IntegerType::I16 | IntegerType::I32 | IntegerType::I64)
    }

    /// The smallest and largest value.
    pub fn range(self) -> (i128, i128) {
        let bits = 8 * self.size();
        if self.is_signed() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
    }

    /// Whether `value` is in this type's range.
    pub fn holds(self, value: i128) -> bool {
        let (low, high) = self.range();
        (low..=high).contains(&value)
    }

    /// `value` in this type, bit patterns of the same width taken as two's complement; `None` if it has
    /// more bits than the type.
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
