//! Multipliers in the order of what they are predicted to do to a network.

use super::document::{Document, Records, Section, optional};
use crate::eval::{ErrorParts, LayerResponse, Session};
use crate::stats::significant;
use crate::task::Task;
use serde::{Deserialize, Serialize};

/// The version of its schema.
const SCHEMA: u64 = 1;

/// Multipliers on a network, those of which the least harm is predicted first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RankReport {
    /// The version of the schema.
    pub schema: u64,
    /// `rank`.
    pub kind: String,
    /// The network.
    pub model: String,
    /// What it is evaluated on.
    pub dataset: String,
    /// Samples of it.
    pub samples: usize,
    /// What its outputs mean, which decides the metric.
    pub task: Task,
    /// The multipliers.
    pub multipliers: Vec<RankedMultiplier>,
    /// Spearman's rank correlation of the predicted order and the measured metric among those that were evaluated;
    /// `None` of fewer than three.
    pub spearman: Option<f64>,
    /// How many were evaluated.
    pub measured: usize,
    /// Seconds of gathering what all multipliers share.
    pub gathering_seconds: f64,
    /// Seconds of predicting all multipliers.
    pub predicting_seconds: f64,
}

/// One multiplier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RankedMultiplier {
    /// Its name, that of the table.
    #[serde(default)]
    pub name: String,
    /// As it was given.
    pub lut: String,
    /// The metric of exact products on the same operands.
    pub exact: f64,
    /// The metric predicted; `None` of tasks whose metric is not that of classes.
    pub predicted: Option<f64>,
    /// The noise predicted of the network's outputs: the root mean square of the change of all outputs of a sample
    /// together, what they share taken off.
    pub output_noise: f64,
    /// The metric measured, where it was.
    pub measured: Option<f64>,
    /// The errors predicted of its layers.
    pub layers: Vec<RankedLayer>,
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RankedLayer {
    /// Its name.
    pub name: String,
    /// Standard deviation of the output's error, relative to that of the exact output.
    pub stdev: f64,
    /// Mean of the error, in units of the output.
    pub mean: f64,
    /// What it consists of.
    pub parts: ErrorParts,
    /// How the network's outputs respond to noise in the layer.
    pub response: LayerResponse,
}

impl RankedMultiplier {
    /// How far the metric is predicted to fall.
    pub fn predicted_drop(&self) -> Option<f64> {
        self.predicted.map(|predicted| self.exact - predicted)
    }

    /// How far it fell.
    pub fn measured_drop(&self) -> Option<f64> {
        self.measured.map(|measured| self.exact - measured)
    }
}

impl RankReport {
    /// The multipliers on the network of `session`, in their order.
    pub fn new(
        session: &Session,
        multipliers: Vec<RankedMultiplier>,
        spearman: Option<f64>,
        [gathering_seconds, predicting_seconds]: [f64; 2],
    ) -> Self {
        RankReport {
            schema: SCHEMA,
            kind: "rank".to_owned(),
            model: session.model().name.clone(),
            dataset: session.dataset_name().to_owned(),
            samples: session.samples(),
            task: session.model().task,
            measured: multipliers.iter().filter(|multiplier| multiplier.measured.is_some()).count(),
            multipliers,
            spearman,
            gathering_seconds,
            predicting_seconds,
        }
    }

    fn summary(&self) -> Section {
        let metric = self.task.metric();
        let exact = self.multipliers.iter().map(|multiplier| multiplier.exact);
        let [low, high] = [exact.clone().fold(f64::INFINITY, f64::min), exact.fold(f64::NEG_INFINITY, f64::max)];
        let exact = if low == high { metric.text(low) } else { metric.interval([low, high]) };
        let mut pairs = vec![
            ("model", self.model.clone()),
            ("dataset", format!("{}, {} samples", self.dataset, self.samples)),
            ("multipliers", format!("{}, {} of them evaluated", self.multipliers.len(), self.measured)),
            ("exact products", format!("{} {exact}", metric.name)),
        ];
        if let Some(spearman) = self.spearman {
            let of = format!("Spearman, predicted order and measured metric of {}", self.measured);
            pairs.push(("rank correlation", format!("{spearman:.3} ({of})")));
        }
        let seconds = [self.gathering_seconds, self.predicting_seconds].map(|seconds| format!("{seconds:.2} s"));
        pairs.push(("time", format!("{} gathering, {} predicting", seconds[0], seconds[1])));
        Section::pairs(pairs)
    }
}

impl Document for RankReport {
    fn json(&self) -> serde_json::Value {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        let drops = self.multipliers.iter().map(|of| [of.predicted_drop(), of.measured_drop()]);
        if let Some(multipliers) = json.get_mut("multipliers").and_then(|all| all.as_array_mut()) {
            for (rank, (multiplier, [predicted, measured])) in multipliers.iter_mut().zip(drops).enumerate() {
                multiplier["rank"] = (rank + 1).into();
                multiplier["predicted_drop"] = predicted.into();
                multiplier["measured_drop"] = measured.into();
            }
        }
        json
    }

    fn sections(&self) -> Vec<Section> {
        let metric = self.task.metric();
        let text = |value: Option<f64>| value.map_or_else(String::new, |value| metric.text(value));
        let drop = |value: Option<f64>| value.map_or_else(String::new, |value| metric.difference(-value));
        let row = |(rank, multiplier): (usize, &RankedMultiplier)| {
            vec![
                (rank + 1).to_string(),
                multiplier.name.clone(),
                significant(multiplier.output_noise, 3),
                text(multiplier.predicted),
                drop(multiplier.predicted_drop()),
                text(multiplier.measured),
                drop(multiplier.measured_drop()),
            ]
        };
        let header = ["rank", "multiplier", "output noise", "predicted", "change", "measured", "change"];
        let table = Section {
            header: header.map(str::to_owned).to_vec(),
            rows: self.multipliers.iter().enumerate().map(row).collect(),
            numeric: vec![0, 2, 3, 4, 5, 6],
            ..Section::default()
        };
        vec![self.summary(), table]
    }

    fn records(&self) -> Records {
        let record = |(rank, multiplier): (usize, &RankedMultiplier)| {
            [
                ("rank", (rank + 1).to_string()),
                ("model", self.model.clone()),
                ("lut", multiplier.lut.clone()),
                ("output_noise", multiplier.output_noise.to_string()),
                ("exact", multiplier.exact.to_string()),
                ("predicted", optional(multiplier.predicted.as_ref())),
                ("predicted_drop", optional(multiplier.predicted_drop().as_ref())),
                ("measured", optional(multiplier.measured.as_ref())),
                ("measured_drop", optional(multiplier.measured_drop().as_ref())),
                ("name", multiplier.name.clone()),
            ]
        };
        Records::many(self.multipliers.iter().enumerate().map(record))
    }

    fn title(&self) -> String {
        format!("{} multipliers on {}", self.multipliers.len(), self.model)
    }
}
