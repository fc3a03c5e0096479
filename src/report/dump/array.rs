//! Arrays of a dump, in the formats that it can have.

use crate::registry::{Named, Registry, by_name};
use npyz::{DType, TypeStr, WriteOptions, WriterBuilder};
use std::fmt::Write;
use std::io;

/// A format of a dump's arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DumpFormat {
    /// `NumPy`'s, little endian, in C order.
    Npy,
    /// What Verilog's `$readmemh` reads.
    Readmemh,
}

/// Every format of arrays; the first is the default.
pub static DUMP_FORMATS: Registry<DumpFormat> = Registry::new("dump format", &[DumpFormat::Npy, DumpFormat::Readmemh]);

by_name!(DumpFormat, DUMP_FORMATS);

impl Named for DumpFormat {
    fn name(&self) -> &'static str {
        match self {
            DumpFormat::Npy => "npy",
            DumpFormat::Readmemh => "readmemh",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            DumpFormat::Npy => "NumPy arrays",
            DumpFormat::Readmemh => "Hexadecimal memory files for Verilog's $readmemh",
        }
    }
}

impl DumpFormat {
    /// The ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            DumpFormat::Npy => "npy",
            DumpFormat::Readmemh => "mem",
        }
    }

    /// The bytes of a file.
    pub(super) fn encode(self, array: &Array) -> io::Result<Vec<u8>> {
        match self {
            DumpFormat::Npy => npy(array),
            DumpFormat::Readmemh => Ok(readmemh(array)),
        }
    }
}

/// An array in C order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    pub shape: Vec<usize>,
    /// Of an element in hardware.
    pub bits: u32,
    pub values: Values,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    /// Integers, stored as a type of `NumPy` that holds them.
    Integers(Vec<i64>, IntegerType),
    Numbers(Vec<f32>),
}

/// The integer types of `NumPy` that a dump uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntegerType {
    Int8,
    Uint8,
    Int16,
    Uint16,
    Int32,
    Int64,
}

impl IntegerType {
    /// The narrowest that holds a range.
    fn of_range([low, high]: [i64; 2]) -> Self {
        let types = [
            (IntegerType::Uint8, [0, 255]),
            (IntegerType::Int8, [-128, 127]),
            (IntegerType::Uint16, [0, 65_535]),
            (IntegerType::Int16, [-32_768, 32_767]),
            (IntegerType::Int32, [i32::MIN.into(), i32::MAX.into()]),
        ];
        let holds = |[least, most]: [i64; 2]| least <= low && high <= most;
        types.into_iter().find(|(_, range)| holds(*range)).map_or(IntegerType::Int64, |(ty, _)| ty)
    }

    fn name(self) -> &'static str {
        match self {
            IntegerType::Int8 => "int8",
            IntegerType::Uint8 => "uint8",
            IntegerType::Int16 => "int16",
            IntegerType::Uint16 => "uint16",
            IntegerType::Int32 => "int32",
            IntegerType::Int64 => "int64",
        }
    }
}

/// Bits of the narrowest integer that holds a range: two's complement where any is negative, else unsigned.
fn bits_of([low, high]: [i64; 2]) -> u32 {
    let magnitude = |x: i64| i64::BITS - (x ^ (x >> 63)).leading_zeros();
    if low < 0 { 1 + magnitude(low).max(magnitude(high)) } else { magnitude(high).max(1) }
}

impl Array {
    /// Integers of which `range` says what they can be.
    pub fn in_range(shape: Vec<usize>, values: Vec<i64>, range: [i64; 2]) -> Self {
        Array { shape, bits: bits_of(range), values: Values::Integers(values, IntegerType::of_range(range)) }
    }

    /// Signed integers of 32 bits, or of 64 where one of them needs more, in hardware of `bits` or as many as they need.
    pub fn signed(shape: Vec<usize>, values: Vec<i64>, bits: u32) -> Self {
        let low = values.iter().copied().min().unwrap_or(0).min(-1);
        let high = values.iter().copied().max().unwrap_or(0);
        let fits = i32::try_from(low).is_ok() && i32::try_from(high).is_ok();
        let ty = if fits { IntegerType::Int32 } else { IntegerType::Int64 };
        Array { shape, bits: bits_of([low, high]).max(bits), values: Values::Integers(values, ty) }
    }

    /// Numbers of single precision.
    pub fn numbers(shape: Vec<usize>, values: Vec<f32>) -> Self {
        Array { shape, bits: 32, values: Values::Numbers(values) }
    }

