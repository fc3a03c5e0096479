//! Why a model cannot be opened, by the file or setting at fault.

use super::{DetectError, UnsupportedFormat, WeightsError};
use crate::graph::{BindError, GraphError};
#[cfg(feature = "onnx")]
use crate::import::onnx::OnnxError;
#[cfg(feature = "tflite")]
use crate::import::tflite::TfliteError;
use crate::quant::{ParamsError, ParamsFileError};
use crate::registry::UnknownName;
use crate::task::Task;
use std::path::PathBuf;

/// Why a model cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Neither a shipped network nor a directory.
    #[error("no model '{}'{}: expected a model directory, an .onnx or .tflite file or a shipped network ({})",
        .0.found, .0.suggestion(), .0.names.join(", "))]
    Unknown(UnknownName),
    /// A file of another program.
    #[error("{}: {kind}: expected a model directory or an .onnx or .tflite file", .path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: UnsupportedFormat,
    },
    /// An architecture's name in the place of a model's.
    #[error("{architecture} is an architecture: a model needs weights too")]
    NotAModel {
        /// The architecture's name.
        architecture: &'static str,
    },
    /// An architecture without weights.
    #[error("architecture {architecture} needs weights")]
    NoWeights {
        /// The architecture's name.
        architecture: String,
    },
    /// Other weights for a model that has its own.
    #[error("{name} cannot be combined with other weights: name its architecture instead, or an .onnx file")]
    OwnWeights {
        /// The model, as it was named.
        name: String,
    },
    /// An input that the network does not have.
    #[error("{name} takes input {found:?} (channels, height, width), not {stated:?}")]
    Input {
        /// The network's name.
        name: String,
        /// What was asked for.
        stated: [usize; 3],
        /// What it takes.
        found: [usize; 3],
    },
    /// An output was named of a network that has one.
    #[error("{name} has one output: only those of an .onnx or .tflite file can be named")]
    OneOutput {
        /// The model's name.
        name: String,
    },
    /// A file of the directory cannot be read.
    #[error("{}: cannot read the model's file", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// `config.json` is not what it should be.
    #[error("{}: not a model's configuration", .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The network cannot do the task that it is said to be for.
    #[error("{what}: {reason}")]
    Task {
        /// The file or setting that says so.
        what: String,
        /// What the task needs.
        reason: String,
    },
    /// A threshold of a network whose task has none, or one that is not finite.
    #[error(
        "{what} {found}: {model} is a network for {task}, expected a finite number for {}",
        Task::BinaryClassification
    )]
    Threshold {
        /// The file or setting that says so.
        what: String,
        /// The threshold.
        found: f64,
        /// The network's name.
        model: String,
        /// Its task.
        task: Task,
    },
    /// A file of a corrected network is not what it should be.
    #[error("{}: {reason}", .path.display())]
    Correction {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The scales of a corrected network cannot be read.
    #[error(transparent)]
    Qparams(Box<ParamsFileError>),
    /// Not as many labels as classes.
    #[error("{}: {labels} labels for {num_classes} classes", .path.display())]
    Labels {
        /// The file.
        path: PathBuf,
        /// Labels found.
        labels: usize,
        /// Classes of the network.
        num_classes: usize,
    },
    /// No architecture has this name.
    #[error(transparent)]
    UnknownArchitecture(UnknownName),
    /// The architecture that a file names is not in the zoo.
    #[error("{what}")]
    Architecture {
        /// The file or setting that names it.
        what: String,
        /// Which there are.
        #[source]
        source: UnknownName,
    },
    /// The weights do not tell their architecture.
    #[error("{}: cannot tell the architecture from the weights", .path.display())]
    Detect {
        /// The file.
        path: PathBuf,
        /// What they are like.
        #[source]
        source: DetectError,
    },
    /// A format that this build cannot read.
    #[error("{}: {format} files need the cargo feature `{feature}`, which this build lacks", .path.display())]
    Feature {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: &'static str,
        /// The feature that reads it.
        feature: &'static str,
    },
    /// The ONNX file cannot be imported.
    #[cfg(feature = "onnx")]
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The TensorFlow Lite file cannot be imported.
    #[cfg(feature = "tflite")]
    #[error(transparent)]
    Tflite(#[from] TfliteError),
    /// The weights cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network cannot take such an input.
    #[error("{}: the architecture cannot take input {input:?}", .path.display())]
    Graph {
        /// The file.
        path: PathBuf,
        /// Channels, height, width.
        input: [usize; 3],
        /// Why.
        #[source]
        source: Box<GraphError>,
    },
    /// The weights are not those of the architecture.
    #[error("{}: not the weights of {architecture}{}", .path.display(), folded(.source))]
    Bind {
        /// The file.
        path: PathBuf,
        /// The architecture's name.
        architecture: &'static str,
        /// What differs.
        #[source]
        source: Box<BindError>,
    },
    /// A fake quantizer of the checkpoint cannot be used.
    #[error("{}: fake quantizers of layer '{layer}'", .path.display())]
    FakeQuantizer {
        /// The file.
        path: PathBuf,
        /// The layer whose input or weight it is of.
        layer: String,
        /// Why.
        #[source]
        source: ParamsError,
    },
}

/// What is to be said of tensors whose batch normalization was folded away.
fn folded(error: &BindError) -> &'static str {
    if error.lacks_statistics() {
        ", as their batch normalization was folded into other layers (save them before it is)"
    } else {
        ""
    }
}

impl ModelError {
    /// Whether the model's file leaves sizes of its input open, which [`ModelSpec`](super::ModelSpec) does not
    /// state.
    pub fn leaves_input_open(&self) -> bool {
        #[cfg(feature = "onnx")]
        if let ModelError::Onnx(error) = self {
            return error.leaves_input_open();
        }
        #[cfg(feature = "tflite")]
        if let ModelError::Tflite(error) = self {
            return error.leaves_input_open();
        }
        false
    }

    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            ModelError::Unknown(_)
            | ModelError::Unsupported { .. }
            | ModelError::Read { .. }
            | ModelError::Config { .. }
            | ModelError::Correction { .. }
            | ModelError::Qparams(_)
            | ModelError::Labels { .. }
            | ModelError::Architecture { .. }
            | ModelError::Feature { .. } => &["model"],
            ModelError::Weights(_)
            | ModelError::Graph { .. }
            | ModelError::Bind { .. }
            | ModelError::FakeQuantizer { .. } => &["weights", "model"],
            ModelError::NotAModel { .. } => &["arch", "weights"],
            ModelError::OneOutput { .. } => &["output_name"],
            ModelError::NoWeights { .. } => &["weights"],
            ModelError::Input { .. } => &["input"],
            ModelError::OwnWeights { .. } => &["weights", "arch"],
            ModelError::UnknownArchitecture(_) | ModelError::Detect { .. } => &["arch"],
            ModelError::Task { what, .. } if what == "task" => &["task"],
            ModelError::Threshold { what, .. } if what == "threshold" => &["threshold", "task"],
            #[cfg(feature = "onnx")]
            ModelError::Onnx(error) if error.keys().is_empty() => &["model"],
            #[cfg(feature = "onnx")]
            ModelError::Onnx(error) => error.keys(),
            #[cfg(feature = "tflite")]
            ModelError::Tflite(error) if error.keys().is_empty() => &["model"],
            #[cfg(feature = "tflite")]
            ModelError::Tflite(error) => error.keys(),
            _ => &[],
        }
    }
}
