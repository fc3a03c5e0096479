//! An earlier report, to compare with.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What a later run compares itself with: the part of a report that a gate needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Top-1 accuracy.
    pub top1: f64,
    /// Samples evaluated.
    pub samples: usize,
    /// Hash of the data set.
    pub dataset: String,
}

/// Why a report cannot serve as a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file is not there or not readable.
    #[error("{}: cannot read the baseline", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The report's accuracy is no fraction.
    #[error("{}: top-1 accuracy {found}, expected a fraction from 0 to 1", .path.display())]
    Accuracy {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: f64,
    },
    /// The file is not a report.
    #[error("{}: not a report as --format json writes it", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
}

impl Baseline {
    /// Reads a report.
    ///
    /// # Errors
    /// Names the file.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        struct Json {
            accuracy: AccuracyJson,
            dataset: DatasetJson,
        }
        #[derive(Deserialize)]
        struct AccuracyJson {
            top1: f64,
        }
        #[derive(Deserialize)]
        struct DatasetJson {
            samples: usize,
            blake3: String,
        }
        let bytes = std::fs::read(path).map_err(|source| BaselineError::Read { path: path.to_owned(), source })?;
        let json: Json =
            serde_json::from_slice(&bytes).map_err(|source| BaselineError::Parse { path: path.to_owned(), source })?;
        let top1 = json.accuracy.top1;
        if !(0.0..=1.0).contains(&top1) {
            return Err(BaselineError::Accuracy { path: path.to_owned(), found: top1 });
        }
        Ok(Baseline { top1, samples: json.dataset.samples, dataset: json.dataset.blake3 })
    }
}
