//! The state of a lowering: the graph that is being built, what each tensor of the file is in it, and all that adds
//! to it whatever the operator.

use super::value::CHANNELS_FIRST;
use super::{Computed, Node, Value};
use crate::graph::op::{FakeQuantize, Relu, Relu6, Scale, Transpose, Unary};
use crate::graph::{Dim, Graph, Operator, ValueId};
use crate::import::names;
use crate::import::scales::{ConstantScales, OutputAxis, Scales};
use crate::import::size::check_size;
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::Activation;
use crate::import::tflite::tensor::{Constant, Data};
use crate::quant::Grid;
use candle_core::Tensor;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The samples of the graph's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import::tflite) struct Batch {
    /// The batch size in the file.
    pub size: usize,
    /// The axis of samples.
    pub dim: Dim,
}

/// A network that is being built.
pub(in crate::import::tflite) struct Lowering {
    pub graph: Graph,
    /// The tensors of the graph's parameters, by name.
    pub parameters: BTreeMap<String, Tensor>,
    pub scales: Scales,
    pub batch: Batch,
    /// The values of the file's tensors, by number.
    values: HashMap<i32, Value>,
    /// Values with their axes in another order.
    arranged: HashMap<(ValueId, Vec<usize>), ValueId>,
    /// Elements that further constants may have.
    room: usize,
}

/// A layer's bias.
pub(super) struct Bias {
    /// The real numbers.
    pub numbers: Tensor,
    /// The integers that they were, in products of one input step and one weight step.
    pub integers: Option<Arc<[i32]>>,
}

impl Lowering {
    /// A network of `graph` so far, of a file of `size` bytes.
    pub fn new(graph: Graph, batch: Batch, size: usize) -> Self {
        /// What the constants of any file may have.
        const LEAST: usize = 1 << 26;
        /// What they may have for each byte of a large file: one that several nodes read, in other axis orders.
        const PER_BYTE: usize = 8;
        let room = size.saturating_mul(PER_BYTE).max(LEAST);
        let (parameters, scales) = (BTreeMap::new(), Scales::default());
        Lowering { graph, parameters, scales, batch, values: HashMap::new(), arranged: HashMap::new(), room }
    }

    /// Gives tensor `number` its value.
    pub fn define(&mut self, number: i32, value: Value) -> Result<(), NodeProblem> {
        if let Value::Constant(data) = &value {
            self.spend(match data {
                Data::Numbers(constant) => constant.tensor.elem_count(),
                Data::Integers { values, .. } => values.len(),
            })?;
        }
        self.values.insert(number, value);
        Ok(())
    }

    /// The value of tensor `number`, if it has one.
    pub fn value(&self, number: i32) -> Option<&Value> {
        self.values.get(&number)
    }

    /// Counts the elements of a constant.
    fn spend(&mut self, elements: usize) -> Result<(), NodeProblem> {
        self.room = self.room.checked_sub(elements).ok_or(NodeProblem::Memory(elements))?;
        Ok(())
    }

    /// `name`, or a numbered repeat of it, that the graph does not have yet.
    pub fn unused(&self, name: &str) -> String {
        names::unused(&self.graph, name, &[])
    }

    /// A node called `name`, or else a numbered repeat of it.
    pub(super) fn add(&mut self, name: &str, op: impl Operator, inputs: &[ValueId]) -> Result<ValueId, NodeProblem> {
        let name = self.unused(name);
        let id = self.graph.add_one(&name, op, inputs)?;
        check_size(self.graph.ty(id))?;
        Ok(id)
    }

    /// A parameter and its values.
    pub(super) fn parameter(&mut self, name: &str, tensor: Tensor, is_trained: bool) -> Result<ValueId, NodeProblem> {
        self.spend(tensor.elem_count())?;
        let name = self.unused(name);
        let id = self.graph.parameter(&name, tensor.dims(), is_trained)?;
        self.parameters.insert(name, tensor);
        Ok(id)
    }

    /// The graph's value for input `index` of a node; constants of numbers become parameters.
    pub(super) fn computed(&mut self, index: usize, value: &Value) -> Result<Computed, NodeProblem> {
        match value {
            Value::Computed(computed) => Ok(computed.clone()),
            Value::Constant(Data::Numbers(constant)) => self.constant("constant", constant),
            Value::Constant(Data::Integers { .. }) => {
                Err(NodeProblem::Kind { index, found: "INT32".to_owned(), expected: "numbers" })
            }
        }
    }

    /// A parameter of a constant, in the order of its axes.
    pub(super) fn constant(&mut self, name: &str, constant: &Constant) -> Result<Computed, NodeProblem> {
        let id = self.parameter(name, constant.tensor.clone(), constant.tensor.elem_count() > 1)?;
        if let Some(params) = constant.scales.as_ref().and_then(grid_of) {
            self.graph.set_quantization(id, params);
        }
        Ok(Computed::in_order(id, constant.tensor.rank()))
    }

