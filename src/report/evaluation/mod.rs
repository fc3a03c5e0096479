//! The report of one evaluation, schema 1: written as JSON and read back. Fields are added, never changed.

mod accumulators;
mod axis;
mod config;
mod cost;
mod document;
mod findings;
mod given_integers;
mod layers;
mod opcount;
mod shifts;
mod summary;
#[cfg(test)]
mod tests;
mod verdict;

pub use axis::{COST_AXES, CostAxis, CostFigure};
pub use config::{CalibrationReport, ConfigReport, NoiseReport, QuantizationReport};
pub use cost::CostReport;
pub use layers::LayerReport;
pub use opcount::{EnergyReport, EnergySource, OpcountReport};

use super::PredictionsReport;
use crate::eval::Gate;
use crate::layer::InferenceMode;
use crate::lut::LutInfo;
use crate::model::WeightsFile;
use crate::task::{ClassAccuracy, Comparison, Metric, Metrics, Task};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The schema of reports.
pub const SCHEMA: u32 = 1;

/// The results of an evaluation, and everything needed to run it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The program.
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
    #[serde(default)]
    pub luts: Vec<LutInfo>,
    /// The metrics of the network's task: `accuracy`, `binary` of a binary classifier, or `detection` of an
    /// anomaly detector.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Accuracy class by class, where classes are predicted; of more than
    /// [`MANY_CLASSES`](crate::task::MANY_CLASSES), those that samples or predictions are of.
    #[serde(default)]
    pub classes: Vec<ClassReport>,
    /// Where the predictions were written.
    pub predictions: Option<PredictionsReport>,
    /// This run against others over the same samples.
    #[serde(default)]
    pub comparisons: Vec<ComparisonReport>,
    /// Multiplications.
    pub opcount: OpcountReport,
    /// What the integer multiplications cost, where that is known of any multiplier in use.
    #[serde(default)]
    pub cost: Option<CostReport>,
    /// The approximate layers, in graph order.
    pub layers: Vec<LayerReport>,
    /// How long it took.
    pub timing: TimingReport,
    /// Gates and their results.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// What a reader should know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The program that wrote a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolReport {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Why a text is not a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The text is not JSON, or a field is missing or has another type.
    #[error("not a report of an evaluation in JSON")]
    Json(#[from] serde_json::Error),
    /// A report of another schema.
    #[error("schema {found}, expected {SCHEMA}")]
    Schema {
        /// The schema in the text.
        found: serde_json::Value,
    },
}

impl Report {
    /// Reads the JSON of a report. Unknown fields are ignored.
    ///
    /// # Errors
    /// When the text is not a report of this [schema](SCHEMA).
    pub fn from_json(json: &[u8]) -> Result<Self, ReportError> {
        #[derive(Deserialize)]
        struct Head {
            schema: serde_json::Value,
        }
        let Head { schema } = serde_json::from_slice(json)?;
        if schema.as_u64() != Some(SCHEMA.into()) {
            return Err(ReportError::Schema { found: schema });
        }
        Ok(serde_json::from_slice(json)?)
    }
}

impl Default for ToolReport {
    fn default() -> Self {
        ToolReport { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// The network of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
    #[serde(default)]
    pub task: Task,
    /// The state dict that replaced tensors of an ONNX file, where one did.
    pub weights: Option<WeightsFile>,
}

/// The data set of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassReport {
    /// The class's name, where known.
    pub label: Option<String>,
    /// The counts.
    #[serde(flatten)]
    pub accuracy: ClassAccuracy,
}

/// A run against another over the same samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ComparisonReport {
    /// The other run: the mode of all its layers, or its report's file.
    pub reference: String,
    /// Its metric: `reference_top1`, or `reference_auc` of an anomaly detector.
    #[serde(flatten, with = "reference_metric")]
    pub metric: Metric,
    /// This run against it.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// The metric of a reference, its key prefixed by `reference_`.
mod reference_metric {
    use crate::task::Metric;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(metric: &Metric, serializer: S) -> Result<S::Ok, S::Error> {
        metric.serialize_as("reference_", serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Metric, D::Error> {
        Metric::deserialize_as("reference_", deserializer)
    }
}

/// How long an evaluation took: the loop with batch preparation, without loading and calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
    pub kernel: Option<String>,
}

impl TimingReport {
    /// Rates of a loop of `elapsed` over `samples` samples; `kernel` summed the products of quantized layers.
    pub fn new(elapsed: Duration, samples: usize, layers: &[LayerReport], kernel: &str) -> Self {
        let seconds = elapsed.as_secs_f64();
        let looked_up = layers.iter().filter(|layer| layer.mode == InferenceMode::Approximate);
        let lookups = looked_up.map(|layer| layer.opcount).sum::<u64>() * samples as u64;
        TimingReport {
            seconds,
            images_per_second: samples as f64 / seconds,
            lookups_per_second: (lookups > 0).then(|| lookups as f64 / seconds),
            threads: rayon::current_num_threads(),
            kernel: layers.iter().any(|layer| layer.mode.is_quantized()).then(|| kernel.to_owned()),
        }
    }
}
