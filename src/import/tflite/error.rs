//! What can be wrong with a TensorFlow Lite file; every message names the file, and the operator where there is one.

use super::flatbuffer::BufferError;
use super::options::OptionsError;
use crate::graph::{BindError, GraphError, OpError};
use crate::import::{Layout, ScalesError, TooLarge};
use crate::quant::ParamsError;
use crate::registry::UnknownName;
use std::path::PathBuf;

/// Why a TensorFlow Lite file cannot be imported.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot import the network", .path.display())]
#[non_exhaustive]
pub struct TfliteError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Box<TfliteProblem>,
}

impl TfliteError {
    /// The settings that could change this, by their keys.
    pub fn keys(&self) -> &'static [&'static str] {
        self.problem.keys()
    }

    /// Whether sizes of the input are open, and were not given.
    pub fn leaves_input_open(&self) -> bool {
        matches!(*self.problem, TfliteProblem::OpenInput { .. })
    }
}

/// What is wrong with a TensorFlow Lite file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TfliteProblem {
    /// The file does not exist or is not readable.
    #[error("cannot read the file")]
    Read(#[source] std::io::Error),
    /// The file does not say that it is one.
    #[error("not a TensorFlow Lite file, which has the identifier TFL3 at byte 4")]
    Identifier,
    /// The file is cut off, or damaged.
    #[error("truncated or malformed TensorFlow Lite file ({size} bytes)")]
    Buffer {
        /// Bytes of the file.
        size: usize,
        /// Where.
        #[source]
        source: BufferError,
    },
    /// An unknown version of the schema.
    #[error("version {0} of the schema, expected version 3")]
    Version(u32),
    /// The file has no network.
    #[error("the file has no network")]
    NoNetwork,
    /// Several inputs, or none.
    #[error("inputs {found:?}, expected one input of images: convert the network without the others")]
    Inputs {
        /// Their names.
        found: Vec<String>,
    },
    /// An input that is not one of images.
    #[error("input '{name}' is {found}, expected {expected}")]
    Input {
        /// Its name.
        name: String,
        /// Type and dimensions.
        found: String,
        /// A type that would be accepted.
        expected: &'static str,
    },
    /// An input of open sizes.
    #[error(
        "input '{name}' is {found}, expected known sizes except for the batch: evaluate it on data, whose images' \
         size it takes, or state one"
    )]
    OpenInput {
        /// Its name.
        name: String,
        /// Type and dimensions.
        found: String,
    },
    /// An input that does not have the given axis order.
    #[error("input '{name}' is {found}, expected [batch, height, width, channels] for layout {layout}")]
    Layout {
        /// Its name.
        name: String,
        /// Type and dimensions.
        found: String,
        /// The axis order.
        layout: Layout,
    },
    /// Scales of the input or output that are not valid.
    #[error("'{name}'")]
    Quantization {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: Box<NodeProblem>,
    },
    /// No output has the name that was asked for.
    #[error(transparent)]
    UnknownOutput(UnknownName),
    /// Several outputs.
    #[error("the file has several outputs, {}: name one of them", .found.join(", "))]
    Outputs {
        /// Their names and types.
        found: Vec<String>,
    },
    /// The network has no output.
    #[error("the network has no output")]
    NoOutput,
    /// An output that is neither a vector for each sample nor of the input's size.
    #[error("output '{name}' is {found}, expected [batch, classes] or images of the input's size")]
    Output {
        /// Its name.
        name: String,
        /// Type and dimensions.
        found: String,
    },
    /// An operator that is not one that can be imported.
    #[error("operator {operator} (of {node}) is not supported, expected operators of {}", .supported.join(", "))]
    Operator {
        /// The operator.
        operator: String,
        /// The operator's output, or its place.
        node: String,
        /// Those that can be imported.
        supported: Vec<&'static str>,
    },
    /// An operator that cannot be lowered.
    #[error("{node} ({operator})")]
    Node {
        /// The operator's output, or its place.
        node: String,
        /// Its operator.
        operator: String,
        /// Why.
        #[source]
        source: Box<NodeProblem>,
    },
    /// The graph cannot be built.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The network cannot run with the weights of the file.
    #[error("the network does not accept its weights")]
    Bind(#[source] Box<BindError>),
}

