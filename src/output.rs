//! Output files that appear whole or not at all.
//!
//! An [`OutputFile`] is opened before the work starts, so that a path that cannot be written fails
//! at once, and takes its name only when it is complete and on disk. The process keeps a list of its
//! pending output files: no two have the same target, and [`discard_all`] removes them when a signal ends
//! the process.
//!
//! ```
//! use approx_eval::output::OutputFile;
//! use std::io::Write;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("report.txt");
//! let mut file = OutputFile::create(&path)?;
//! writeln!(file, "top-1 accuracy 0.91")?;
//! assert!(!path.exists());
//! file.commit()?;
//! assert!(path.exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempPath;

/// Temporary files of pending outputs by their targets; a pipe or device has none.
static PENDING: Mutex<BTreeMap<PathBuf, Option<PathBuf>>> = Mutex::new(BTreeMap::new());

/// The most symbolic links that are followed from a path to its target, as on Linux.
const MAX_LINKS: usize = 40;

/// A pending output file. Dropped before [`commit`](OutputFile::commit), it leaves nothing behind, and
/// an existing file at its path stays as it was.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    file: BufWriter<File>,
    /// Renamed to the target on commit; none for a pipe or device, which cannot be replaced.
    temporary: Option<TempPath>,
    // Last: a temporary file stays listed for as long as it exists.
    claim: Claim,
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot write the file", .path.display())]
pub struct OutputError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl OutputFile {
    /// Opens a file to be written to `path`.
    ///
    /// # Errors
    /// When its folder does not exist or is not writable, or another pending file has the same target,
    /// through links or not.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        Self::open(path).map_err(|source| OutputError { path: path.to_owned(), source })
    }

    fn open(path: &Path) -> io::Result<Self> {
        let target = match path.metadata() {
            Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                let claim = Claim::new(path.canonicalize().unwrap_or_else(|_| path.to_owned()))?;
                let file = BufWriter::new(File::create(path)?);
                return Ok(OutputFile { path: path.to_owned(), file, temporary: None, claim });
            }
            Ok(found) if found.permissions().readonly() => return Err(ErrorKind::PermissionDenied.into()),
            _ => resolve_target(path)?,
        };
        let claim = Claim::new(target)?;
        let (file, temporary) = claim.temporary_file()?;
        Ok(OutputFile { path: path.to_owned(), file: BufWriter::new(file), temporary: Some(temporary), claim })
    }

    /// Moves the finished file to its path.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn commit(self) -> Result<(), OutputError> {
        let OutputFile { path, file, temporary, claim } = self;
        let finish = || {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            let Some(temporary) = temporary else { return Ok(()) };
            file.sync_all()?;
            Ok(temporary.persist(&claim.0)?)
        };
        finish().map_err(|source| OutputError { path, source })
    }

    /// Writes `bytes` and commits.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn commit_bytes(mut self, bytes: &[u8]) -> Result<(), OutputError> {
        match self.write_all(bytes) {
            Ok(()) => self.commit(),
            Err(source) => Err(OutputError { path: self.path, source }),
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The claim of one pending file on its target.
#[derive(Debug)]
struct Claim(PathBuf);

impl Claim {
    fn new(target: PathBuf) -> io::Result<Claim> {
        let mut claimed = pending();
        if claimed.contains_key(&target) {
            return Err(io::Error::new(
                ErrorKind::AlreadyExists,
                "it would be written twice: two outputs have this path",
            ));
        }
        claimed.insert(target.clone(), None);
        Ok(Claim(target))
    }

    /// A temporary file in the target's folder, listed from the moment it exists.
    fn temporary_file(&self) -> io::Result<(File, TempPath)> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".approx-eval-").suffix(".tmp");
        let folder = self.0.parent().unwrap_or(Path::new("."));
        let mut claimed = pending();
        // With the permissions of any new file, not the private ones of temporary files.
        let file = builder.make_in(folder, |path| File::create_new(path))?;
        claimed.insert(self.0.clone(), Some(file.path().to_owned()));
        Ok(file.into_parts())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        pending().remove(&self.0);
    }
}

fn pending() -> MutexGuard<'static, BTreeMap<PathBuf, Option<PathBuf>>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all pending files, for a process that is about to exit: opening or committing another file
/// blocks from then on.
pub fn discard_all() {
    let files = pending();
    for temporary in files.values().flatten() {
        // A file that has just been renamed is complete.
        let _ = std::fs::remove_file(temporary);
    }
    std::mem::forget(files);
}

/// The resolved target path of a file written to `path`: symbolic links are followed, also one whose
/// target does not exist yet.
fn resolve_target(path: &Path) -> io::Result<PathBuf> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_appears_before_the_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let entries = || std::fs::read_dir(folder.path()).unwrap().count();
        std::fs::write(&path, "old").unwrap();
        let mut file = OutputFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        drop(file);
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), entries()), ("old", 1));
        OutputFile::create(&path).unwrap().commit_bytes(b"new").unwrap();
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), entries()), ("new", 1));
    }

    /// The error and what caused it, which a message shows together.
    fn refused(path: &Path) -> String {
        let error = OutputFile::create(path).unwrap_err();
        format!("{error}: {}", error.source)
    }

    #[test]
    fn unwritable_paths_fail_at_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let message = refused(&folder.path().join("missing/report.json"));
        assert!(message.contains("missing/report.json: cannot write") && message.ends_with("missing does not exist"));
        for place in [folder.path().to_owned(), folder.path().join(".."), folder.path().join("file/report.json")] {
            let message = refused(&place);
            assert!(message.contains(place.to_str().unwrap()) && !message.contains(".approx-eval-"), "{message}");
        }
    }

    #[test]
    fn a_target_is_claimed_by_one_file_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let paths = ["r.json", "in/../r.json", "./r.json"].map(|name| folder.path().join(name));
        for first in &paths {
            let file = OutputFile::create(first).unwrap();
            for second in &paths {
                assert!(refused(second).contains("written twice"), "{second:?} beside {first:?}");
            }
            let _other = OutputFile::create(&folder.path().join("in/r.json")).unwrap();
            drop(file);
        }
        OutputFile::create(&paths[0]).unwrap().commit_bytes(b"1").unwrap();
        OutputFile::create(&paths[1]).unwrap().commit_bytes(b"2").unwrap();
        assert_eq!(std::fs::read(&paths[0]).unwrap(), b"2");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_also_to_where_nothing_is_yet() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("in")).unwrap();
        symlink("in", path("way")).unwrap();
        symlink("way/second", path("first")).unwrap();
        symlink("../real", path("in/second")).unwrap();
        let names = ["first", "in/second", "way/second", "real"];
        for name in names {
            let file = OutputFile::create(&path(name)).unwrap();
            for other in names {
                assert!(refused(&path(other)).contains("written twice"), "{name}, {other}");
            }
            file.commit_bytes(name.as_bytes()).unwrap();
            assert_eq!(std::fs::read(path("real")).unwrap(), name.as_bytes());
            assert!(path("first").is_symlink() && path("in/second").is_symlink() && !path("real").is_symlink());
            std::fs::remove_file(path("real")).unwrap();
        }
        symlink("round", path("round")).unwrap();
        assert!(refused(&path("round")).contains("links"));
        symlink("gone/report.json", path("nowhere.json")).unwrap();
        assert!(refused(&path("nowhere.json")).contains("gone does not exist"));
    }
}
