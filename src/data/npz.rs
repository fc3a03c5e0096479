//! numpy's archives: a zip file with one `.npy` member an array, two of which are `images.npy` and
//! `labels.npy`, or have other names that `names.rs` knows.
//!
//! `numpy.savez` stores members as they are, and those are read by offset; `savez_compressed`
//! deflates them, and those are streamed. A member is a magic, a version, a header in Python's syntax, and the numbers
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use super::array::{self, Array};
use super::element::{Element, Kind};
use super::format::{Evidence, Format};
use super::probe::Probe;
use super::source::{Compression, Source};
use super::storage::{Origin, ReadSeek, Storage};
use super::{DataError, Dataset, Split, names};
use crate::guard::guarded;
use crate::integer::IntegerType;
use std::path::Path;
use zip::{CompressionMethod, ZipArchive};

pub(super) static FORMAT: Format = Format { name: "npz", summary: "NumPy arrays images and labels", recognize, open };

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// Plain arrays' headers are about a hundred bytes.
const LONGEST_HEADER: u64 = 64 << 10;

fn recognize(probe: &mut Probe) -> Evidence {
    match probe {
        Probe::File { head, .. } if head.starts_with(b"PK\x03\x04") => Evidence::Certain,
        _ => Evidence::None,
    }
}

fn open(path: &Path, split: Split) -> Result<Dataset, DataError> {
    let storage = Storage::File(path.to_owned());
    let file = storage.open().map_err(|source| DataError::io(&storage, source))?;
    let unreadable =
        |what: String| DataError::content(&storage, format!("an unreadable archive ({what})"), "an intact zip archive");
    let archive = guarded(|| ZipArchive::new(file)).map_err(|panic| unreadable(panic.to_string()))?;
    let mut archive = archive.map_err(|error| unreadable(error.to_string()))?;
    let names: Vec<String> =
        archive.file_names().flatten().map(|name| name.trim_end_matches(".npy").to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (images, labels) = names::pair(&storage, "arrays", &names, split)?;
    let mut open = |name: &str| {
        let name = format!("{name}.npy");
        array(member(&storage, &mut archive, &name)?, &name)
    };
    let (images, labels) = (open(images)?, open(labels)?);
    array::whole_dataset(Origin::at(path, [storage]), images, labels)
}

/// The bytes of an archive's member.
fn member(storage: &Storage, archive: &mut ZipArchive<Box<dyn ReadSeek>>, name: &str) -> Result<Source, DataError> {
    let Some(index) = archive.index_for_name(name) else {
        return Err(DataError::content(storage, format!("no {name}"), "an array as numpy.savez writes it"));
    };
    let member = archive
        .by_index_raw(index)
        .map_err(|error| DataError::content(storage, format!("a damaged {name} ({error})"), "an intact zip archive"))?;
    let compression = match member.compression() {
        _ if member.encrypted() => None,
        CompressionMethod::STORE => Some(Compression::None),
        CompressionMethod::DEFLATE => Some(Compression::Deflate { crc: member.crc32() }),
        _ => None,
    };
    let (Some(compression), Some(start)) = (compression, member.data_start()) else {
        let expected = "an archive written by numpy.savez or numpy.savez_compressed";
        return Err(DataError::content(
            storage,
            format!("{name} encrypted or compressed by {}", member.compression()),
            expected,
        ));
    };
    let (stored, len) = (member.compressed_size(), member.size());
    let (end, expected) = (storage.len()?, start.saturating_add(stored));
    if end < expected {
        let why = format!("{stored} bytes of {name} from byte {start}");
        return Err(DataError::Length { file: storage.to_string(), found: end, expected, why });
    }
    Ok(Source::window(storage.clone(), start, stored, compression, Some(len)))
}

/// Reads the header of the array called `name`; its length is for the caller to check.
pub(super) fn array(mut source: Source, name: &str) -> Result<Array, DataError> {
    let head = source.head(12)?;
    let (text, len) = match head[..] {
        [.., 1, 0, a, b, _, _] => (10, u64::from(u16::from_le_bytes([a, b]))),
        [.., 2 | 3, 0, a, b, c, d] => (12, u64::from(u32::from_le_bytes([a, b, c, d]))),
        _ => (0, 0),
    };
    let found = format!("{name} that starts with {head:02x?}");
    if !head.starts_with(MAGIC) || text == 0 || len > LONGEST_HEADER {
        return Err(DataError::content(&source, found, "a .npy file of version 1 to 3"));
    }
    let header = source.read(text, len)?;
    let header = String::from_utf8_lossy(&header);
    let plain = Header::parse(&header).filter(|header| !header.fortran_order);
    let Some(Header { element, dims, .. }) = plain else {
        let expected = "a plain array in C order (numpy.ascontiguousarray), of integers or floats of 16 to 64 bits";
        return Err(DataError::content(&source, format!("{name} with the header {}", header.trim()), expected));
    };
    Ok(Array { source, offset: text + len, element, dims })
}

/// What a header says, as `{'descr': '<i8', 'fortran_order': False, 'shape': (10,), }`.
struct Header {
    element: Element,
    fortran_order: bool,
    dims: Vec<u64>,
}

impl Header {
    fn parse(text: &str) -> Option<Header> {
        let value = |key: &str| {
            let (_, value) = text.split_once(&format!("'{key}':"))?;
            Some(value.trim_start())
        };
        let (descr, _) = value("descr")?.strip_prefix('\'')?.split_once('\'')?;
        let (shape, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
        let dims = shape.split(',').map(str::trim).filter(|dim| !dim.is_empty()).map(|dim| dim.parse().ok());
        let fortran_order = value("fortran_order")?;
        Some(Header {
            element: element(descr)?,
            fortran_order: !fortran_order.starts_with("False"),
            dims: dims.collect::<Option<_>>()?,
        })
    }
}

/// The element of a numpy type string, as `<f4` or `|u1`.
fn element(descr: &str) -> Option<Element> {
    let (order, kind) = descr.split_at_checked(1)?;
    let kind = match kind {
        "f2" => Kind::F16,
        "f4" => Kind::F32,
        "f8" => Kind::F64,
        _ => {
            let (letter, size) = kind.split_at_checked(1)?;
            let is_signed = ["u", "i"].iter().position(|known| *known == letter)? == 1;
            Kind::Integer(IntegerType::from_size(size.parse().ok()?, is_signed)?)
        }
    };
    matches!(order, "<" | ">" | "|").then_some(Element { kind, big_endian: order == ">" })
}
