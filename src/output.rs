//! Output files that appear whole or not at all.
//!
//! An [`OutputFile`] is opened before the work starts, so that a path that cannot be written fails
//! at once, and takes its name only when it is complete and on disk.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file in the making beside its place. Dropped before [`commit`](OutputFile::commit), it leaves
/// nothing behind, and what stood in its place stays.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// Renamed on commit.
    Temporary(BufWriter<tempfile::NamedTempFile>),
    /// A pipe or device, which cannot be replaced.
    Direct(BufWriter<File>),
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
    /// When its folder does not exist or cannot be written.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        Self::open(path).map_err(|source| OutputError { path: path.to_owned(), source })
    }

    fn open(path: &Path) -> io::Result<Self> {
        // What a link points to is replaced, not the link.
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let target = match place.metadata() {
            Ok(found) if found.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
            Ok(found) if !found.is_file() => Target::Direct(BufWriter::new(File::create(&place)?)),
            found => {
                if found.is_ok_and(|found| found.permissions().readonly()) {
                    return Err(io::Error::from(io::ErrorKind::PermissionDenied));
                }
                let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
                let mut builder = tempfile::Builder::new();
                builder.prefix(".approx-eval-").suffix(".tmp");
                // As any program's new file, not private as temporary ones are.
                #[cfg(unix)]
                builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
                Target::Temporary(BufWriter::new(builder.tempfile_in(folder.unwrap_or(Path::new(".")))?))
            }
        };
        Ok(OutputFile { path: place, target })
    }

    /// Puts the finished file in its place.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn commit(self) -> Result<(), OutputError> {
        let path = self.path.clone();
        self.finish().map_err(|source| OutputError { path, source })
    }

    fn finish(self) -> io::Result<()> {
        match self.target {
            Target::Direct(mut file) => file.flush(),
            Target::Temporary(file) => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(&self.path)?;
                Ok(())
            }
        }
    }

    /// Writes `bytes` and commits.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn commit_bytes(mut self, bytes: &[u8]) -> Result<(), OutputError> {
        match self.write_all(bytes) {
            Ok(()) => self.commit(),
            Err(source) => Err(OutputError { path: self.path, source }),
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Temporary(file) => file.write(bytes),
            Target::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Temporary(file) => file.flush(),
            Target::Direct(file) => file.flush(),
        }
    }
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
    fn unwritable_places_fail_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing/report.json");
        let error = OutputFile::create(&missing).unwrap_err().to_string();
        assert!(error.contains("missing/report.json"), "{error}");
        assert!(OutputFile::create(folder.path()).is_err());
    }
}
