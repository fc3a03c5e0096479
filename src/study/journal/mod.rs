//! Journals: what a long study has finished, kept on disk line by line.
//!
//! A study runs for hours on machines that are switched off, pre-empted or out of time. What it has finished must
//! survive that, and must not be computed twice. A [`Journal`] is a file of JSON lines, one a record: each is appended
//! by one write and brought to the disk before the next begins, so that whatever ends the process costs no more than the
//! record in flight. What a kill leaves of that is a torn last line, which is dropped when the journal is opened
//! again; any other line that cannot be read is an error.
//!
//! Every record has a key ([`Keyed`]): one that the journal has is not written again, and [`Journal::contains`] tells
//! what is left to do. A journal is locked while it is open, so that no two live runs write one; a lock dies with its
//! process. Reading ([`read`]) needs no lock.
//!
//! ```
//! use approx_eval::study::journal::{Journal, Keyed, Start, read};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Row {
//!     key: String,
//!     top1: f64,
//! }
//!
//! impl Keyed for Row {
//!     fn key(&self) -> &str {
//!         &self.key
//!     }
//! }
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("jobs.jsonl");
//! let mut journal = Journal::open(&path, Start::New)?;
//! journal.append(&Row { key: "a".to_owned(), top1: 0.5 })?;
//! drop(journal);
//! assert!(Journal::<Row>::open(&path, Start::New).is_err());
//! assert!(Journal::<Row>::open(&path, Start::Resume)?.contains("a"));
//! let rows: Vec<Row> = read(&path)?;
//! assert_eq!(rows[0].top1, 0.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod lines;
#[cfg(test)]
mod tests;

pub use error::JournalError;
pub use lines::{for_each, read};

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// A record that a journal can hold.
pub trait Keyed {
    /// What tells it from all others: the same work has the same key, whenever and wherever it is done.
    fn key(&self) -> &str;
}

/// Whether a journal that is there is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// There must be none yet.
    New,
    /// One that is there is continued; where there is none, one is begun.
    Resume,
}

/// An open journal of records of a kind.
#[derive(Debug)]
pub struct Journal<R> {
    path: PathBuf,
    /// Locked, and at its end.
    file: File,
    /// Bytes of whole lines.
    length: u64,
    keys: HashSet<String>,
    records: PhantomData<fn(R)>,
}

impl<R: Keyed + Serialize + DeserializeOwned> Journal<R> {
    /// Opens the journal at `path` and locks it. A torn last line is dropped.
    ///
    /// # Errors
    /// When there is one already and it is not to be resumed, another run has it open, a line of it is damaged, or the
    /// file cannot be written.
    pub fn open(path: &Path, start: Start) -> Result<Self, JournalError> {
        Self::open_with(path, start, |_| ())
    }

    /// The same, which also passes every record that is there to `found`, in the order of the file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, start: Start, mut found: impl FnMut(R)) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Write { path: path.to_owned(), source };
        let mut file = match create(path) {
            Ok(file) => file,
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
            Err(_) if start == Start::New => return Err(JournalError::Exists { path: path.to_owned() }),
            Err(_) => OpenOptions::new().read(true).write(true).open(path).map_err(failed)?,
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked { path: path.to_owned() }),
            // Where files cannot be locked, all that is lost is this check.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut keys = HashSet::new();
        let length = lines::for_each_of(&file, path, |record: R| {
            keys.insert(record.key().to_owned());
            found(record);
            Ok(())
        })?;
        let drop_torn = |file: &mut File| {
            if file.metadata()?.len() > length {
                file.set_len(length)?;
                file.sync_all()?;
            }
            file.seek(SeekFrom::Start(length))
        };
        drop_torn(&mut file).map_err(failed)?;
        Ok(Journal { path: path.to_owned(), file, length, keys, records: PhantomData })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has a record of this key.
    pub fn contains(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds a record, which is on the disk when this returns; one whose key is there already is left as it is.
    ///
    /// # Errors
    /// When the file cannot be written; it then ends as it did before.
    pub fn append(&mut self, record: &R) -> Result<(), JournalError> {
        if self.contains(record.key()) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(record).expect("records of journals are JSON");
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_all());
        if let Err(source) = written {
            // A disk that is full may have taken a part.
            let undone = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
            undone.map_or_else(|error| tracing::debug!("{}: {error}", self.path.display()), drop);
            return Err(JournalError::Write { path: self.path.clone(), source });
        }
        self.length += line.len() as u64;
        self.keys.insert(record.key().to_owned());
        Ok(())
    }
}

/// A new file at `path`, which its folder is made to remember.
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}
