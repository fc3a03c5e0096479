//! `approx-eval` itself: one evaluation.

use super::inputs::{DataArgs, LutArgs, ModelArgs};
use super::output::{FormatArgs, OutputFiles};
use super::progress::Bar;
use super::quantization::QuantizationArgs;
use super::{ExitCode, TerminalArgs};
use crate::data::{Batches, Dataset, Preprocess};
use crate::eval::{self, Gate, Outcome};
use crate::kernel::{self, Kernel};
use crate::layer::InferenceMode;
use crate::lut::{Lut, LutInfo};
use crate::output::OutputFile;
use crate::quant::{ParamsFile, QuantConfig};
use crate::report::{
    Baseline, ConfigReport, DatasetReport, LayerReport, Logits, ModelReport, NoiseReport, OpcountReport, Predictions,
    QuantizationReport, Report, TimingReport, ToolReport,
};
use crate::zoo::Model;
use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use std::num::NonZeroUsize;
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// The fp32 network
    #[value(alias = "baseline")]
    Base,
    /// Quantized, with exact products
    #[value(alias = "quantized")]
    Quant,
    /// Quantized, with every product from the LUT
    #[value(alias = "approximate")]
    Approx,
    /// Quantized, with Gaussian noise
    Noise,
}

impl From<Mode> for InferenceMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Base => InferenceMode::Baseline,
            Mode::Quant => InferenceMode::Quantized,
            Mode::Approx => InferenceMode::Approximate,
            Mode::Noise => InferenceMode::Noise,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Noise")]
struct NoiseArgs {
    /// Standard deviation of noise mode, relative to that of each layer's output
    #[arg(long, value_name = "S", default_value_t = 0.0, allow_hyphen_values = true)]
    noise_std: f64,

    /// Mean of noise mode, in units of each layer's output
    #[arg(long, value_name = "M", default_value_t = 0.0, allow_hyphen_values = true)]
    noise_mean: f64,

    /// Seed of noise mode
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Run")]
struct RunArgs {
    /// Evaluate the first N samples only
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<NonZeroUsize>,

    /// Samples of a batch
    #[arg(short, long, value_name = "N", default_value = "64")]
    batch_size: NonZeroUsize,

    /// Threads; default: all cores
    #[arg(short = 'j', long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Report")]
struct ReportArgs {
    /// Write the report to a file too, in the format of its extension; repeats
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// Write index, label, prediction and correct of each sample to a CSV file
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,

    /// Write the raw outputs to a safetensors file: logits, f32, [samples, classes]
    #[arg(long, value_name = "FILE")]
    logits: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Gates")]
struct GateArgs {
    /// Exit with 1 when top-1 accuracy is below this fraction
    #[arg(long, value_name = "A", allow_hyphen_values = true)]
    min_accuracy: Option<f64>,

    /// A JSON report to compare with
    #[arg(long, value_name = "REPORT", requires = "max_drop")]
    baseline: Option<PathBuf>,

    /// Exit with 1 when top-1 accuracy lies more than this fraction below the baseline's
    #[arg(long, value_name = "D", requires = "baseline", allow_hyphen_values = true)]
    max_drop: Option<f64>,
}

impl NoiseArgs {
    fn check(&self) -> anyhow::Result<()> {
        let std = self.noise_std;
        ensure!(std.is_finite() && std >= 0.0, "--noise-std {std}: expected a finite number of at least 0");
        let mean = self.noise_mean;
        ensure!(mean.is_finite(), "--noise-mean {mean}: expected a finite number");
        Ok(())
    }
}

impl GateArgs {
    /// Checks the bounds and reads the baseline.
    fn open(&self) -> anyhow::Result<Option<Baseline>> {
        for (option, bound) in [("--min-accuracy", self.min_accuracy), ("--max-drop", self.max_drop)] {
            if let Some(bound) = bound.filter(|bound| !(0.0..=1.0).contains(bound)) {
                bail!("{option} {bound}: expected a fraction from 0 to 1");
            }
        }
        self.baseline.as_ref().map(|path| Baseline::read(path).context("--baseline")).transpose()
    }

