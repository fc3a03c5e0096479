//! An earlier report, to compare with.

use super::predictions::{PredictionsError, PredictionsReport};
use crate::eval::{Answered, Figure};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The part of an earlier report that a later run compares itself with.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The report's file.
    pub path: PathBuf,
    /// The network's name.
    pub model: String,
    /// What its layers computed.
    pub mode: String,
    /// Its multiplier, where it had one.
    pub lut: Option<String>,
    /// Top-1 accuracy, or the area under the ROC curve.
    pub figure: Figure,
    /// Samples evaluated.
    pub samples: usize,
    /// Hash of the data set.
    pub dataset: String,
    /// Its predictions, where they were written.
    pub predictions: Option<PredictionsReport>,
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
    /// The report's accuracy or area is no fraction.
    #[error("{}: {name} {found}, expected a fraction from 0 to 1", .path.display())]
    Figure {
        /// What it is called.
        name: &'static str,
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
    /// The report has no predictions.
    #[error("{}: the report names no predictions: write them beside it by --predictions FILE.csv", .path.display())]
    NoPredictions {
        /// The file.
        path: PathBuf,
    },
    /// Its predictions cannot be used.
    #[error("{}", .path.display())]
    Predictions {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: PredictionsError,
    },
}

#[derive(Deserialize)]
struct Json {
    #[serde(flatten)]
    quality: QualityJson,
    dataset: DatasetJson,
    #[serde(default)]
    model: NamedJson,
    #[serde(default)]
    config: ConfigJson,
    lut: Option<NamedJson>,
    predictions: Option<PredictionsReport>,
}

#[derive(Deserialize)]
enum QualityJson {
    #[serde(rename = "accuracy")]
    Accuracy { top1: f64 },
    #[serde(rename = "detection")]
    Detection { auc: f64 },
}

#[derive(Deserialize)]
struct DatasetJson {
    samples: usize,
    blake3: String,
}

#[derive(Deserialize, Default)]
struct NamedJson {
    name: String,
}

#[derive(Deserialize, Default)]
struct ConfigJson {
    mode: String,
}

impl Baseline {
    /// Reads a report.
    ///
    /// # Errors
    /// Names the file.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let path = path.to_owned();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(BaselineError::Read { path, source }),
        };
        let json: Json = match serde_json::from_slice(&bytes) {
            Ok(json) => json,
            Err(source) => return Err(BaselineError::Parse { path, source }),
        };
        let (name, figure) = match json.quality {
            QualityJson::Accuracy { top1 } => ("top-1 accuracy", Figure::Top1(top1)),
            QualityJson::Detection { auc } => ("AUC", Figure::Auc(auc)),
        };
        if !(0.0..=1.0).contains(&figure.value()) {
            return Err(BaselineError::Figure { path, name, found: figure.value() });
        }
        Ok(Baseline {
            path,
            model: json.model.name,
            mode: json.config.mode,
            lut: json.lut.map(|lut| lut.name),
            figure,
            samples: json.dataset.samples,
            dataset: json.dataset.blake3,
            predictions: json.predictions,
        })
    }

    /// Reads its predictions.
    ///
    /// # Errors
    /// When it has none, or they cannot be used.
    pub fn answered(&self) -> Result<Answered, BaselineError> {
        let path = self.path.clone();
        let Some(predictions) = &self.predictions else { return Err(BaselineError::NoPredictions { path }) };
        predictions.read(&self.path).map_err(|source| BaselineError::Predictions { path, source })
    }
}
