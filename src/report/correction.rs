//! A network that was corrected for a multiplier.

use super::document::{Document, Records, Section, optional};
use super::{ModelReport, ToolReport};
use crate::stats::{grouped, significant};
use crate::task::Task;
use serde::{Deserialize, Serialize};

/// What a correction made of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CorrectionReport {
    /// The only schema so far, 1.
    pub schema: u32,
    /// What the document is: `correct`.
    pub kind: String,
    /// The program.
    pub tool: ToolReport,
    /// The network that was corrected.
    pub model: ModelReport,
    /// Its multipliers.
    pub luts: Vec<CorrectionLut>,
    /// What it was fitted on.
    pub calibration: CorrectionCalibration,
    /// The parts that were asked for; `None` left them to each layer.
    pub asked: Option<Vec<String>>,
    /// Parts that were tried and left out, as the network does without them.
    pub left_out: Vec<String>,
    /// How the network does on calibration samples that were kept out.
    pub kept_out: KeptOut,
    /// The layers that compute by a multiplier, in graph order.
    pub layers: Vec<CorrectionLayer>,
    /// What hardware needs for constants times sums of activations, of one sample; `None` where no layer has any.
    pub affine_cost: Option<AffineCost>,
    /// The folder of the corrected network.
    pub output: String,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// A multiplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionLut {
    /// Its name.
    pub name: String,
    /// Hash of its file.
    pub blake3: String,
}

/// What a correction was fitted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionCalibration {
    /// Its file or folder; none for the network's own.
    pub path: Option<String>,
    /// Hash of the set.
    pub blake3: String,
    /// Samples that were fitted on.
    pub fitted_on: usize,
    /// Samples that were kept out.
    pub kept_out: usize,
}

/// How the network does on samples that nothing was fitted on, in three states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptOut {
    /// The task, which says what metrics are.
    pub task: Task,
    /// Of exact products.
    pub exact: KeptOutFigures,
    /// Of the multiplier, without a correction.
    pub before: KeptOutFigures,
    /// With it.
    pub after: KeptOutFigures,
}

/// How a network does on these.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KeptOutFigures {
    /// The task's metric, a fraction; `None` where samples have no labels that allow it.
    pub metric: Option<f64>,
    /// Mean square of the difference of its outputs from those of exact products, over the mean square of these.
    pub distance: f64,
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrectionLayer {
    /// Its name.
    pub name: String,
    /// Its multiplier.
    pub lut: String,
    /// The parts that it has.
    pub parts: Vec<String>,
    /// Weights in all.
    pub weights: usize,
    /// Weights that are stored as other integers.
    pub moved: usize,
    /// Mean square of its exact outputs over that of their error without a correction, for the same inputs, in decibels;
    /// `None` without error.
    pub snr_before_db: Option<f64>,
    /// The same with it.
    pub snr_after_db: Option<f64>,
    /// What hardware needs for its constants times sums of activations.
    pub affine_cost: Option<AffineCost>,
}

/// What hardware needs for constants times sums of activations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffineCost {
    /// Constants to store, signed integers of 8 bits: one for each output channel.
    pub constants: u64,
    /// Adders: of sums of activations, one for each output position of a group, which all its channels share, and one for
    /// each output. Additions of one sample.
    pub additions: u64,
    /// Multiplications of a constant by a sum of activations, of one sample: one for each output.
    pub multiplications: u64,
}

impl AffineCost {
    /// That of both together.
    #[must_use]
    pub fn plus(self, other: AffineCost) -> Self {
        AffineCost {
            constants: self.constants + other.constants,
            additions: self.additions + other.additions,
            multiplications: self.multiplications + other.multiplications,
        }
    }
}

impl CorrectionReport {
    fn names(parts: &[String]) -> String {
        if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
    }

    fn metric(&self, figures: KeptOutFigures) -> String {
        figures.metric.map_or_else(|| "-".to_owned(), |value| self.kept_out.task.metric().text(value))
    }

