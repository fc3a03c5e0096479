//! The graph itself: values, the nodes that produce them, and how both are added.

use super::plan::Plans;
use super::{Dim, ElementType, KeptInputs, OpError, Operator, ValueType};
use crate::quant::Grid;
use candle_core::Tensor;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::num::NonZeroUsize;

/// A value of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(super) usize);

/// Why a graph cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// An operator does not accept its inputs.
    #[error("node '{node}' ({kind})")]
    Operator {
        /// The node's name.
        node: String,
        /// Its operator.
        kind: &'static str,
        /// Why.
        #[source]
        source: Box<OpError>,
    },
    /// Two nodes or two values with the same name.
    #[error("the name '{0}' is used twice")]
    Duplicate(String),
}

/// A value: its type and its source.
#[derive(Debug)]
pub(super) struct Value {
    pub name: String,
    pub ty: ValueType,
    pub source: Source,
}

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// An input of each run.
    Input,
    /// A weight: bound before the first run.
    Parameter { data: Option<Tensor>, trainable: bool },
    /// The output of a node.
    Node,
}

/// An operation of a graph.
#[derive(Debug)]
pub struct Node {
    pub(super) name: String,
    pub(super) op: Box<dyn Operator>,
    pub(super) inputs: Vec<ValueId>,
    pub(super) outputs: Vec<ValueId>,
}

impl Node {
    /// Its name: of layers, the module path in PyTorch.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its operator.
    pub fn op(&self) -> &dyn Operator {
        self.op.as_ref()
    }

    /// The values that it reads: for layers, the input, then the weight and the bias.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// The values that it produces.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }
}

/// A network: nodes in an order in which they can run.
#[derive(Debug, Default)]
pub struct Graph {
    pub(super) values: Vec<Value>,
    pub(super) nodes: Vec<Node>,
    pub(super) inputs: Vec<ValueId>,
    pub(super) outputs: Vec<ValueId>,
    names: HashSet<String>,
    /// The layers that batch normalizations were folded into.
    pub(super) folded: BTreeSet<String>,
    pub(super) plans: Plans,
}

