//! Options of an evaluation: layers, noise, run and report.

use crate::cli::experiment_file::file_or_name;
use crate::cli::named::named;
use crate::eval::{LayerOptions, LutSpec, NoiseLutSpec, Rule, Rules};
use crate::kernel::{self, Kernel};
use crate::layer::{InferenceMode, MODES};
use anyhow::{Context, bail, ensure};
use clap::ValueHint;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Layers")]
pub(in crate::cli) struct LayerArgs {
    /// What layers compute; default: approx when a LUT is given, else base
    #[arg(long, value_name = "MODE", value_parser = named(&MODES))]
    mode: Option<InferenceMode>,

    #[command(flatten)]
    rules: RuleArgs,
}

/// Options of some layers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Layers")]
pub(in crate::cli) struct RuleArgs {
    /// What products of two activations compute, such as queries by keys, unless a rule names them
    #[arg(long, value_name = "MODE", default_value = "base", value_parser = named(&MODES))]
    attention: InferenceMode,

    /// Layer options from a file of rules, or from an earlier JSON report
    #[arg(long, value_name = "FILE.json")]
    assign: Option<PathBuf>,

    #[arg(long, value_name = "PATTERN:key=value,...", value_parser = parse_rule, help = SET_HELP, long_help = set_help())]
    set: Vec<Rule>,
}

const SET_HELP: &str = "Options of the layers whose names match a glob, such as 'conv*:lut=drum-4,act_bits=6'; may be given more \
     than once";

fn set_help() -> String {
    let keys: Vec<&str> = LayerOptions::keys().collect();
    format!("{SET_HELP}\n\nLater ones override earlier ones key by key. Keys: {}.", keys.join(", "))
}

/// A rule, its error in one line.
fn parse_rule(text: &str) -> Result<Rule, String> {
    text.parse().map_err(|error| format!("{:#}", anyhow::Error::new(error)))
}

impl LayerArgs {
    /// Takes LUT files that the first rules name from these folders, one for each of them.
    pub fn rebase(&mut self, folders: &[PathBuf]) {
        self.rules.rebase(folders);
    }

    /// The rules of the file, then those of the command line.
    pub fn rules(&self) -> anyhow::Result<Rules> {
        self.rules.rules()
    }

    /// `options` of all layers, with the modes asked for.
    pub fn apply(&self, options: LayerOptions) -> LayerOptions {
        LayerOptions { mode: self.mode, ..self.rules.apply(options) }
    }
}

impl RuleArgs {
    /// Takes LUT files that the first rules name from these folders, one for each of them.
    pub fn rebase(&mut self, folders: &[PathBuf]) {
        for (rule, folder) in self.set.iter_mut().zip(folders) {
            let LayerOptions { lut, noise_from_lut, .. } = &mut rule.options;
            for spec in lut.iter_mut().chain(noise_from_lut.as_mut().and_then(|noise| noise.lut.as_mut())) {
                if let Ok(path) = file_or_name(folder, &spec.lut).into_string() {
                    spec.lut = path;
                }
            }
        }
    }

    /// The rules of the file, then those of the command line.
    pub fn rules(&self) -> anyhow::Result<Rules> {
        let mut rules = match &self.assign {
            Some(path) => Rules::read(path).context("--assign")?,
            None => Rules::new(Vec::new()),
        };
        rules.extend(self.set.iter().cloned());
        Ok(rules)
    }

    /// What products of two activations compute, where that is not fp32.
    pub fn attention(&self) -> Option<InferenceMode> {
        Some(self.attention).filter(|mode| mode.is_quantized())
    }

    /// `options` of all layers, with the mode of products of two activations that was asked for.
    pub fn apply(&self, options: LayerOptions) -> LayerOptions {
        LayerOptions { attention: self.attention(), ..options }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Noise")]
pub(super) struct NoiseArgs {
    /// Standard deviation of the noise of mode noise, relative to that of each layer's output (exact products, before
    /// the bias)
    #[arg(long, value_name = "S", default_value_t = 0.0, allow_hyphen_values = true)]
    noise_std: f64,

    /// Mean of the noise of mode noise, in units of each layer's output, not relative to it
    #[arg(long, value_name = "M", default_value_t = 0.0, allow_hyphen_values = true)]
    noise_mean: f64,

    /// Derive the noise's deviation and mean for each layer from a multiplier's errors on calibration data, measured or
    /// 'predicted:LUT'
    ///
    /// 'LUT' and 'measured:LUT' multiply by it and measure; 'predicted:LUT' finds them from the table and the layers'
    /// operands. 'measured' and 'predicted' alone are of the LUT of --lut. --lut-format and --swap-operands apply to the
    /// LUT's file too.
    #[arg(long, value_name = "[METHOD:]LUT", conflicts_with_all = ["noise_std", "noise_mean"], value_hint = ValueHint::AnyPath)]
    noise_from_lut: Option<String>,

    /// Seed of the noise
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = parse_seed)]
    pub seed: u64,
}

