//! Errors in a dataset's files.

use super::DecodeError;
use std::path::PathBuf;

/// Why a dataset cannot be opened or read. Every message names the file, what was found, and what
/// was expected of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// No embedded dataset has this name.
    #[error(transparent)]
    Unknown(#[from] crate::registry::UnknownName),
    /// An I/O error, or a damaged or truncated compressed stream.
    #[error("{file}: cannot read it")]
    Io {
        /// The file or folder.
        file: String,
        /// What the system or the decompressor says.
        #[source]
        source: std::io::Error,
    },
    /// The content does not follow the format.
    #[error("{file}: found {found}, expected {expected}")]
    Content {
        /// The file.
        file: String,
        /// What it holds.
        found: String,
        /// What the format requires, and the fix where there is one.
        expected: String,
    },
    /// The file has fewer or more bytes than its header promises.
    #[error("{file}: holds {found} bytes, expected {expected} ({why}); the file is {}", if found < expected { "truncated" } else { "longer than its header says" })]
    Length {
        /// The file.
        file: String,
        /// Bytes that it holds, after decompression; for a longer compressed file, as far as was read.
        found: u64,
        /// Bytes that it should hold.
        expected: u64,
        /// How `expected` follows from the header.
        why: String,
    },
    /// Images and labels differ in number.
    #[error("{images}: holds {image_count} images, but {labels} holds {label_count} labels")]
    Count {
        /// Where the images are.
        images: String,
        /// Images there.
        image_count: u64,
        /// Where the labels are.
        labels: String,
        /// Labels there.
        label_count: u64,
    },
    /// A label is out of range.
    #[error("{file}: sample {sample} has label {label}, expected {}", labels(*.classes))]
    Label {
        /// The file or dataset.
        file: String,
        /// Index of the sample, from 0.
        sample: usize,
        /// Its label.
        label: i128,
        /// How many classes there are; more than 2^32 - 1 where the format sets no bound.
        classes: u64,
    },
    /// Labels that count classes from 1.
    #[error("{file}: labels are 1 to {classes}, expected 0 to {}: subtract 1 from each", .classes - 1)]
    LabelsFromOne {
        /// The dataset.
        file: String,
        /// The network's classes.
        classes: usize,
    },
    /// A label that is neither of a binary classifier's.
    #[error(
        "{dataset}: sample {sample} has label {label}, expected 0 or 1: the network has one output, which tells class \
         1 from class 0"
    )]
    Binary {
        /// The dataset.
        dataset: String,
        /// Index of the sample, from 0.
        sample: usize,
        /// Its label.
        label: u32,
    },
    /// Named classes that are not a binary classifier's two.
    #[error(
        "{dataset}: has {found} class{}, expected 2: the network has one output, which tells class 1 from class 0",
        if *.found == 1 { "" } else { "es" }
    )]
    BinaryClasses {
        /// The dataset.
        dataset: String,
        /// Its classes.
        found: usize,
    },
    /// A dataset's classes match the network's neither in number nor by name.
    #[error("{dataset}: has {found} classes, but the network has {expected}; {reason}")]
    Classes {
        /// The dataset.
        dataset: String,
        /// Its classes.
        found: usize,
        /// The network's.
        expected: usize,
        /// Why they are not matched by name.
        reason: String,
    },
    /// Not exactly one of a dataset's classes is of normal samples.
    #[error(
        "{dataset}: has the classes {found}; an anomaly detector needs exactly one class of normal samples (named {expected}), \
         and any number of anomalous ones"
    )]
    Normal {
        /// The dataset.
        dataset: String,
        /// Its classes.
        found: String,
        /// The names of a class of normal samples.
        expected: String,
    },
    /// A folder lacks the files that its format and the split require.
    #[error("{}: has no {missing}; expected {expected}", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// What is not there.
        missing: String,
        /// The names that would do.
        expected: String,
    },
    /// An image file is damaged.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// No format recognizes the file or folder.
    #[error("{}: not recognized as a dataset ({found}): state the dataset format if it is one; known formats: {known}", path.display())]
    Unrecognized {
        /// The file or folder.
        path: PathBuf,
        /// A description of its content.
        found: String,
        /// The known formats.
        known: String,
    },
    /// Several formats fit equally well.
    #[error("{}: ambiguous format ({candidates}); state the dataset format", path.display())]
    Ambiguous {
        /// The file or folder.
        path: PathBuf,
        /// The formats that fit.
        candidates: String,
    },
}

/// The labels of so many classes.
fn labels(classes: u64) -> String {
    match classes.saturating_sub(1) {
        last if last < u32::MAX.into() => format!("0 to {last}"),
        _ => "the number of a class, counted from 0".to_owned(),
    }
}

impl DataError {
    /// The settings that fix this error, where some do.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            DataError::Unrecognized { .. } | DataError::Ambiguous { .. } => &["data_format"],
            DataError::Binary { .. } | DataError::BinaryClasses { .. } => &["data", "task"],
            _ => &[],
        }
    }

    pub(super) fn content(
        file: impl std::fmt::Display,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> DataError {
        DataError::Content { file: file.to_string(), found: found.into(), expected: expected.into() }
    }

    pub(super) fn io(file: impl std::fmt::Display, source: std::io::Error) -> DataError {
        DataError::Io { file: file.to_string(), source }
    }
}
