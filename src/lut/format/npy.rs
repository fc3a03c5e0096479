//! NumPy arrays: any integer type and byte order, floats that are whole numbers, C or Fortran order, flat or not.

use super::numbers::whole;
use super::{Contents, Entries, Format, FormatError, MAX_ENTRIES, layout, table_bits};
use crate::integer::IntegerType;
use crate::lut::Lut;
use crate::lut::reading::PartialReading;
use crate::registry::Named;
use npyz::{DType, NpyFile, Order, TypeChar, WriterBuilder};

/// `.npy` files.
pub struct Npy;

const MAGIC: &[u8] = b"\x93NUMPY";

impl Named for Npy {
    fn name(&self) -> &'static str {
        "npy"
    }
}

impl Format for Npy {
    fn extensions(&self) -> &'static [&'static str] {
        &["npy"]
    }

    fn recognizes(&self, bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    fn read(&self, bytes: &[u8]) -> Result<Contents, FormatError> {
        check_header(bytes)?;
        let broken = |error: std::io::Error| FormatError::Broken(error.to_string());
        let mut data = bytes;
        let file = NpyFile::new(&mut data).map_err(broken)?;
        let side = |extent: u64| usize::try_from(extent).unwrap_or(usize::MAX);
        let (rows, columns, shape) = match *file.shape() {
            [rows, columns] => (side(rows), side(columns), Some(table_bits(side(rows), side(columns))?)),
            // A stream, as of a text.
            [entries] if entries.is_power_of_two() && side(entries) <= MAX_ENTRIES => (1, side(entries), None),
            ref other => return Err(FormatError::Shape { found: format!("shape {other:?}") }),
        };
        let order = file.order();
        let (entry, stored) = match number(&file.dtype())? {
            Number::Integer(entry) => (Some(entry), integers(entry, file).map_err(broken)?),
            Number::F32 => (None, whole_numbers(file.into_vec::<f32>().map_err(broken)?)?),
            Number::F64 => (None, whole_numbers(file.into_vec::<f64>().map_err(broken)?)?),
        };
        if !data.is_empty() {
            return Err(FormatError::Broken(format!("{} bytes after the array", data.len())));
        }
        let values = match order {
            Order::C => stored,
            Order::Fortran => (0..rows)
                .flat_map(|row| (0..columns).map(move |column| column * rows + row))
                .map(|at| stored[at])
                .collect(),
        };
        Ok(Contents::new(Entries::Numbers { values, entry }, shape))
    }

    fn write(&self, lut: &Lut, stated: &PartialReading) -> Result<Vec<u8>, FormatError> {
        let (entry, index) = layout(self.name(), lut, stated, &[IntegerType::I32])?;
        let shape = lut.bits().map(|bits| bits.values() as u64);
        let values = lut.entries(index).map(i128::from);
        match entry {
            IntegerType::U8 => array::<u8>(&shape, values),
            IntegerType::I8 => array::<i8>(&shape, values),
            IntegerType::U16 => array::<u16>(&shape, values),
            IntegerType::I16 => array::<i16>(&shape, values),
            IntegerType::U32 => array::<u32>(&shape, values),
            IntegerType::I32 => array::<i32>(&shape, values),
            IntegerType::U64 => array::<u64>(&shape, values),
            IntegerType::I64 => array::<i64>(&shape, values),
        }
        .map_err(|error| FormatError::Broken(error.to_string()))
    }
}

/// Refuses headers that no integer matrix has and that the header's parser is not safe with: one
/// longer than the file, brackets nested without bound, extents whose product overflows.
fn check_header(bytes: &[u8]) -> Result<(), FormatError> {
    let broken = |what: &str| Err(FormatError::Broken(format!("not a NumPy array of integers: {what}")));
    let (start, length) = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => (10, usize::from(u16::from_le_bytes([*a, *b]))),
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d, ..] => {
            (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        _ => return broken("no header"),
    };
    let Some(header) = bytes[start..].get(..length) else { return broken("the header is cut off") };
    let count = |wanted: fn(&u8) -> bool| header.iter().filter(|byte| wanted(byte)).count();
    if count(|byte| b"([{".contains(byte)) > 2 {
        return broken("the header describes a structure");
    }
    // At most 18 digits in all: no product of the numbers they form reaches 2^63.
    if count(u8::is_ascii_digit) > 18 {
        return broken("the header's shape is too large");
    }
    Ok(())
}

/// What an array's numbers are.
enum Number {
    Integer(IntegerType),
    F32,
    F64,
}