    fn judge(&self, outcome: &Outcome, baseline: Option<&Baseline>) -> Vec<Gate> {
        let minimum = self.min_accuracy.map(|bound| Gate::min_accuracy(&outcome.accuracy, bound));
        let drop = self.max_drop.zip(baseline);
        let drop = drop.map(|(bound, baseline)| Gate::max_drop(&outcome.accuracy, baseline.top1, bound));
        minimum.into_iter().chain(drop).collect()
    }
}

/// Runs one evaluation, on as many threads as asked for.
pub(super) fn run(args: EvaluateArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let threads = args.run.threads.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("--threads")?;
    pool.install(|| args.run(terminal))
}

impl EvaluateArgs {
    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        // All that can be wrong is found before the work starts.
        self.noise.check()?;
        let baseline = self.gates.open()?;
        let (lut, coding) = self.lut.open()?;
        let default_mode = if lut.is_some() { Mode::Approx } else { Mode::Base };
        let mode = InferenceMode::from(self.mode.unwrap_or(default_mode));
        ensure!(
            mode != InferenceMode::Approximate || lut.is_some(),
            "--mode approx needs a multiplier: give --lut FILE, or a name that 'approx-eval lut list' shows"
        );
        let config = self.quantization.config(coding, lut.as_ref())?;
        let qparams = self.quantization.qparams.as_deref();
        let qparams = qparams.map(|path| ParamsFile::read(path).context("--qparams")).transpose()?;
        let mut model = self.model.open()?;
        let dataset = self.data.open(&model)?;
        dataset.check_labels(model.num_classes)?;
        let preprocess = self.data.preprocess(&dataset, &model.preprocess);
        self.check_images(&dataset, &preprocess, &model)?;
        let limit = self.run.limit.map(NonZeroUsize::get);
        let samples = limit.map_or(dataset.len(), |limit| limit.min(dataset.len()));

        let outputs = OutputFiles::create(&self.report.output)?;
        let mut predictions =
            self.report.predictions.as_deref().map(Predictions::create).transpose().context("--predictions")?;
        let logits = self.report.logits.as_deref();
        let mut logits =
            logits.map(|path| Logits::create(path, samples, model.num_classes)).transpose().context("--logits")?;
        let save_qparams = self.quantization.save_qparams.as_deref();
        let save_qparams = save_qparams.map(OutputFile::create).transpose().context("--save-qparams")?;

        let mut notes = model.notes.clone();
        if self.data.is_normalisation_unknown(&dataset, &model.preprocess) {
            notes.push("byte images were only divided by 255: no --mean and --std were given".to_owned());
        }
        let parameters = model.graph.trainable_parameters();
        let progress = Bar::new(terminal);
        let kernel = kernel::best();
        eval::prepare(&mut model, !self.model.no_fold_bn)?;
        let quantization = if mode.is_quantized() || save_qparams.is_some() {
            Some(self.quantize(&mut model, &config, lut.as_ref(), qparams.as_ref(), kernel, &progress, &mut notes)?)
        } else {
            None
        };
        if let Some(file) = save_qparams {
            file.commit_bytes(eval::params(&model.graph).to_json().as_bytes())?;
        }
        eval::set_mode(&mut model.graph, mode, self.noise.noise_std, self.noise.noise_mean, self.noise.seed)?;

        // The data set's hash is found beside the evaluation.
        let origin = dataset.origin().clone();
        let name = dataset.name().to_owned();
        let hash = std::thread::spawn(move || origin.blake3().map(|hash| hash.to_hex().to_string()));
        let batches = Batches::start(dataset, preprocess.clone(), self.run.batch_size, limit)?;
        let outcome = eval::evaluate(&model.graph, batches, model.num_classes, &progress, |scores| {
            predictions.as_mut().map_or(Ok(()), |file| file.add(scores))?;
            logits.as_mut().map_or(Ok(()), |file| file.add(scores))
        })?;
        let blake3 = hash.join().map_err(|_| anyhow::anyhow!("hashing the data set panicked"))??;

