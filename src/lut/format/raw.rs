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
    bytes
        .chunks_exact(entry.size())
        .map(|bytes| {
            let mut value = [0; 16];
            value[..bytes.len()].copy_from_slice(bytes);
            let value = i128::from_le_bytes(value);
            entry.wrapped(value).unwrap_or(value)
        })
        .collect()
}
