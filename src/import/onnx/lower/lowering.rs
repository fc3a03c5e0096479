//! The state of a lowering: the network being built, and what the names of the file refer to. All that
//! lowers a node adds to it, whatever the operator.

use crate::graph::{Dim, Graph, ValueId};
use crate::import::onnx::budget::Budget;
use crate::import::onnx::error::{NodeProblem, TensorProblem};
use crate::import::onnx::tensor::{self, Constant, ExternalFiles};
use crate::import::onnx::value::Value;
use crate::import::scales::Scales;
use candle_core::{Tensor, TensorId};
use rten_onnx::onnx::{NodeProto, TensorProto};
use std::collections::{BTreeMap, HashMap};

/// The batch size that a network is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import::onnx) enum BatchSize {
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

/// What reads a value of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import::onnx) enum Reader {
    /// A node that adds a bias to a matrix product, and so takes the product as it is.
    Bias,
    /// Another node, or the graph's output.
    Other,
}

/// What reads each value of the file.
pub(in crate::import::onnx) type Readers<'a> = HashMap<&'a str, Vec<Reader>>;

/// A network being built.
pub(in crate::import::onnx) struct Lowering<'a> {
    pub graph: Graph,
    /// The tensors of the graph's parameters, by name.
    pub parameters: BTreeMap<String, Tensor>,
    pub batch: BatchSize,
    /// A value whose first axis is the batch.
    pub images: ValueId,
    /// The file's scales.
    pub scales: Scales,
    /// The memory of its constants.
    pub(super) budget: Budget,
    external: &'a mut ExternalFiles,
    values: HashMap<&'a str, Value>,
    readers: Readers<'a>,
    /// The parameters of constants that several nodes may share.
    pub(super) shared: HashMap<TensorId, ValueId>,
}

impl<'a> Lowering<'a> {
    /// A network with the input `images`, of a file of `size` bytes whose values have these readers.
    pub fn new(
        graph: Graph,
        images: ValueId,
        batch: BatchSize,
        readers: Readers<'a>,
        external: &'a mut ExternalFiles,
        size: u64,
    ) -> Self {
        let budget = Budget::of_file(size.saturating_add(external.size()));
        Lowering {
            graph,
            parameters: BTreeMap::new(),
            batch,
            images,
            scales: Scales::default(),
            budget,
            external,
            values: HashMap::new(),
            readers,
            shared: HashMap::new(),
        }
    }

    /// Gives a name its value, which is in the file or costs nothing.
    pub fn define(&mut self, name: &'a str, value: Value) {
        self.budget.exempt(&value);
        self.values.insert(name, value);
    }

    /// Gives a name its value, which was computed.
    pub(super) fn define_computed(&mut self, name: &'a str, value: Value) -> Result<(), NodeProblem> {
        self.budget.count(&value)?;
        self.values.insert(name, value);
        Ok(())
    }

    /// The value of a name, as the network's output.
    pub fn value(&mut self, name: &str) -> Result<Option<Value>, NodeProblem> {
        self.values.get(name).cloned().map(|value| self.settle(value)).transpose()
    }

    /// The values that a node reads; `None` for optional inputs that are left out.
    pub(super) fn inputs(&mut self, node: &'a NodeProto) -> Result<Vec<Option<Value>>, NodeProblem> {
        let mut inputs = Vec::new();
        for name in &node.input {
            let Some(value) = self.values.get(name.as_str()).cloned() else {
                inputs.push(None);
                continue;
            };
            // A layer stays pending for its only reader if that may add the bias.
            let waits = matches!(self.readers.get(name.as_str()).map(Vec::as_slice), Some([Reader::Bias]));
            if waits || !matches!(value, Value::Pending(_)) {
                inputs.push(Some(value));
            } else {
                let settled = self.settle(value)?;
                self.values.insert(name, settled.clone());
                inputs.push(Some(settled));
            }
        }
        Ok(inputs)
    }

    /// Replaces quantized integers by the real numbers that they represent; returns whether the name's
    /// value is such integers.
    pub fn dequantize(&mut self, name: &str) -> bool {
        let Some(value) = self.values.get_mut(name) else { return false };
        let Value::Quantized(numbers, _) = value else { return false };
        *value = (**numbers).clone();
        true
    }

    /// Reads a tensor of the file.
    pub(super) fn read(&mut self, tensor: &TensorProto) -> Result<Constant, TensorProblem> {
        tensor::read(tensor, self.external)
    }

    /// How many nodes read a value of the file; the graph's output counts as one.
    pub(super) fn reader_count(&self, name: &str) -> usize {
        self.readers.get(name).map_or(0, Vec::len)
    }
}
