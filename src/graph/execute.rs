//! Running a graph on a batch.

use super::network::{Source, Value};
use super::plan::{Run, Span};
use super::{Dim, Graph, InputObserver, Node, RunError, ValueId};
use candle_core::Tensor;
use std::collections::BTreeSet;

/// A batch on its way through a network: the values that the nodes that are left read. Runs that differ from some node
/// on go on from the same place; the outputs are the same bits as without a stop.
#[derive(Debug, Clone)]
pub struct Midway {
    /// The next node.
    node: usize,
    /// Samples of the batch.
    samples: usize,
    values: Vec<Tensor>,
}

impl Midway {
    /// Bytes of its values.
    pub fn bytes(&self) -> usize {
        self.values.iter().map(|value| value.elem_count() * value.dtype().size_in_bytes()).sum()
    }
}

impl Graph {
    /// The outputs for `inputs`; their first sample has index `first_sample` in the data set.
    ///
    /// # Errors
    /// Names the node that failed, the parameter that is not bound, or the input of another shape
    /// than the network's.
    pub fn run(&self, inputs: &[Tensor], first_sample: u64) -> Result<Vec<Tensor>, RunError> {
        self.run_observed(inputs, first_sample, &[])
    }

    /// As [`run`](Graph::run); `observers` see the inputs of approximate layers.
    ///
    /// # Errors
    /// As [`run`](Graph::run).
    pub fn run_observed(
        &self,
        inputs: &[Tensor],
        first_sample: u64,
        observers: &[&dyn InputObserver],
    ) -> Result<Vec<Tensor>, RunError> {
        self.finish(&self.enter(inputs)?, first_sample, observers)
    }

    /// A batch before the first node.
    ///
    /// # Errors
    /// As [`run`](Graph::run), of inputs of another shape.
    pub fn enter(&self, inputs: &[Tensor]) -> Result<Midway, RunError> {
        Ok(Midway { node: 0, samples: self.check_inputs(inputs)?, values: inputs.to_vec() })
    }

    /// Runs a batch until the approximate layer of index `layer` is the next node.
    ///
    /// # Errors
    /// As [`run`](Graph::run).
    ///
    /// # Panics
    /// When there is no such layer, or the batch has passed it.
    pub fn advance(
        &self,
        batch: &Midway,
        layer: usize,
        first_sample: u64,
        observers: &[&dyn InputObserver],
    ) -> Result<Midway, RunError> {
        let mut layers = self.nodes.iter().enumerate().filter(|(_, node)| node.op.as_approximate().is_some());
        let node = layers.nth(layer).expect("a layer of the network").0;
        let values = self.stretch(batch, node, first_sample, observers)?;
        Ok(Midway { node, samples: batch.samples, values })
    }

    /// What the next node of a batch reads first, such as the input of a layer that it was [advanced](Graph::advance) to.
    pub fn next_input<'b>(&self, batch: &'b Midway) -> Option<&'b Tensor> {
        let input = *self.nodes.get(batch.node)?.inputs.first()?;
        let values = if batch.node == 0 { self.inputs.clone() } else { self.values_before(batch.node) };
        values.iter().position(|&value| value == input).and_then(|at| batch.values.get(at))
    }

    /// The outputs for a batch, by the nodes that are left.
    ///
    /// # Errors
    /// As [`run`](Graph::run).
    pub fn finish(
        &self,
        batch: &Midway,
        first_sample: u64,
        observers: &[&dyn InputObserver],
    ) -> Result<Vec<Tensor>, RunError> {
        self.stretch(batch, self.nodes.len(), first_sample, observers)
    }

    /// What the nodes from `until` on read, after those before it.
    fn stretch(
        &self,
        batch: &Midway,
        until: usize,
        first_sample: u64,
        observers: &[&dyn InputObserver],
    ) -> Result<Vec<Tensor>, RunError> {
        let &Midway { node, samples, ref values } = batch;
        assert!(node <= until, "the batch has passed node {until}");
        if node == until && until < self.nodes.len() {
            return Ok(values.clone());
        }
        let places = first_sample..first_sample + samples as u64;
        let is_observed = |(at, other): (usize, &Node)| {
            let wants = |layer| observers.iter().any(|observer| observer.wants(layer, places.clone()));
            (node..until).contains(&at) && other.op.as_approximate().is_some_and(wants)
        };
        let observed = self.nodes.iter().enumerate().map(is_observed).collect();
        let plan = self.plans.find(node..until, samples, observed, |observed| {
            let inputs = if node == 0 { self.inputs.clone() } else { self.values_before(node) };
            let outputs = if until == self.nodes.len() { self.outputs.clone() } else { self.values_before(until) };
            self.plan(&Span { nodes: node..until, inputs, outputs }, samples, observed)
        });
        let run = Run { graph: self, plan: &plan, pool: self.plans.pool(), inputs: values, first_sample, observers };
        run.outputs(samples)
    }

    /// The values that there are before a node and that it or later ones read, or that are outputs.
    fn values_before(&self, node: usize) -> Vec<ValueId> {
        let (before, after) = self.nodes.split_at(node);
        let read: BTreeSet<ValueId> =
            after.iter().flat_map(|node| &node.inputs).chain(&self.outputs).copied().collect();
        let known: BTreeSet<ValueId> =
            before.iter().flat_map(|node| &node.outputs).chain(&self.inputs).copied().collect();
        debug_assert!(known.iter().all(|&id| !matches!(self.values[id.0].source, Source::Parameter { .. })));
        read.intersection(&known).copied().collect()
    }

    /// The batch size of inputs of the types that the operators were inferred for.
    pub(super) fn check_inputs(&self, inputs: &[Tensor]) -> Result<usize, RunError> {
        if inputs.len() != self.inputs.len() {
            return Err(RunError::Inputs { found: inputs.len(), expected: self.inputs.len() });
        }
        let mut batch = None;
        for (id, tensor) in self.inputs.iter().zip(inputs) {
            let Value { name, ty, .. } = &self.values[id.0];
            let mut fits = |(&dim, &size): (&Dim, &usize)| match dim {
                Dim::Fixed(expected) => size == expected,
                Dim::Batch(times) => size
                    .checked_div(times)
                    .is_some_and(|samples| samples * times == size && *batch.get_or_insert(samples) == samples),
            };
            let suits = tensor.dtype() == ty.element.dtype()
                && tensor.rank() == ty.rank()
                && ty.shape.iter().zip(tensor.dims()).all(&mut fits);
            if !suits {
                let found = format!("{}{:?}", tensor.dtype().as_str(), tensor.dims());
                return Err(RunError::Input { name: name.clone(), found, expected: ty.to_string() });
            }
        }
        Ok(batch.unwrap_or(1))
    }
}
