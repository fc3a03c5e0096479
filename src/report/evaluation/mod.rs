//! The report of one evaluation, schema 1. Fields are added, never changed.

mod config;
mod document;
mod findings;
mod layers;
mod summary;

pub use config::{ConfigReport, NoiseReport, QuantizationReport};
pub use layers::{EnergyReport, LayerReport, OpcountReport};

use super::PredictionsReport;
use crate::eval::{ClassAccuracy, Comparison, Figure, Gate, Quality};
use crate::layer::InferenceMode;
use crate::lut::LutInfo;
use crate::model::{Task, WeightsFile};
use serde::{Serialize, Serializer};
use std::time::Duration;

/// Everything that an evaluation found, and everything needed to run it again.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// 1.
    pub schema: u32,
    /// What made the report.
    pub tool: ToolReport,
    /// The network.
    pub model: ModelReport,
    /// What it was evaluated on.
    pub dataset: DatasetReport,
    /// How it was run.
    pub config: ConfigReport,
    /// The multiplier that products were taken from, in approximate mode: the first of `luts`.
    pub lut: Option<LutInfo>,
    /// Every multiplier in use: that of all layers that no rule changes, then in graph order.
    pub luts: Vec<LutInfo>,
    /// How well the network did: `accuracy`, or `detection` of an anomaly detector.
    #[serde(flatten)]
    pub quality: Quality,
    /// Accuracy class by class.
    pub classes: Vec<ClassReport>,
    /// Where the predictions were written.
    pub predictions: Option<PredictionsReport>,
    /// This run against others over the same samples.
    pub comparisons: Vec<ComparisonReport>,
    /// Multiplications.
    pub opcount: OpcountReport,
    /// The approximate layers, in graph order.
    pub layers: Vec<LayerReport>,
    /// How long it took.
    pub timing: TimingReport,
    /// Gates, judged.
    pub gates: Vec<Gate>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What made a report.
#[derive(Debug, Clone, Serialize)]
pub struct ToolReport {
    /// The program.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Default for ToolReport {
    fn default() -> Self {
        ToolReport { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

/// The network of a report.
#[derive(Debug, Clone, Serialize)]
pub struct ModelReport {
    /// Its name.
    pub name: String,
    /// Its directory or weights file; none for a shipped one.
    pub path: Option<String>,
    /// Its architecture.
    pub architecture: String,
    /// Trainable parameters, before folding.
    pub parameters: u64,
    /// Hash of the weights file.
    pub blake3: String,
    /// What its outputs mean.
    pub task: Task,
    /// The state dict that replaced tensors of an ONNX file, where one did.
    pub weights: Option<WeightsFile>,
}

/// The data set of a report.
#[derive(Debug, Clone, Serialize)]
pub struct DatasetReport {
    /// Its name.
    pub name: String,
    /// Its file or folder; none for an embedded one.
    pub path: Option<String>,
    /// Samples evaluated.
    pub samples: usize,
    /// Hash of its files.
    pub blake3: String,
}

/// Accuracy on the samples of one class.
#[derive(Debug, Clone, Serialize)]
pub struct ClassReport {
    /// The class's name, where known.
    pub label: Option<String>,
    /// The counts.
    #[serde(flatten)]
    pub accuracy: ClassAccuracy,
}

/// A run against another over the same samples.
#[derive(Debug, Clone, Serialize)]
pub struct ComparisonReport {
    /// The other run: the mode of all its layers, or its report's file.
    pub reference: String,
    /// Its `reference_top1`, or its `reference_auc`.
    #[serde(flatten, serialize_with = "reference_figure")]
    pub figure: Figure,
    /// What was found.
    #[serde(flatten)]
    pub comparison: Comparison,
}

fn reference_figure<S: Serializer>(figure: &Figure, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map([match figure {
        Figure::Top1(top1) => ("reference_top1", top1),
        Figure::Auc(auc) => ("reference_auc", auc),
    }])
}

/// How long an evaluation took: the loop with batch preparation, without loading and calibration.
#[derive(Debug, Clone, Serialize)]
pub struct TimingReport {
    /// Wall time.
    pub seconds: f64,
    /// Samples a second.
    pub images_per_second: f64,
    /// Products looked up a second, in approximate mode.
    pub lookups_per_second: Option<f64>,
    /// Threads.
    pub threads: usize,
    /// The kernel that summed products, in modes that quantize.
    pub kernel: Option<&'static str>,
}

impl TimingReport {
    /// Rates of a loop of `elapsed` over `samples` samples; `kernel` summed what was quantized.
    pub fn of(elapsed: Duration, samples: usize, layers: &[LayerReport], kernel: &'static str) -> Self {
        let seconds = elapsed.as_secs_f64();
        let looked_up = layers.iter().filter(|layer| layer.mode == InferenceMode::Approximate);
        let lookups = looked_up.map(|layer| layer.opcount).sum::<u64>() * samples as u64;
        TimingReport {
            seconds,
            images_per_second: samples as f64 / seconds,
            lookups_per_second: (lookups > 0).then(|| lookups as f64 / seconds),
            threads: rayon::current_num_threads(),
            kernel: layers.iter().any(|layer| layer.mode.is_quantized()).then_some(kernel),
        }
    }
}