pub(in crate::cli) fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

impl NoiseArgs {
    /// Whether it models a LUT.
    pub fn is_derived(&self) -> bool {
        self.noise_from_lut.is_some()
    }

    /// `options` of all layers with this noise; a LUT that it models is read as `reading` states.
    pub fn apply(&self, options: LayerOptions, reading: LutSpec) -> anyhow::Result<LayerOptions> {
        self.check()?;
        let nonzero = |x: f64| (x != 0.0).then_some(x);
        let noise_from_lut = self.noise_from_lut.as_ref().map(|text| NoiseLutSpec::read(text, reading));
        let (noise_std, noise_mean) = (nonzero(self.noise_std), nonzero(self.noise_mean));
        Ok(LayerOptions { noise_std, noise_mean, noise_from_lut, ..options })
    }

    fn check(&self) -> anyhow::Result<()> {
        let std = self.noise_std;
        ensure!(std.is_finite() && std >= 0.0, "--noise-std {std}: expected a finite number of at least 0");
        let mean = self.noise_mean;
        ensure!(mean.is_finite(), "--noise-mean {mean}: expected a finite number");
        Ok(())
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Run", group = clap::ArgGroup::new("parts").multiple(true))]
pub(in crate::cli) struct RunArgs {
    /// Evaluate the first N samples only
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, value_parser = parse_count::<NonZeroUsize>)]
    #[arg(group = "parts")]
    pub limit: Option<NonZeroUsize>,

    /// Draw the samples of --limit and --calib-samples at random by this seed, instead of the first ones
    #[arg(long, value_name = "SEED", requires = "parts", allow_negative_numbers = true, value_parser = parse_seed)]
    pub shuffle: Option<u64>,

    /// Samples per batch
    #[arg(short, long, value_name = "N", default_value = "64", allow_negative_numbers = true, value_parser = parse_count::<NonZeroUsize>)]
    pub batch_size: NonZeroUsize,

    #[command(flatten)]
    pub threads: ThreadArgs,

    /// Kernel that sums products; default: the fastest that the processor supports
    #[arg(long, value_name = "NAME", env = "APPROX_EVAL_KERNEL")]
    pub kernel: Option<String>,
}

pub(in crate::cli) fn parse_count<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number of at least 1".to_owned())
}

/// How many threads a command works on.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Run")]
pub(in crate::cli) struct ThreadArgs {
    /// Number of threads; default: all cores
    #[arg(short = 'j', long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl ThreadArgs {
    /// Does `work` on as many threads as asked for.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        let threads = self.threads.map_or(0, usize::from);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("--threads")?;
        pool.install(work)
    }
}

impl RunArgs {
    /// The kernel asked for, which all give the same bits.
    pub fn kernel(&self) -> anyhow::Result<&'static dyn Kernel> {
        let Some(name) = &self.kernel else { return Ok(kernel::best()) };
        let runnable = || {
            let kernels = kernel::KERNELS.iter().filter(|kernel| kernel.is_supported());
            kernels.map(|kernel| kernel.name()).collect::<Vec<_>>().join(", ")
        };
        match kernel::KERNELS.get(name).copied() {
            Some(kernel) if kernel.is_supported() => Ok(kernel),
            Some(_) => bail!("--kernel {name}: this processor cannot run it, but {}", runnable()),
            None => bail!("--kernel {name}: no such kernel; this processor can run {}", runnable()),
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Report")]
pub(super) struct ReportArgs {
    /// Also write the report to a file, in the format of its extension; may be given more than once
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,

    /// Write the label and prediction of each sample to a CSV file
    ///
    /// Columns: index, label, prediction and whether it is correct (anomaly detection: index, label and score;
    /// binary classification: the score too).
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,

    /// Write the raw outputs to a safetensors file: logits, f32, [samples, outputs]
    #[arg(long, value_name = "FILE")]
    pub logits: Option<PathBuf>,

    /// Write the confusion matrix to a CSV file; of more than 1024 classes, the pairs that occur
    #[arg(long, value_name = "FILE")]
    pub confusion: Option<PathBuf>,

    /// Measure each layer's output error against exact products and the fraction of its inputs that
    /// saturate (slower)
    #[arg(long)]
    pub layer_errors: bool,

    /// Also evaluate the same samples with all layers in this mode, base or quant, and compare
    ///
    /// --baseline and 'approx-eval compare' use saved reports instead.
    #[arg(long, value_name = "MODE", value_parser = parse_reference)]
    pub compare: Option<InferenceMode>,
}

/// A mode to compare with.
fn parse_reference(text: &str) -> Result<InferenceMode, String> {
    match text.parse() {
        Ok(mode @ (InferenceMode::Baseline | InferenceMode::Quantized)) => Ok(mode),
        _ => Err("expected base or quant".to_owned()),
    }
}
