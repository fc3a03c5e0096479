//! A folder of files that appears whole or not at all.

use super::claim::Claim;
use crate::cleanup::Pending;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A pending folder: it is filled under a name of its own. Dropped before [`commit`](OutputFolder::commit), it leaves
/// nothing behind.
///
/// ```
/// use approx_eval::output::OutputFolder;
///
/// let parent = tempfile::tempdir()?;
/// let path = parent.path().join("dump");
/// let folder = OutputFolder::create(&path)?;
/// folder.write("fc1/input.mem", b"00\n")?;
/// assert!(!path.exists());
/// folder.commit()?;
/// assert!(path.join("fc1/input.mem").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    temporary: PathBuf,
    claim: Claim,
    _pending: Pending,
}

/// A folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot write the folder", .path.display())]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl OutputFolder {
    /// Begins a folder at `path`, where nothing or an empty folder is.
    ///
    /// # Errors
    /// When something is there, or the folder above does not exist or is not writable.
    pub fn create(path: &Path) -> Result<Self, FolderError> {
        let open = || {
            check_free(path)?;
            let claim = Claim::new(path)?;
            let (temporary, pending) = temporary(claim.folder())?;
            Ok(OutputFolder { path: path.to_owned(), temporary, claim, _pending: pending })
        };
        open().map_err(|source| FolderError { path: path.to_owned(), source })
    }

    /// Writes a file, at a relative path with `/` between its parts, and brings it to the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let write = || {
            let path = self.temporary.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&self.temporary))?;
            let mut file = File::create_new(path)?;
            io::Write::write_all(&mut file, bytes)?;
            file.sync_all()
        };
        write().map_err(|source| FolderError { path: self.path.join(name), source })
    }

    /// Moves the folder to its place.
    ///
    /// # Errors
    /// When something has come to be there.
    pub fn commit(self) -> Result<(), FolderError> {
        let target = self.claim.target();
        let commit = || {
            check_free(target)?;
            if target.exists() {
                fs::remove_dir(target)?;
            }
            fs::rename(&self.temporary, target)
        };
        commit().map_err(|source| FolderError { path: self.path.clone(), source })
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        // Where it has its name, there is none of this one.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

/// Fails where anything but an empty folder is.
fn check_free(path: &Path) -> io::Result<()> {
    match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(io::Error::new(ErrorKind::DirectoryNotEmpty, "it is not empty: choose a new folder for the output"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(_) if path.exists() => {
            Err(io::Error::new(ErrorKind::NotADirectory, "it is a file: choose a new folder for the output"))
        }
        Err(error) => Err(error),
    }
}

/// A new folder beside the target, with the permissions of any new folder.
fn temporary(parent: &Path) -> io::Result<(PathBuf, Pending)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".approx-eval-").suffix(".tmp").rand_bytes(12);
    Pending::new(|| {
        let ((), path) = builder.make_in(parent, |path| fs::create_dir(path))?.into_parts();
        let path = path.keep().map_err(|error| error.error)?;
        let undone = path.clone();
        Ok((path, Box::new(move || drop(fs::remove_dir_all(&undone)))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("dump");
        let folder = OutputFolder::create(&path).unwrap();
        folder.write("a/b.txt", b"1").unwrap();
        assert!(!path.exists());
        drop(folder);
        assert!(names(parent.path()).is_empty());
        for is_there in [false, true] {
            if is_there {
                fs::create_dir(&path).unwrap();
            }
            let folder = OutputFolder::create(&path).unwrap();
            folder.write("a/b.txt", b"1").unwrap();
            folder.write("c.txt", b"2").unwrap();
            folder.commit().unwrap();
            assert_eq!(
                (names(parent.path()), names(&path)),
                (vec!["dump".to_owned()], vec!["a".into(), "c.txt".into()])
            );
            assert_eq!(fs::read(path.join("a/b.txt")).unwrap(), b"1");
            fs::remove_dir_all(&path).unwrap();
        }
    }

    #[test]
    fn what_is_there_stays() {
        let parent = tempfile::tempdir().unwrap();
        let path = |name: &str| parent.path().join(name);
        fs::create_dir(path("full")).unwrap();
        fs::write(path("full/a"), "").unwrap();
        for (name, why) in [("full", "not empty"), ("full/a", "a file"), ("missing/dump", "does not exist")] {
            let error = OutputFolder::create(&path(name)).unwrap_err();
            assert!(error.to_string().contains(name) && error.source.to_string().contains(why), "{error:?}");
        }
        let folder = OutputFolder::create(&path("dump")).unwrap();
        assert!(OutputFolder::create(&path("dump")).is_err(), "written twice");
        folder.write("a", b"").unwrap();
        // Another program was faster.
        fs::create_dir(path("dump")).unwrap();
        fs::write(path("dump/b"), "").unwrap();
        assert!(folder.commit().is_err());
        assert_eq!(names(&path("dump")), ["b"]);
        assert_eq!(names(parent.path()), ["dump", "full"]);
    }
}
