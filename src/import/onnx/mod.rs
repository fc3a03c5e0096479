//! ONNX files of classifiers and autoencoders, as `torch.onnx.export` and tf2onnx write them, as a
//! [`Graph`] like any other.
//!
//! [`import`] checks the lengths of the file's messages, parses it, sorts its nodes and lowers them one
//! by one. Everything that does not depend on the images is computed on the way. Linear and convolution
//! layers get the names of their PyTorch modules, so that quantization parameters of the same network
//! from the zoo fit; batch normalization stays a node for [`crate::graph::pass`] to fold. A constant
//! batch size is made variable again; where that fails, samples run one by one, and a note says so.

mod error;
mod input;
mod lower;
mod name;
mod order;
mod tensor;
mod value;
mod wire;

pub use error::{NodeProblem, OnnxError, OnnxProblem, TensorProblem};
pub use wire::WireError;

use super::Layout;
use super::scales::Scales;
use crate::graph::op::Reshape;
use crate::graph::{BindError, Dim, Graph};
use crate::input as files;
use crate::quant::ParamsFile;
use candle_core::Tensor;
use input::Input;
use lower::{BatchSize, Lowering};
use rten_onnx::onnx::{GraphProto, ModelProto, NodeProto};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use tensor::ExternalFiles;
use value::Value;

/// Supported versions of the default operator set.
const OPERATOR_SETS: std::ops::RangeInclusive<i64> = 7..=26;

/// Bytes of the largest file: the limit of its format, beyond which tensors lie in external files.
const LARGEST: u64 = 2 << 30;

/// A network read from an ONNX file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Network {
    /// The network, its parameters bound.
    pub graph: Graph,
    /// Channels, height and width of its input.
    pub input: [usize; 3],
    /// Number of output values for each image.
    pub outputs: usize,
    /// Whether these are an image of the input's size, as of an autoencoder.
    pub reconstructs_input: bool,
    /// Hash of the file, and of those that hold its external data.
    pub blake3: String,
    /// The quantization parameters of layers, where the file is quantized (QDQ format).
    pub params: Option<ParamsFile>,
    /// Notes for reports.
    pub notes: Vec<String>,
}

/// Reads an ONNX file whose input has the axis order `layout`. The tensors of `weights` replace its own, by
/// name: `NAME.weight` and `NAME.bias` of a layer, other parameters by their name in the file.
///
/// # Errors
/// Names the file, and the node or tensor that is not valid or not supported.
pub fn import(path: &Path, layout: Layout, weights: Option<BTreeMap<String, Tensor>>) -> Result<Network, OnnxError> {
    File::read(path)
        .and_then(|mut file| file.import(layout, weights))
        .map_err(|problem| OnnxError { path: path.to_owned(), problem: Box::new(problem) })
}

/// A parsed file.
struct File {
    model: ModelProto,
    external: ExternalFiles,
    hasher: blake3::Hasher,
}

impl File {
    fn read(path: &Path) -> Result<Self, OnnxProblem> {
        let bytes = files::read(path, LARGEST).map_err(OnnxProblem::Read)?;
        wire::check(&bytes).map_err(|source| OnnxProblem::Frame { size: bytes.len(), source })?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes);
        Ok(File { model: ModelProto::parse_buf(&bytes)?, external: ExternalFiles::beside(path), hasher })
    }

    fn import(&mut self, layout: Layout, weights: Option<BTreeMap<String, Tensor>>) -> Result<Network, OnnxProblem> {
        let opset = operator_set(&self.model)?;
        let graph = self.model.graph.as_ref().ok_or(OnnxProblem::NoGraph)?;
        let input = Input::find(graph, layout)?;
        let outputs: Vec<&str> = graph.output.iter().filter_map(|output| output.name.as_deref()).collect();
        let output = *outputs.first().ok_or(OnnxProblem::NoOutput)?;
        let nodes = order::sorted(graph, output)?;
        let mut notes: Vec<String> = input.images.note.clone().into_iter().collect();
        if outputs.len() > 1 {
            notes.push(format!("only the first of the outputs is used: {}", outputs.join(", ")));
        }
        if nodes.last().is_some_and(|node| lower::is_softmax(node)) {
            notes.push("the network ends in a softmax: the loss treats its probabilities as logits".to_owned());
        }

        let source = Source { graph, nodes: &nodes, opset, input: &input, output };
        let built = match source.build(input.batch, &mut self.external) {
            // What cannot run for any number of samples may run for one.
            Err(error @ (OnnxProblem::Node { .. } | OnnxProblem::Output { .. }))
                if input.batch == BatchSize::Open || input.batch == BatchSize::Constant(1) =>
            {
                let built = match source.build(BatchSize::One, &mut self.external) {
                    // The batch size is not the cause.
                    Err(OnnxProblem::Output { .. }) => return Err(error),
                    built => built?,
                };
                notes.push(format!(
                    "samples run one by one, since the batch size cannot be left open: {}",
                    chain(&error)
                ));
                Ok(built)
            }
            built => built,
        };
        let Built { mut graph, mut parameters, scales, outputs, reconstructs_input, is_quantized } = built?;
        if is_quantized {
            notes.push(format!("the output '{output}' is of 8-bit integers: dequantized"));
        }
        // Other weights have other scales.
        let (params, note) = scales.finish(&graph).filter(|_| weights.is_none()).unzip();
        notes.extend(note);
        let mut unfit: fn(Box<BindError>) -> OnnxProblem = OnnxProblem::Bind;
        if let Some(weights) = weights {
            let all = parameters.len();
            let replaced = weights.keys().filter(|name| parameters.contains_key(*name)).count();
            notes.push(format!("{replaced} of {all} tensors of the file replaced by the given weights"));
            parameters.extend(weights);
            unfit = OnnxProblem::Weights;
        }
        graph.bind(parameters).map_err(|error| unfit(Box::new(error)))?;
        self.external.contents().for_each(|bytes| {
            self.hasher.update(bytes);
        });
        let blake3 = self.hasher.finalize().to_hex().to_string();
        let params = params.map(|layers| ParamsFile { layers, blake3: blake3.clone() });
        Ok(Network { graph, input: input.images.shape, outputs, reconstructs_input, blake3, params, notes })
    }
}

