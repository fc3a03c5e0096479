//! TensorFlow Lite files of classifiers and autoencoders, as a [`Graph`] like any other.
//!
//! [`import`] reads the file's tables (`flatbuffer`, `schema`) and lowers its
//! operators one by one (`lower`). Layers get short names, by the rule in `name`. A
//! batch size of the file is made variable; where that fails for a batch size of 1, samples run one by one, and a note
//! says so. Integers stay integers: in a quantized file, each value that a layer computes is rounded to the file's own
//! grid, and layers multiply the file's own integers.

mod builtins;
mod error;
mod flatbuffer;
mod input;
mod lower;
mod name;
mod options;
mod schema;
mod steps;
mod tensor;
#[cfg(test)]
mod tests;

pub use error::{NodeProblem, TfliteError, TfliteProblem};
pub use flatbuffer::BufferError;
pub use options::OptionsError;

use super::output_form::OutputForm;
use super::scales::Scales;
use super::{Layout, Network};
use crate::graph::op::{FakeQuantize, Linear, Reshape};
use crate::graph::pass::Roundings;
use crate::graph::{Dim, Graph, Node};
use crate::input as files;
use crate::kernel::Rounding;
use crate::printable::with_causes;
use crate::quant::{LayerParams, ParamsFile};
use candle_core::Tensor;
use input::Input;
use lower::{Batch, Computed, Lowering, Step, Value};
use schema::Model;
use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of the largest file: beyond the 2 GiB of a flat buffer, weights lie after it.
const LARGEST: u64 = 8 << 30;

/// How a file is read.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The axis order of its input; channels last where it is [`Layout::Auto`].
    pub layout: Layout,
    /// Channels, height and width of its input, for sizes that the file leaves open.
    pub images: Option<[usize; 3]>,
    /// The output that the network is judged by; the only one where it is `None`.
    pub output: Option<String>,
}

/// Reads a TensorFlow Lite file.
///
/// # Errors
/// Names the file, and the operator or tensor that is not valid or not supported.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Network, TfliteError> {
    let network = files::read(path, LARGEST).map_err(TfliteProblem::Read).and_then(|bytes| from_bytes(&bytes, options));
    network.map_err(|problem| TfliteError { path: path.to_owned(), problem: Box::new(problem) })
}

/// Reads the bytes of a TensorFlow Lite file, which messages call `name`.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(name: &Path, bytes: &[u8], options: &ImportOptions) -> Result<Network, TfliteError> {
    from_bytes(bytes, options).map_err(|problem| TfliteError { path: name.to_owned(), problem: Box::new(problem) })
}

/// The network of a file of these bytes.
fn from_bytes(bytes: &[u8], options: &ImportOptions) -> Result<Network, TfliteProblem> {
    if !Model::has_identifier(bytes) {
        return Err(TfliteProblem::Identifier);
    }
    let model = Model::parse(bytes).map_err(|source| TfliteProblem::Buffer { size: bytes.len(), source })?;
    match model.version {
        3 => (),
        version => return Err(TfliteProblem::Version(version)),
    }
    if model.subgraphs == 0 {
        return Err(TfliteProblem::NoNetwork);
    }
    let input = Input::find(&model, options.layout, options.images)?;
    let output = steps::output(&model, options.output.as_deref())?;
    let source = Source { size: bytes.len(), model: &model, input: &input, output };
    let Built { mut graph, parameters, scales, output, notes: of_network } = source.build_any_batch()?;
    let mut notes: Vec<String> = input.images.note.iter().cloned().collect();
    notes.extend(of_network);
    let (layers, note) = scales.finish(&graph).unzip();
    notes.extend(note);
    graph.bind(parameters).map_err(|error| TfliteProblem::Bind(Box::new(error)))?;
    let blake3 = blake3::hash(bytes).to_hex().to_string();
    let params = layers.map(|layers| ParamsFile { layers, blake3: blake3.clone(), ..ParamsFile::default() });
    let roundings = graph.has_quantized_values().then(|| roundings(&graph, params.as_ref()));
    Ok(Network {
        external: Vec::new(),
        graph,
        roundings,
        input: input.images.shape,
        own_shape: input.images.own_shape(),
        channels_last: input.images.channels_last,
        input_grid: input.grid,
        outputs: output.count,
        reconstructs_input: output.reconstructs_input,
        blake3,
        params,
        notes,
    })
}

/// How the layers of a network on integers round, as measured of the reference kernels: twice, those of unsigned weights
/// by a factor of single precision, but fully connected ones in floating point.
fn roundings(graph: &Graph, params: Option<&ParamsFile>) -> Roundings {
    let is_unsigned = |name: &str| params.is_some_and(|file| file.layers.get(name).is_some_and(has_unsigned_weights));
    let rounding = |node: &Node| {
        let is_linear = (node.op() as &dyn Any).is::<Linear>();
        let of_unsigned = is_unsigned(node.name()).then_some(Rounding::TwiceOfSingle);
        if is_linear { Some(Rounding::Real) } else { of_unsigned }
    };
    let layers = graph.nodes().iter().filter_map(|node| Some((node.name().to_owned(), rounding(node)?))).collect();
    Roundings { default: Rounding::Twice, layers }
}

fn has_unsigned_weights(layer: &LayerParams) -> bool {
    layer.weight.range().q_min() >= 0
}

