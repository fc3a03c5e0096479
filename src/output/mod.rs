//! Output files that appear whole or not at all.
//!
//! An [`OutputFile`] is opened before the work starts, so that a path that cannot be written fails
//! at once, and takes its name only when it is complete and on disk; [`finish_all`] brings several to the
//! disk before the first of them takes its name. An [`OutputFolder`] is the same for a folder of files. No two pending files have the same target, and none has that
//! of a file that the run reads ([`crate::input::protect`]).
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

mod claim;
mod folder;
mod temporary;

pub use folder::{FolderError, OutputFolder};

use crate::input;
use claim::Claim;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use temporary::Temporary;

/// A pending output file. Dropped before [`commit`](OutputFile::commit), it leaves nothing behind, and
/// an existing file at its path stays as it was. One that is replaced keeps its permissions.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    file: BufWriter<File>,
    /// Renamed to the target on commit; none for a pipe or device, which cannot be replaced.
    temporary: Option<Temporary>,
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

/// Files that are complete and on disk, but not in their places yet. Dropped, they leave nothing behind.
#[derive(Debug)]
#[must_use]
pub struct Finished(Vec<FinishedFile>);

#[derive(Debug)]
struct FinishedFile {
    path: PathBuf,
    temporary: Option<Temporary>,
    claim: Claim,
    /// Kept open until the file has its name: its lock tells other runs that it is not left over.
    file: File,
}

impl OutputFile {
    /// Opens a file to be written to `path`.
    ///
    /// # Errors
    /// When its folder does not exist or is not writable, another pending file has the same target,
    /// through links or not, or the run reads it.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        Self::open(path).map_err(|source| OutputError { path: path.to_owned(), source })
    }

    fn open(path: &Path) -> io::Result<Self> {
        let found = path.metadata().ok();
        if found.as_ref().is_some_and(std::fs::Metadata::is_dir) {
            return Err(ErrorKind::IsADirectory.into());
        }
        let claim = Claim::new(path)?;
        let (file, temporary) = match found {
            Some(found) if !found.is_file() => (File::create(path)?, None),
            Some(found) if found.permissions().readonly() => return Err(ErrorKind::PermissionDenied.into()),
            Some(_) if input::is_read(path) => {
                let read = "this run reads it: choose another path for the output";
                return Err(io::Error::new(ErrorKind::InvalidInput, read));
            }
            found => {
                let (file, temporary) = Temporary::create(claim.folder())?;
                if let Some(found) = found {
                    file.set_permissions(found.permissions())?;
                }
                (file, Some(temporary))
            }
        };
        Ok(OutputFile { path: path.to_owned(), file: BufWriter::new(file), temporary, claim })
    }

    /// Moves the finished file to its path.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn commit(self) -> Result<(), OutputError> {
        finish_all([self])?.publish()
    }

    /// Writes `bytes` and commits.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn commit_bytes(self, bytes: &[u8]) -> Result<(), OutputError> {
        self.with_bytes(bytes)?.commit()
    }

    /// The file with `bytes` added.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn with_bytes(mut self, bytes: &[u8]) -> Result<Self, OutputError> {
        match self.file.write_all(bytes) {
            Ok(()) => Ok(self),
            Err(source) => Err(OutputError { path: self.path, source }),
        }
    }

    /// Brings all of the file to the disk.
    fn finish(self) -> Result<FinishedFile, OutputError> {
        let OutputFile { path, file, temporary, claim } = self;
        let written = file.into_inner().map_err(io::IntoInnerError::into_error);
        let synced = written.and_then(|file| {
            if temporary.is_some() {
                file.sync_all()?;
            }
            Ok(file)
        });
        match synced {
            Ok(file) => Ok(FinishedFile { path, temporary, claim, file }),
            Err(source) => Err(OutputError { path, source }),
        }
    }
}

/// Brings all of these files to the disk: when one cannot be written, none will appear.
///
/// # Errors
/// When a file cannot be written.
pub fn finish_all(files: impl IntoIterator<Item = OutputFile>) -> Result<Finished, OutputError> {
    files.into_iter().map(OutputFile::finish).collect::<Result<_, _>>().map(Finished)
}

impl Finished {
    /// Moves the files to their paths.
    ///
    /// # Errors
    /// When a path has become one that cannot be written.
    pub fn publish(self) -> Result<(), OutputError> {
        self.0.into_iter().try_for_each(|FinishedFile { path, temporary, claim, file }| {
            let moved = temporary.map_or(Ok(()), |temporary| temporary.persist(claim.target()));
            drop(file);
            moved.map_err(|source| OutputError { path, source })
        })
    }
}

impl Write for OutputFile {
    /// Errors name the file.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| named(&self.path, error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| named(&self.path, error))
    }
}

fn named(path: &Path, source: io::Error) -> io::Error {
    io::Error::new(source.kind(), OutputError { path: path.to_owned(), source })
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

    #[test]
    fn finished_files_are_not_taken_for_left_over_ones() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a.json", "b.json"].map(|name| folder.path().join(name));
        let finished = finish_all([OutputFile::create(&first).unwrap().with_bytes(b"a").unwrap()]).unwrap();
        // As another run that writes to the folder.
        OutputFile::create(&second).unwrap().commit_bytes(b"b").unwrap();
        finished.publish().unwrap();
        assert_eq!([first, second].map(|path| std::fs::read(path).unwrap()), [b"a", b"b"]);
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
