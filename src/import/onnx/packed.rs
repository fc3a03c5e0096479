//! Tensors of integers of fewer than 8 bits, several of which lie in a byte: the first in its lowest bits.

use rten_onnx::onnx::DataType;

/// `UINT2` of `onnx.proto`, which `rten_onnx` has no name for.
pub(super) const UINT2: DataType = DataType(25);
/// `INT2`.
pub(super) const INT2: DataType = DataType(26);

/// How integers lie in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packing {
    /// Bits of each: a divisor of 8.
    bits: u32,
    is_signed: bool,
}

/// The packing of a type that has one.
pub(super) fn of(ty: DataType) -> Option<Packing> {
    let (bits, is_signed) = match ty {
        DataType::INT4 => (4, true),
        DataType::UINT4 => (4, false),
        INT2 => (2, true),
        UINT2 => (2, false),
        _ => return None,
    };
    Some(Packing { bits, is_signed })
}

impl Packing {
    /// Bytes of `count` integers, of which the last may be filled in part.
    pub fn bytes(self, count: usize) -> usize {
        count.div_ceil(8 / self.bits as usize)
    }

    /// The first `count` integers of bytes that have as many.
    pub fn unpack(self, bytes: &[u8], count: usize) -> Vec<i64> {
        let free = 8 - self.bits;
        let each = |byte: u8| {
            (0..8 / self.bits).map(move |place| {
                // Shifted to the top, so that a shift back repeats the sign.
                let top = byte << (free - place * self.bits);
                if self.is_signed { i64::from(top.cast_signed() >> free) } else { i64::from(top >> free) }
            })
        };
        bytes.iter().flat_map(|&byte| each(byte)).take(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    /// The bytes are those that `onnx.numpy_helper.from_array` writes of the numbers.
    #[test]
    fn the_first_integer_is_in_the_lowest_bits() {
        let cases: [(DataType, &[u8], &[i64]); 5] = [
            (DataType::INT4, &[0x93, 0x0f], &[3, -7, -1]),
            (DataType::UINT4, &[0x93, 0x0f], &[3, 9, 15]),
            (INT2, &[0b01_11_10_00, 0b10], &[0, -2, -1, 1, -2]),
            (UINT2, &[0b01_11_10_00, 0b10], &[0, 2, 3, 1, 2]),
            (DataType::INT4, &[], &[]),
        ];
        for_each_case(cases, |(ty, bytes, expected)| {
            let packing = of(ty).unwrap();
            assert_eq!(packing.bytes(expected.len()), bytes.len());
            assert_eq!(packing.unpack(bytes, expected.len()), expected, "{ty}");
        });
        assert_eq!(of(DataType::INT8), None);
    }
}
