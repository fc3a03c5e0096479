//! Which file a pending output is for: no two are for the same one, under whatever names.

use crate::input::FileId;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The targets of pending outputs, and the files that are there now.
static CLAIMED: Mutex<BTreeMap<PathBuf, Option<FileId>>> = Mutex::new(BTreeMap::new());

/// The most symbolic links that are followed from a path to its target, as on Linux.
const MAX_LINKS: usize = 40;

/// The claim of one pending file on its target.
#[derive(Debug)]
pub(super) struct Claim(PathBuf);

impl Claim {
    /// The claim of a file written to `path`, links followed.
    pub fn new(path: &Path) -> io::Result<Claim> {
        let target = resolve(path)?;
        let id = FileId::of(&target);
        let mut claimed = claimed();
        if claimed.contains_key(&target) || id.is_some() && claimed.values().any(|other| *other == id) {
            let twice = "it would be written twice: two outputs have this path";
            return Err(io::Error::new(ErrorKind::AlreadyExists, twice));
        }
        claimed.insert(target.clone(), id);
        Ok(Claim(target))
    }

    /// The file to be written, without links.
    pub fn target(&self) -> &Path {
        &self.0
    }

    /// The folder of that file.
    pub fn folder(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new("."))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        claimed().remove(&self.0);
    }
}

fn claimed() -> MutexGuard<'static, BTreeMap<PathBuf, Option<FileId>>> {
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The resolved target path of a file written to `path`: symbolic links are followed, also one whose
/// target does not exist yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
        let folder = folder.canonicalize().map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                io::Error::new(ErrorKind::NotFound, format!("the folder {} does not exist", folder.display()))
            }
            _ => error,
        })?;
        let file = folder.join(name);
        match file.read_link() {
            Ok(link) => path = folder.join(link),
            Err(_) => return Ok(file),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}
