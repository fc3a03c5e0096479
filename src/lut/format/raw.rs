//! Raw little-endian entries, as C programs dump them: no header, no width, no sign.

use super::{Contents, Entries, Format, FormatError, MAX_ENTRIES, layout};
use crate::integer::IntegerType;
use crate::lut::Lut;
use crate::lut::reading::PartialReading;
use crate::registry::Named;

/// Raw entries.
pub struct Raw;

impl Named for Raw {
    fn name(&self) -> &'static str {
        "bin"
    }
}

impl Format for Raw {
    fn extensions(&self) -> &'static [&'static str] {
        &["bin", "raw", "dat"]
    }

    fn recognizes(&self, _: &[u8]) -> bool {
        false
    }

    fn read(&self, bytes: &[u8]) -> Result<Contents, FormatError> {
        // 4 entries are the 2x2-bit table of bytes; powers of two hold every size and width between.
        if !bytes.len().is_power_of_two() || !(16..=8 * MAX_ENTRIES).contains(&bytes.len()) {
            return Err(FormatError::Broken(format!(
                "{} bytes, expected 131072 (65536 entries of u16 or i16) or 262144 (of u32 or i32), \
                 or, for operands narrower than 8 bits, a smaller power of two",
                bytes.len()
            )));
        }
        Ok(Contents::new(Entries::Bytes(bytes.to_vec()), None))
    }

    fn write(&self, lut: &Lut, stated: &PartialReading) -> Result<Vec<u8>, FormatError> {
        let (entry, index) = layout(self.name(), lut, stated, &[IntegerType::U16, IntegerType::I16, IntegerType::I32])?;
        Ok(lut.entries(index).flat_map(|value| i64::from(value).to_le_bytes().into_iter().take(entry.size())).collect())
    }
}

/// Entries of type `entry`, little-endian.
pub(in crate::lut) fn decode(bytes: &[u8], entry: IntegerType) -> Vec<i128> {
    fn numbers<const SIZE: usize, T: Into<i128>>(bytes: &[u8], number: fn([u8; SIZE]) -> T) -> Vec<i128> {
        bytes.as_chunks().0.iter().map(|&bytes| number(bytes).into()).collect()
    }
    match entry {
        IntegerType::U8 => numbers(bytes, u8::from_le_bytes),
        IntegerType::I8 => numbers(bytes, i8::from_le_bytes),
        IntegerType::U16 => numbers(bytes, u16::from_le_bytes),
        IntegerType::I16 => numbers(bytes, i16::from_le_bytes),
        IntegerType::U32 => numbers(bytes, u32::from_le_bytes),
        IntegerType::I32 => numbers(bytes, i32::from_le_bytes),
        IntegerType::U64 => numbers(bytes, u64::from_le_bytes),
        IntegerType::I64 => numbers(bytes, i64::from_le_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integer::INTEGER_TYPES;
    use proptest::prelude::*;

    proptest! {
        /// Against sums of bytes times powers of 256, from which types with a sign take their modulus.
        #[test]
        fn entries_are_little_endian(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            for &entry in &INTEGER_TYPES {
                let expected = bytes.chunks_exact(entry.size()).map(|bytes| {
                    let pattern: i128 = bytes.iter().rev().fold(0, |sum, &byte| sum * 256 + i128::from(byte));
                    let modulus = 1i128 << (8 * entry.size());
                    if entry.is_signed() && pattern >= modulus / 2 { pattern - modulus } else { pattern }
                });
                prop_assert_eq!(decode(&bytes, entry), expected.collect::<Vec<_>>());
            }
        }
    }
}
