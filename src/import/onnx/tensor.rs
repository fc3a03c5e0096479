//! Tensors of an ONNX file, inside it or in external files: real numbers as `f32`, integers as they are.

use super::error::TensorProblem;
use super::packed;
use super::value::{Int, Ints};
use crate::input;
use candle_core::{Device, Tensor};
use half::{bf16, f16};
use rten_onnx::onnx::{DataLocation, DataType, TensorProto};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The most elements of a tensor.
pub(super) const MAX_ELEMENTS: usize = 1 << 40;

/// Bytes of the largest tensor that is read from an external file.
const LARGEST_EXTERNAL: u64 = 64 << 30;

/// What a tensor holds.
#[derive(Debug, Clone)]
pub(super) enum Constant {
    Floats(Tensor),
    Ints(Ints),
}

/// A file, the first byte of a range of it, and how many it has.
type Range = (String, u64, u64);

/// Why a model in memory has no external data.
const IN_MEMORY: &str = "a network in memory has no files beside it: give its file's path";

/// What tensors have in files beside a model, each range read once.
#[derive(Debug, Clone)]
pub(super) struct ExternalFiles {
    /// The model's, unless that is in memory.
    folder: Option<PathBuf>,
    ranges: BTreeMap<Range, Vec<u8>>,
}

impl ExternalFiles {
    /// The files beside the model at `path`.
    pub fn beside(path: &Path) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        ExternalFiles { folder: Some(folder.to_owned()), ranges: BTreeMap::new() }
    }

    /// Those of a model in memory.
    pub fn none() -> Self {
        ExternalFiles { folder: None, ranges: BTreeMap::new() }
    }

    /// What was read, in the order of files and offsets.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.values().map(Vec::as_slice)
    }

    /// The files that were read, each once.
    pub fn locations(&self) -> Vec<String> {
        let mut locations: Vec<String> = self.ranges.keys().map(|(location, ..)| location.clone()).collect();
        locations.dedup();
        locations
    }

    /// Bytes of all that was read.
    pub fn size(&self) -> u64 {
        self.contents().map(|bytes| bytes.len() as u64).sum()
    }

    /// The bytes of a tensor whose dimensions ask for `expected` of them; no others are read.
    fn bytes(&mut self, tensor: &TensorProto, expected: usize) -> Result<&[u8], TensorProblem> {
        let entry = |key: &str| {
            let found = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some(key));
            found.and_then(|entry| entry.value.as_deref())
        };
        let location = entry("location").unwrap_or_default();
        let wrong = || TensorProblem::Location(location.to_owned());
        let is_inside = |component| matches!(component, Component::Normal(_) | Component::CurDir);
        if location.is_empty() || !Path::new(location).components().all(is_inside) {
            return Err(wrong());
        }
        let external = |source| TensorProblem::External { location: location.to_owned(), source };
        let folder = self.folder.as_ref().ok_or_else(|| external(io::Error::other(IN_MEMORY)))?;
        let path = folder.join(location);
        let size = input::len(&path).map_err(external)?;
        let number = |key: &str| entry(key).map(|value| value.parse::<u64>().map_err(|_| wrong())).transpose();
        let offset = number("offset")?.unwrap_or(0);
        let length = number("length")?.unwrap_or(size.saturating_sub(offset));
        if offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(TensorProblem::Range { location: location.to_owned(), offset, length, size });
        }
        check_length(length as usize, expected)?;
        Ok(match self.ranges.entry((location.to_owned(), offset, length)) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => {
                unread.insert(input::read_range(&path, offset, length, LARGEST_EXTERNAL).map_err(external)?)
            }
        })
    }
}

/// The dimensions of a tensor and their product.
fn shape(dims: &[i64]) -> Result<(Vec<usize>, usize), TensorProblem> {
    let wrong = || TensorProblem::Shape(dims.to_vec());
    let sizes: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let sizes = sizes.ok_or_else(wrong)?;
    // Other axes of an empty tensor are bounded, too: products of them are computed.
    let bound = sizes.iter().try_fold(1usize, |count, &size| count.checked_mul(size.max(1)));
    bound.filter(|&count| count < MAX_ELEMENTS).ok_or_else(wrong)?;
    let count = sizes.iter().product();
    Ok((sizes, count))
}

