//! Running a graph on a batch.

use super::network::{Source, Value};
use super::schedule::{Level, Schedule};
use super::{Dim, Graph, InputObserver, OpError, RunContext, ValueId, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::Range;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The wrong number of inputs.
    #[error("{found} inputs, expected {expected}")]
    Inputs {
        /// How many were given.
        found: usize,
        /// How many the network has.
        expected: usize,
    },
    /// An input of the wrong type or shape.
    #[error("input '{name}' is {found}, expected {expected}")]
    Input {
        /// The input's name.
        name: String,
        /// Its element type and dimensions.
        found: String,
        /// The type that the network expects.
        expected: String,
    },
    /// A parameter is not bound.
    #[error("parameter '{0}' is not bound to a tensor")]
    Unbound(String),
    /// candle cannot split values by samples, or join them.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A node failed.
    #[error("node '{node}' ({kind})")]
    Node {
        /// The node's name.
        node: String,
        /// Its operator.
        kind: &'static str,
        /// Why.
        #[source]
        source: Box<OpError>,
    },
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
        let batch = self.check_inputs(inputs)?;
        let mut last_reader = vec![None; self.values.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|id| last_reader[id.0] = Some(i));
        }
        self.outputs.iter().for_each(|id| last_reader[id.0] = Some(self.nodes.len()));
        let Schedule { levels } = Schedule::new(self, batch);
        let run = Run { graph: self, inputs, first_sample, observers, last_reader, levels };
        let values = run.values(run.levels.len() - 1, 0..batch, rayon::current_num_threads())?;
        self.outputs.iter().map(|&id| run.value(&values, id).cloned()).collect()
    }

    /// The batch size of inputs of the types that the operators were inferred for.
    fn check_inputs(&self, inputs: &[Tensor]) -> Result<usize, RunError> {
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

/// A run on one batch.
struct Run<'a> {
    graph: &'a Graph,
    inputs: &'a [Tensor],
    first_sample: u64,
    observers: &'a [&'a dyn InputObserver],
    /// The last reader of each value; for outputs, an index past the last node.
    last_reader: Vec<Option<usize>>,
    levels: Vec<Level>,
}

/// The computed values that are still to be read at some point of a run.
type Values = Vec<Option<Tensor>>;

impl Run<'_> {
    /// The values of `samples` after the nodes of all levels up to `level`, computed by `threads`.
    fn values(&self, level: usize, samples: Range<usize>, threads: usize) -> Result<Values, RunError> {
        let mut values = match level.checked_sub(1) {
            None => self.input_values(&samples)?,
            Some(before) => {
                let parts = self.levels[before].parts(samples.clone());
                let run = |part: Range<usize>, threads| self.values(before, part, threads);
                let parts: Vec<Values> = if threads == 1 {
                    parts.into_iter().map(|part| run(part, 1)).collect::<Result<_, _>>()?
                } else {
                    // Parallel over samples if there are enough, else within each node.
                    let threads = if parts.len() >= threads { 1 } else { threads };
                    parts.into_par_iter().map(|part| run(part, threads)).collect::<Result<_, _>>()?
                };
                self.join(parts)?
            }
        };
        let context = RunContext {
            first_sample: self.first_sample + samples.start as u64,
            samples: samples.len(),
            observers: self.observers,
            threads,
        };
        self.levels[level].nodes.clone().try_for_each(|node| self.run_node(node, &context, &mut values))?;
        Ok(values)
    }

    /// The network's inputs for some samples.
    fn input_values(&self, samples: &Range<usize>) -> Result<Values, RunError> {
        let mut values: Values = vec![None; self.graph.values.len()];
        for (id, input) in self.graph.inputs.iter().zip(self.inputs) {
            values[id.0] = Some(match batch_axis(self.graph.ty(*id)) {
                Some((axis, times)) => input.narrow(axis, times * samples.start, times * samples.len())?,
                None => input.clone(),
            });
        }
        Ok(values)
    }

    /// Joins the values of consecutive parts of the samples.
    fn join(&self, mut parts: Vec<Values>) -> Result<Values, RunError> {
        if parts.len() == 1 {
            return Ok(parts.swap_remove(0));
        }
        let mut values: Values = vec![None; self.graph.values.len()];
        for (id, value) in values.iter_mut().enumerate() {
            let parts_of_value: Option<Vec<&Tensor>> = parts.iter().map(|part| part[id].as_ref()).collect();
            let Some(parts_of_value) = parts_of_value else { continue };
            *value = Some(match batch_axis(&self.graph.values[id].ty) {
                Some((axis, _)) => Tensor::cat(&parts_of_value, axis)?,
                None => parts_of_value[0].clone(),
            });
        }
        Ok(values)
    }

    /// Runs a node, and drops the values that no later node reads.
    fn run_node(&self, at: usize, context: &RunContext, values: &mut Values) -> Result<(), RunError> {
        let node = &self.graph.nodes[at];
        let inputs = node.inputs.iter().map(|&id| self.value(values, id)).collect::<Result<Vec<_>, _>>()?;
        let outputs = node.op.run(&inputs, context).map_err(|source| RunError::Node {
            node: node.name.clone(),
            kind: node.op.kind(),
            source: Box::new(source),
        })?;
        for id in node.inputs.iter().filter(|id| self.last_reader[id.0] == Some(at)) {
            values[id.0] = None;
        }
        for (id, output) in node.outputs.iter().zip(outputs) {
            values[id.0] = self.last_reader[id.0].is_some().then_some(output);
        }
        Ok(())
    }

    /// The tensor of a computed value or a parameter.
    fn value<'v>(&'v self, values: &'v Values, id: ValueId) -> Result<&'v Tensor, RunError> {
        let Value { name, source, .. } = &self.graph.values[id.0];
        let value = match source {
            Source::Parameter { data, .. } => data.as_ref(),
            Source::Input | Source::Node => values[id.0].as_ref(),
        };
        value.ok_or_else(|| RunError::Unbound(name.clone()))
    }
}

/// The batch axis, and the elements along it of each sample.
fn batch_axis(ty: &ValueType) -> Option<(usize, usize)> {
    ty.shape.iter().enumerate().find_map(|(axis, dim)| match dim {
        Dim::Batch(times) => Some((axis, *times)),
        Dim::Fixed(_) => None,
    })
}