    /// A value with its axes in the order `axes`.
    pub(super) fn arranged(&mut self, value: Computed, axes: &[usize]) -> Result<Computed, NodeProblem> {
        if value.axes == axes {
            return Ok(value);
        }
        let order: Vec<usize> = axes.iter().map(|&axis| value.place(axis)).collect();
        let key = (value.id, order.clone());
        let id = if let Some(&id) = self.arranged.get(&key) {
            id
        } else {
            let name = format!("{} (axes {})", self.graph.value_name(value.id), letters(axes));
            self.add(&name, Transpose { order }, &[value.id])?
        };
        self.arranged.insert(key, id);
        Ok(Computed { id, axes: axes.to_vec() })
    }

    /// A value with the file's order of axes.
    pub fn in_order(&mut self, value: Computed) -> Result<Computed, NodeProblem> {
        let axes: Vec<usize> = (0..value.axes.len()).collect();
        self.arranged(value, &axes)
    }

    /// A value whose numbers are in the file's order, wherever its axes of one element are.
    pub(super) fn numbers_in_order(&mut self, value: Computed) -> Result<ValueId, NodeProblem> {
        let shape = self.shape(&value);
        if value.axes.iter().filter(|&&axis| shape[axis] != Dim::Fixed(1)).is_sorted() {
            return Ok(value.id);
        }
        Ok(self.in_order(value)?.id)
    }

    /// Images with the channels first.
    pub(super) fn channels_first(&mut self, value: Computed) -> Result<Computed, NodeProblem> {
        self.arranged(value, &CHANNELS_FIRST)
    }

    /// The dimensions of a value in the file's order of axes.
    pub(super) fn shape(&self, value: &Computed) -> Vec<Dim> {
        let shape = &self.graph.ty(value.id).shape;
        (0..shape.len()).map(|axis| shape[value.place(axis)]).collect()
    }

    /// The sizes of a value in the file's order of axes, at the file's batch size.
    pub(super) fn sizes(&self, value: &Computed) -> Vec<usize> {
        self.shape(value).into_iter().map(|dim| dim.size(self.batch.size)).collect()
    }

    /// `x` multiplied by a number.
    pub(super) fn multiplied(&mut self, node: &Node, x: ValueId, factor: f32) -> Result<ValueId, NodeProblem> {
        if factor == 1.0 { Ok(x) } else { self.add(&format!("{} (factor)", node.name), Scale { factor }, &[x]) }
    }

    /// A layer with parameters of its own, on input `x`.
    pub(super) fn layer(
        &mut self,
        node: &Node,
        op: impl Operator,
        x: ValueId,
        weight: &Constant,
        bias: Option<Bias>,
        outputs: OutputAxis,
    ) -> Result<ValueId, NodeProblem> {
        let name = names::unused(&self.graph, &node.name, &["weight", "bias"]);
        if let Some(scales) = weight.scales.clone() {
            self.scales.add(&weight.tensor, scales);
        }
        let mut inputs = vec![x, self.parameter(&format!("{name}.weight"), weight.tensor.clone(), true)?];
        let (numbers, integers) = bias.map(|Bias { numbers, integers }| (numbers, integers)).unzip();
        if let Some(numbers) = numbers {
            inputs.push(self.parameter(&format!("{name}.bias"), numbers, true)?);
        }
        let y = self.add(&name, op, &inputs)?;
        self.scales.add_layer(&self.graph, &name, [x, y], [Some(&weight.tensor), None], outputs)?;
        if let Some(integers) = integers.flatten() {
            self.scales.add_bias(&name, integers);
        }
        Ok(y)
    }

    /// A layer's output `id` with its activation: real numbers are clipped, others rounded to the grid of the node's
    /// output.
    pub(super) fn finish(&mut self, node: &Node, id: ValueId, activation: Activation) -> Result<ValueId, NodeProblem> {
        if node.is_quantized() {
            let grid = node.output_grid(activation)?;
            return self.add(&format!("{} (quantized)", node.name), FakeQuantize(grid), &[id]);
        }
        self.activated(&format!("{} (activation)", node.name), id, activation)
    }

    /// Real numbers after an activation.
    pub(super) fn activated(
        &mut self,
        name: &str,
        id: ValueId,
        activation: Activation,
    ) -> Result<ValueId, NodeProblem> {
        match activation {
            Activation::None => Ok(id),
            Activation::Relu => self.add(name, Relu, &[id]),
            Activation::Relu6 => self.add(name, Relu6, &[id]),
            Activation::ReluN1To1 => self.add(name, Unary::Clip { min: -1.0, max: 1.0 }, &[id]),
        }
    }
}

/// Axes as letters, for names of nodes.
fn letters(axes: &[usize]) -> String {
    axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// One scale and zero point of a constant, as activations have them.
fn grid_of(scales: &ConstantScales) -> Option<Grid> {
    match (scales.scales.as_slice(), scales.zero_points.as_slice()) {
        (&[scale], &[zero_point]) => Grid::new(scale, zero_point, scales.range).ok(),
        _ => None,
    }
}
