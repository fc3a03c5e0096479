//! Descriptions of networks.

use super::document::{Document, Records, Section, shape};
use crate::graph::{Graph, LayerCounts};
use crate::model::{Model, SHIPPED};
use crate::stats::grouped;
use crate::task::Task;
use crate::zoo::{ARCHITECTURES, Architecture};
use serde::Serialize;

/// A network's layers and operation counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelDetails {
    /// The network.
    pub model: ModelSummary,
    /// Multiplications.
    pub opcount: ModelOpcount,
    /// Linear and convolution layers.
    pub layers: Vec<LayerCounts>,
}

/// A network in general.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelSummary {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// Trainable parameters.
    pub parameters: u64,
    /// Channels, height, width of its input.
    pub input: [usize; 3],
    /// Outputs.
    pub num_classes: usize,
    /// The task, which says what they mean.
    pub task: Task,
    /// Hash of the weights file, where there are weights.
    pub blake3: Option<String>,
}

/// Multiplications of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ModelOpcount {
    /// Of one sample.
    pub per_sample: u64,
}

impl ModelDetails {
    /// Describes a model.
    pub fn new(model: &Model) -> Self {
        let (name, architecture) = (model.name.clone(), model.architecture.to_owned());
        let (input, num_classes, blake3) = (model.input, model.outputs, Some(model.blake3.clone()));
        let parameters = model.graph.trainable_parameters();
        let summary = ModelSummary { name, architecture, parameters, input, num_classes, task: model.task, blake3 };
        Self::from_summary(summary, &model.graph)
    }

    /// Describes an architecture without weights.
    pub fn from_architecture(architecture: &Architecture, graph: &Graph, input: [usize; 3], classes: usize) -> Self {
        let (name, architecture) = (architecture.name.to_owned(), architecture.name.to_owned());
        let (parameters, num_classes, task) =
            (graph.trainable_parameters(), classes, Task::suggested_by(input, classes));
        Self::from_summary(
            ModelSummary { name, architecture, parameters, input, num_classes, task, blake3: None },
            graph,
        )
    }

    fn from_summary(model: ModelSummary, graph: &Graph) -> Self {
        let layers = graph.layer_counts();
        ModelDetails {
            model,
            opcount: ModelOpcount { per_sample: layers.iter().map(|layer| layer.opcount).sum() },
            layers,
        }
    }
}

const LAYER_HEADER: [&str; 6] = ["layer", "kind", "opcount", "fan_in", "weight_shape", "output_shape"];

impl Document for ModelDetails {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a description is JSON")
    }

    fn title(&self) -> String {
        format!("{} ({})", self.model.name, self.model.architecture)
    }

    fn sections(&self) -> Vec<Section> {
        let model = &self.model;
        let layers = Section {
            header: ["layer", "kind", "products", "fan-in", "weight", "output"].map(str::to_owned).to_vec(),
            rows: self.layers.iter().map(|layer| fields(layer, grouped(layer.opcount))).collect(),
            numeric: vec![2, 3],
            details: vec![4, 5],
            ..Section::default()
        };
        let pairs = Section::pairs([
            ("model", format!("{} ({})", model.name, model.architecture)),
            ("parameters", grouped(model.parameters)),
            ("input", shape(&model.input)),
            ("output", model.task.describe_outputs(model.num_classes)),
            ("multiplications", format!("{} a sample", grouped(self.opcount.per_sample))),
        ]);
        vec![pairs, layers]
    }

    fn records(&self) -> Records {
        Records {
            header: LAYER_HEADER.map(str::to_owned).to_vec(),
            rows: self.layers.iter().map(|layer| fields(layer, layer.opcount.to_string())).collect(),
        }
    }
}

/// The fields of a layer's row, its multiplications written as `opcount`.
fn fields(layer: &LayerCounts, opcount: String) -> Vec<String> {
    let (kind, fan_in) = (layer.kind.to_owned(), layer.fan_in.to_string());
    vec![layer.name.clone(), kind, opcount, fan_in, shape(&layer.weight_shape), shape(&layer.output_shape)]
}

/// All networks that have names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelList {
    /// One entry a network.
    pub models: Vec<ModelEntry>,
}

/// A network of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelEntry {
    /// Its name.
    pub name: &'static str,
    /// Whether it is shipped with weights, and so can be evaluated by its name alone.
    pub shipped: bool,
    /// Channels, height, width of its usual input.
    pub input: [usize; 3],
    /// Its usual number of outputs.
    pub num_classes: usize,
    /// A short description.
    pub summary: &'static str,
}

impl ModelList {
    /// Shipped networks with their own inputs, then architectures with other inputs or without shipped weights.
    pub fn all() -> Self {
        let shipped = SHIPPED.iter().filter_map(|shipped| {
            let config = shipped.model_config();
            let architecture = ARCHITECTURES.get(&config.architecture)?;
            Some(ModelEntry {
                name: shipped.name,
                shipped: true,
                input: config.input.shape.unwrap_or(architecture.input),
                num_classes: config.num_classes.unwrap_or(architecture.num_classes),
                summary: shipped.summary,
            })
        });
        let mut models: Vec<ModelEntry> = shipped.collect();
        let entry = |architecture: &Architecture| ModelEntry {
            name: architecture.name,
            shipped: false,
            input: architecture.input,
            num_classes: architecture.num_classes,
            summary: architecture.summary,
        };
        for entry in ARCHITECTURES.iter().map(entry) {
            let is_same = |other: &ModelEntry| {
                (other.name, other.input, other.num_classes) == (entry.name, entry.input, entry.num_classes)
            };
            if !models.iter().any(is_same) {
                models.push(entry);
            }
        }
        ModelList { models }
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |entry: &ModelEntry| {
            let weights = if entry.shipped { "shipped" } else { "none" };
            let (input, classes) = (shape(&entry.input), entry.num_classes.to_string());
            vec![entry.name.to_owned(), weights.to_owned(), input, classes, entry.summary.to_owned()]
        };
        self.models.iter().map(row).collect()
    }
}

impl Document for ModelList {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a list is JSON")
    }

    fn title(&self) -> String {
        "Networks".to_owned()
    }

    fn sections(&self) -> Vec<Section> {
        let Records { header, rows } = self.records();
        vec![Section { header, rows, numeric: vec![3], ..Section::default() }]
    }

    fn records(&self) -> Records {
        let header = ["name", "weights", "input", "classes", "summary"];
        Records { header: header.map(str::to_owned).to_vec(), rows: self.rows() }
    }
}
