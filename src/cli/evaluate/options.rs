//! The options of an evaluation that stand by themselves.

use crate::eval::Gate;
use crate::kernel::{self, Kernel};
use crate::layer::InferenceMode;
use crate::report::Baseline;
use crate::task::{Comparison, Metric, Predictions};
use anyhow::{Context, bail, ensure};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Noise")]
pub(super) struct NoiseArgs {
    /// Standard deviation of noise mode, relative to that of each layer's output
    #[arg(long, value_name = "S", default_value_t = 0.0, allow_hyphen_values = true)]
    pub noise_std: f64,

    /// Mean of noise mode, in units of each layer's output
    #[arg(long, value_name = "M", default_value_t = 0.0, allow_hyphen_values = true)]
    pub noise_mean: f64,

    /// Derive both for each layer from a multiplier's errors on calibration data
    #[arg(long, value_name = "LUT", conflicts_with_all = ["noise_std", "noise_mean"])]
    pub noise_from_lut: Option<String>,

    /// Seed of noise mode
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = parse_seed)]
    pub seed: u64,
}

fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

impl NoiseArgs {
    pub fn check(&self) -> anyhow::Result<()> {
        let std = self.noise_std;
        ensure!(std.is_finite() && std >= 0.0, "--noise-std {std}: expected a finite number of at least 0");
        let mean = self.noise_mean;
        ensure!(mean.is_finite(), "--noise-mean {mean}: expected a finite number");
        Ok(())
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Run")]
pub(super) struct RunArgs {
    /// Evaluate the first N samples only
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, value_parser = parse_count)]
    pub limit: Option<NonZeroUsize>,

    /// Samples of a batch
    #[arg(short, long, value_name = "N", default_value = "64", allow_negative_numbers = true, value_parser = parse_count)]
    pub batch_size: NonZeroUsize,

    /// Threads; default: all cores
    #[arg(short = 'j', long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Kernel that sums products; default: the best that the processor can run
    #[arg(long, value_name = "NAME", env = "APPROX_EVAL_KERNEL")]
    pub kernel: Option<String>,
}

fn parse_count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected a whole number of at least 1".to_owned())
}

impl RunArgs {
    /// The kernel asked for, which all give the same bits.
    pub fn kernel(&self) -> anyhow::Result<&'static dyn Kernel> {
        let Some(name) = &self.kernel else { return Ok(kernel::best()) };
        let runnable = || {
            let kernels = kernel::KERNELS.iter().filter(|kernel| kernel.is_supported());
            kernels.map(|kernel| kernel.name()).collect::<Vec<_>>().join(", ")
        };
        match kernel::by_name(name) {
            Some(kernel) if kernel.is_supported() => Ok(kernel),
            Some(_) => bail!("--kernel {name}: this processor cannot run it, but {}", runnable()),
            None => bail!("--kernel {name}: no such kernel; this processor can run {}", runnable()),
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Report")]
pub(super) struct ReportArgs {
    /// Write the report to a file too, in the format of its extension; repeats
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,

    /// Write index, label, prediction and correct of each sample to a CSV file; of an anomaly detector,
    /// index, label and score
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,

    /// Write the raw outputs to a safetensors file: logits, f32, [samples, outputs]
    #[arg(long, value_name = "FILE")]
    pub logits: Option<PathBuf>,

    /// Write how often each class was taken for each to a CSV file
    #[arg(long, value_name = "FILE")]
    pub confusion: Option<PathBuf>,

    /// Measure each layer's output error against exact products, and the share of its inputs that
    /// saturate, in the same pass (which then takes longer)
    #[arg(long)]
    pub layer_errors: bool,

    /// Evaluate the same samples with all layers in this mode too, and compare: base or quant
    #[arg(long, value_name = "MODE", value_parser = parse_reference)]
    pub compare: Option<InferenceMode>,
}

/// A mode that others are compared with.
fn parse_reference(text: &str) -> Result<InferenceMode, String> {
    match text.parse() {
        Ok(mode @ (InferenceMode::Baseline | InferenceMode::Quantized)) => Ok(mode),
        _ => Err("expected base or quant".to_owned()),
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Gates", group = clap::ArgGroup::new("bounds").multiple(true))]
pub(super) struct GateArgs {
    /// Exit with 1 when top-1 accuracy (of an anomaly detector, the AUC) is below this fraction
    #[arg(long, value_name = "A", allow_hyphen_values = true)]
    pub min_accuracy: Option<f64>,

    /// A JSON report to compare with; its predictions are compared too, where it names some
    #[arg(long, value_name = "REPORT", requires = "bounds")]
    pub baseline: Option<PathBuf>,

    /// Exit with 1 when that figure lies more than this fraction below the baseline's
    #[arg(long, value_name = "D", requires = "baseline", allow_hyphen_values = true, group = "bounds")]
    pub max_drop: Option<f64>,

    /// Exit with 1 when that figure lies below the baseline's at this significance level, by McNemar's
    /// exact test (DeLong's of areas); the baseline needs --predictions
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

    /// The gates, judged; `comparison` is that with the baseline.
    pub fn judge(
        &self,
        metric: Metric,
        baseline: Option<&Baseline>,
        comparison: Option<&Comparison>,
    ) -> anyhow::Result<Vec<Gate>> {
        let minimum = self.min_accuracy.map(|bound| Gate::min_accuracy(metric, bound));
        let drop = self.max_drop.zip(baseline);
        let drop = drop.map(|(bound, baseline)| Gate::max_drop(metric, baseline.metric(), bound));
        let significance = self.alpha.map(|alpha| {
            let comparison = comparison.context("--alpha: the baseline is of other samples")?;
            anyhow::Ok(Gate::no_significant_drop(comparison, alpha))
        });
        Ok(minimum.into_iter().chain(drop).chain(significance.transpose()?).collect())
    }
}
