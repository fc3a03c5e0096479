//! Why a folder cannot be shown.

use crate::study::journal::JournalError;
use crate::study::sweep::FolderError;
use std::path::PathBuf;

/// Why a folder cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The folder or a file in it cannot be read.
    #[error("{}: cannot read the study", .path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// There is nothing to show.
    #[error(
        "{}: neither a journal of a sweep (jobs.jsonl) nor another document of a study, expected the folder that \
         'sweep run -o' wrote", .path.display()
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The plan cannot be read.
    #[error(transparent)]
    Plan(#[from] FolderError),
    /// A journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Two results of one job differ.
    #[error(
        "{}: job {key} has {found}, but {first} in {}: they are not of one study, show them apart", .path.display(),
        .other.display()
    )]
    Contradiction {
        /// The journal.
        path: PathBuf,
        /// The job's key.
        key: String,
        /// The metric in it.
        found: f64,
        /// The journal that was read before.
        other: PathBuf,
        /// The metric in that.
        first: f64,
    },
}
