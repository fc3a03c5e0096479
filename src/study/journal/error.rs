//! Why a journal cannot be used.

use std::io;
use std::path::PathBuf;

/// Why a journal cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// One is there, and was not to be resumed.
    #[error("{} is there already: resume it, or choose another folder for another study", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another run has it open.
    #[error("{} is being written by another run: wait until it ends, or choose another folder", .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("{}: cannot write the journal", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It cannot be read.
    #[error("{}: cannot read the journal", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A line of it that is not the last is no record.
    #[error("{}: line {line} is not a record of this study: restore the file, or remove the line to have its work done again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl JournalError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            JournalError::Exists { .. } => &["resume"],
            _ => &[],
        }
    }
}
