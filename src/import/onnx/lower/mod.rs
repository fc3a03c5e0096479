//! Lowering: the nodes of an ONNX graph, one after the other, become nodes of a [`Graph`].
//!
//! [`operators`] is the registry. What does not depend on the images is computed on the way: integers
//! such as shapes carry the batch size along as a symbol, so that the batch stays open even where the
//! file has it as a constant.

mod arithmetic;
mod build;
mod constants;
mod einsum;
mod expand;
mod hints;
mod integers;
mod layers;
mod node;
mod norms;
mod operators;
mod pad;
mod pools;
mod quantized;
mod reshape;
mod resize;
mod scatter;
mod shapes;
mod slices;
mod window;

pub(super) use node::Node;

use super::error::{NodeProblem, OnnxProblem, TensorProblem};
use super::order::title;
use super::tensor::{Constant, ExternalFiles};
use super::value::Value;
use crate::graph::{Dim, Graph, ValueId};
use crate::import::scales::{OutputAxis, Scales};
use build::spatial;
use candle_core::{Tensor, TensorId};
use operators::{OPERATORS, OnnxOperator};
use rten_onnx::onnx::NodeProto;
use std::collections::{BTreeMap, HashMap};

/// The operator of a node, if it is a known one of the default domain.
fn operator(node: &NodeProto) -> Option<&'static OnnxOperator> {
    let is_default = domain(node).is_none();
    OPERATORS.get(node.op_type.as_deref()?).filter(|_| is_default)
}

/// The domain of a node's operator, unless it is the default one.
fn domain(node: &NodeProto) -> Option<&str> {
    node.domain.as_deref().filter(|domain| !domain.is_empty() && *domain != "ai.onnx")
}

/// Whether a node's outputs are probabilities.
pub(super) fn is_softmax(node: &NodeProto) -> bool {
    operator(node).is_some_and(OnnxOperator::is_softmax)
}

/// The value of a tensor of the file, called `name`.
pub(super) fn constant(constant: Constant, name: &str) -> Value {
    constants::value(constant, name, true)
}

/// The batch size that a network is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchSize {
    /// Any; the file leaves it open, or does not state it.
    Open,
    /// Any; the file has this one, in constants too.
    Constant(usize),
    /// One sample.
    One,
}

impl BatchSize {
    /// The batch axis of the graph's values.
    pub fn dim(self) -> Dim {
        if self == BatchSize::One { Dim::Fixed(1) } else { Dim::Batch(1) }
    }
}

/// A network being built.
pub(super) struct Lowering<'a> {
    pub graph: Graph,
    /// The tensors of the graph's parameters, by name.
    pub parameters: BTreeMap<String, Tensor>,
    pub batch: BatchSize,
    /// A value whose first axis is the batch.
    pub images: ValueId,
    /// The file's scales.
    pub scales: Scales,
    external: &'a mut ExternalFiles,
    values: HashMap<&'a str, Value>,
    /// The operators that read each value; `None` for the graph's output.
    readers: HashMap<&'a str, Vec<Option<&'static OnnxOperator>>>,
    /// The parameters of constants that several nodes may share.
    shared: HashMap<TensorId, ValueId>,
}

impl<'a> Lowering<'a> {
    /// A network with the input `images`, to be built from `nodes` up to `output`.
    pub fn new(
        graph: Graph,
        images: ValueId,
        batch: BatchSize,
        nodes: &[&'a NodeProto],
        output: &'a str,
        external: &'a mut ExternalFiles,
    ) -> Self {
        let mut readers: HashMap<&str, Vec<_>> = HashMap::from([(output, vec![None])]);
        for node in nodes {
            for input in &node.input {
                readers.entry(input).or_default().push(operator(node));
            }
        }
        Lowering {
            graph,
            parameters: BTreeMap::new(),
            batch,
            images,
            scales: Scales::default(),
            external,
            values: HashMap::new(),
            readers,
            shared: HashMap::new(),
        }
    }

    /// Gives a name its value.
    pub fn define(&mut self, name: &'a str, value: Value) {
        self.values.insert(name, value);
    }

    /// The value of a name, as the network's output.
    pub fn value(&mut self, name: &str) -> Result<Option<Value>, NodeProblem> {
        self.values.get(name).cloned().map(|value| self.settle(value)).transpose()
    }

    /// Replaces quantized integers by the real numbers that they represent; returns whether the name's
    /// value is such integers.
    pub fn dequantize(&mut self, name: &str) -> bool {
        let Some(value) = self.values.get_mut(name) else { return false };
        let Value::Quantized(numbers, _) = value else { return false };
        *value = (**numbers).clone();
        true
    }

    /// Lowers a node.
    pub fn lower(&mut self, proto: &'a NodeProto, opset: i64) -> Result<(), OnnxProblem> {
        let operator_name = proto.op_type.as_deref().unwrap_or_default();
        let Some(operator) = operator(proto) else {
            let operator =
                domain(proto).map_or_else(|| operator_name.to_owned(), |domain| format!("{domain}.{operator_name}"));
            let hint = hints::unsupported(&operator);
            return Err(OnnxProblem::Operator { operator, node: title(proto), hint });
        };
        let mut run = || {
            let mut inputs = Vec::new();
            for input in &proto.input {
                let Some(value) = self.values.get(input.as_str()).cloned() else {
                    inputs.push(None);
                    continue;
                };
                // A layer stays pending for its only reader if that may add the bias.
                let readers = self.readers.get(input.as_str()).map(Vec::as_slice);
                let waits = matches!(readers, Some([Some(reader)]) if reader.takes_pending);
                if waits || !matches!(value, Value::Pending(_)) {
                    inputs.push(Some(value));
                } else {
                    let settled = self.settle(value)?;
                    self.values.insert(input, settled.clone());
                    inputs.push(Some(settled));
                }
            }
            let name = proto.name.as_deref().filter(|name| !name.is_empty());
            let name = name.or(proto.output.first().map(String::as_str)).unwrap_or_default();
            quantized::lower(self, Node { proto, inputs, opset, name }, operator)
        };
        let outputs = run().map_err(|source| OnnxProblem::Node {
            node: title(proto),
            operator: operator_name.to_owned(),
            source: Box::new(source),
        })?;
        for (name, value) in proto.output.iter().zip(outputs) {
            self.define(name, value);
        }
        Ok(())
    }

    /// Reads a tensor of the file.
    fn read(&mut self, tensor: &rten_onnx::onnx::TensorProto) -> Result<Constant, TensorProblem> {
        super::tensor::read(tensor, self.external)
    }

    /// How many nodes read a value of the file; the graph's output counts as one.
    fn reader_count(&self, name: &str) -> usize {
        self.readers.get(name).map_or(0, Vec::len)
    }
}
