//! Why a model cannot be opened, by the file or option at fault.

use super::{DetectError, WeightsError};
use crate::graph::{BindError, GraphError};
use crate::import::onnx::OnnxError;
use crate::registry::UnknownName;
use std::path::PathBuf;

/// Why a model cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Neither a shipped network nor a directory.
    #[error("no model '{}': neither a model directory nor an .onnx file, and {}", .0.found, .0)]
    Unknown(UnknownName),
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
    /// The network does not give back what it is given.
    #[error(
        "{what}: a network that makes {outputs} numbers of images of {input:?} is no anomaly detector, which gives back \
         as many as it is given"
    )]
    Task {
        /// The file or option that says so.
        what: String,
        /// Channels, height, width.
        input: [usize; 3],
        /// Numbers that it makes of them.
        outputs: usize,
    },
    /// As many labels as classes are needed.
    #[error("{}: {labels} labels for {num_classes} classes", .path.display())]
    Labels {
        /// The file.
        path: PathBuf,
        /// Labels found.
        labels: usize,
        /// Outputs of the network.
        num_classes: usize,
    },
    /// The architecture is not in the zoo.
    #[error("{what}")]
    Architecture {
        /// The file or option that names it.
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
    /// The ONNX file cannot be imported.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
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
    #[error("{}: not the weights of {architecture}", .path.display())]
    Bind {
        /// The file.
        path: PathBuf,
        /// The architecture's name.
        architecture: &'static str,
        /// What differs.
        #[source]
        source: Box<BindError>,
    },
}