        let approximate = mode == InferenceMode::Approximate;
        let lut = lut.filter(|_| approximate).map(|lut| LutInfo::of(&lut));
        let layers = LayerReport::of(&model.graph, lut.as_ref().map(|lut| lut.name.as_str()));
        let opcount = OpcountReport::of(&layers, samples);
        let seconds = outcome.elapsed.as_secs_f64();
        let lookups: u64 = layers.iter().filter(|layer| layer.lut.is_some()).map(|layer| layer.opcount).sum();
        let shifted = layers.iter().filter(|layer| layer.shifted).count();
        if shifted > 0 {
            notes.push(format!("quantization parameters of {shifted} layers were shifted by 128 for coding {coding}"));
        }
        let gates = self.gates.judge(&outcome, baseline.as_ref());
        if let Some(baseline) = baseline.filter(|baseline| baseline.dataset != blake3 || baseline.samples != samples) {
            let note = format!("the baseline was evaluated on other data ({} samples)", baseline.samples);
            tracing::warn!("{note}");
            notes.push(note);
        }
        let all_held = gates.iter().all(|gate| gate.passed);
        let report = Report {
            schema: 1,
            tool: ToolReport::default(),
            model: ModelReport {
                name: model.name.clone(),
                architecture: model.architecture.to_owned(),
                parameters,
                blake3: model.blake3.clone(),
            },
            dataset: DatasetReport { name, samples, blake3 },
            config: ConfigReport {
                mode,
                seed: self.noise.seed,
                batch_size: self.run.batch_size.get(),
                coding: mode.is_quantized().then_some(coding),
                quantization: quantization.filter(|_| mode.is_quantized()),
                noise: (mode == InferenceMode::Noise)
                    .then_some(NoiseReport { stdev: self.noise.noise_std, mean: self.noise.noise_mean }),
                fold_bn: !self.model.no_fold_bn,
                mean: preprocess.mean,
                std: preprocess.std,
                resize: preprocess.resize,
                crop: preprocess.crop,
                channels: preprocess.channels.map(|channels| channels.to_string()),
            },
            lut,
            accuracy: outcome.accuracy,
            opcount,
            layers,
            timing: TimingReport {
                seconds,
                images_per_second: samples as f64 / seconds,
                lookups_per_second: approximate.then(|| (lookups * samples as u64) as f64 / seconds),
                threads: rayon::current_num_threads(),
                kernel: mode.is_quantized().then(|| kernel.name()),
            },
            gates,
            notes,
        };
        outputs.write(&report)?;
        predictions.map_or(Ok(()), Predictions::commit)?;
        logits.map_or(Ok(()), Logits::commit)?;
        self.format.print(&report, terminal)?;
        Ok(if all_held { ExitCode::Success } else { ExitCode::GateFailed })
    }

    /// Fails unless preprocessed images are what the network takes.
    fn check_images(&self, dataset: &Dataset, preprocess: &Preprocess, model: &Model) -> anyhow::Result<()> {
        let found = preprocess.output_shape(dataset.image_shape(), dataset.pixel_kind())?;
        let expected = model.input;
        if found[0] != expected[0] {
            let name = if expected[0] == 1 { "gray" } else { "rgb" };
            bail!(
                "{}: images have {} channels, but {} takes {}: convert byte images by --channels {name}",
                dataset.name(),
                found[0],
                model.name,
                expected[0]
            );
        }
        if found != expected {
            bail!(
                "{}: images are {} x {}, but {} takes {} x {}: use --resize and --crop on byte images",
                dataset.name(),
                found[1],
                found[2],
                model.name,
                expected[1],
                expected[2]
            );
        }
        Ok(())
    }

    /// Gives every layer its scales: from a file, else by calibration.
    #[expect(clippy::too_many_arguments, reason = "each is a decision of its own")]
    fn quantize(
        &self,
        model: &mut Model,
        config: &QuantConfig,
        lut: Option<&Lut>,
        qparams: Option<&ParamsFile>,
        kernel: &dyn Kernel,
        progress: &Bar,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<QuantizationReport> {
        if let Some(file) = qparams {
            let unused = eval::quantize(&mut model.graph, file, config.coding, lut, kernel).context("--qparams")?;
            if !unused.is_empty() {
                let note = format!("--qparams has parameters of layers that are not there: {}", unused.join(", "));
                tracing::warn!("{note}");
                notes.push(note);
            }
            return Ok(QuantizationReport {
                source: "qparams",
                path: self.quantization.qparams.as_ref().map(|path| path.display().to_string()),
                samples: None,
                act_bits: None,
                weight_bits: None,
                act_scheme: None,
                weight_scheme: None,
                observer: None,
            });
        }
        let path = self.quantization.calib_data.as_deref();
        let dataset = match path {
            Some(path) => self.data.open_calibration(path)?,
            None => eval::calibration_data(model)?,
        };
        let preprocess = self.data.preprocess(&dataset, &model.preprocess);
        let limit = self.quantization.calib_samples()?;
        let samples = eval::calibrate(model, dataset, preprocess, limit, config, lut, kernel, progress)?;
        Ok(QuantizationReport {
            source: if path.is_some() { "calib-data" } else { "model" },
            path: path.map(|path| path.display().to_string()),
            samples: Some(samples),
            act_bits: Some(config.act_bits),
            weight_bits: Some(config.weight_bits),
            act_scheme: Some(config.act_scheme),
            weight_scheme: Some(config.weight_scheme),
            observer: Some(config.observer.to_string()),
        })
    }
}
