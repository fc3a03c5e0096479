//! Files that an evaluation writes, opened before it starts.

use super::options::ReportArgs;
use crate::cli::TerminalArgs;
use crate::cli::output::OutputFiles;
use crate::eval::{BatchOutputs, Session};
use crate::model::Model;
use crate::output::OutputFile;
use crate::report::{Logits, PredictionsFile, PredictionsReport, Report, confusion_csv};
use crate::task::{Confusion, Predictions};
use anyhow::{Context, ensure};
use std::io;
use std::path::Path;

pub(super) struct Outputs {
    reports: OutputFiles,
    predictions: Option<PredictionsFile>,
    logits: Option<Logits>,
    confusion: Option<OutputFile>,
    qparams: Option<OutputFile>,
    /// Those with all that belongs in them: they appear together.
    finished: Vec<OutputFile>,
}

impl Outputs {
    /// Opens the files, each at a place of its own.
    pub fn create(args: &ReportArgs, save_qparams: Option<&Path>, session: &Session) -> anyhow::Result<Self> {
        let ReportArgs { output, predictions, logits, confusion, .. } = args;
        let model = session.model();
        ensure!(
            confusion.is_none() || model.task.class_column().is_some(),
            "--confusion needs a classifier; the task of {} is {}",
            model.name,
            model.task
        );
        let plain =
            |path: Option<&Path>, option: &'static str| path.map(OutputFile::create).transpose().context(option);
        let predictions_of = |path: &Path| PredictionsFile::create(path, model.task);
        let logits_of = |path: &Path| Logits::create(path, session.samples(), model.outputs);
        Ok(Outputs {
            reports: OutputFiles::create(output)?,
            predictions: predictions.as_deref().map(predictions_of).transpose().context("--predictions")?,
            logits: logits.as_deref().map(logits_of).transpose().context("--logits")?,
            confusion: plain(confusion.as_deref(), "--confusion")?,
            qparams: plain(save_qparams, "--save-qparams")?,
            finished: Vec::new(),
        })
    }

    /// Writes what goes out sample by sample.
    pub fn add(&mut self, batch: &BatchOutputs) -> io::Result<()> {
        self.predictions.as_mut().map_or(Ok(()), |file| file.add(batch))?;
        self.logits.as_mut().map_or(Ok(()), |file| file.add(batch))
    }

    /// Takes the scales that layers are quantized by.
    pub fn add_params(&mut self, params: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<()> {
        if let Some(file) = self.qparams.take() {
            self.finished.push(file.with_bytes(params()?.as_bytes())?);
        }
        Ok(())
    }

    /// Finishes the files of samples, and says where predictions will be.
    pub fn finish_samples(
        &mut self,
        model: &Model,
        predictions: &Predictions,
    ) -> anyhow::Result<Option<PredictionsReport>> {
        self.finished.extend(self.logits.take().map(Logits::into_file));
        if let Some(file) = self.confusion.take() {
            let confusion =
                Confusion::new(predictions, model.task.label_count(model.outputs)).context("--confusion")?;
            self.finished.push(file.with_bytes(&confusion_csv(&confusion, &model.labels))?);
        }
        let written = self.predictions.take().map(PredictionsFile::finish).transpose()?;
        Ok(written.map(|(file, report)| {
            self.finished.push(file);
            report
        }))
    }

    /// All files, the reports filled.
    pub fn finish(self, report: &Report, terminal: &TerminalArgs) -> anyhow::Result<Vec<OutputFile>> {
        let Outputs { reports, mut finished, .. } = self;
        finished.extend(reports.filled(report, terminal)?);
        Ok(finished)
    }
}
