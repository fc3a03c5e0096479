//! Output files that appear whole or not at all.
//!
//! An [`OutputFile`] is opened before the work starts, so that a path that cannot be written fails
//! at once, and takes its name only when it is complete and on disk. The files in the making are
//! known to the process: no two are made for one place, and [`discard_all`] leaves none behind when
//! a signal ends it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempPath;

/// Temporary files by the place that each is for; a pipe or device has none.
static IN_THE_MAKING: Mutex<BTreeMap<PathBuf, Option<PathBuf>>> = Mutex::new(BTreeMap::new());

/// The most links that are followed from a path to its file, as on Linux.
const MAX_LINKS: usize = 40;

/// A file in the making beside its place. Dropped before [`commit`](OutputFile::commit), it leaves
/// nothing behind, and what stood in its place stays.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    file: BufWriter<File>,
    /// What takes the place's name on commit, unless the file is a pipe or device, which cannot be replaced.
    temporary: Option<TempPath>,
    // Last: a temporary file is known for as long as it is there.
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
    /// When its folder does not exist or cannot be written, or a file for the same place is in the
    /// making, under whatever name.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        Self::open(path).map_err(|source| OutputError { path: path.to_owned(), source })
    }

    fn open(path: &Path) -> io::Result<Self> {
        let place = match path.metadata() {
            Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                let claim = Claim::new(path.canonicalize().unwrap_or_else(|_| path.to_owned()))?;
                let file = BufWriter::new(File::create(path)?);
                return Ok(OutputFile { path: path.to_owned(), file, temporary: None, claim });
            }
            Ok(found) if found.permissions().readonly() => return Err(ErrorKind::PermissionDenied.into()),
            _ => place(path)?,
        };
        let claim = Claim::new(place)?;
        let (file, temporary) = claim.temporary_file()?;
        Ok(OutputFile { path: path.to_owned(), file: BufWriter::new(file), temporary: Some(temporary), claim })
    }

    /// Puts the finished file in its place.
    ///
    /// # Errors
    /// When the disk refuses.
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
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A place that one file in the making is for.
#[derive(Debug)]
struct Claim(PathBuf);

impl Claim {
    fn new(place: PathBuf) -> io::Result<Claim> {
        let mut claimed = in_the_making();
        if claimed.contains_key(&place) {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "it would be written twice"));
        }
        claimed.insert(place.clone(), None);
        Ok(Claim(place))
    }

    /// A file of no lasting name in the folder of the place, known from its first moment.
    fn temporary_file(&self) -> io::Result<(File, TempPath)> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".approx-eval-").suffix(".tmp");
        let folder = self.0.parent().unwrap_or(Path::new("."));
        let mut claimed = in_the_making();
        // As any program's new file, not private as temporary ones are.
        let file = builder.make_in(folder, |path| File::create_new(path))?;
        claimed.insert(self.0.clone(), Some(file.path().to_owned()));
        Ok(file.into_parts())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        in_the_making().remove(&self.0);
    }
}

fn in_the_making() -> MutexGuard<'static, BTreeMap<PathBuf, Option<PathBuf>>> {
    IN_THE_MAKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all files in the making, for a process that ends at once: whoever opens or commits another
/// waits for that end.
pub fn discard_all() {
    let files = in_the_making();
    for temporary in files.values().flatten() {
        // One that has just taken its name is whole.
        let _ = std::fs::remove_file(temporary);
    }
    std::mem::forget(files);
}

/// Where a file written to `path` comes to lie, whatever the way there: what a link points to is
/// replaced, not the link, also when it points to nothing yet.
fn place(path: &Path) -> io::Result<PathBuf> {
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
        let place = folder.join(name);
        match place.read_link() {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("links lead from it to no end"))
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
    fn unwritable_places_fail_at_once() {
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
    fn a_place_is_claimed_by_one_file_at_a_time() {
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
            names.iter().for_each(|other| assert!(refused(&path(other)).contains("written twice"), "{name}, {other}"));
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
