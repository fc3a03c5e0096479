//! What can be wrong with an ONNX file; every message names the file, and the node where there is one.

use super::wire::WireError;
use crate::graph::{BindError, GraphError, OpError};
use crate::import::{Bytes, Layout, ScalesError, TooLarge};
use crate::quant::ParamsError;
use crate::registry::UnknownName;
use rten_onnx::protobuf::ProtobufError;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Why an ONNX file cannot be imported.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot import the network", .path.display())]
#[non_exhaustive]
pub struct OnnxError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Box<OnnxProblem>,
}

impl OnnxError {
    /// The settings that could change this, by their keys.
    pub fn keys(&self) -> &'static [&'static str] {
        self.problem.keys()
    }

    /// Whether sizes of the input are open, and were not given.
    pub fn leaves_input_open(&self) -> bool {
        matches!(*self.problem, OnnxProblem::OpenInput { .. })
    }
}

/// What is wrong with an ONNX file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxProblem {
    /// The file does not exist or is not readable.
    #[error("cannot read the file")]
    Read(#[source] std::io::Error),
    /// The file is cut off, or not ONNX.
    #[error("truncated or malformed ONNX file ({size} bytes)")]
    Frame {
        /// Bytes of the file.
        size: usize,
        /// Where the lengths of its messages do not add up.
        #[source]
        source: WireError,
    },
    /// The messages are not those of `onnx.proto`.
    #[error("not an ONNX file")]
    Parse(#[from] ProtobufError),
    /// The file has no graph.
    #[error("the model has no graph")]
    NoGraph,
    /// No operator set, or an unknown version.
    #[error(
        "operator set {found}, expected version {} to {} of the default domain: export again with opset_version=17",
        .supported.start(),
        .supported.end()
    )]
    OperatorSet {
        /// The version, or what the file has instead.
        found: String,
        /// The versions that can be imported.
        supported: RangeInclusive<i64>,
    },
    /// Several inputs, or none.
    #[error("inputs {found:?}, expected one input of images: export the network without the others")]
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
        expected: String,
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
    /// No output has the name that was asked for.
    #[error(transparent)]
    UnknownOutput(UnknownName),
    /// Several outputs that a network could be judged by.
    #[error("the file has several outputs that could be classes, {}: name one of them", .found.join(", "))]
    Outputs {
        /// Their names and types.
        found: Vec<String>,
    },
    /// More outputs that a network could be judged by than are tried.
    #[error(
        "the file has {} outputs that could be classes, more than the {limit} that are tried: name one of them ({})",
        .found.len(),
        .found.join(", ")
    )]
    ManyOutputs {
        /// Their names.
        found: Vec<String>,
        /// The most that are tried.
        limit: usize,
    },
    /// The graph has no output.
    #[error("the graph has no output")]
    NoOutput,
    /// An output that is neither a vector for each sample nor of the input's size.
    #[error("output '{name}' is {found}, expected [batch, classes] or images of the input's size")]
    Output {
        /// Its name.
        name: String,
        /// Type and dimensions.
        found: String,
    },
    /// A value without a producer.
    #[error("'{value}', read by {reader}, has no producer")]
    Missing {
        /// The value's name.
        value: String,
        /// The node, or the graph's output.
        reader: String,
    },
    /// Two values with the same name.
    #[error("'{0}' has two producers")]
    Duplicate(String),
    /// Nodes that depend on each other.
    #[error("{0} depends on its own output: the graph has a cycle")]
    Cycle(String),
    /// An initializer that cannot be read.
    #[error("tensor '{name}'")]
    Tensor {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: TensorProblem,
    },
    /// An unknown operator.
    #[error("operator {operator} (of {node}) is not supported{}", Hint(*.hint))]
    Operator {
        /// The operator, after its domain where that is not the default one.
        operator: String,
        /// The node.
        node: String,
        /// What to do about it, where that is known.
        hint: Option<&'static str>,
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
    /// Local functions that cannot be replaced by their nodes.
    #[error(transparent)]
    Function(#[from] FunctionProblem),
    /// The graph cannot be built.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The network cannot run with the weights of the file.
    #[error("the network does not accept its weights")]
    Bind(#[source] Box<BindError>),
    /// The network cannot run with the weights that replace those of the file.
    #[error("the given weights do not fit the network{}", folded(.0))]
    Weights(#[source] Box<BindError>),
}

impl OnnxProblem {
    /// The settings that could change this, by their keys.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            OnnxProblem::Layout { .. } => &["layout"],
            OnnxProblem::OpenInput { .. } => &["data", "resize", "crop", "input"],
            OnnxProblem::UnknownOutput(_) | OnnxProblem::Outputs { .. } | OnnxProblem::ManyOutputs { .. } => {
                &["output_name"]
            }
            OnnxProblem::Weights(_) => &["weights"],
            _ => &[],
        }
    }
}

/// Why functions cannot be replaced by their nodes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FunctionProblem {
    /// Two functions with the same name.
    #[error("function {0} is defined twice")]
    Duplicate(String),
    /// A function that calls itself, or calls that are nested very deep.
    #[error("function {function} (called by {caller}) calls itself, or calls nest deeper than {limit}")]
    Depth {
        /// The function.
        function: String,
        /// The node that calls it.
        caller: String,
        /// The deepest nesting.
        limit: usize,
    },
    /// Very many nodes.
    #[error("local functions expand to more than {limit} nodes: export without them")]
    Nodes {
        /// The most.
        limit: usize,
    },
    /// A call with more inputs or outputs than the function has.
    #[error("{caller} calls function {function} with {found} {what}, which has {expected}")]
    Count {
        /// The node that calls it.
        caller: String,
        /// The function.
        function: String,
        /// `inputs` or `outputs`.
        what: &'static str,
        /// Those of the node.
        found: usize,
        /// Those of the function.
        expected: usize,
    },
}

