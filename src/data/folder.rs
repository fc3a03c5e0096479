//! A folder of class folders of PNG and JPEG files, as torchvision's `ImageFolder` reads it.
//!
//! Classes are numbered by their names' order. Where the folder has a `train` folder and one of
//! `val` and `test` instead, the split chooses between them. Files are only read here; they are decoded
//! where batches are made, on many threads.

use super::format::{Evidence, Format, Probe};
use super::storage::{Origin, Storage, read_up_to};
use super::{DataError, Dataset, EncodedImage, PixelKind, Pixels, ReadPixels, Split, decode};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) static FORMAT: Format = Format { name: "folder", recognise, open };

const TEST: [&str; 2] = ["test", "val"];
const TRAIN: [&str; 1] = ["train"];
const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

fn recognise(probe: &mut Probe) -> Evidence {
    match probe {
        Probe::Folder { folders, .. } if folders.iter().any(|name| !name.starts_with('.')) => Evidence::Possible,
        _ => Evidence::None,
    }
}

fn open(path: &Path, split: Split) -> Result<Dataset, DataError> {
    let root = root(path, split)?;
    let (mut files, mut labels, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for class in entries(&root)?.into_iter().filter(|entry| entry.is_dir()) {
        let images = images(&class)?;
        labels.resize(labels.len() + images.len(), names.len() as u32);
        files.extend(images.into_iter().map(Storage::File));
        names.push(name(&class));
    }
    if files.is_empty() {
        return Err(DataError::content(root.display(), "no class folders", "one folder of PNG or JPEG files a class"));
    }
    let files: Arc<[Storage]> = files.into();
    let image_shape = decode::shape(&encoded(&files[0])?)?;
    let origin = Origin::below(path, &root, files.clone());
    Ok(Dataset::new(origin, image_shape, PixelKind::Bytes, labels, Files(files)).with_class_names(names))
}

/// The folder of class folders for a split: `path` itself, or the one below it that is named so.
fn root(path: &Path, split: Split) -> Result<PathBuf, DataError> {
    // A folder of folders: a class of this name would have images.
    let is_split = |name: &&str| {
        let inside = path.join(name).read_dir();
        inside.is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| entry.path().is_dir())))
    };
    if !TEST.iter().chain(&TRAIN).any(is_split) {
        return Ok(path.to_owned());
    }
    let names = if split == Split::Test { &TEST[..] } else { &TRAIN };
    match names.iter().copied().filter(is_split).collect::<Vec<_>>()[..] {
        [name] => Ok(path.join(name)),
        [] => Err(DataError::Missing {
            folder: path.to_owned(),
            missing: "folder of class folders for this split".to_owned(),
            expected: names.join(" or "),
        }),
        _ => Err(DataError::content(path.display(), names.join(" and "), "one of them; give its path")),
    }
}

/// The PNG and JPEG files of a class, at least one.
fn images(class: &Path) -> Result<Vec<PathBuf>, DataError> {
    let entries = entries(class)?;
    let is_image = |file: &PathBuf| {
        let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        EXTENSIONS.contains(&extension.as_str())
    };
    let (images, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_image);
    if let (Some(first), count) = (others.first(), others.len()) {
        tracing::warn!("{}: left out {count} that are no PNG or JPEG files, as {}", class.display(), name(first));
    }
    if images.is_empty() {
        return Err(DataError::content(class.display(), "no images", "PNG or JPEG files, as in every class folder"));
    }
    Ok(images)
}

/// What a folder shows, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let io = |source| DataError::io(folder.display(), source);
    let entries = folder.read_dir().map_err(io)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(io)?;
    entries.retain(|entry| !name(entry).starts_with('.'));
    entries.sort_unstable();
    Ok(entries)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn encoded(file: &Storage) -> Result<EncodedImage, DataError> {
    let bytes = file.open().and_then(|mut file| read_up_to(&mut file, u64::MAX));
    let bytes = bytes.map_err(|source| DataError::io(file, source))?;
    Ok(EncodedImage { file: file.to_string(), bytes })
}

struct Files(Arc<[Storage]>);

impl ReadPixels for Files {
    fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError> {
        self.0[samples].iter().map(encoded).collect::<Result<_, _>>().map(Pixels::Encoded)
    }
}
