//! A report that was saved, to compare with.

use super::Report;
use super::evaluation::{ModelReport, ReportError};
use super::predictions::PredictionsError;
use crate::input;
use crate::layer::InferenceMode;
use crate::lut::Costs;
use crate::task::{Metric, Predictions};
use std::path::{Path, PathBuf};

/// Bytes of the largest report that is read: one of a million layers.
const LARGEST: u64 = 1 << 30;

/// A report and its file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SavedReport {
    /// The file; of a job of a sweep its folder, then the job.
    pub path: PathBuf,
    /// What it is called: the file's name without its extension, or what tells the job from others.
    pub name: String,
    /// The report.
    pub report: Report,
}

/// Why a file cannot serve as a baseline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedReportError {
    /// The file does not exist or cannot be read.
    #[error("{}: cannot read the report", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a report.
    #[error("{}", .path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ReportError,
    },
    /// The report's metric is not a fraction.
    #[error("{}: {name} {found}, expected a fraction from 0 to 1", .path.display())]
    Metric {
        /// The metric's name.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Its value.
        found: f64,
    },
    /// The report has no predictions.
    #[error("{}: the report names no predictions: run it again and write predictions to a file", .path.display())]
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

impl SavedReportError {
    /// The settings that fix the error.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            SavedReportError::NoPredictions { .. } => &["predictions"],
            _ => &[],
        }
    }
}

impl SavedReport {
    /// Reads the JSON report at `path`.
    ///
    /// # Errors
    /// When the file is not a report whose metric is a fraction.
    pub fn read(path: &Path) -> Result<Self, SavedReportError> {
        let path = path.to_owned();
        let bytes = match input::read(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(source) => return Err(SavedReportError::Read { path, source }),
        };
        let report = match Report::from_json(&bytes) {
            Ok(report) => report,
            Err(source) => return Err(SavedReportError::Report { path, source }),
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::new(path, name, report)
    }

    /// A report that was found at `path`, and is called `name`.
    ///
    /// # Errors
    /// When its metric is not a fraction.
    pub fn new(path: PathBuf, name: String, report: Report) -> Result<Self, SavedReportError> {
        let Metric { task, value: found } = report.metrics.metric();
        if !(0.0..=1.0).contains(&found) {
            return Err(SavedReportError::Metric { path, name: task.metric().title, found });
        }
        Ok(SavedReport { path, name, report })
    }

    /// The run with what its multipliers cost by a file of costs; as it was reported where there is no file.
    #[must_use]
    pub fn with_costs(self, costs: &Costs) -> Self {
        if costs.names().is_empty() {
            return self;
        }
        SavedReport { report: self.report.with_costs(costs), ..self }
    }

    /// The metric of the report's task.
    pub fn metric(&self) -> Metric {
        self.report.metrics.metric()
    }

    /// Whether all layers computed in `fp32`.
    pub fn is_fp32(&self) -> bool {
        self.report.layers.iter().all(|layer| layer.mode == InferenceMode::Baseline)
    }

    /// A note where it is a run of another network than that of `report`, of which nothing can then be said by
    /// their difference.
    pub(super) fn other_network(&self, report: &Report) -> Option<String> {
        let (before, now) = (&self.report.model, &report.model);
        let hashes =
            |model: &ModelReport| (model.blake3.clone(), model.weights.as_ref().map(|weights| weights.blake3.clone()));
        // Networks in memory have no hash.
        let is_known = !before.blake3.is_empty() && !now.blake3.is_empty();
        (is_known && hashes(before) != hashes(now)).then(|| {
            let names = if before.name == now.name {
                format!("{} with other weights", before.name)
            } else {
                format!("another network, {} instead of {}", before.name, now.name)
            };
            format!("{} is a run of {names}: the difference is not that of the multiplier", self.path.display())
        })
    }

    /// A note where it is a run over other samples than that of `report`.
    pub(super) fn other_data(&self, report: &Report) -> Option<String> {
        let (before, now) = (&self.report.dataset, &report.dataset);
        let drawn = [&self.report, report].map(|report| report.config.shuffle);
        (before.blake3 != now.blake3 || before.samples != now.samples || drawn[0] != drawn[1])
            .then(|| format!("the baseline was evaluated on other data ({} samples)", before.samples))
    }

    /// Reads the predictions that the report names.
    ///
    /// # Errors
    /// When the report names no predictions, or they cannot be used.
    pub fn predictions(&self) -> Result<Predictions, SavedReportError> {
        let path = self.path.clone();
        let Some(predictions) = &self.report.predictions else { return Err(SavedReportError::NoPredictions { path }) };
        predictions.read(&self.path).map_err(|source| SavedReportError::Predictions { path, source })
    }
}