    /// `NumPy`'s name of the elements' type.
    pub fn dtype(&self) -> &'static str {
        match &self.values {
            Values::Integers(_, ty) => ty.name(),
            Values::Numbers(_) => "float32",
        }
    }
}

/// The array as `numpy.save` writes it.
fn npy(array: &Array) -> io::Result<Vec<u8>> {
    fn write<T: npyz::Serialize>(shape: &[u64], ty: &str, values: impl Iterator<Item = T>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let ty: TypeStr = ty.parse().map_err(io::Error::other)?;
        let mut writer = WriteOptions::new().dtype(DType::Plain(ty)).shape(shape).writer(&mut bytes).begin_nd()?;
        writer.extend(values)?;
        writer.finish()?;
        Ok(bytes)
    }
    let shape: Vec<u64> = array.shape.iter().map(|&size| size as u64).collect();
    match &array.values {
        Values::Numbers(values) => write(&shape, "<f4", values.iter().copied()),
        Values::Integers(values, ty) => {
            let values = values.iter();
            match ty {
                IntegerType::Int8 => write(&shape, "|i1", values.map(|&x| x as i8)),
                IntegerType::Uint8 => write(&shape, "|u1", values.map(|&x| x as u8)),
                IntegerType::Int16 => write(&shape, "<i2", values.map(|&x| x as i16)),
                IntegerType::Uint16 => write(&shape, "<u2", values.map(|&x| x as u16)),
                IntegerType::Int32 => write(&shape, "<i4", values.map(|&x| x as i32)),
                IntegerType::Int64 => write(&shape, "<i8", values.copied()),
            }
        }
    }
}

/// One element a line: two's complement of its width, single precision as its bits.
fn readmemh(array: &Array) -> Vec<u8> {
    let (mask, digits) = (u64::MAX >> (64 - array.bits.clamp(1, 64)), array.bits.div_ceil(4) as usize);
    let mut text = format!("// {:?} {}, {} bits\n", array.shape, array.dtype(), array.bits);
    let mut line = |bits: u64| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:0digits$x}", bits & mask);
    };
    match &array.values {
        Values::Integers(values, _) => values.iter().for_each(|x| line(x.cast_unsigned())),
        Values::Numbers(values) => values.iter().for_each(|x| line(x.to_bits().into())),
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    fn lines(array: &Array) -> Vec<String> {
        String::from_utf8(readmemh(array)).unwrap().lines().map(str::to_owned).collect()
    }

    /// By the table of two's complement.
    #[test]
    fn memories_have_the_width_of_their_integers() {
        let cases: [(Array, &str, &[&str]); 6] = [
            (Array::in_range(vec![3], vec![-127, 127, 0], [-127, 127]), "// [3] int8, 8 bits", &["81", "7f", "00"]),
            (Array::in_range(vec![2], vec![-7, 7], [-7, 7]), "// [2] int8, 4 bits", &["9", "7"]),
            (Array::in_range(vec![1, 2], vec![0, 255], [0, 255]), "// [1, 2] uint8, 8 bits", &["00", "ff"]),
            (Array::in_range(vec![1], vec![-3], [-65_025, 65_025]), "// [1] int32, 17 bits", &["1fffd"]),
            (Array::signed(vec![2], vec![-1, 1 << 40], 32), "// [2] int64, 42 bits", &["3ffffffffff", "10000000000"]),
            (Array::numbers(vec![2], vec![1.0, -0.5]), "// [2] float32, 32 bits", &["3f800000", "bf000000"]),
        ];
        for_each_case(cases, |(array, head, expected)| {
            let lines = lines(&array);
            assert_eq!(
                (lines[0].as_str(), &lines[1..]),
                (head, expected.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice())
            );
        });
    }

    /// Read back by npyz, in the byte order that the header names.
    #[test]
    fn arrays_are_little_endian_in_c_order() {
        let array = Array::in_range(vec![2, 3], vec![0, 1, -2, 300, 4, 5], [-2, 300]);
        let bytes = DumpFormat::Npy.encode(&array).unwrap();
        assert_eq!(bytes[bytes.len() - 12..], [0, 0, 1, 0, 0xfe, 0xff, 0x2c, 1, 4, 0, 5, 0]);
        let read = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!((read.shape(), read.order()), (&[2, 3][..], npyz::Order::C));
        assert_eq!(read.into_vec::<i16>().unwrap(), [0, 1, -2, 300, 4, 5]);
    }
}