impl TfliteProblem {
    /// The settings that could change this, by their keys.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            TfliteProblem::Layout { .. } => &["layout"],
            TfliteProblem::OpenInput { .. } => &["data", "resize", "crop", "input"],
            TfliteProblem::UnknownOutput(_) | TfliteProblem::Outputs { .. } => &["output_name"],
            _ => &[],
        }
    }
}

/// Why an operator cannot be lowered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeProblem {
    /// Too few inputs.
    #[error("input {0} is missing")]
    Missing(usize),
    /// An input or output that is no tensor of the file.
    #[error("tensor {found}, expected one of {tensors}")]
    NoTensor {
        /// Its number.
        found: i32,
        /// How many the file has.
        tensors: usize,
    },
    /// A tensor that is read before it is computed, or never computed.
    #[error("'{0}' is read before it has a value")]
    NoValue(String),
    /// An input that must be constant.
    #[error("input {0} is computed from the images, expected a constant")]
    NotConstant(usize),
    /// Elements of another type.
    #[error("input {index} has {found}, expected {expected}")]
    Kind {
        /// Which input.
        index: usize,
        /// Its element type.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
    /// A tensor of an element type that is not supported.
    #[error("'{tensor}' is {found}, expected {expected}")]
    Type {
        /// Its name.
        tensor: String,
        /// Its type.
        found: String,
        /// What would be accepted.
        expected: &'static str,
    },
    /// Data of another length than the sizes say.
    #[error("the data of '{tensor}' have {found} bytes, but its sizes need {expected}")]
    Length {
        /// Its name.
        tensor: String,
        /// How many there are.
        found: usize,
        /// How many the sizes ask for.
        expected: usize,
    },
    /// Data that are not in the file, or not as they are read here.
    #[error("the data of '{tensor}' {problem}")]
    Data {
        /// Its name.
        tensor: String,
        /// What is wrong with them.
        problem: &'static str,
    },
    /// Dimensions that the operator does not accept.
    #[error("found {found}, expected {expected}")]
    Shape {
        /// The input's.
        found: String,
        /// What would be accepted.
        expected: String,
    },
    /// A size that depends on the batch where that is not supported.
    #[error("{0}: not supported where it depends on the batch size")]
    Batch(String),
    /// Integers whose scales are computed while the network runs.
    #[error(
        "weights of integers for inputs of real numbers, whose scales would be found in each run (dynamic range \
         quantization): convert the network with a representative dataset, or without quantization"
    )]
    DynamicRange,
    /// A feature that is not implemented.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// Scales that do not pair up.
    #[error("'{tensor}' has {scales} scales and {zero_points} zero points, expected {expected}")]
    Scales {
        /// The tensor's name.
        tensor: String,
        /// Its scales.
        scales: usize,
        /// Its zero points.
        zero_points: usize,
        /// How many it may have.
        expected: String,
    },
    /// Attributes that are damaged or not supported.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// Scales or zero points that are not valid.
    #[error("invalid quantization parameters")]
    Quantization(#[from] ParamsError),
    /// Scales that the layer cannot use.
    #[error(transparent)]
    LayerScales(#[from] ScalesError),
    /// A value that is too large for any memory.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Constants that take too much memory.
    #[error("constants of {0} elements, more than the file can need")]
    Memory(usize),
    /// The operator does not accept its inputs.
    #[error(transparent)]
    Op(#[from] OpError),
    /// The node cannot be added.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl From<candle_core::Error> for NodeProblem {
    fn from(error: candle_core::Error) -> Self {
        NodeProblem::Op(error.into())
    }
}
