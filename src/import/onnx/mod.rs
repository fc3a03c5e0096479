//! ONNX files as networks: what `torch.onnx.export` and tf2onnx write of classifiers, as a
//! [`Graph`] like any other.
//!
//! [`import`] checks the file's frame, parses it, orders its nodes and lowers them one by one.
//! Everything that does not depend on the images is computed on the way. Linear and convolution
//! layers get the names of their PyTorch modules, so that quantization parameters of the same network
//! from the zoo fit; batch normalisation stays a node for [`crate::graph::pass`] to fold. A batch
//! size that the file has as a constant is made open again; where that fails, the network takes one
//! sample at a time and says so.

mod error;
mod input;
mod lower;
mod name;
mod order;
mod tensor;
mod value;
mod wire;

pub use error::{NodeProblem, OnnxError, OnnxProblem, TensorProblem};
pub use input::Layout;
pub use wire::WireError;

use crate::graph::{Dim, Graph, op::Reshape};
use crate::quant::ParamsFile;
use candle_core::Tensor;
use input::Images;
use lower::{BatchSize, Lowering, Quantization};
use rten_onnx::onnx::{GraphProto, ModelProto, NodeProto};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use tensor::ExternalFiles;
use value::Value;

/// Versions of the default operator set whose meaning is known.
const OPERATOR_SETS: std::ops::RangeInclusive<i64> = 7..=26;

/// What an ONNX file holds.
#[derive(Debug)]
pub struct Network {
    /// The network, its parameters bound.
    pub graph: Graph,
    /// Channels, height and width of its input.
    pub input: [usize; 3],
    /// Outputs.
    pub num_classes: usize,
    /// Whether these are an image like its input.
    pub gives_images: bool,
    /// Hash of the file, and of those that hold its external data.
    pub blake3: String,
    /// The quantization parameters of those layers that a quantized file has them for (QDQ format).
    pub params: Option<ParamsFile>,
    /// What a reader of the report should know.
    pub notes: Vec<String>,
}

/// Reads an ONNX file. Images meet it in `layout`; tensors of `weights` take the place of its own, by
/// name: `NAME.weight` and `NAME.bias` of a layer, other parameters as the file calls them.
///
/// # Errors
/// Names the file, and the node or tensor that is wrong with it or not supported.
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
        let bytes = std::fs::read(path).map_err(OnnxProblem::Read)?;
        wire::check(&bytes).map_err(|source| OnnxProblem::Frame { size: bytes.len(), source })?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes);
        Ok(File { model: ModelProto::parse_buf(&bytes)?, external: ExternalFiles::beside(path), hasher })
    }

    fn import(&mut self, layout: Layout, weights: Option<BTreeMap<String, Tensor>>) -> Result<Network, OnnxProblem> {
        let opset = operator_set(&self.model)?;
        let graph = self.model.graph.as_ref().ok_or(OnnxProblem::NoGraph)?;
        let images = Images::of(graph, layout)?;
        let outputs: Vec<&str> = graph.output.iter().filter_map(|output| output.name.as_deref()).collect();
        let output = *outputs.first().ok_or(OnnxProblem::NoOutput)?;
        let nodes = order::sorted(graph, output)?;
        let mut notes = images.notes.clone();
        if outputs.len() > 1 {
            notes.push(format!("of the outputs {}, the first is taken", outputs.join(", ")));
        }
        if nodes.last().is_some_and(|node| node.op_type.as_deref() == Some("Softmax")) {
            notes.push("the network ends in a softmax: the loss takes its probabilities for logits".to_owned());
        }

        let source = Source { graph, nodes: &nodes, opset, images: &images, output };
        let built = match source.build(images.batch, &mut self.external) {
            // What cannot be run for any number of samples may be run for one.
            Err(error @ (OnnxProblem::Node { .. } | OnnxProblem::Output { .. }))
                if images.batch == BatchSize::Open || images.batch == BatchSize::Constant(1) =>
            {
                let built = match source.build(BatchSize::One, &mut self.external) {
                    // The batch is not what is wrong with it.
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
        let Built { mut graph, mut parameters, quantization, num_classes, gives_images, gives_integers } = built?;
        if gives_integers {
            notes
                .push(format!("the output '{output}' is of 8-bit integers: taken for the numbers that they stand for"));
        }
        // Other weights have other scales.
        let (params, note) = quantization.finish().filter(|_| weights.is_none()).unzip();
        notes.extend(note);
        if let Some(weights) = weights {
            let all = parameters.len();
            let replaced = weights.keys().filter(|name| parameters.contains_key(*name)).count();
            notes.push(format!("{replaced} of {all} tensors of the file replaced by --weights"));
            parameters.extend(weights);
        }
        graph.bind(parameters).map_err(|error| OnnxProblem::Bind(Box::new(error)))?;
        self.external.contents().for_each(|bytes| {
            self.hasher.update(bytes);
        });
        let blake3 = self.hasher.finalize().to_hex().to_string();
        let params = params.map(|layers| ParamsFile { layers, blake3: blake3.clone() });
        Ok(Network { graph, input: images.shape, num_classes, gives_images, blake3, params, notes })
    }
}

/// An error and what caused it, in a line.
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
        Some(version) => Err(OnnxProblem::OperatorSet { found: version.to_string() }),
        None => Err(OnnxProblem::OperatorSet { found: "none".to_owned() }),
    }
}