/// The types of a node's outputs, unless samples lie along several axes of one.
fn check_samples(outputs: Vec<ValueType>) -> Result<Vec<ValueType>, OpError> {
    let batch_axes = |ty: &&ValueType| ty.shape.iter().filter(|dim| matches!(dim, Dim::Batch(_))).count();
    match outputs.iter().find(|ty| batch_axes(ty) > 1) {
        Some(ty) => Err(OpError::MixesSamples(ty.to_string())),
        None => Ok(outputs),
    }
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an input.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn input(&mut self, name: &str, ty: ValueType) -> Result<ValueId, GraphError> {
        let id = self.value(name, ty, Source::Input)?;
        self.inputs.push(id);
        Ok(id)
    }

    /// Declares an `f32` weight, to be bound by its name. Running statistics are not `trainable`.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn parameter(&mut self, name: &str, shape: &[usize], trainable: bool) -> Result<ValueId, GraphError> {
        self.value(name, ValueType::fixed(shape), Source::Parameter { data: None, trainable })
    }

    /// Adds a node and returns its outputs. A single output has the node's name; several are called
    /// `name:0`, `name:1`, ...
    ///
    /// # Errors
    /// When the name is taken or the operator does not accept the inputs.
    pub fn add(&mut self, name: &str, op: impl Operator, inputs: &[ValueId]) -> Result<Vec<ValueId>, GraphError> {
        let ty = |&id: &ValueId| if op.takes_integers() { self.ty(id).clone() } else { self.ty(id).dequantized() };
        let types: Vec<ValueType> = inputs.iter().map(ty).collect();
        let outputs = op.infer(&types.iter().collect::<Vec<_>>()).and_then(check_samples);
        let outputs = outputs.map_err(|source| GraphError::Operator {
            node: name.to_owned(),
            kind: op.kind(),
            source: Box::new(source),
        })?;
        let kept = self.kept_element(op.kept_inputs(), inputs);
        let outputs = outputs.into_iter().map(|ty| ValueType { element: kept.unwrap_or(ty.element), ..ty });
        let names = match outputs.len() {
            1 => vec![name.to_owned()],
            count => (0..count).map(|i| format!("{name}:{i}")).collect(),
        };
        // The node's name must be unused even if no output has it; on failure nothing is added.
        let taken = names.iter().map(String::as_str).chain([name]).find(|&name| self.names.contains(name));
        if let Some(taken) = taken {
            return Err(GraphError::Duplicate(taken.to_owned()));
        }
        self.names.insert(name.to_owned());
        let outputs: Vec<ValueId> =
            names.into_iter().zip(outputs).map(|(name, ty)| self.push(name, ty, Source::Node)).collect();
        let (name, inputs) = (name.to_owned(), inputs.to_vec());
        self.nodes_mut().push(Node { name, op: Box::new(op), inputs, outputs: outputs.clone() });
        Ok(outputs)
    }

    /// The quantized element type that all kept inputs share.
    fn kept_element(&self, kept: KeptInputs, inputs: &[ValueId]) -> Option<ElementType> {
        let kept = match kept {
            KeptInputs::None => &[],
            KeptInputs::First => inputs.get(..1).unwrap_or_default(),
            KeptInputs::All => inputs,
        };
        let mut elements = kept.iter().map(|&id| self.ty(id).element);
        let first = elements.next().filter(|first| first.quantization().is_some())?;
        elements.all(|other| other == first).then_some(first)
    }

    /// Declares that the elements of a value of real numbers are integers on `grid`, where no operator
    /// could infer it.
    pub fn set_quantization(&mut self, id: ValueId, grid: Grid) {
        self.values[id.0].ty.element = ElementType::Quantized(grid);
    }

    /// Adds a node with one output.
    ///
    /// # Errors
    /// As [`add`](Graph::add).
    ///
    /// # Panics
    /// When the operator has another number of outputs.
    pub fn add_one(&mut self, name: &str, op: impl Operator, inputs: &[ValueId]) -> Result<ValueId, GraphError> {
        let outputs = self.add(name, op, inputs)?;
        assert_eq!(outputs.len(), 1, "node {name}");
        Ok(outputs[0])
    }

    /// Sets the network's outputs.
    pub fn set_outputs(&mut self, outputs: &[ValueId]) {
        self.plans.clear();
        self.outputs = outputs.to_vec();
    }

    /// The nodes, to be changed: runs are planned anew.
    pub(super) fn nodes_mut(&mut self) -> &mut Vec<Node> {
        self.plans.clear();
        &mut self.nodes
    }

    fn value(&mut self, name: &str, ty: ValueType, source: Source) -> Result<ValueId, GraphError> {
        if self.names.contains(name) {
            return Err(GraphError::Duplicate(name.to_owned()));
        }
        Ok(self.push(name.to_owned(), ty, source))
    }

    pub(super) fn push(&mut self, name: String, ty: ValueType, source: Source) -> ValueId {
        self.names.insert(name.clone());
        self.values.push(Value { name, ty, source });
        ValueId(self.values.len() - 1)
    }

    /// The node whose only output is `value`, if it has exactly one reader, a node or an output.
    pub(super) fn sole_producer(&self, value: ValueId) -> Option<usize> {
        let readers = self.nodes.iter().flat_map(|node| &node.inputs).chain(&self.outputs);
        if readers.filter(|&&id| id == value).count() != 1 {
            return None;
        }
        self.nodes.iter().position(|node| node.outputs == [value])
    }

    /// Gives node `at`, which has one output, another name that the graph does not have yet.
    pub(super) fn rename(&mut self, at: usize, name: &str) {
        let node = &mut self.nodes[at];
        self.names.remove(&node.name);
        self.names.insert(name.to_owned());
        name.clone_into(&mut node.name);
        name.clone_into(&mut self.values[node.outputs[0].0].name);
    }

    /// Removes node `at`; readers of its output read its first input instead.
    pub(super) fn bypass(&mut self, at: usize) {
        let node = self.nodes_mut().remove(at);
        let (old, new) = (node.outputs[0], node.inputs[0]);
        let readers = self.nodes.iter_mut().flat_map(|node| &mut node.inputs).chain(&mut self.outputs);
        readers.filter(|id| **id == old).for_each(|id| *id = new);
    }

    /// Drops the tensors of parameters without readers.
    pub(super) fn release_unread(&mut self) {
        let read: HashSet<ValueId> =
            self.nodes.iter().flat_map(|node| &node.inputs).chain(&self.outputs).copied().collect();
        for (i, value) in self.values.iter_mut().enumerate() {
            if let Source::Parameter { data, .. } = &mut value.source
                && !read.contains(&ValueId(i))
            {
                *data = None;
            }
        }
    }

    /// Whether a node or value has this name.
    pub fn has_name(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// A value's type.
    pub fn ty(&self, id: ValueId) -> &ValueType {
        &self.values[id.0].ty
    }

    /// Whether values are integers by their types: the network was quantized already.
    pub fn has_quantized_values(&self) -> bool {
        self.values.iter().any(|value| value.ty.element.quantization().is_some())
    }

    /// A value's name.
    pub fn value_name(&self, id: ValueId) -> &str {
        &self.values[id.0].name
    }

    /// The weights, bound or not, in the order of their declaration.
    pub fn parameters(&self) -> impl Iterator<Item = ValueId> {
        let is_parameter = |value: &Value| matches!(value.source, Source::Parameter { .. });
        self.values.iter().enumerate().filter(move |(_, value)| is_parameter(value)).map(|(i, _)| ValueId(i))
    }

    /// The network's inputs.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// The batch size to run with: `wanted`, unless the network has a fixed one.
    pub fn batch_size(&self, wanted: NonZeroUsize) -> NonZeroUsize {
        let first = self.inputs.first().and_then(|&input| self.ty(input).shape.first());
        let fixed = if let Some(&Dim::Fixed(size)) = first { NonZeroUsize::new(size) } else { None };
        fixed.unwrap_or(wanted)
    }

    /// The network's outputs.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// Whether the network's outputs are probabilities of a yes against a no, as those of a sigmoid.
    pub fn outputs_probabilities(&self) -> bool {
        /// What rounding leaves of the mean of any number of probabilities.
        const ROUNDING: f32 = 1e-5;
        let mut factors: HashMap<ValueId, f32> = HashMap::new();
        for Node { op, inputs, outputs, .. } in &self.nodes {
            let of_inputs: Vec<Option<f32>> = inputs.iter().map(|input| factors.get(input).copied()).collect();
            if let Some(factor) = op.probability_factor(&of_inputs) {
                factors.extend(outputs.iter().map(|&output| (output, factor)));
            }
        }
        let is_probability = |output| factors.get(output).is_some_and(|factor| (factor - 1.0).abs() < ROUNDING);
        !self.outputs.is_empty() && self.outputs.iter().all(is_probability)
    }

    /// All nodes, in an order in which they can run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Elements of all trainable parameters.
    pub fn trainable_parameters(&self) -> u64 {
        let elements = |value: &Value| value.ty.sizes(1).iter().product::<usize>() as u64;
        self.values
            .iter()
            .filter(|value| matches!(value.source, Source::Parameter { trainable: true, .. }))
            .map(elements)
            .sum()
    }
}
