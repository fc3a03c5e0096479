//! Datasets as callers name them, which can be opened again and again.

use super::{DataError, DataFormat, Dataset, Samples, Split, embedded};
use std::path::{Path, PathBuf};

/// What a dataset is read from.
#[derive(Debug, Clone)]
pub enum DatasetSpec {
    /// A file or folder.
    Path {
        /// Where it lies.
        path: PathBuf,
        /// Its format; recognized where it is `None`.
        format: Option<DataFormat>,
    },
    /// The embedded dataset of this name.
    Embedded(String),
    /// Tensors.
    Memory(Samples),
}

impl DatasetSpec {
    /// The file or folder at `path`, its format recognized.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        DatasetSpec::Path { path: path.into(), format: None }
    }

    /// Opens it; `split` chooses the part of a folder that has several.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn open(&self, split: Split) -> Result<Dataset, DataError> {
        match self {
            DatasetSpec::Path { path, format } => super::open(path, *format, split),
            DatasetSpec::Embedded(name) => embedded(name)?.open(),
            DatasetSpec::Memory(samples) => samples.open(),
        }
    }

    /// The file or folder.
    pub fn as_path(&self) -> Option<&Path> {
        match self {
            DatasetSpec::Path { path, .. } => Some(path),
            DatasetSpec::Embedded(_) | DatasetSpec::Memory(_) => None,
        }
    }

    /// The format that was stated.
    pub fn format(&self) -> Option<DataFormat> {
        match self {
            DatasetSpec::Path { format, .. } => *format,
            DatasetSpec::Embedded(_) | DatasetSpec::Memory(_) => None,
        }
    }
}