/// What is to be said of a network whose batch normalization was folded away.
fn folded(error: &BindError) -> &'static str {
    if error.has_unused_statistics() {
        ", whose batch normalization was folded into other layers when it was exported (export it again with \
         torch.onnx.export's training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, dynamo=False)"
    } else {
        ""
    }
}

/// What follows a message where there is something to do.
struct Hint(Option<&'static str>);

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self.0 {
            Some(hint) => write!(f, ": {hint}"),
            None => Ok(()),
        }
    }
}

/// Why a tensor of an ONNX file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorProblem {
    /// An element type that the importer does not read.
    #[error("elements of type {0}, expected floating-point numbers or integers")]
    Type(String),
    /// A negative dimension, or more elements than memory can have.
    #[error("shape {0:?}, expected sizes of at least 0 and fewer than 2^40 elements")]
    Shape(Vec<i64>),
    /// A number of elements other than that of the dimensions.
    #[error("{found} bytes or elements, but the shape needs {expected}")]
    Length {
        /// How many there are.
        found: usize,
        /// How many the dimensions ask for.
        expected: usize,
    },
    /// External data without a path, or outside of the model's folder.
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
    /// A range beyond the end of a file.
    #[error("external data: {length} bytes at offset {offset} of '{location}', which has only {size} bytes")]
    Range {
        /// The file.
        location: String,
        /// The first byte.
        offset: u64,
        /// How many.
        length: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// candle reports a problem.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// Why a node cannot be lowered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeProblem {
    /// Too few inputs.
    #[error("input {0} is missing")]
    Missing(usize),
    /// An attribute of the wrong type or value.
    #[error("attribute '{name}' is {found}, expected {expected}")]
    Attribute {
        /// Its name.
        name: &'static str,
        /// Its value.
        found: String,
        /// What would be accepted.
        expected: String,
    },
    /// An input that must be constant.
    #[error("input {0} is computed from the images, expected a constant")]
    NotConstant(usize),
    /// Integers instead of real numbers, or the other way around.
    #[error("input {index} has {found}, expected {expected}")]
    Kind {
        /// Which input.
        index: usize,
        /// Its element type.
        found: &'static str,
        /// What is expected.
        expected: &'static str,
    },
    /// Quantized integers instead of real numbers.
    #[error(
        "input {0} has the integers of a QuantizeLinear: quantize in QDQ format, with a DequantizeLinear before every \
         operator that computes"
    )]
    Quantized(usize),
    /// A size that depends on the batch where that is not supported.
    #[error("{0}: not supported where it depends on the batch size")]
    Batch(String),
    /// Dimensions that the operator does not accept.
    #[error("found {found}, expected {expected}")]
    Shape {
        /// The input's.
        found: String,
        /// What would be accepted.
        expected: String,
    },
    /// A layer that an earlier node is, once it is known which bias it has.
    #[error("{node} ({operator})")]
    Earlier {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// Why it is none.
        #[source]
        source: Box<NodeProblem>,
    },
    /// A constant for which there is no memory.
    #[error(
        "a constant of {asked}, but those that nodes of this file compute may take {limit}, of which {used} are in \
         use: store such constants in the file, by folding them on export"
    )]
    Memory {
        /// What it would take.
        asked: Bytes,
        /// What others take already.
        used: Bytes,
        /// What all may take.
        limit: Bytes,
    },
    /// A value that is too large for any memory.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// A feature that is not implemented.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// Scales or zero points that are not valid.
    #[error("invalid quantization parameters")]
    Quantization(#[from] ParamsError),
    /// Scales that the layer cannot use.
    #[error(transparent)]
    Scales(#[from] ScalesError),
    /// A tensor of the node cannot be read.
    #[error("cannot read the constant")]
    Tensor(#[from] TensorProblem),
    /// The operator does not accept its inputs.
    #[error(transparent)]
    Op(#[from] OpError),
    /// The node cannot be added.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl NodeProblem {
    /// The problem of `node`, of operator `operator`, unless it is that of an earlier one.
    pub(super) fn of(self, node: String, operator: &str) -> OnnxProblem {
        match self {
            NodeProblem::Earlier { node, operator, source } => OnnxProblem::Node { node, operator, source },
            source => OnnxProblem::Node { node, operator: operator.to_owned(), source: Box::new(source) },
        }
    }
}

impl From<candle_core::Error> for NodeProblem {
    fn from(error: candle_core::Error) -> Self {
        NodeProblem::Op(error.into())
    }
}
