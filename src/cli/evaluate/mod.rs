//! `approx-eval` itself: one evaluation.

mod assignment;
mod inputs;
mod options;
mod outputs;
mod report;

use self::assignment::AssignArgs;
use self::inputs::{CalibrationInput, Inputs};
use self::outputs::Outputs;
use super::costs::CostsArgs;
use super::inputs::match_classes;
use super::output::FormatArgs;
use super::progress::Bar;
use super::quantization::QuantizationArgs;
use super::{DataArgs, ExitCode, LutArgs, ModelArgs, TerminalArgs};
use crate::data::{Batches, Dataset};
use crate::eval::{self, BatchOutputs, Outcome, OutputError};
use crate::kernel::Kernel;
use crate::layer::InferenceMode;
use crate::report::{ComparisonReport, ParamsSource, QuantizationReport};
use crate::task::{Comparison, Predictions};
use anyhow::Context;
use options::{GateArgs, NoiseArgs, ReportArgs, RunArgs};

#[derive(Debug, clap::Args)]
pub(super) struct EvaluateArgs {
    #[command(flatten)]
    assign: AssignArgs,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    lut: LutArgs,

    #[command(flatten)]
    costs: CostsArgs,

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

/// What an evaluation found.
struct Findings {
    outcome: Outcome,
    /// Hash of the data set.
    blake3: String,
    quantization: Option<QuantizationReport>,
    errors: Vec<Option<OutputError>>,
    /// Against the mode that was asked for.
    comparison: Option<ComparisonReport>,
    kernel: &'static str,
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
        let mut outputs = Outputs::create(self, &inputs)?;
        let progress = Bar::new(terminal);
        let kernel = self.run.kernel()?;

        let quantization = inputs.needs_scales.then(|| self.quantize(&mut inputs, kernel, &progress)).transpose()?;
        if let Some(file) = outputs.qparams.take() {
            file.commit_bytes(eval::params(&inputs.model.graph).to_json().as_bytes())?;
        }
        self.derive_noise(&mut inputs, &progress)?;
        eval::set_modes(&mut inputs.model.graph, &inputs.assignment, self.noise.seed)?;

        let dataset = inputs.dataset.take().context("the data set is read once")?;
        // Its hash is found beside the evaluation.
        let origin = dataset.origin().clone();
        let hash = std::thread::spawn(move || origin.blake3().map(|hash| hash.to_hex().to_string()));
        let outcome = pass(&inputs, dataset, &progress, |batch| outputs.add(batch))?;
        let measured = inputs.statistics.as_ref().filter(|_| self.report.layer_errors);
        let errors = measured.map_or_else(Vec::new, |statistics| statistics.take());
        inputs.statistics.iter().for_each(|statistics| statistics.pause());
        let compare = |mode| self.compare(&mut inputs, mode, &outcome.predictions, &progress);
        let comparison = self.report.compare.map(compare).transpose()?;
        let blake3 = hash.join().map_err(|_| anyhow::anyhow!("hashing the data set panicked"))??;

        let kernel = kernel.name();
        let found = Findings { outcome, blake3, quantization, errors, comparison, kernel };
        let mut report = self.report(&inputs, &found)?;
        report.predictions = outputs.commit_samples(&inputs, &found.outcome.predictions)?;
        outputs.write(&report)?;
        self.format.print(&report, terminal)?;
        let all_held = report.gates.iter().all(|gate| gate.passed);
        Ok(if all_held { ExitCode::Success } else { ExitCode::GateFailed })
    }

    /// Gives noise modes that stand for a multiplier their deviations and means.
    fn derive_noise(&self, inputs: &mut Inputs, progress: &Bar) -> anyhow::Result<()> {
        let Inputs { model, assignment, statistics, noise_calibration, .. } = inputs;
        let Some(statistics) = statistics else { return Ok(()) };
        if let Some(CalibrationInput { dataset, preprocess }) = noise_calibration.take() {
            let limit = self.quantization.calib_samples()?;
            let batch_size = model.graph.batch_size(eval::CALIBRATION_BATCH);
            let batches = Batches::start(dataset, preprocess, batch_size, limit)?;
            eval::derive_noise(&mut model.graph, batches, assignment, statistics, progress)?;
        }
        if !self.report.layer_errors {
            statistics.pause();
        }
        Ok(())
    }

    /// Compares with the same network on the same samples, all layers in `mode`.
    fn compare(
        &self,
        inputs: &mut Inputs,
        mode: InferenceMode,
        predictions: &Predictions,
        progress: &Bar,
    ) -> anyhow::Result<ComparisonReport> {
        eval::set_modes(&mut inputs.model.graph, &inputs.assignment.in_mode(mode), self.noise.seed)?;
        let mut dataset = self.data.open(&inputs.model)?;
        match_classes(&mut dataset, &mut inputs.model)?;
        let reference = pass(inputs, dataset, progress, |_| Ok(()))?;
        eval::set_modes(&mut inputs.model.graph, &inputs.assignment, self.noise.seed)?;
        let comparison = Comparison::new(&reference.predictions, predictions).context("--compare")?;
        Ok(ComparisonReport { reference: mode.to_string(), metric: reference.metrics.metric(), comparison })
    }

    /// Gives every layer its scales: from a file, else by calibration.
    fn quantize(&self, inputs: &mut Inputs, kernel: &dyn Kernel, progress: &Bar) -> anyhow::Result<QuantizationReport> {
        let Inputs { model, plan, assignment, qparams, calibration, notes, .. } = inputs;
        if let Some(file) = qparams {
            let given = self.quantization.qparams.as_ref();
            let (source, path) = match given {
                Some(path) => (ParamsSource::Qparams, Some(path)),
                None => (ParamsSource::ModelFile, model.path.as_ref()),
            };
            let path = path.map(|path| path.display().to_string());
            let option = if given.is_some() { "--qparams" } else { "--model" };
            let unused = eval::quantize(&mut model.graph, file, assignment, kernel)
                .with_context(|| format!("{option}: {}", path.as_deref().unwrap_or_default()))?;
            if !unused.is_empty() {
                let note = format!("{option} has parameters of layers that are not there: {}", unused.join(", "));
                tracing::warn!("{note}");
                notes.push(note);
            }
            return Ok(QuantizationReport {
                source,
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
        let samples = eval::calibrate(model, dataset, preprocess, limit, assignment, kernel, progress)?;
        let config = &plan.setting.config;
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

/// Runs the network over the data set as it was asked for.
fn pass(
    inputs: &Inputs,
    dataset: Dataset,
    progress: &Bar,
    sink: impl FnMut(&BatchOutputs) -> std::io::Result<()>,
) -> anyhow::Result<Outcome> {
    let (preprocess, limit) = (inputs.preprocess.clone(), Some(inputs.samples));
    let batches = Batches::start(dataset, preprocess, inputs.batch_size, limit)?;
    Ok(eval::evaluate(&inputs.model, batches, progress, sink)?)
}
