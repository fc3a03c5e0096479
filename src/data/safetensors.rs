//! Sets in a safetensors file: `images` and `labels`, or other names that `names.rs` knows.
//!
//! An eight-byte length and that many bytes of JSON come before the tensors' bytes
//! (<https://github.com/huggingface/safetensors#format>). The header alone is parsed; tensors are
//! read by offset.

use super::array::{self, Array};
use super::element::{Element, Kind};
use super::format::{Evidence, Format};
use super::probe::Probe;
use super::source::Source;
use super::storage::{Origin, Storage};
use super::{DataError, Dataset, Split, names};
use ::safetensors::tensor::{Metadata, TensorInfo};
use std::path::Path;

pub(super) static FORMAT: Format =
    Format { name: "safetensors", summary: "Tensors images and labels", recognize, open };

/// A header this long is no header: the format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

fn recognize(probe: &mut Probe) -> Evidence {
    match probe {
        Probe::File { head, .. } => match (header_len(head), head.get(8)) {
            (Some(2..=LONGEST_HEADER), Some(b'{')) => Evidence::Certain,
            _ => Evidence::None,
        },
        Probe::Folder { .. } => Evidence::None,
    }
}

fn open(path: &Path, split: Split) -> Result<Dataset, DataError> {
    let storage = Storage::File(path.to_owned());
    dataset(Origin::at(path, [storage.clone()]), &storage, split)
}

/// Opens a set that is part of the program, such as a shipped network's calibration images.
///
/// # Errors
/// As [`open`](super::open()) has them.
pub fn embedded_safetensors(name: &'static str, bytes: &'static [u8]) -> Result<Dataset, DataError> {
    let storage = Storage::Embedded { name, bytes };
    dataset(Origin::new(name.to_owned(), [storage.clone()]), &storage, Split::Train)
}

fn dataset(origin: Origin, storage: &Storage, split: Split) -> Result<Dataset, DataError> {
    let mut source = Source::new(storage.clone())?;
    let (known, head) = (source.known_len(), source.head(8)?);
    let Some(header) = header_len(&head).filter(|header| *header <= LONGEST_HEADER) else {
        return Err(DataError::content(&source, format!("{head:02x?}"), "a safetensors header, its length first"));
    };
    let metadata: Metadata = serde_json::from_slice(&source.read(8, header)?)
        .map_err(|error| DataError::content(&source, format!("a header that says: {error}"), "a safetensors header"))?;
    // The header's parser has checked that tensors follow each other and are as long as their shapes say.
    let end = (8 + header).saturating_add(metadata.data_len() as u64);
    let mut check_len = || source.check_len(end, "its header and tensors");
    if known.is_some() {
        check_len()?;
    }
    let tensors = metadata.tensors();
    let mut names: Vec<_> = tensors.keys().map(String::as_str).collect();
    names.sort_unstable();
    let (images, labels) = names::pair(storage, "tensors", &names, split)?;
    let tensor = |name| array(name, tensors[name], Source::new(storage.clone())?, 8 + header);
    let (images, labels) = (tensor(images)?, tensor(labels)?);
    array::check_counts(&images, &labels)?;
    check_len()?;
    array::dataset(origin, images, labels)
}

fn header_len(head: &[u8]) -> Option<u64> {
    head.first_chunk().map(|len| u64::from_le_bytes(*len))
}

/// The array of a tensor whose offsets count from byte `data`.
fn array(name: &str, info: &TensorInfo, source: Source, data: u64) -> Result<Array, DataError> {
    let Some(kind) = Kind::of_dtype(info.dtype) else {
        let expected = "integers, or floats of 16 to 64 bits";
        return Err(DataError::content(&source, format!("'{name}' of type {}", info.dtype), expected));
    };
    let dims = info.shape.iter().map(|&dim| dim as u64).collect();
    let offset = data + info.data_offsets.0 as u64;
    Ok(Array { source, offset, element: Element { kind, big_endian: false }, dims })
}
