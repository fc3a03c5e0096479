//! What can be wrong with an ONNX file; every message names the file, and the node where there is one.

use super::wire::WireError;
use crate::graph::{BindError, GraphError, OpError};
use crate::quant::ParamsError;
use rten_onnx::protobuf::ProtobufError;
use std::path::PathBuf;

/// Why an ONNX file cannot be imported.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot import the network", .path.display())]
pub struct OnnxError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Box<OnnxProblem>,
}

/// What is wrong with an ONNX file.
#[derive(Debug, thiserror::Error)]
pub enum OnnxProblem {
    /// The file is not there or not readable.
    #[error("cannot read the file")]
    Read(#[source] std::io::Error),
    /// The file is cut off, or not ONNX.
    #[error("not a whole ONNX file, whose lengths would add up to its {size} bytes")]
    Frame {
        /// Bytes of the file.
        size: usize,
        /// Where they do not.
        #[source]
        source: WireError,
    },
    /// The messages are not what `onnx.proto` describes.
    #[error("not an ONNX file")]
    Parse(#[from] ProtobufError),
    /// There is no graph.
    #[error("no graph: an ONNX model has one")]
    NoGraph,
    /// No set of operators, or one that is not known.
    #[error("operator set {found}, expected version 7 to 26 of the default one: export again with opset_version=17")]
    OperatorSet {
        /// The version, or what there is instead.
        found: String,
    },
    /// Several inputs, or none.
    #[error("inputs {found:?}, expected one of images: export the network without the others")]
    Inputs {
        /// Their names.
        found: Vec<String>,
    },
    /// An input that images do not fit.
    #[error("input '{name}' is {found}, expected {expected}")]
    Input {
        /// Its name.
        name: String,
        /// Type and dimensions.
        found: String,
        /// What would do.
        expected: String,
    },
    /// The graph gives nothing.
    #[error("the graph has no output")]
    NoOutput,
    /// An output that is neither a row of numbers for each sample nor as many as its image has.
    #[error("output '{name}' is {found}, expected [batch, classes], or images of the input's size")]
    Output {
        /// Its name.
        name: String,
        /// Type and dimensions.
        found: String,
    },
    /// A value that nothing makes.
    #[error("nothing makes the value '{value}', which {reader} reads")]
    Missing {
        /// The value's name.
        value: String,
        /// The node, or the graph's output.
        reader: String,
    },
    /// Two values of one name.
    #[error("the value '{0}' is made twice")]
    Duplicate(String),
    /// Nodes that wait for one another.
    #[error("{0} depends on its own output: the graph has a cycle")]
    Cycle(String),
    /// An initial value that cannot be read.
    #[error("tensor '{name}'")]
    Tensor {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: TensorProblem,
    },
    /// An operator that is not known.
    #[error("operator {operator} (of {node}) is not supported{mend}")]
    Operator {
        /// The operator, after its domain where that is not the default one.
        operator: String,
        /// The node.
        node: String,
        /// What to do about it, after a colon; empty where nothing is known.
        mend: &'static str,
    },
    /// A node that cannot be lowered.
    #[error("{node} ({operator})")]
    Node {
        /// The node.
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
    /// Weights, of the file or in place of them, that the network cannot be run with.
    #[error("the network cannot take its weights")]
    Bind(#[source] Box<BindError>),
}

/// Why a tensor of an ONNX file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TensorProblem {
    /// An element type that networks are not made of.
    #[error("elements of type {0}, expected floating-point numbers or integers")]
    Type(String),
    /// A dimension below zero, or a product of dimensions that no memory holds.
    #[error("dimensions {0:?}, expected numbers of at least 0 of a product below 2^40")]
    Shape(Vec<i64>),
    /// Another number of elements than the dimensions say.
    #[error("{found} bytes or elements, but the dimensions say {expected}")]
    Length {
        /// What there is.
        found: usize,
        /// What the dimensions ask for.
        expected: usize,
    },
    /// External data without a place, or at one that is not beside the model.
    #[error("external data at '{0}', expected a file in the model's folder")]
    Location(String),
    /// External data that cannot be read.
    #[error("external data in '{location}'")]
    External {
        /// The file.
        location: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A stretch of a file that is not there.
    #[error("external data: bytes {offset} to {offset} + {length} of '{location}', which has {size}")]
    Range {
        /// The file.
        location: String,
        /// The first byte.
        offset: u64,
        /// How many.
        length: u64,
        /// Bytes of the file.
        size: usize,
    },
    /// candle reports a problem.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// Why a node cannot be lowered.
#[derive(Debug, thiserror::Error)]
pub enum NodeProblem {
    /// Too few inputs.
    #[error("input {0} is missing")]
    Missing(usize),
    /// An attribute of another type or value.
    #[error("attribute '{name}' is {found}, expected {expected}")]
    Attribute {
        /// Its name.
        name: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        expected: String,
    },
    /// An input that must be known before images are.
    #[error("input {0} is computed from the images, expected a constant")]
    NotConstant(usize),
    /// An input of integers where real numbers belong, or the other way around.
    #[error("input {index} is of {found}, expected {expected}")]
    Kind {
        /// Which input.
        index: usize,
        /// Its element type.
        found: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// Computed integers where numbers belong.
    #[error(
        "input {0} is the integers of a QuantizeLinear: quantize in QDQ format, with a DequantizeLinear before all that \
         computes"
    )]
    Quantized(usize),
    /// What the batch size decides in a way that no batch can be run by.
    #[error("{0}, whose size depends on the batch")]
    Batch(String),
    /// Dimensions that do not suit the operator.
    #[error("input of dimensions {found}, expected {expected}")]
    Shape {
        /// The input's.
        found: String,
        /// What would do.
        expected: String,
    },
    /// Something that is not done.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// Scales and zero points that no layer can use.
    #[error("quantization")]
    Quantization(#[source] ParamsError),
    /// A tensor of the node cannot be read.
    #[error("constant")]
    Tensor(#[from] TensorProblem),
    /// The operator does not suit its inputs.
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
