//! Numbers as array files store them, and their turn into pixels and labels.

use super::{PixelKind, Pixels};
use crate::integer::IntegerType;
use crate::registry::Named;
use safetensors::Dtype;

/// The type of an array's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer(IntegerType),
    F16,
    Bf16,
    F32,
    F64,
}

/// A type and its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    pub kind: Kind,
    pub big_endian: bool,
}

/// A number that cannot be what it is read as.
pub(super) struct Unfit {
    /// Its place among the numbers read.
    pub index: usize,
    pub value: i128,
}

impl Kind {
    /// The type that safetensors files call so, unless it is neither an integer nor a real number.
    pub fn of_dtype(dtype: Dtype) -> Option<Kind> {
        match dtype {
            Dtype::F16 => Some(Kind::F16),
            Dtype::BF16 => Some(Kind::Bf16),
            Dtype::F32 => Some(Kind::F32),
            Dtype::F64 => Some(Kind::F64),
            _ => IntegerType::from_dtype(dtype).map(Kind::Integer),
        }
    }

    /// Bytes of one number.
    pub fn size(self) -> u64 {
        match self {
            Kind::Integer(kind) => kind.size() as u64,
            Kind::F16 | Kind::Bf16 => 2,
            Kind::F32 => 4,
            Kind::F64 => 8,
        }
    }

    pub fn is_integer(self) -> bool {
        matches!(self, Kind::Integer(_))
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Integer(kind) => kind.name(),
            Kind::F16 => "f16",
            Kind::Bf16 => "bf16",
            Kind::F32 => "f32",
            Kind::F64 => "f64",
        }
    }
}

impl Element {
    /// What images of this type are.
    pub fn pixel_kind(self) -> PixelKind {
        if self.kind.is_integer() { PixelKind::Bytes } else { PixelKind::Floats }
    }

    /// Labels, which are whole numbers from 0.
    pub fn labels(self, bytes: &[u8]) -> Result<Vec<u32>, Unfit> {
        let labels = self.integers(bytes).enumerate();
        labels.map(|(index, value)| u32::try_from(value).map_err(|_| Unfit { index, value })).collect()
    }

    /// Pixels: integers of any width are byte images and must be 0 to 255; floats become f32,
    /// rounded to nearest.
    pub fn pixels(self, bytes: Vec<u8>) -> Result<Pixels, Unfit> {
        Ok(match self.kind {
            Kind::Integer(IntegerType::U8) => Pixels::Bytes(bytes),
            Kind::Integer(_) => {
                let pixels = self.integers(&bytes).enumerate();
                let pixels = pixels.map(|(index, value)| u8::try_from(value).map_err(|_| Unfit { index, value }));
                Pixels::Bytes(pixels.collect::<Result<_, _>>()?)
            }
            _ => Pixels::Floats(self.floats(&bytes)),
        })
    }

    fn integers(self, bytes: &[u8]) -> impl Iterator<Item = i128> {
        self.words(bytes).map(move |word| match self.kind {
            Kind::Integer(kind) => kind.wrapped(word.into()).expect("a word has the type's bits"),
            Kind::F16 | Kind::Bf16 | Kind::F32 | Kind::F64 => word.into(),
        })
    }

    fn floats(self, bytes: &[u8]) -> Vec<f32> {
        let words = self.words(bytes);
        match self.kind {
            Kind::F16 => words.map(|word| half::f16::from_bits(word as u16).to_f32()).collect(),
            Kind::Bf16 => words.map(|word| half::bf16::from_bits(word as u16).to_f32()).collect(),
            Kind::F64 => words.map(|word| f64::from_bits(word) as f32).collect(),
            // Most files, and whole batches of them: a loop that compilers turn into a copy.
            _ => {
                let number = if self.big_endian { f32::from_be_bytes } else { f32::from_le_bytes };
                bytes.as_chunks().0.iter().map(|&word| number(word)).collect()
            }
        }
    }

    /// The bits of each number, zero-extended.
    fn words(self, bytes: &[u8]) -> impl Iterator<Item = u64> {
        bytes.chunks_exact(self.kind.size() as usize).map(move |number| {
            let mut word = [0; 8];
            word[..number.len()].copy_from_slice(number);
            if self.big_endian {
                word[..number.len()].reverse();
            }
            u64::from_le_bytes(word)
        })
    }
}
