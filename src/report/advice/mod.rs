//! What one multiplier does to a network and what to do about it, as it is written and read.

mod document;
mod words;

use super::{CostReport, DatasetReport, Degradation, ModelReport, ToolReport};
use crate::lut::LutInfo;
use crate::task::Metric;
use serde::{Deserialize, Serialize};

/// What a multiplier does to a network, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Advice {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// `advise`.
    pub kind: String,
    /// The program.
    pub tool: ToolReport,
    /// What to do, in words, what matters most first.
    pub advice: Vec<String>,
    /// The network.
    pub model: ModelReport,
    /// What it was evaluated on.
    pub dataset: DatasetReport,
    /// The largest drop of the metric that is allowed, a fraction.
    pub max_drop: f64,
    /// The multiplier.
    pub lut: LutInfo,
    /// What its audit found wrong.
    pub audit: Vec<String>,
    /// What it costs in this network, in all layers, where that is known.
    pub cost: Option<CostReport>,
    /// The metric that the network reaches with exact products.
    pub exact: Metric,
    /// The multiplier in all layers.
    pub all: Degradation,
    /// The same after a correction of the network, where one could be made.
    pub corrected: Option<CorrectedAdvice>,
    /// The multiplier in all layers but some, where that was needed and is within the bound.
    pub mixed: Option<MixedAdvice>,
    /// The layers, the most sensitive first.
    pub layers: Vec<LayerAdvice>,
    /// The accumulators that the layers need, where they have such.
    pub accumulators: Option<AccumulatorAdvice>,
    /// The products of the table that contribute most to the error.
    pub products: Vec<ProductAdvice>,
    /// Samples over which products were counted.
    pub counted_samples: usize,
    /// What a reader should know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The multiplier in all layers of the corrected network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CorrectedAdvice {
    /// What the network reaches.
    pub found: Degradation,
    /// The parts of the correction, in the order of their application.
    pub parts: Vec<String>,
    /// Share of the drop that it takes back, where there was one.
    pub recovered: Option<f64>,
}

/// The multiplier in all layers but some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MixedAdvice {
    /// The layers that have exact products, in graph order.
    pub exact_layers: Vec<String>,
    /// Share of the network's multiplications that these are.
    pub exact_share: f64,
    /// What the network reaches.
    pub found: Degradation,
    /// Energy of its multiplications over that of exact ones, where that is known.
    pub relative_energy: Option<f64>,
}

/// What the multiplier does in one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerAdvice {
    /// The layer's name.
    pub name: String,
    /// Multiplications of one sample.
    pub opcount: u64,
    /// Their share of all multiplications of the network.
    pub opcount_share: f64,
    /// The layer alone approximate.
    pub alone: Degradation,
    /// Whether it is one of those that stay exact.
    pub stays_exact: bool,
}

/// How wide accumulators have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccumulatorAdvice {
    /// The least width in bits at which no sum of the samples overflows.
    pub bits_needed: u32,
    /// The least width at which none can on any data.
    pub bits_worst_case: u32,
    /// Samples that were run.
    pub samples: usize,
}

/// A product of the table, and what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProductAdvice {
    /// The operands that the table is looked up with, activation and weight.
    pub operands: [i32; 2],
    /// Their exact product.
    pub exact: i64,
    /// The table's product.
    pub product: i64,
    /// How often it was used.
    pub uses: u64,
    /// Its share of the sum of absolute errors of all products, over all layers.
    pub share: f64,
}

impl Advice {
    /// The `kind` of such documents.
    pub const KIND: &str = "advise";

    /// Whether a drop is within the bound.
    pub fn is_within(&self, found: &Degradation) -> bool {
        found.drop <= self.max_drop
    }
}
