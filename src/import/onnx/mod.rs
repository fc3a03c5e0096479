//! ONNX files of classifiers and autoencoders, as `torch.onnx.export` and tf2onnx write them, as a
//! [`Graph`] like any other.
//!
//! [`import`] checks the lengths of the file's messages, parses it, sorts its nodes and lowers them one
//! by one. Everything that does not depend on the images is computed on the way. Linear and convolution
//! layers get the names of their PyTorch modules, so that quantization parameters of the same network
//! from the zoo fit; batch normalization stays a node for [`crate::graph::pass`] to fold. A constant
//! batch size is made variable again; where that fails, samples run one by one, and a note says so.

mod budget;
mod error;
mod functions;
mod input;
mod input_grid;
mod lower;
mod name;
mod operation;
mod order;
mod output;
mod packed;
mod precision;
mod tensor;
#[cfg(test)]
mod tests;
mod value;
mod wire;

pub use error::{FunctionProblem, NodeProblem, OnnxError, OnnxProblem, TensorProblem};
pub use wire::WireError;

use super::output_form::OutputForm;
use super::scales::Scales;
use super::{Layout, Network};
use crate::graph::op::FakeQuantize;
use crate::graph::pass::{name_attention, product_params, sum_on_grids};
use crate::graph::{BindError, Graph, strip_common_prefix};
use crate::input as files;
use crate::printable::with_causes;
use crate::quant::{Grid, ParamsFile};
use budget::Budget;
use candle_core::Tensor;
use functions::Functions;
use input::Input;
use lower::{BatchSize, Lowering};
use operation::{OPERATOR_SETS, Operation, operator_set};
use output::UpToOutput;
use rten_onnx::onnx::{GraphProto, ModelProto};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use tensor::ExternalFiles;
use value::Value;

/// Bytes of the largest file: the limit of its format, beyond which tensors lie in external files.
const LARGEST: u64 = 2 << 30;

/// How an ONNX file is read.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The axis order of its input.
    pub layout: Layout,
    /// Channels, height and width of its input, for sizes that the file leaves open.
    pub images: Option<[usize; 3]>,
    /// The output that the network is judged by; the only one that fits where it is `None`.
    pub output: Option<String>,
    /// Tensors that replace the file's own, by name: `NAME.weight` and `NAME.bias` of a layer, other
    /// parameters by their name in the file.
    pub weights: Option<BTreeMap<String, Tensor>>,
}

/// Reads an ONNX file.
///
/// # Errors
/// Names the file, and the node or tensor that is not valid or not supported.
pub fn import(path: &Path, options: ImportOptions) -> Result<Network, OnnxError> {
    finish(path, File::read(path), options)
}

/// Reads the bytes of an ONNX file, which messages call `name`; all its tensors lie in it.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(name: &Path, bytes: &[u8], options: ImportOptions) -> Result<Network, OnnxError> {
    finish(name, File::parse(bytes, ExternalFiles::none()), options)
}

fn finish(path: &Path, file: Result<File, OnnxProblem>, options: ImportOptions) -> Result<Network, OnnxError> {
    file.and_then(|file| file.import(options))
        .map_err(|problem| OnnxError { path: path.to_owned(), problem: Box::new(problem) })
}

/// A parsed file.
struct File {
    /// Its bytes, without external data.
    size: u64,
    model: ModelProto,
    functions: Functions,
    /// The files beside it, of which nothing is read yet.
    external: ExternalFiles,
    hasher: blake3::Hasher,
}

impl File {
    fn read(path: &Path) -> Result<Self, OnnxProblem> {
        let bytes = files::read(path, LARGEST).map_err(OnnxProblem::Read)?;
        Self::parse(&bytes, ExternalFiles::beside(path))
    }

    fn parse(bytes: &[u8], external: ExternalFiles) -> Result<Self, OnnxProblem> {
        wire::check(bytes).map_err(|source| OnnxProblem::Frame { size: bytes.len(), source })?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(bytes);
        let (model, functions) = (ModelProto::parse_buf(bytes)?, Functions::parse(bytes)?);
        Ok(File { size: bytes.len() as u64, model, functions, external, hasher })
    }

    fn import(mut self, options: ImportOptions) -> Result<Network, OnnxProblem> {
        let ImportOptions { layout, images, output, weights } = options;
        let opset = operator_set(&self.model.opset_import).or_else(|| self.functions.operator_set());
        let opset = supported(opset)?;
        let mut graph = self.model.graph.take().ok_or(OnnxProblem::NoGraph)?;
        let operations = self.functions.inline(&mut graph, opset, Budget::of_file(self.size))?;
        let graph = &graph;
        let input = Input::find(graph, layout, images)?;
        let mut notes: Vec<String> = input.images.note.clone().into_iter().collect();
        let size = self.size;
        let (built, external) = output::choose(graph, &operations, output.as_deref(), |output| {
            let nodes = order::sorted(graph, &operations, output)?;
            // The hash is one of what this output needs, whatever else was tried.
            let mut external = self.external.clone();
            let source = Source { size, graph, nodes: &nodes, input: &input, output };
            source.build_any_batch(&mut external).map(|built| (built, external))
        })?;
        let Built { mut graph, mut parameters, scales, input_grid, output, notes: of_output, .. } = built;
        notes.extend(of_output);
        // Other weights have other scales.
        let (params, note) = scales.finish(&graph).filter(|_| weights.is_none()).unzip();
        notes.extend(note);
        let mut unfit: fn(Box<BindError>) -> OnnxProblem = OnnxProblem::Bind;
        if let Some(mut weights) = weights {
            let prefix =
                strip_common_prefix(&mut weights, |weights| weights.keys().any(|name| parameters.contains_key(name)));
            notes.extend(prefix.map(|prefix| format!("prefix '{prefix}' taken off every tensor's name")));
            let all = parameters.len();
            let replaced = weights.keys().filter(|name| parameters.contains_key(*name)).count();
            notes.push(format!("{replaced} of {all} tensors of the file replaced by the given weights"));
            parameters.extend(weights);
            unfit = OnnxProblem::Weights;
        }
        graph.bind(parameters).map_err(|error| unfit(Box::new(error)))?;
        external.contents().for_each(|bytes| {
            self.hasher.update(bytes);
        });
        let blake3 = self.hasher.finalize().to_hex().to_string();
        let params = params.map(|mut layers| {
            layers.extend(product_params(&graph));
            layers
        });
        let params = params.map(|layers| ParamsFile { layers, blake3: blake3.clone(), ..ParamsFile::default() });
        let OutputForm { count: outputs, reconstructs_input, .. } = output;
        Ok(Network {
            external: external.locations(),
            graph,
            roundings: None,
            input: input.images.shape,
            own_shape: input.images.own_shape(),
            channels_last: input.images.channels_last,
            input_grid,
            outputs,
            reconstructs_input,
            blake3,
            params,
            notes,
        })
    }
}