/// Reads a tensor.
pub(super) fn read(tensor: &TensorProto, external: &mut ExternalFiles) -> Result<Constant, TensorProblem> {
    let (dims, count) = shape(&tensor.dims)?;
    let ty = tensor.data_type.unwrap_or(DataType(0));
    let raw = tensor.raw_data.as_ref().map(std::cell::RefCell::borrow);
    let bytes = match (&raw, tensor.data_location) {
        (_, Some(DataLocation::EXTERNAL)) => {
            let size = size(ty, count).ok_or_else(|| TensorProblem::Type(ty.to_string()))?;
            Some(external.bytes(tensor, size)?)
        }
        (Some(raw), _) => Some(raw.as_slice()),
        (None, _) => None,
    };
    let floats = |values: Vec<f32>| -> Result<Constant, TensorProblem> {
        check_length(values.len(), count)?;
        Ok(Constant::Floats(Tensor::from_vec(values, dims.as_slice(), &Device::Cpu)?))
    };
    let ints = |values: Vec<i64>| -> Result<Constant, TensorProblem> {
        check_length(values.len(), count)?;
        let values = values.into_iter().map(Int::from).collect();
        Ok(Constant::Ints(Ints::new(dims.clone(), values).with_type(ty)))
    };
    let small = |values: &[i32]| values.iter().map(|&x| i64::from(x)).collect::<Vec<_>>();
    if let Some(packing) = packed::of(ty) {
        // Without raw bytes, each number of the list is one byte.
        let listed = || tensor.int32_data.iter().map(|&byte| byte as u8).collect();
        let bytes = bytes.map_or_else(listed, <[u8]>::to_vec);
        check_length(bytes.len(), packing.bytes(count))?;
        return ints(packing.unpack(&bytes, count));
    }
    match (ty, bytes) {
        (DataType::FLOAT, Some(bytes)) => floats(numbers(bytes, count, f32::from_le_bytes)?),
        (DataType::DOUBLE, Some(bytes)) => floats(numbers(bytes, count, |b| f64::from_le_bytes(b) as f32)?),
        (DataType::FLOAT16, Some(bytes)) => floats(numbers(bytes, count, |b| f16::from_le_bytes(b).to_f32())?),
        (DataType::BFLOAT16, Some(bytes)) => floats(numbers(bytes, count, |b| bf16::from_le_bytes(b).to_f32())?),
        (DataType::INT64, Some(bytes)) => ints(numbers(bytes, count, i64::from_le_bytes)?),
        (DataType::INT32, Some(bytes)) => ints(numbers(bytes, count, |b| i32::from_le_bytes(b).into())?),
        (DataType::UINT32, Some(bytes)) => ints(numbers(bytes, count, |b| u32::from_le_bytes(b).into())?),
        (DataType::INT16, Some(bytes)) => ints(numbers(bytes, count, |b| i16::from_le_bytes(b).into())?),
        (DataType::UINT16, Some(bytes)) => ints(numbers(bytes, count, |b| u16::from_le_bytes(b).into())?),
        (DataType::INT8, Some(bytes)) => ints(numbers(bytes, count, |b| i8::from_le_bytes(b).into())?),
        (DataType::UINT8 | DataType::BOOL, Some(bytes)) => {
            ints(numbers(bytes, count, |b| u8::from_le_bytes(b).into())?)
        }
        (DataType::FLOAT, None) => floats(tensor.float_data.clone()),
        (DataType::DOUBLE, None) => floats(tensor.double_data.iter().map(|&x| x as f32).collect()),
        // Half-precision numbers are stored as integers with their bits.
        (DataType::FLOAT16, None) => {
            floats(tensor.int32_data.iter().map(|&bits| f16::from_bits(bits as u16).to_f32()).collect())
        }
        (DataType::BFLOAT16, None) => {
            floats(tensor.int32_data.iter().map(|&bits| bf16::from_bits(bits as u16).to_f32()).collect())
        }
        (DataType::INT64, None) => ints(tensor.int64_data.clone()),
        (
            DataType::INT32 | DataType::INT16 | DataType::UINT16 | DataType::INT8 | DataType::UINT8 | DataType::BOOL,
            None,
        ) => ints(small(&tensor.int32_data)),
        (other, _) => Err(TensorProblem::Type(other.to_string())),
    }
}

/// Bytes of that many elements, of the types that are read.
fn size(ty: DataType, count: usize) -> Option<usize> {
    packed::of(ty).map(|packing| packing.bytes(count)).or_else(|| Some(width(ty)? * count))
}

/// Bytes of an element that has whole ones.
fn width(ty: DataType) -> Option<usize> {
    match ty {
        DataType::DOUBLE | DataType::INT64 => Some(8),
        DataType::FLOAT | DataType::INT32 | DataType::UINT32 => Some(4),
        DataType::FLOAT16 | DataType::BFLOAT16 | DataType::INT16 | DataType::UINT16 => Some(2),
        DataType::INT8 | DataType::UINT8 | DataType::BOOL => Some(1),
        _ => None,
    }
}

fn check_length(found: usize, expected: usize) -> Result<(), TensorProblem> {
    if found == expected { Ok(()) } else { Err(TensorProblem::Length { found, expected }) }
}

/// `count` little-endian numbers of `N` bytes.
fn numbers<T, const N: usize>(
    bytes: &[u8],
    count: usize,
    read: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, TensorProblem> {
    check_length(bytes.len(), count * N)?;
    let (chunks, _) = bytes.as_chunks::<N>();
    Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
}
