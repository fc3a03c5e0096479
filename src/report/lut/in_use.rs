//! The errors of a multiplier over the operands that a network's layers multiply.

use super::super::document::Section;
use crate::lut::OperandErrors;
use crate::report::Report;
use crate::stats::{grouped, significant, significant_percent};
use serde::Serialize;

/// The errors of a multiplier in a network, layer by layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OperandsInUse {
    /// The network's name.
    pub model: String,
    /// The data set's name.
    pub dataset: String,
    /// Samples whose operands were counted.
    pub samples: usize,
    /// The layers that use the multiplier, in graph order.
    pub layers: Vec<LayerOperands>,
}

/// The errors of a multiplier in one layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LayerOperands {
    /// The layer's name.
    pub name: String,
    /// What kind of layer it is.
    pub kind: String,
    /// Multiplications of one sample.
    pub opcount: u64,
    /// The errors.
    #[serde(flatten)]
    pub errors: OperandErrors,
}

impl OperandsInUse {
    /// What the run of a report found.
    pub fn new(report: &Report) -> Self {
        let layer = |layer: &crate::report::LayerReport| {
            let (name, kind) = (layer.name.clone(), layer.kind.clone());
            Some(LayerOperands { name, kind, opcount: layer.opcount, errors: layer.operands? })
        };
        OperandsInUse {
            model: report.model.name.clone(),
            dataset: report.dataset.name.clone(),
            samples: report.dataset.samples,
            layers: report.layers.iter().filter_map(layer).collect(),
        }
    }

    pub(super) fn section(&self) -> Section {
        let row = |layer: &LayerOperands| {
            let LayerOperands { name, opcount, errors, .. } = layer;
            vec![
                name.clone(),
                grouped(*opcount),
                significant(errors.mae, 4),
                significant(errors.bias, 4),
                significant_percent(errors.nmed, 3),
                significant_percent(errors.nmed_full_scale, 3),
                significant_percent(errors.unused, 3),
            ]
        };
        let OperandsInUse { model, dataset, samples, .. } = self;
        let title = Some(format!("over the operands of {model} on {samples} samples of {dataset}"));
        if self.layers.is_empty() {
            let text = "the table is exact: no errors over any operands".to_owned();
            return Section { title, ..Section::pairs([("note", text)]) };
        }
        let header = ["layer", "multiplications", "MAE", "bias", "NMED", "of 2^2b - 1", "unused"];
        Section {
            title,
            header: header.map(str::to_owned).to_vec(),
            rows: self.layers.iter().map(row).collect(),
            numeric: (1..header.len()).collect(),
            ..Section::default()
        }
    }
}
