//! Gates of an evaluation, and the earlier report that some of them compare with.

use crate::eval::{Gate, Session};
use crate::report::{Baseline, ComparisonReport, Report};
use crate::task::{Comparison, Predictions};
use anyhow::{Context, bail, ensure};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Gates", group = clap::ArgGroup::new("bounds").multiple(true))]
pub(super) struct GateArgs {
    /// Exit with 1 if top-1 accuracy (for anomaly detection, the AUC) is below this fraction
    #[arg(long, value_name = "A", allow_hyphen_values = true)]
    pub min_accuracy: Option<f64>,

    /// Compare with an earlier JSON report, and with the predictions file that it names, if any
    #[arg(long, value_name = "REPORT", requires = "bounds")]
    pub baseline: Option<PathBuf>,

    /// Exit with 1 if accuracy (or AUC) is more than this below the baseline's; absolute, so 0.01 is one
    /// percentage point
    #[arg(long, value_name = "D", requires = "baseline", allow_hyphen_values = true, group = "bounds")]
    pub max_drop: Option<f64>,

    /// Exit with 1 if accuracy (or AUC) is below the baseline's and the two-sided p-value of McNemar's exact
    /// test (or DeLong's) is below this level; both runs need --predictions
    #[arg(long, value_name = "A", requires = "baseline", allow_hyphen_values = true, group = "bounds")]
    pub alpha: Option<f64>,
}

/// An earlier run, to compare with.
pub(super) struct Reference {
    pub baseline: Baseline,
    /// Its predictions, where it has them.
    pub predictions: Option<Predictions>,
    /// Why they cannot be used.
    pub note: Option<String>,
}

impl GateArgs {
    /// Checks the bounds and reads the baseline.
    pub fn open(&self) -> anyhow::Result<Option<Reference>> {
        let bounds = [("--min-accuracy", self.min_accuracy), ("--max-drop", self.max_drop), ("--alpha", self.alpha)];
        for (option, bound) in bounds {
            if let Some(bound) = bound.filter(|bound| !(0.0..=1.0).contains(bound)) {
                bail!("{option} {bound}: expected a fraction from 0 to 1");
            }
        }
        self.baseline.as_deref().map(|path| self.read(path).context("--baseline")).transpose()
    }

    fn read(&self, path: &Path) -> anyhow::Result<Reference> {
        let baseline = Baseline::read(path)?;
        let predictions = match baseline.predictions() {
            Ok(predictions) => Some(predictions),
            Err(error) if self.alpha.is_some() => return Err(error.into()),
            Err(error) if baseline.report.predictions.is_some() => {
                let note = format!("the baseline's predictions were not compared: {:#}", anyhow::Error::new(error));
                tracing::warn!("{note}");
                return Ok(Reference { baseline, predictions: None, note: Some(note) });
            }
            Err(_) => None,
        };
        Ok(Reference { baseline, predictions, note: None })
    }

    /// Fails where `reference` is of another task than the session's, or cannot be tested against it.
    pub fn check(&self, reference: Option<&Reference>, session: &Session) -> anyhow::Result<()> {
        let Some(Reference { baseline, .. }) = reference else { return Ok(()) };
        let (path, task, model) = (baseline.path.display(), baseline.metric().task, session.model());
        ensure!(
            task == model.task,
            "--baseline: {path} is a report of {task}, but the task of {} is {}",
            model.name,
            model.task
        );
        let (found, samples) = (baseline.report.dataset.samples, session.samples());
        ensure!(
            self.alpha.is_none() || found == samples,
            "--alpha: {path} has {found} samples, this run {samples}: compare runs over the same samples"
        );
        Ok(())
    }

    /// Adds the gates and the comparison with `reference` to the report of an evaluation.
    pub fn apply(
        &self,
        report: &mut Report,
        predictions: &Predictions,
        reference: Option<&Reference>,
    ) -> anyhow::Result<()> {
        let metric = report.metrics.metric();
        report.notes.extend(reference.and_then(|reference| reference.note.clone()));
        let compared = reference.and_then(|reference| compared(reference, predictions, &mut report.notes));
        let baseline = reference.map(|reference| &reference.baseline);
        let minimum = self.min_accuracy.map(|bound| Gate::min_accuracy(metric, bound));
        let drop = self.max_drop.zip(baseline);
        let drop = drop.map(|(bound, baseline)| Gate::max_drop(metric, baseline.metric(), bound));
        let significance = self.alpha.map(|alpha| {
            let comparison = compared.as_ref().context("--alpha: the baseline has other samples")?;
            anyhow::Ok(Gate::no_significant_drop(&comparison.comparison, alpha))
        });
        report.gates = minimum.into_iter().chain(drop).chain(significance.transpose()?).collect();
        report.comparisons.extend(compared);
        if let Some(baseline) = baseline
            && (baseline.report.dataset.blake3 != report.dataset.blake3
                || baseline.report.dataset.samples != report.dataset.samples)
        {
            let note =
                format!("the baseline was evaluated on other data ({} samples)", baseline.report.dataset.samples);
            tracing::warn!("{note}");
            report.notes.push(note);
        }
        Ok(())
    }
}

/// The run against a baseline with predictions; why they cannot be compared goes to the notes.
fn compared(reference: &Reference, predictions: &Predictions, notes: &mut Vec<String>) -> Option<ComparisonReport> {
    let comparison = Comparison::new(reference.predictions.as_ref()?, predictions);
    match comparison {
        Ok(comparison) => Some(ComparisonReport {
            reference: reference.baseline.path.display().to_string(),
            metric: reference.baseline.metric(),
            comparison,
        }),
        Err(error) => {
            notes.push(format!("the baseline's predictions were not compared: {error}"));
            None
        }
    }
}
