//! `approx-eval` itself: one evaluation.

mod inputs;
mod options;
mod report;

use self::inputs::{CalibrationInput, Inputs};
use super::output::{FormatArgs, OutputFiles};
use super::progress::Bar;
use super::quantization::QuantizationArgs;
use super::{DataArgs, ExitCode, LutArgs, ModelArgs, TerminalArgs};
use crate::data::Batches;
use crate::eval;
use crate::kernel::Kernel;
use crate::output::OutputFile;
use crate::report::{Logits, ParamsSource, Predictions, QuantizationReport};
use anyhow::{Context, bail};
use options::{GateArgs, Mode, NoiseArgs, ReportArgs, RunArgs};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct EvaluateArgs {
    /// What layers compute; default: approx when a LUT is given, else base
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    lut: LutArgs,

    #[command(flatten)]
    noise: NoiseArgs,

    #[command(flatten)]
    quantization: QuantizationArgs,

    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    report: ReportArgs,

    #[command(flatten)]
    gates: GateArgs,
}

/// Files that an evaluation writes, opened before it starts.
struct Outputs {
    reports: OutputFiles,
    predictions: Option<Predictions>,
    logits: Option<Logits>,
    qparams: Option<OutputFile>,
}

/// Runs one evaluation, on as many threads as asked for.
pub(super) fn run(args: &EvaluateArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let threads = args.run.threads.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("--threads")?;
    pool.install(|| args.run(terminal))
}

impl EvaluateArgs {
    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        // All that can be wrong is found before the work starts.
        let mut inputs = Inputs::open(self)?;
        let Outputs { reports, mut predictions, mut logits, qparams } = self.open_outputs(&inputs)?;
        let progress = Bar::new(terminal);
        let kernel = self.run.kernel()?;

        eval::prepare(&mut inputs.model, !self.model.no_fold_bn)?;
        let quantization = if inputs.mode.is_quantized() || qparams.is_some() {
            Some(self.quantize(&mut inputs, kernel, &progress)?)
        } else {
            None
        };
        if let Some(file) = qparams {
            file.commit_bytes(eval::params(&inputs.model.graph).to_json().as_bytes())?;
        }
        let noise = &self.noise;
        eval::set_mode(&mut inputs.model.graph, inputs.mode, noise.noise_std, noise.noise_mean, noise.seed)?;

        let dataset = inputs.dataset.take().context("the data set is read once")?;
        // Its hash is found beside the evaluation.
        let origin = dataset.origin().clone();
        let hash = std::thread::spawn(move || origin.blake3().map(|hash| hash.to_hex().to_string()));
        let (preprocess, limit) = (inputs.preprocess.clone(), Some(inputs.samples));
        let batches = Batches::start(dataset, preprocess, inputs.batch_size, limit)?;
        let classes = inputs.model.num_classes;
        let outcome = eval::evaluate(&inputs.model.graph, batches, classes, &progress, |scores| {
            predictions.as_mut().map_or(Ok(()), |file| file.add(scores))?;
            logits.as_mut().map_or(Ok(()), |file| file.add(scores))
        })?;
        let blake3 = hash.join().map_err(|_| anyhow::anyhow!("hashing the data set panicked"))??;

        let report = self.report(inputs, &outcome, blake3, quantization, kernel.name());
        reports.write(&report)?;
        predictions.map_or(Ok(()), Predictions::commit)?;
        logits.map_or(Ok(()), Logits::commit)?;
        self.format.print(&report, terminal)?;
        let all_held = report.gates.iter().all(|gate| gate.passed);
        Ok(if all_held { ExitCode::Success } else { ExitCode::GateFailed })
    }

    fn open_outputs(&self, inputs: &Inputs) -> anyhow::Result<Outputs> {
        let ReportArgs { output, predictions, logits } = &self.report;
        let files = output.iter().chain(predictions).chain(logits).chain(&self.quantization.save_qparams);
        let mut files: Vec<PathBuf> = files.map(std::path::absolute).collect::<Result<_, _>>()?;
        files.sort_unstable();
        if let Some(twice) = files.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("{}: the file would be written twice", twice[0].display());
        }
        let shape = (inputs.samples, inputs.model.num_classes);
        let logits = logits.as_deref().map(|path| Logits::create(path, shape.0, shape.1));
        let qparams = self.quantization.save_qparams.as_deref();
        Ok(Outputs {
            reports: OutputFiles::create(output)?,
            predictions: predictions.as_deref().map(Predictions::create).transpose().context("--predictions")?,
            logits: logits.transpose().context("--logits")?,
            qparams: qparams.map(OutputFile::create).transpose().context("--save-qparams")?,
        })
    }

    /// Gives every layer its scales: from a file, else by calibration.
    fn quantize(&self, inputs: &mut Inputs, kernel: &dyn Kernel, progress: &Bar) -> anyhow::Result<QuantizationReport> {
        let Inputs { model, config, lut, qparams, calibration, notes, .. } = inputs;
        if let Some(file) = qparams {
            let path = self.quantization.qparams.as_ref().map(|path| path.display().to_string());
            let unused = eval::quantize(&mut model.graph, file, config.coding, lut.as_ref(), kernel)
                .with_context(|| format!("--qparams: {}", path.as_deref().unwrap_or_default()))?;
            if !unused.is_empty() {
                let note = format!("--qparams has parameters of layers that are not there: {}", unused.join(", "));
                tracing::warn!("{note}");
                notes.push(note);
            }
            return Ok(QuantizationReport {
                source: ParamsSource::Qparams,
                path,
                blake3: file.blake3.clone(),
                samples: None,
                act_bits: None,
                weight_bits: None,
                act_scheme: None,
                weight_scheme: None,
                observer: None,
            });
        }
        let CalibrationInput { dataset, preprocess } =
            calibration.take().context("the calibration set is read once")?;
        let blake3 = dataset.origin().blake3()?.to_hex().to_string();
        let limit = self.quantization.calib_samples()?;
        let samples = eval::calibrate(model, dataset, preprocess, limit, config, lut.as_ref(), kernel, progress)?;
        let path = self.quantization.calib_data.as_deref();
        Ok(QuantizationReport {
            source: if path.is_some() { ParamsSource::CalibData } else { ParamsSource::Model },
            path: path.map(|path| path.display().to_string()),
            blake3,
            samples: Some(samples),
            act_bits: Some(config.act_bits),
            weight_bits: Some(config.weight_bits),
            act_scheme: Some(config.act_scheme),
            weight_scheme: Some(config.weight_scheme),
            observer: Some(config.observer.to_string()),
        })
    }
}
