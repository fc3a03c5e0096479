//! Parquet files of encoded images, as the Hugging Face hub keeps its image sets.
//!
//! A column `image` or `img` holds PNG or JPEG files, as a struct of `bytes` and `path` or as plain
//! bytes; a column `label`, `labels` or `fine_label` holds their classes. Classes are named by the
//! file's own metadata, where it has the hub's (`huggingface`, `info.features.LABEL.names`;
//! <https://huggingface.co/docs/datasets/about_dataset_features>). A folder is a set of all its
//! files or, where their names begin with splits, of those of the split that is asked for. Labels
//! are read when the set is opened; images are read page by page, in order.
//!
//! Behind the cargo feature `parquet`.

mod columns;
mod failure;
mod images;

use self::columns::Shard;
use self::failure::guarded;
use self::images::Images;
use super::format::{Evidence, Format};
use super::probe::Probe;
use super::storage::{Origin, Storage};
use super::{DataError, Dataset, PixelKind, Pixels, ReadPixels, Split, decode};
use std::path::{Path, PathBuf};

pub(super) static FORMAT: Format = Format {
    name: "parquet",
    summary: "Encoded images and labels, as the Hugging Face hub stores them",
    recognize,
    open,
};

const MAGIC: &[u8] = b"PAR1";

/// What the names of a split's files begin with.
const TEST: [&str; 4] = ["test", "validation", "valid", "val"];
const TRAIN: [&str; 1] = ["train"];

fn recognize(probe: &mut Probe) -> Evidence {
    let certain = match probe {
        Probe::Folder { files, .. } => files.iter().any(|file| is_parquet(Path::new(file))),
        Probe::File { head, .. } => head.starts_with(MAGIC),
    };
    if certain { Evidence::Certain } else { Evidence::None }
}

fn open(path: &Path, split: Split) -> Result<Dataset, DataError> {
    let files = if path.is_dir() { files(path, split)? } else { vec![path.to_owned()] };
    let (mut labels, mut shards) = (Vec::new(), Vec::new());
    for file in &files {
        let (shard, own) = guarded(file, || Shard::open(file))?;
        labels.extend(own);
        shards.push(shard);
    }
    if labels.is_empty() {
        return Err(DataError::content(path.display(), "no rows", "an image and a label in each"));
    }
    let names = shards[0].class_names.take();
    let mut images = Images::new(shards);
    let image_shape = match images.read(0..1)? {
        Pixels::Encoded(first) => first.first().map(decode::shape).transpose()?.unwrap_or_default(),
        Pixels::Bytes(_) | Pixels::Floats(_) => [0; 3],
    };
    let origin = Origin::at(path, files.into_iter().map(Storage::File).collect::<Vec<_>>());
    let dataset = Dataset::new(origin, image_shape, PixelKind::Bytes, labels, images);
    let Some(names) = names else { return Ok(dataset) };
    dataset.check_labels(names.len())?;
    Ok(dataset.with_class_names(names))
}

fn is_parquet(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "parquet")
}

/// The files of a folder, by name: those of a split where that is told by their names, else all.
fn files(folder: &Path, split: Split) -> Result<Vec<PathBuf>, DataError> {
    let io = |source| DataError::io(folder.display(), source);
    let entries = folder.read_dir().map_err(io)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<Result<Vec<_>, _>>().map_err(io)?;
    files.retain(|file| is_parquet(file));
    files.sort_unstable();
    let names = if split == Split::Test { &TEST[..] } else { &TRAIN };
    let mut found: Vec<&str> =
        names.iter().copied().filter(|name| files.iter().any(|file| word(file) == *name)).collect();
    let has_splits = files.iter().any(|file| TEST.iter().chain(&TRAIN).any(|name| word(file) == *name));
    let missing = |missing: &str| DataError::Missing {
        folder: folder.to_owned(),
        missing: missing.to_owned(),
        expected: names.iter().map(|name| format!("{name}*.parquet")).collect::<Vec<_>>().join(" or "),
    };
    match (found.pop(), found.is_empty()) {
        (None, _) if files.is_empty() => Err(missing("Parquet files")),
        (None, _) if has_splits => Err(missing("files for this split")),
        (None, _) => Ok(files),
        (Some(name), true) => Ok(files.into_iter().filter(|file| word(file) == name).collect()),
        (Some(name), false) => {
            let found = format!("files of {} and {name}", found.join(", "));
            Err(DataError::content(
                folder.display(),
                found,
                "files of one split; move each split to a folder of its own",
            ))
        }
    }
}

/// What a file's name begins with: the letters before its number.
fn word(file: &Path) -> String {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    name.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_owned()
}
