//! Pairs of `.npy` files in one folder, as `numpy.save` writes them: images and their labels, by the names
//! that `names.rs` knows.

use super::array::{self, Array};
use super::format::{Evidence, Format};
use super::probe::Probe;
use super::source::Source;
use super::storage::{Origin, Storage};
use super::{DataError, Dataset, Split, names, npz};
use std::path::{Path, PathBuf};

pub(super) static FORMAT: Format =
    Format { name: "npy", summary: "A NumPy array of images with its labels beside it", recognize, open };

fn recognize(probe: &mut Probe) -> Evidence {
    let is_known = match probe {
        Probe::File { source, head } => {
            head.starts_with(npz::MAGIC) && names::labels_for(&stem(Path::new(&source.to_string()))).is_some()
        }
        Probe::Folder { files, .. } => {
            let stems: Vec<&str> = files.iter().filter_map(|file| file.strip_suffix(".npy")).collect();
            stems.iter().any(|stem| names::labels_for(stem).is_some_and(|labels| stems.contains(&labels)))
        }
    };
    if is_known { Evidence::Certain } else { Evidence::None }
}

/// A file's name without its extension.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn open(path: &Path, split: Split) -> Result<Dataset, DataError> {
    let [images, labels] = if path.is_dir() { in_folder(path, split)? } else { beside(path)? };
    let storages = [images, labels].map(Storage::File);
    let array = |storage: &Storage| -> Result<Array, DataError> {
        npz::array(Source::new(storage.clone())?, &storage.to_string())
    };
    let (images, labels) = (array(&storages[0])?, array(&storages[1])?);
    array::whole_dataset(Origin::at(path, storages), images, labels)
}

/// The files of a folder that has a pair for `split`.
fn in_folder(folder: &Path, split: Split) -> Result<[PathBuf; 2], DataError> {
    let io = |source| DataError::io(folder.display(), source);
    let entries = folder.read_dir().map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
    let arrays =
        entries.iter().map(std::fs::DirEntry::path).filter(|path| path.extension().is_some_and(|e| e == "npy"));
    let mut found: Vec<String> = arrays.map(|path| stem(&path)).collect();
    found.sort_unstable();
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    let (images, labels) = names::pair(folder.display(), ".npy files", &found, split)?;
    Ok([images, labels].map(|name| folder.join(format!("{name}.npy"))))
}

/// An images file and the labels beside it.
fn beside(images: &Path) -> Result<[PathBuf; 2], DataError> {
    let Some(labels) = names::labels_for(&stem(images)) else {
        let expected = "a name such as x_test.npy, which leads to the labels y_test.npy beside it";
        return Err(DataError::content(images.display(), "a name that says nothing of its labels", expected));
    };
    let labels = images.with_file_name(format!("{labels}.npy"));
    if !labels.is_file() {
        let folder = images.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (missing, expected) = (format!("labels for {}", images.display()), labels.display().to_string());
        return Err(DataError::Missing { folder: folder.to_owned(), missing, expected });
    }
    Ok([images.to_owned(), labels])
}
