//! A folder of class folders of PNG and JPEG files, as torchvision's `ImageFolder` reads it.
//!
//! Classes are numbered by their names' order. Where the folder has a `train` folder and one of
//! `val` and `test` instead, the split chooses between them.

use super::format::{Evidence, Format};
use super::image_files::{self, is_image};
use super::probe::Probe;
use super::storage::{Origin, Storage};
use super::{DataError, Dataset, Split};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) static FORMAT: Format =
    Format { name: "folder", summary: "A folder of class folders of PNG and JPEG files", recognize, open };

const TEST: [&str; 2] = ["test", "val"];
const TRAIN: [&str; 1] = ["train"];

fn recognize(probe: &mut Probe) -> Evidence {
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
        return Err(DataError::content(
            root.display(),
            "no class folders",
            "one folder of PNG or JPEG files per class",
        ));
    }
    let files: Arc<[Storage]> = files.into();
    let origin = Origin::below(path, &root, files.clone());
    Ok(image_files::dataset(origin, files, labels)?.with_class_names(names))
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
        _ => {
            Err(DataError::content(path.display(), names.join(" and "), "only one of them; open that folder directly"))
        }
    }
}

/// The PNG and JPEG files of a class, at least one: those of its folder, then those of each folder below, by path.
fn images(class: &Path) -> Result<Vec<PathBuf>, DataError> {
    let (mut folders, mut left_out) = (vec![class.to_owned()], Vec::new());
    let (mut files, mut seen) = (Vec::new(), HashSet::new());
    let mut next = 0;
    while let Some(folder) = folders.get(next) {
        if !seen.insert(folder.canonicalize().map_err(|source| DataError::io(folder.display(), source))?) {
            let expected = "each folder of a class only once";
            return Err(DataError::content(folder.display(), "a link to a folder of the same class", expected));
        }
        let (below, here): (Vec<_>, Vec<_>) = entries(folder)?.into_iter().partition(|entry| entry.is_dir());
        let (images, others): (Vec<_>, Vec<_>) = here.into_iter().partition(|entry| is_image(entry));
        files.push((folder.clone().into_os_string(), images));
        left_out.extend(others);
        folders.extend(below);
        next += 1;
    }
    files.sort_unstable();
    let images: Vec<_> = files.into_iter().flat_map(|(_, images)| images).collect();
    if images.is_empty() {
        let but = left_out.first().map(|first| format!(" but {}", name(first))).unwrap_or_default();
        let expected = "PNG or JPEG files, as in every class folder";
        return Err(DataError::content(class.display(), format!("no images{but}"), expected));
    }
    if let (Some(first), count) = (left_out.first(), left_out.len()) {
        tracing::warn!("{}: skipped {count} files that are not PNG or JPEG, such as {}", class.display(), name(first));
    }
    Ok(images)
}

/// What a folder shows, by name. macOS's archives add a folder of their own.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let io = |source| DataError::io(folder.display(), source);
    let entries = folder.read_dir().map_err(io)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(io)?;
    entries.retain(|entry| !name(entry).starts_with('.') && name(entry) != "__MACOSX");
    entries.sort_unstable();
    Ok(entries)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
