//! Which layers approximation hurts, as it is written and read.

mod document;

use super::{ConfigReport, DatasetReport, Degradation, ModelReport, ToolReport};
use crate::task::Metric;
use serde::{Deserialize, Serialize};

/// What approximation does to a network layer by layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SensitivityDetails {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// `sensitivity`.
    pub kind: String,
    /// `multiplier`, or `noise`.
    pub by: String,
    /// The program.
    pub tool: ToolReport,
    /// The network.
    pub model: ModelReport,
    /// What it was evaluated on.
    pub dataset: DatasetReport,
    /// How it is run with exact products.
    pub config: ConfigReport,
    /// The metric that it reaches with exact products.
    pub exact: Metric,
    /// Its mean loss with these, where the task has one.
    pub exact_loss: Option<f64>,
    /// What each multiplier does.
    pub luts: Vec<SensitivityLut>,
    /// The noise that layers tolerate, where that was looked for.
    pub noise: Option<NoiseSensitivity>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What a multiplier does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SensitivityLut {
    /// Its name.
    pub name: String,
    /// The file or name that was given.
    pub lut: String,
    /// Hash of its table.
    pub blake3: String,
    /// Energy of the network's multiplications with it in all layers, over exact ones, where that is known.
    pub relative_energy: Option<f64>,
    /// What that energy is comparable with.
    pub cost_basis: Option<String>,
    /// What it does in all layers.
    pub all: Degradation,
    /// What it does layer by layer, the most sensitive layer first.
    pub layers: Vec<SensitivityLayer>,
}

/// What a multiplier does in a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SensitivityLayer {
    /// Its place by drop of the metric alone, then by increase of the loss, from 1.
    pub rank: usize,
    /// The layer's name.
    pub name: String,
    /// The kind of layer.
    pub kind: String,
    /// Multiplications of one sample.
    pub opcount: u64,
    /// Their share of all multiplications of the network.
    pub opcount_share: f64,
    /// The share of its energy in that of the network's integer multiplications, all layers approximate.
    pub energy_share: Option<f64>,
    /// Energy of the network's integer multiplications with this layer alone approximate, over exact ones.
    pub relative_energy: Option<f64>,
    /// This layer approximate, all others exact.
    pub alone: Degradation,
    /// This layer exact, all others approximate.
    pub alone_exact: Degradation,
}

/// How much noise layers tolerate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoiseSensitivity {
    /// The largest drop of the metric.
    pub max_drop: f64,
    /// The least and the largest relative deviation that were tried.
    pub tried: [f64; 2],
    /// How much larger than a tolerance noise may be that breaks the bound, as a ratio.
    pub ratio: f64,
    /// Seed of the noise.
    pub seed: u64,
    /// Samples of a batch, over which deviations are relative.
    pub batch_size: usize,
    /// The layers, the most sensitive first.
    pub layers: Vec<NoiseLayer>,
}

/// The noise that a layer tolerates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoiseLayer {
    /// Its place by tolerance, the least being 1.
    pub rank: usize,
    /// The layer's name.
    pub name: String,
    /// The kind of layer.
    pub kind: String,
    /// Multiplications of one sample.
    pub opcount: u64,
    /// Their share of all multiplications of the network.
    pub opcount_share: f64,
    /// The largest relative standard deviation of noise within the bound, this layer alone; where it is not within what
    /// was tried, the end that it is beyond.
    pub tolerance: f64,
    /// `at`, or `below` or `beyond` where it is not within what was tried.
    pub bound: String,
    /// What noise of that deviation does.
    pub found: Degradation,
}

impl SensitivityDetails {
    /// The `kind` of such documents.
    pub const KIND: &str = "sensitivity";
}
