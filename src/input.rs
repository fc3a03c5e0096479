//! Files that a run reads, opened in one place.
//!
//! A path in a list, in a network's file or on the command line may lead to a pipe that nobody writes
//! to, to a device without an end, or to a file larger than memory. [`open`] takes regular files alone,
//! [`read`] looks at the size before it reads, and [`read_range`] reads no more than it is asked for. A
//! command that calls [`protect`] also keeps what it read from being written over: [`crate::output`] asks
//! [`is_read`] before it opens a file.

use std::collections::BTreeSet;
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The files that were read, once [`protect`] was called.
static FILES: Mutex<Option<BTreeSet<FileId>>> = Mutex::new(None);

/// What tells a file from all others, whatever it is called: device and inode number.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId(u64, u64);

/// What tells a file from all others: its path without links.
#[cfg(not(unix))]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId(std::path::PathBuf);

impl FileId {
    /// That of the existing file at `path`, through links.
    pub fn of(path: &Path) -> Option<FileId> {
        Some(Self::with(path, &path.metadata().ok()?))
    }

    /// That of the file at `path`, of which `found` is known.
    #[cfg(unix)]
    fn with(_: &Path, found: &Metadata) -> FileId {
        use std::os::unix::fs::MetadataExt;
        FileId(found.dev(), found.ino())
    }

    #[cfg(not(unix))]
    fn with(path: &Path, _: &Metadata) -> FileId {
        FileId(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }
}

/// From now on, files that this process has read are not opened for writing.
pub fn protect() {
    files().get_or_insert_default();
}

/// Whether this process has read the file at `path` since [`protect`] was called.
pub fn is_read(path: &Path) -> bool {
    FileId::of(path).is_some_and(|id| files().as_ref().is_some_and(|files| files.contains(&id)))
}

/// Opens the regular file at `path`.
///
/// # Errors
/// When it is not there or not readable, or is no regular file; the error says what it is.
pub fn open(path: &Path) -> io::Result<File> {
    let (file, found) = open_unrecorded(path)?;
    remember(FileId::with(path, &found));
    Ok(file)
}

/// The size in bytes of the regular file at `path`, which is about to be read.
///
/// # Errors
/// As for [`open`].
pub fn len(path: &Path) -> io::Result<u64> {
    let found = regular(fs::metadata(path)?)?;
    remember(FileId::with(path, &found));
    Ok(found.len())
}

/// The content of the regular file at `path`, of at most `limit` bytes.
///
/// # Errors
/// As for [`open`], and when it is larger or does not fit in memory; neither is then read.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (bytes, found) = read_unrecorded(path, limit)?;
    remember(FileId::with(path, &found));
    Ok(bytes)
}

/// The `length` bytes, at most `limit`, that start at `offset` of the regular file at `path`.
///
/// # Errors
/// As for [`open`], and when the file ends before, or they are too many or do not fit in memory.
pub fn read_range(path: &Path, offset: u64, length: u64, limit: u64) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = room(length, limit)?;
    file.seek(SeekFrom::Start(offset))?;
    file.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        let short = format!("{} bytes at offset {offset}, expected {length}", bytes.len());
        return Err(io::Error::new(ErrorKind::UnexpectedEof, short));
    }
    Ok(bytes)
}

/// As [`read`], of a file that may turn out to be none of the run's: [`record`] says when it is.
///
/// # Errors
/// As for [`read`].
pub(crate) fn peek(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_unrecorded(path, limit).map(|(bytes, _)| bytes)
}

fn read_unrecorded(path: &Path, limit: u64) -> io::Result<(Vec<u8>, Metadata)> {
    let (file, found) = open_unrecorded(path)?;
    let mut bytes = room(found.len(), limit)?;
    // The size may have changed since, and is 0 for files that the system makes up.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    check_size(bytes.len() as u64, limit)?;
    Ok((bytes, found))
}

/// Room for `size` bytes, at most `limit`.
fn room(size: u64, limit: u64) -> io::Result<Vec<u8>> {
    check_size(size, limit)?;
    let mut bytes = Vec::new();
    let full = |_| io::Error::new(ErrorKind::OutOfMemory, format!("its {size} bytes do not fit in memory"));
    bytes.try_reserve_exact(size as usize).map_err(full)?;
    Ok(bytes)
}

fn check_size(size: u64, limit: u64) -> io::Result<()> {
    if size <= limit {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has {size} bytes, expected at most {limit}")))
}

/// Notes that the run reads the file at `path`.
pub(crate) fn record(path: &Path) {
    FileId::of(path).into_iter().for_each(remember);
}

fn remember(file: FileId) {
    if let Some(files) = files().as_mut() {
        files.insert(file);
    }
}

fn files() -> MutexGuard<'static, Option<BTreeSet<FileId>>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file, and what it is now that it is open.
fn open_unrecorded(path: &Path) -> io::Result<(File, Metadata)> {
    // To open a pipe would wait for its writer.
    regular(fs::metadata(path)?)?;
    let file = File::open(path)?;
    let found = regular(file.metadata()?)?;
    Ok((file, found))
}

fn regular(found: Metadata) -> io::Result<Metadata> {
    if found.is_file() {
        return Ok(found);
    }
    let what = kind(found.file_type());
    Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, expected a regular file")))
}

/// What a path leads to, with its article.
fn kind(found: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    if found.is_dir() { "a folder" } else { "no file" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn sizes_are_looked_at_before_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let error = read(&path, 4).unwrap_err();
        assert_eq!(error.to_string(), "it has 5 bytes, expected at most 4");
        // A hole in the file.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(len(&path).unwrap(), 1 << 40);
        assert_eq!(read_range(&path, (1 << 40) - 3, 3, 3).unwrap(), [0; 3]);
        assert!(read_range(&path, 0, 1 << 30, 1 << 20).unwrap_err().to_string().contains("expected at most 1048576"));
        let error = read_range(&path, (1 << 40) - 3, 4, 4).unwrap_err();
        assert_eq!(error.to_string(), format!("3 bytes at offset {}, expected 4", (1u64 << 40) - 3));
        assert!(read(&path, 1 << 20).unwrap_err().to_string().contains("1099511627776 bytes, expected at most"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(path("fifo")).status();
        assert!(made.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        std::os::unix::fs::symlink("fifo", path("link")).unwrap();
        let cases = [
            (path("fifo"), "it is a pipe"),
            (path("link"), "it is a pipe"),
            (path("socket"), "it is a socket"),
            (folder.path().to_owned(), "it is a folder"),
            ("/dev/zero".into(), "it is a device"),
        ];
        for_each_case(cases, |(path, expected)| {
            let errors = [open(&path).map(drop), len(&path).map(drop), read(&path, 9).map(drop)];
            for error in errors {
                assert_eq!(error.unwrap_err().to_string(), format!("{expected}, expected a regular file"));
            }
        });
    }
}
