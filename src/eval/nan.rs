//! Samples that are not numbers.
//!
//! A NaN spreads over all that follows from it, and no quantizer has a byte for it. It is looked for where
//! samples enter the network: later, nobody knows which one it came from.

use crate::data::Batch;
use crate::graph::Graph;

/// A sample has NaN values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{dataset}: sample {sample} has NaN values{}", .layer.as_ref().map(|layer| format!(", the input of layer '{layer}'")).unwrap_or_default())]
#[non_exhaustive]
pub struct NanSample {
    /// The dataset's name.
    pub dataset: String,
    /// Index in the dataset.
    pub sample: usize,
    /// The network's first layer, if it has one.
    pub layer: Option<String>,
}

impl NanSample {
    /// The first sample with NaN values among the `values` of `batch`, of the dataset of that name, for the network
    /// `graph`.
    pub(super) fn find(dataset: &str, batch: &Batch, values: &[f32], graph: &Graph) -> Option<NanSample> {
        let at = values.iter().position(|value| value.is_nan())?;
        let sample = *batch.samples.get(at / (values.len() / batch.labels.len()))?;
        let layer = graph.layers().next().map(|layer| layer.name().to_owned());
        Some(NanSample { dataset: dataset.to_owned(), sample, layer })
    }
}