    fn overview(&self) -> Section {
        let CorrectionCalibration { path, fitted_on, kept_out, .. } = &self.calibration;
        let set = path.as_deref().unwrap_or("the network's own set");
        let names: Vec<&str> = self.luts.iter().map(|lut| lut.name.as_str()).collect();
        let asked = self.asked.as_ref().map_or_else(|| "chosen by each layer".to_owned(), |asked| Self::names(asked));
        let left_out = (!self.left_out.is_empty()).then(|| ("left out", Self::names(&self.left_out)));
        let cost = self.affine_cost.map(|cost| {
            let AffineCost { constants, additions, multiplications } = cost;
            let text = format!(
                "{} constants of 8 bits; {} additions and {} multiplications a sample",
                grouped(constants),
                grouped(additions),
                grouped(multiplications)
            );
            ("affine needs", text)
        });
        let rows = [
            ("network", format!("{} ({})", self.model.name, self.model.architecture)),
            ("multiplier", names.join(", ")),
            ("parts", asked),
        ];
        let rest = [
            ("calibration", format!("{fitted_on} samples of {set}, {kept_out} more held out")),
            ("written to", self.output.clone()),
        ];
        Section::pairs(rows.into_iter().chain(left_out).chain(cost).chain(rest))
    }

    fn outcome(&self) -> Section {
        let row = |name: &str, figures: KeptOutFigures| {
            vec![name.to_owned(), self.metric(figures), significant(figures.distance, 3)]
        };
        let KeptOut { task, exact, before, after } = &self.kept_out;
        Section {
            title: Some(format!("On {} held-out samples", self.calibration.kept_out)),
            header: vec!["products".to_owned(), task.metric().name.to_owned(), "distance".to_owned()],
            rows: vec![row("exact", *exact), row("approximate", *before), row("corrected", *after)],
            numeric: vec![1, 2],
            ..Section::default()
        }
    }

    fn of_layers(&self) -> Section {
        let row = |layer: &CorrectionLayer| {
            vec![
                layer.name.clone(),
                layer.lut.clone(),
                Self::names(&layer.parts),
                grouped(layer.moved as u64),
                decibels(layer.snr_before_db),
                decibels(layer.snr_after_db),
            ]
        };
        let header = ["layer", "multiplier", "parts", "moved", "SNR dB", "corrected"].map(str::to_owned).to_vec();
        Section {
            header,
            rows: self.layers.iter().map(row).collect(),
            numeric: vec![3, 4, 5],
            details: if self.luts.len() > 1 { Vec::new() } else { vec![1] },
            ..Section::default()
        }
    }
}

fn decibels(snr: Option<f64>) -> String {
    snr.map_or_else(|| "-".to_owned(), |snr| format!("{snr:.1}"))
}

impl Document for CorrectionReport {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("numbers and names are JSON")
    }

    fn title(&self) -> String {
        let names: Vec<&str> = self.luts.iter().map(|lut| lut.name.as_str()).collect();
        format!("{} corrected for {}", self.model.name, names.join(", "))
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = vec![self.overview(), self.outcome(), self.of_layers()];
        if !self.notes.is_empty() {
            sections.push(Section::pairs(self.notes.iter().map(|note| ("note", note.clone()))));
        }
        sections
    }

    fn records(&self) -> Records {
        Records::many(self.layers.iter().map(|layer| {
            let cost = layer.affine_cost;
            [
                ("layer", layer.name.clone()),
                ("lut", layer.lut.clone()),
                ("parts", layer.parts.join(" ")),
                ("weights", layer.weights.to_string()),
                ("moved", layer.moved.to_string()),
                ("snr_before_db", optional(layer.snr_before_db.as_ref())),
                ("snr_after_db", optional(layer.snr_after_db.as_ref())),
                ("affine_additions", optional(cost.map(|cost| cost.additions).as_ref())),
                ("affine_multiplications", optional(cost.map(|cost| cost.multiplications).as_ref())),
            ]
        }))
    }
}