/// What a graph is built from.
struct Source<'a> {
    /// Bytes of the file.
    size: usize,
    model: &'a Model<'a>,
    input: &'a Input,
    /// The number of the output's tensor.
    output: i32,
}

/// A network whose parameters are not bound yet.
struct Built {
    graph: Graph,
    parameters: BTreeMap<String, Tensor>,
    scales: Scales,
    output: OutputForm,
    notes: Vec<String>,
}

impl Source<'_> {
    /// The network for any number of samples, or else for one at a time.
    fn build_any_batch(&self) -> Result<Built, TfliteProblem> {
        let batch = self.input.batch;
        match self.build(Batch { size: batch, dim: Dim::Batch(1) }) {
            // What cannot run for any number of samples may run for one.
            Err(error @ (TfliteProblem::Node { .. } | TfliteProblem::Output { .. })) if batch == 1 => {
                let Ok(mut built) = self.build(Batch { size: 1, dim: Dim::Fixed(1) }) else { return Err(error) };
                let reason = with_causes(&error);
                built.notes.push(format!("samples run one by one, since the batch size cannot be left open: {reason}"));
                Ok(built)
            }
            built => built,
        }
    }

    fn build(&self, batch: Batch) -> Result<Built, TfliteProblem> {
        let mut lowering = Lowering::new(Graph::new(), batch, self.size);
        self.add_input(&mut lowering)?;
        let steps = steps::needed(self.model, self.input.number, self.output)?;
        for step in &steps {
            lower::step(&mut lowering, self.model, step).map_err(|source| TfliteProblem::Node {
                node: steps::title(self.model, step.output),
                operator: step.kind.name.to_owned(),
                source: Box::new(source),
            })?;
        }
        let output = self.set_output(&mut lowering)?;
        let notes = self.notes(&steps);
        let Lowering { graph, parameters, scales, .. } = lowering;
        Ok(Built { graph, parameters, scales, output, notes })
    }

    /// Adds the input: images, as the file takes them.
    fn add_input(&self, lowering: &mut Lowering) -> Result<(), TfliteProblem> {
        let Input { number, name, images, batch: _, grid } = self.input;
        let name = if name.is_empty() { "input" } else { name };
        let graph = &mut lowering.graph;
        // Layers take images as they are.
        let is_images = images.channels_last && images.sample.len() == 3;
        let samples = lowering.batch.dim;
        let mut input = if is_images {
            Computed::channels_first(images.add_images(graph, name, samples)?)
        } else {
            let (_, taken) = images.add(graph, name, samples)?;
            Computed::in_order(taken, images.sample.len() + 1)
        };
        if let Some(grid) = *grid {
            input.id = graph.add_one(&format!("{name} (quantized)"), FakeQuantize(grid), &[input.id])?;
        }
        let defined = lowering.define(*number, Value::Computed(input));
        defined.map_err(|source| TfliteProblem::Quantization { name: name.to_owned(), source: Box::new(source) })
    }

    /// Makes the output's tensor the graph's output, a vector for each sample.
    fn set_output(&self, lowering: &mut Lowering) -> Result<OutputForm, TfliteProblem> {
        let name = self.model.main.tensor(self.output).map(|tensor| tensor.name.to_string()).unwrap_or_default();
        let wrong = |found: String| TfliteProblem::Output { name: name.clone(), found };
        let Some(Value::Computed(value)) = lowering.value(self.output).cloned() else {
            return Err(wrong("a constant".to_owned()));
        };
        let value = lowering.in_order(value).map_err(|source| TfliteProblem::Node {
            node: format!("output '{name}'"),
            operator: String::new(),
            source: Box::new(source),
        })?;
        let ty = lowering.graph.ty(value.id).clone();
        let form = OutputForm::of(&ty, lowering.batch.dim, self.input.images.shape.iter().product());
        let form = form.ok_or_else(|| wrong(ty.to_string()))?;
        let mut output = value.id;
        if form.reconstructs_input {
            let name = lowering.unused("image");
            output = self.input.images.restore(&mut lowering.graph, &name, output)?;
        }
        if !form.is_flat {
            let name = lowering.unused("logits");
            let shape = vec![lowering.batch.dim, Dim::Fixed(form.count)];
            output = lowering.graph.add_one(&name, Reshape { shape }, &[output])?;
        }
        lowering.graph.set_outputs(&[output]);
        Ok(form)
    }

    /// What reports are to say of the file.
    fn notes(&self, steps: &[Step]) -> Vec<String> {
        let mut notes = Vec::new();
        let main = &self.model.main;
        let name = |number: i32| main.tensor(number).map(|tensor| tensor.name.to_string());
        let others: Vec<String> =
            main.outputs.iter().filter(|&&other| other != self.output).filter_map(|&other| name(other)).collect();
        if !others.is_empty() {
            let (own, others) = (name(self.output).unwrap_or_default(), others.join(", "));
            notes.push(format!("the network's output is '{own}'; the file has others: {others}"));
        }
        let of_output = steps.iter().rev().find(|step| !matches!(step.kind.name, "DEQUANTIZE" | "QUANTIZE"));
        if of_output.is_some_and(|step| step.kind.name == "SOFTMAX") {
            notes.push("the network ends in a softmax: the loss treats its probabilities as logits".to_owned());
        }
        if main.tensor(self.output).is_some_and(|tensor| tensor.ty.is_grid()) {
            let own = name(self.output).unwrap_or_default();
            notes.push(format!("the output '{own}' is of integers: dequantized"));
        }
        notes
    }
}
