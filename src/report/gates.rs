//! Gates of an evaluation: bounds that a caller sets, judged on its report and on an earlier one.

use super::{ComparisonReport, Report, SavedReport, SavedReportError};
use crate::eval::{Gate, Session};
use crate::printable::with_causes;
use crate::task::{Comparison, Predictions, Task};
use std::path::PathBuf;

/// Bounds that an evaluation is to keep. The default has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gates {
    /// The least metric (top-1 accuracy; the AUC of an anomaly detector), a fraction.
    pub min_accuracy: Option<f64>,
    /// The largest drop of the metric below the baseline's, absolute.
    pub max_drop: Option<f64>,
    /// The significance level at which the metric must not be below the baseline's.
    pub alpha: Option<f64>,
    /// The report to compare with.
    pub baseline: Option<PathBuf>,
}

/// Why gates cannot be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatesError {
    /// A bound that is no fraction.
    #[error("{key} is {found}, expected a fraction from 0 to 1")]
    Bound {
        /// The bound's key.
        key: &'static str,
        /// Its value.
        found: f64,
    },
    /// The baseline cannot be used.
    #[error(transparent)]
    Baseline(#[from] SavedReportError),
    /// The baseline is of another task.
    #[error("{}: a report of {found}, but the task of {model} is {expected}", .path.display())]
    Task {
        /// The baseline.
        path: PathBuf,
        /// Its task.
        found: Task,
        /// The network's name.
        model: String,
        /// Its task.
        expected: Task,
    },
    /// A significance test of runs over other samples.
    #[error("{}: {found} samples, but this run has {samples}: a significance test needs runs over the same samples", .path.display())]
    Samples {
        /// The baseline.
        path: PathBuf,
        /// Its samples.
        found: usize,
        /// Samples of this run.
        samples: usize,
    },
    /// A significance test of runs over other data.
    #[error("{}: evaluated on other samples than this run: a significance test needs the same samples", .path.display())]
    OtherData {
        /// The baseline.
        path: PathBuf,
    },
}

impl GatesError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            GatesError::Bound { key: "min_accuracy", .. } => &["min_accuracy"],
            GatesError::Bound { key: "max_drop", .. } => &["max_drop"],
            GatesError::Bound { .. } => &["alpha"],
            GatesError::Baseline(error) if error.keys().is_empty() => &["baseline"],
            GatesError::Baseline(_) => &["baseline", "predictions"],
            GatesError::Task { .. } => &["baseline"],
            GatesError::Samples { .. } | GatesError::OtherData { .. } => &["alpha", "baseline"],
        }
    }
}

/// Gates whose baseline is read.
#[derive(Debug)]
pub struct OpenGates {
    gates: Gates,
    reference: Option<Reference>,
}

/// An earlier run, to compare with.
#[derive(Debug)]
struct Reference {
    baseline: SavedReport,
    /// Its predictions, where it has them.
    predictions: Option<Predictions>,
    /// Why they cannot be used.
    note: Option<String>,
}

impl Gates {
    /// Checks the bounds, and reads the baseline.
    ///
    /// # Errors
    /// When a bound is no fraction, or the baseline or the predictions that a significance test needs cannot
    /// be read.
    pub fn open(self) -> Result<OpenGates, GatesError> {
        let bounds = [("min_accuracy", self.min_accuracy), ("max_drop", self.max_drop), ("alpha", self.alpha)];
        for (key, bound) in bounds {
            if let Some(found) = bound.filter(|bound| !(0.0..=1.0).contains(bound)) {
                return Err(GatesError::Bound { key, found });
            }
        }
        let reference = self.baseline.as_deref().map(SavedReport::read).transpose()?;
        let reference = reference.map(|baseline| Reference::new(baseline, self.alpha.is_some())).transpose()?;
        Ok(OpenGates { gates: self, reference })
    }
}

impl Reference {
    fn new(baseline: SavedReport, needs_predictions: bool) -> Result<Self, SavedReportError> {
        match baseline.predictions() {
            Ok(predictions) => Ok(Reference { baseline, predictions: Some(predictions), note: None }),
            Err(error) if needs_predictions => Err(error),
            Err(error) => {
                let names_some = baseline.report.predictions.is_some();
                let note = names_some.then(|| {
                    let note = format!("the baseline's predictions were not compared: {}", with_causes(&error));
                    tracing::warn!("{note}");
                    note
                });
                Ok(Reference { baseline, predictions: None, note })
            }
        }
    }

    /// A run's predictions against those of the baseline; why they cannot be compared goes to the notes.
    fn compare(&self, predictions: &Predictions, notes: &mut Vec<String>) -> Option<ComparisonReport> {
        match Comparison::new(self.predictions.as_ref()?, predictions) {
            Ok(comparison) => Some(ComparisonReport {
                reference: self.baseline.path.display().to_string(),
                metric: self.baseline.metric(),
                comparison,
            }),
            Err(error) => {
                notes.push(format!("the baseline's predictions were not compared: {error}"));
                None
            }
        }
    }
}

impl OpenGates {
    /// Fails where the gates cannot be judged on an evaluation of `session`.
    ///
    /// # Errors
    /// When the baseline is of another task, or of other samples where a significance test compares them.
    pub fn check(&self, session: &Session) -> Result<(), GatesError> {
        let Some(Reference { baseline, .. }) = &self.reference else { return Ok(()) };
        let (path, model) = (|| baseline.path.clone(), session.model());
        let (found, expected) = (baseline.metric().task, model.task);
        if found != expected {
            return Err(GatesError::Task { path: path(), found, model: model.name.clone(), expected });
        }
        let (found, samples) = (baseline.report.dataset.samples, session.samples());
        if self.gates.alpha.is_some() && found != samples {
            return Err(GatesError::Samples { path: path(), found, samples });
        }
        Ok(())
    }

    /// Adds the judged gates, and the comparison with the baseline, to the report of a run with these
    /// predictions.
    ///
    /// # Errors
    /// When a significance test has other samples to compare with.
    pub fn apply(&self, report: &mut Report, predictions: &Predictions) -> Result<(), GatesError> {
        let (metric, Gates { min_accuracy, max_drop, alpha, .. }) = (report.metrics.metric(), &self.gates);
        report.gates.extend(min_accuracy.map(|bound| Gate::min_accuracy(metric, bound)));
        let Some(reference) = &self.reference else { return Ok(()) };
        let Reference { baseline, note, .. } = reference;
        report.notes.extend(note.clone());
        let compared = reference.compare(predictions, &mut report.notes);
        report.gates.extend(max_drop.map(|bound| Gate::max_drop(metric, baseline.metric(), bound)));
        if let Some(alpha) = *alpha {
            let compared = compared.as_ref();
            let compared = compared.ok_or_else(|| GatesError::OtherData { path: baseline.path.clone() })?;
            report.gates.push(Gate::no_significant_drop(&compared.comparison, alpha));
        }
        report.comparisons.extend(compared);
        let notes = [baseline.other_network(report), baseline.other_data(report)];
        if notes.iter().all(Option::is_none) && baseline.is_fp32() {
            report.judge_by_fp32(baseline.metric());
        }
        report.notes.extend(notes.into_iter().flatten().inspect(|note| tracing::warn!("{note}")));
        Ok(())
    }
}