/// What a network is built from.
struct Source<'a> {
    graph: &'a GraphProto,
    nodes: &'a [&'a NodeProto],
    opset: i64,
    images: &'a Images,
    output: &'a str,
}

/// A network whose parameters are not bound yet.
struct Built {
    graph: Graph,
    parameters: BTreeMap<String, Tensor>,
    quantization: Quantization,
    num_classes: usize,
    gives_images: bool,
    /// Whether the file has its output in integers.
    gives_integers: bool,
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
        let (input, images) = self.images.add(&mut graph, batch)?;
        let mut lowering = Lowering::new(graph, input, batch, self.nodes, self.output, external);
        lowering.define(&self.images.name, Value::Computed(images));
        constants.into_iter().for_each(|(name, constant)| lowering.define(name, constant));
        for node in self.nodes {
            lowering.lower(node, self.opset)?;
        }
        let gives_integers = lowering.take_integers(self.output);
        let (num_classes, gives_images) = self.finish(&mut lowering)?;
        let Lowering { graph, parameters, quantization, .. } = lowering;
        Ok(Built { graph, parameters, quantization, num_classes, gives_images, gives_integers })
    }

    /// Makes the output the graph's, in rows, and gives their length, the number of classes; or that of an
    /// image's numbers, and whether the network gives back images.
    fn finish(&self, lowering: &mut Lowering) -> Result<(usize, bool), OnnxProblem> {
        let wrong = |found: String| OnnxProblem::Output { name: self.output.to_owned(), found };
        let value = lowering.value(self.output).map_err(|error| wrong(error.to_string()))?;
        let Some(Value::Computed(id)) = value else { return Err(wrong("a constant".to_owned())) };
        let ty = lowering.graph.ty(id).clone();
        let samples = if lowering.batch == BatchSize::One { Dim::Fixed(1) } else { Dim::Batch(1) };
        let Some((&batch, sample)) = ty.shape.split_first() else { return Err(wrong(ty.to_string())) };
        // Networks that end in a convolution leave axes of size 1.
        let is_row = sample.iter().skip(1).all(|dim| *dim == Dim::Fixed(1));
        let Some(Dim::Fixed(outputs @ 1..)) = Dim::product(sample) else { return Err(wrong(ty.to_string())) };
        let is_image = outputs == self.images.shape.iter().product::<usize>();
        if batch != samples || sample.is_empty() || !(is_row || is_image) {
            return Err(wrong(ty.to_string()));
        }
        let mut output = id;
        if !is_row {
            let name = lowering.free("image");
            output = self.images.restore(&mut lowering.graph, &name, output)?;
        }
        if sample.len() > 1 {
            let name = lowering.free("logits");
            let shape = vec![batch, Dim::Fixed(outputs)];
            output = lowering.graph.add_one(&name, Reshape { shape }, &[output])?;
        }
        lowering.graph.set_outputs(&[output]);
        Ok((outputs, !is_row))
    }
}
