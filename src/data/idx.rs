//! IDX files, the format of MNIST and its relatives.
//!
//! A big-endian header, `0 0 type rank` and one u32 a dimension, is followed by the numbers
//! (<http://yann.lecun.com/exdb/mnist/>). Images and labels are two files, each plain or gzip.

use super::array::{self, Array};
use super::element::{Element, Kind};
use super::format::{Evidence, Format};
use super::probe::Probe;
use super::source::Source;
use super::storage::{Origin, Storage};
use super::{DataError, Dataset, Split};
use crate::integer::IntegerType;
use std::path::{Path, PathBuf};

pub(super) static FORMAT: Format = Format {
    name: "idx",
    summary: "MNIST and its relatives: IDX files, plain or .gz, or a folder of them",
    recognize,
    open,
};

/// The images files of a folder, by split; labels are named after them.
const TEST: [&str; 4] =
    ["t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-images.idx3-ubyte", "t10k-images.idx3-ubyte.gz"];
const TRAIN: [&str; 4] =
    ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte", "train-images.idx3-ubyte.gz"];

fn recognize(probe: &mut Probe) -> Evidence {
    let certain = match probe {
        Probe::Folder { .. } => probe.has_any(&TEST) || probe.has_any(&TRAIN),
        Probe::File { head, .. } => {
            // Of a higher rank, these bytes could as well be a dark image's.
            matches!(head[..], [0, 0, kind, 1..=4, ..] if element_kind(kind).is_some())
        }
    };
    if certain { Evidence::Certain } else { Evidence::None }
}

fn open(path: &Path, split: Split) -> Result<Dataset, DataError> {
    let images = if path.is_dir() { images_of(path, split)? } else { path.to_owned() };
    let labels = labels_beside(&images)?;
    let storages = [images, labels].map(Storage::File);
    dataset(Origin::at(path, storages.clone()), storages)
}

/// The set of an images and a labels file.
pub(super) fn dataset(origin: Origin, [images, labels]: [Storage; 2]) -> Result<Dataset, DataError> {
    let (images, labels) = (array(images)?, array(labels)?);
    if images.dims.len() == 1 {
        let expected = "images; give the images file, and the labels file beside it is found";
        return Err(DataError::content(&images.source, format!("labels ({})", images.describe()), expected));
    }
    array::whole_dataset(origin, images, labels)
}

fn images_of(folder: &Path, split: Split) -> Result<PathBuf, DataError> {
    let (names, what) = match split {
        Split::Test => (TEST, "test images"),
        Split::Train => (TRAIN, "training images"),
    };
    let found = names.iter().map(|name| folder.join(name)).find(|file| file.is_file());
    found.ok_or_else(|| missing(folder, what, &names))
}

/// The labels of `images`: the same name with `images` and `idx3` exchanged, compressed or not.
fn labels_beside(images: &Path) -> Result<PathBuf, DataError> {
    let name = images.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    if !stem.contains("images") {
        return Err(DataError::content(
            images.display(),
            "a file name without 'images'",
            "a name like train-images-idx3-ubyte, which leads to the labels file beside it",
        ));
    }
    let stem =
        ["idx2", "idx3", "idx4"].iter().fold(stem.replace("images", "labels"), |stem, rank| stem.replace(rank, "idx1"));
    let mut names = [stem.clone(), format!("{stem}.gz")];
    if name.ends_with(".gz") {
        names.reverse();
    }
    let found = names.iter().map(|name| images.with_file_name(name)).find(|file| file.is_file());
    let folder = images.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    found.ok_or_else(|| missing(folder, &format!("labels for {name}"), &names.each_ref().map(String::as_str)))
}

fn missing(folder: &Path, what: &str, names: &[&str]) -> DataError {
    DataError::Missing { folder: folder.to_owned(), missing: what.to_owned(), expected: names.join(" or ") }
}

/// Reads the header.
fn array(storage: Storage) -> Result<Array, DataError> {
    const EXPECTED: &str = "an IDX header: 0, 0, a type from 8 to 14, a rank from 1";
    let mut source = Source::new(storage)?;
    let head = source.head(4)?;
    let (kind, rank) = match head[..] {
        [0, 0, kind, rank @ 1..=u8::MAX] => (element_kind(kind), rank),
        _ => (None, 0),
    };
    let Some(kind) = kind else {
        return Err(DataError::content(&source, format!("{head:02x?}"), EXPECTED));
    };
    let bytes = source.read(4, 4 * u64::from(rank))?;
    let dims = bytes.chunks_exact(4).map(|dim| dim.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)));
    let dims: Vec<u64> = dims.collect();
    let offset = 4 + 4 * u64::from(rank);
    Ok(Array { source, offset, element: Element { kind, big_endian: true }, dims })
}

fn element_kind(code: u8) -> Option<Kind> {
    Some(match code {
        0x08 => Kind::Integer(IntegerType::U8),
        0x09 => Kind::Integer(IntegerType::I8),
        0x0b => Kind::Integer(IntegerType::I16),
        0x0c => Kind::Integer(IntegerType::I32),
        0x0d => Kind::F32,
        0x0e => Kind::F64,
        _ => return None,
    })
}