fn number(dtype: &DType) -> Result<Number, FormatError> {
    let found = match dtype {
        DType::Plain(plain) => match (plain.type_char(), plain.size_field()) {
            (TypeChar::Uint, size) => IntegerType::from_size(size as usize, false).map(Number::Integer),
            (TypeChar::Int, size) => IntegerType::from_size(size as usize, true).map(Number::Integer),
            (TypeChar::Float, 4) => Some(Number::F32),
            (TypeChar::Float, 8) => Some(Number::F64),
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| {
        FormatError::Broken(format!("an array of {}, expected integers, or floats that are whole", dtype.descr()))
    })
}

fn integers(entry: IntegerType, file: NpyFile<&mut &[u8]>) -> std::io::Result<Vec<i128>> {
    match entry {
        IntegerType::U8 => values::<u8>(file),
        IntegerType::I8 => values::<i8>(file),
        IntegerType::U16 => values::<u16>(file),
        IntegerType::I16 => values::<i16>(file),
        IntegerType::U32 => values::<u32>(file),
        IntegerType::I32 => values::<i32>(file),
        IntegerType::U64 => values::<u64>(file),
        IntegerType::I64 => values::<i64>(file),
    }
}

fn values<T: npyz::Deserialize + Into<i128>>(file: NpyFile<&mut &[u8]>) -> std::io::Result<Vec<i128>> {
    Ok(file.into_vec::<T>()?.into_iter().map(Into::into).collect())
}

fn whole_numbers(values: Vec<impl Into<f64>>) -> Result<Vec<i128>, FormatError> {
    let whole = |(at, value)| {
        let value = Into::<f64>::into(value);
        whole(value).ok_or_else(|| FormatError::Broken(format!("{value} at entry {at}, expected whole numbers")))
    };
    values.into_iter().enumerate().map(whole).collect()
}

fn array<T>(shape: &[u64], values: impl Iterator<Item = i128>) -> std::io::Result<Vec<u8>>
where
    T: npyz::AutoSerialize + TryFrom<i128, Error: std::fmt::Debug>,
{
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd()?;
    writer.extend(values.map(|value| T::try_from(value).expect("the layout's type holds every product")))?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A NumPy file of version 1.0 (NEP 1).
    fn file(descr: &str, fortran: &str, rows: usize, columns: usize, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({rows}, {columns}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn every_integer_type_byte_order_and_layout_is_read() {
        let (rows, columns) = (8usize, 4usize);
        // Negative where the type can be, and no two entries alike.
        let entry = |signed: bool, at: usize| at as i64 - if signed { 16 } else { 0 };
        for size in [1, 2, 4, 8] {
            for (kind, signed) in [('u', false), ('i', true)] {
                for (order, big) in [('<', false), ('>', true)] {
                    for fortran in [false, true] {
                        let expected: Vec<i128> = (0..rows * columns).map(|at| entry(signed, at).into()).collect();
                        let stored = |place: usize| {
                            let at = if fortran { place % rows * columns + place / rows } else { place };
                            let little = entry(signed, at).to_le_bytes();
                            let mut bytes = little[..size].to_vec();
                            if big {
                                bytes.reverse();
                            }
                            bytes
                        };
                        let data: Vec<u8> = (0..rows * columns).flat_map(stored).collect();
                        let order = if size == 1 { '|' } else { order };
                        let descr = format!("{order}{kind}{size}");
                        let fortran = if fortran { "True" } else { "False" };
                        let contents = Npy.read(&file(&descr, fortran, rows, columns, &data)).unwrap();
                        let Entries::Numbers { values, entry: Some(found) } = contents.entries else {
                            panic!("{descr}: no numbers of a type")
                        };
                        assert_eq!(values, expected, "{descr} {fortran}");
                        assert_eq!((found.size(), found.is_signed()), (size, signed));
                        assert_eq!(
                            contents.shape.map(|bits| bits.map(crate::lut::Bits::values)),
                            Some([rows, columns])
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn flat_arrays_and_whole_floats_are_tables() {
        let header = |descr: &str, shape: &str| {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
            [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat()
        };
        let products = || (0..256).flat_map(|a| (0..256).map(move |b| a * b));
        let f64s: Vec<u8> = products().flat_map(|product| f64::from(product).to_le_bytes()).collect();
        let f32s: Vec<u8> = products().flat_map(|product| (product as f32).to_be_bytes()).collect();
        let u16s: Vec<u8> = products().flat_map(|product| (product as u16).to_le_bytes()).collect();
        let cases =
            [("<f8", "(256, 256)", &f64s, true), (">f4", "(65536,)", &f32s, false), ("<u2", "(65536,)", &u16s, false)];
        crate::cases::for_each_case(cases, |(descr, shape, data, is_square)| {
            let contents = Npy.read(&[&header(descr, shape)[..], data].concat()).unwrap();
            let Entries::Numbers { values, .. } = contents.entries else { panic!("no numbers") };
            assert!(values.into_iter().eq(products().map(i128::from)));
            assert_eq!(contents.shape.is_some(), is_square);
        });
        let error = |descr: &str, shape: &str, data: &[u8]| {
            Npy.read(&[&header(descr, shape)[..], data].concat()).unwrap_err().to_string()
        };
        let half = [f64s[..8].to_vec(), 2.5f64.to_le_bytes().to_vec(), f64s[16..].to_vec()].concat();
        assert!(error("<f8", "(256, 256)", &half).contains("2.5 at entry 1, expected whole numbers"));
        let nan = [f64::NAN.to_le_bytes().to_vec(), f64s[8..].to_vec()].concat();
        assert!(error("<f8", "(256, 256)", &nan).contains("NaN at entry 0"));
        assert!(error("<u2", "(65535,)", &u16s[2..]).contains("shape [65535]"));
        assert!(error("<f2", "(256, 256)", &u16s).contains("expected integers"));
    }
}