/// The version of the default operator set, if it is one that can be imported.
fn supported(version: Option<i64>) -> Result<i64, OnnxProblem> {
    match version {
        Some(version) if OPERATOR_SETS.contains(&version) => Ok(version),
        Some(version) => Err(OnnxProblem::OperatorSet { found: version.to_string(), supported: OPERATOR_SETS }),
        None => Err(OnnxProblem::OperatorSet { found: "none".to_owned(), supported: OPERATOR_SETS }),
    }
}

/// What a graph is built from.
struct Source<'a> {
    /// Bytes of the file.
    size: u64,
    graph: &'a GraphProto,
    /// Those that the output needs, in an order in which they can run.
    nodes: &'a [&'a Operation],
    input: &'a Input,
    output: &'a str,
}

/// A network whose parameters are not bound yet.
struct Built {
    graph: Graph,
    parameters: BTreeMap<String, Tensor>,
    scales: Scales,
    input_grid: Option<Grid>,
    output: OutputForm,
    /// The output's type in the file, for messages.
    output_type: String,
    notes: Vec<String>,
}

impl UpToOutput for (Built, ExternalFiles) {
    fn form(&self) -> (&OutputForm, &str) {
        (&self.0.output, &self.0.output_type)
    }
}

impl Source<'_> {
    /// The network for any number of samples, or else for one at a time.
    fn build_any_batch(&self, external: &mut ExternalFiles) -> Result<Built, OnnxProblem> {
        let batch = self.input.batch;
        match self.build(batch, external) {
            // What cannot run for any number of samples may run for one.
            Err(error @ (OnnxProblem::Node { .. } | OnnxProblem::Output { .. }))
                if batch == BatchSize::Open || batch == BatchSize::Constant(1) =>
            {
                let mut built = match self.build(BatchSize::One, external) {
                    // The batch size is not the cause.
                    Err(OnnxProblem::Output { .. }) => return Err(error),
                    built => built?,
                };
                let reason = with_causes(&error);
                built.notes.push(format!("samples run one by one, since the batch size cannot be left open: {reason}"));
                Ok(built)
            }
            built => built,
        }
    }

    fn build(&self, batch: BatchSize, external: &mut ExternalFiles) -> Result<Built, OnnxProblem> {
        let mut constants = Vec::new();
        let read: HashSet<&str> = self.nodes.iter().flat_map(|node| &node.proto.input).map(String::as_str).collect();
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
        let integers = self.input.integers;
        let input_grid =
            integers.and_then(|ty| input_grid::of_input(self.nodes, &self.input.name, ty, &constants, external));
        let input = match input_grid {
            Some(grid) => {
                let name = format!("{} (integers)", self.input.name);
                let integers = graph.add_one(&name, FakeQuantize(grid), &[input])?;
                Value::Quantized(Box::new(Value::Computed(integers)), grid)
            }
            None => Value::Computed(input),
        };
        let mut lowering =
            Lowering::new(graph, images, batch, lower::readers(self.nodes, self.output), external, self.size);
        lowering.define(&self.input.name, input);
        constants.into_iter().for_each(|(name, constant)| lowering.define(name, constant));
        for node in self.nodes {
            lower::node(&mut lowering, node)?;
        }
        let mut notes: Vec<String> = precision::note(self.graph, self.nodes).into_iter().collect();
        let others = self.graph.output.iter().filter_map(|output| output.name.as_deref());
        let others: Vec<&str> = others.filter(|name| *name != self.output).collect();
        if !others.is_empty() {
            notes.push(format!(
                "the network's output is '{}'; the file has others: {}",
                self.output,
                others.join(", ")
            ));
        }
        if self.nodes.last().is_some_and(|node| lower::is_softmax(&node.proto)) {
            notes.push("the network ends in a softmax: the loss treats its probabilities as logits".to_owned());
        }
        if lowering.dequantize(self.output) {
            notes.push(format!("the output '{}' is of quantized integers: dequantized", self.output));
        }
        let (output, output_type) = output::set(&mut lowering, self.output, &self.input.images)?;
        let Lowering { mut graph, parameters, scales, .. } = lowering;
        name_attention(&mut graph);
        sum_on_grids(&mut graph);
        Ok(Built { graph, parameters, scales, input_grid, output, output_type, notes })
    }
}