/// An error and its causes, in a line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The version of the default operator set.
fn operator_set(model: &ModelProto) -> Result<i64, OnnxProblem> {
    let mut sets = model.opset_import.iter();
    let default = sets.find(|set| matches!(set.domain.as_deref(), None | Some("" | "ai.onnx")));
    match default.map(|set| set.version.unwrap_or(0)) {
        Some(version) if OPERATOR_SETS.contains(&version) => Ok(version),
        Some(version) => Err(OnnxProblem::OperatorSet { found: version.to_string(), supported: OPERATOR_SETS }),
        None => Err(OnnxProblem::OperatorSet { found: "none".to_owned(), supported: OPERATOR_SETS }),
    }
}

/// What a graph is built from.
struct Source<'a> {
    graph: &'a GraphProto,
    nodes: &'a [&'a NodeProto],
    opset: i64,
    input: &'a Input,
    output: &'a str,
}

/// A network whose parameters are not bound yet.
struct Built {
    graph: Graph,
    parameters: BTreeMap<String, Tensor>,
    scales: Scales,
    outputs: usize,
    reconstructs_input: bool,
    /// Whether the file's output is quantized integers.
    is_quantized: bool,
}

impl Source<'_> {
    fn build(&self, batch: BatchSize, external: &mut ExternalFiles) -> Result<Built, OnnxProblem> {
        let mut constants = Vec::new();
        let read: HashSet<&str> = self.nodes.iter().flat_map(|node| &node.input).map(String::as_str).collect();
        for tensor in &self.graph.initializer {
            let name = tensor.name.as_deref().unwrap_or_default();
            if read.contains(name) || name == self.output {
                let constant = tensor::read(tensor, external)
                    .map_err(|source| OnnxProblem::Tensor { name: name.to_owned(), source })?;
                constants.push((name, lower::constant(constant, name)));
            }
        }
        let mut graph = Graph::new();
        let (images, input) = self.input.images.add(&mut graph, &self.input.name, batch.dim())?;
        let mut lowering = Lowering::new(graph, images, batch, lower::readers(self.nodes, self.output), external);
        lowering.define(&self.input.name, Value::Computed(input));
        constants.into_iter().for_each(|(name, constant)| lowering.define(name, constant));
        for node in self.nodes {
            lower::node(&mut lowering, node, self.opset)?;
        }
        let is_quantized = lowering.dequantize(self.output);
        let (outputs, reconstructs_input) = self.set_output(&mut lowering)?;
        let Lowering { graph, parameters, scales, .. } = lowering;
        Ok(Built { graph, parameters, scales, outputs, reconstructs_input, is_quantized })
    }

    /// Makes the network's output that of the graph, a vector for each sample. Returns the vector's length,
    /// and whether it is an image of the input's size.
    fn set_output(&self, lowering: &mut Lowering) -> Result<(usize, bool), OnnxProblem> {
        let wrong = |found: String| OnnxProblem::Output { name: self.output.to_owned(), found };
        let value = lowering.value(self.output).map_err(|error| wrong(error.to_string()))?;
        let Some(Value::Computed(id)) = value else { return Err(wrong("a constant".to_owned())) };
        let ty = lowering.graph.ty(id).clone();
        let Some((&batch, sample)) = ty.shape.split_first() else { return Err(wrong(ty.to_string())) };
        // Networks that end in a convolution leave axes of size 1.
        let is_vector = sample.iter().skip(1).all(|dim| *dim == Dim::Fixed(1));
        let Some(Dim::Fixed(outputs @ 1..)) = Dim::product(sample) else { return Err(wrong(ty.to_string())) };
        let is_image = outputs == self.input.images.shape.iter().product::<usize>();
        if batch != lowering.batch.dim() || sample.is_empty() || !(is_vector || is_image) {
            return Err(wrong(ty.to_string()));
        }
        let mut output = id;
        if !is_vector {
            let name = lowering.unused("image");
            output = self.input.images.restore(&mut lowering.graph, &name, output)?;
        }
        if sample.len() > 1 {
            let name = lowering.unused("logits");
            let shape = vec![batch, Dim::Fixed(outputs)];
            output = lowering.graph.add_one(&name, Reshape { shape }, &[output])?;
        }
        lowering.graph.set_outputs(&[output]);
        Ok((outputs, !is_vector))
    }
}
