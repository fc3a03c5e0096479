//! Running a graph on a batch.

use super::network::{Source, Value};
use super::{Dim, Graph, OpError, Pass};
use candle_core::Tensor;

/// Why a pass failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Inputs that are not those of the network.
    #[error("{found} inputs given to a network of {expected}")]
    Inputs {
        /// How many were given.
        found: usize,
        /// How many the network has.
        expected: usize,
    },
    /// An input of another type or shape than the network's.
    #[error("input '{name}' is {found}, expected {expected}")]
    Input {
        /// The input's name.
        name: String,
        /// Element type and dimensions of what was given.
        found: String,
        /// The type that the network has for it.
        expected: String,
    },
    /// A weight has no numbers yet.
    #[error("parameter '{0}' is not bound to a tensor")]
    Unbound(String),
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
    /// The outputs for `inputs`, the first sample of which is sample `first_sample` of the data set.
    /// Values are dropped after their last use.
    ///
    /// # Errors
    /// Names the node that failed, the parameter that is not bound, or the input of another shape
    /// than the network's.
    pub fn run(&self, inputs: &[Tensor], first_sample: u64) -> Result<Vec<Tensor>, RunError> {
        self.check_inputs(inputs)?;
        let pass = Pass { first_sample };
        let mut uses = vec![0usize; self.values.len()];
        let read = self.nodes.iter().flat_map(|node| &node.inputs).chain(&self.outputs);
        read.for_each(|id| uses[id.0] += 1);

        let mut values: Vec<Option<Tensor>> = vec![None; self.values.len()];
        for (id, input) in self.inputs.iter().zip(inputs) {
            values[id.0] = Some(input.clone());
        }
        for (value, slot) in self.values.iter().zip(&mut values) {
            if let Source::Parameter { data, .. } = &value.source {
                slot.clone_from(data);
            }
        }
        for node in &self.nodes {
            let tensors = node
                .inputs
                .iter()
                .map(|id| values[id.0].as_ref().ok_or_else(|| RunError::Unbound(self.values[id.0].name.clone())))
                .collect::<Result<Vec<_>, _>>()?;
            let outputs = node.op.run(&tensors, &pass).map_err(|source| RunError::Node {
                node: node.name.clone(),
                kind: node.op.kind(),
                source: Box::new(source),
            })?;
            for id in &node.inputs {
                uses[id.0] -= 1;
                if uses[id.0] == 0 {
                    values[id.0] = None;
                }
            }
            for (id, output) in node.outputs.iter().zip(outputs) {
                values[id.0] = (uses[id.0] > 0).then_some(output);
            }
        }
        let output =
            |id: &super::ValueId| values[id.0].clone().ok_or_else(|| RunError::Unbound(self.values[id.0].name.clone()));
        self.outputs.iter().map(output).collect()
    }

    /// Fails unless the inputs are what the operators were inferred for, under one batch size.
    fn check_inputs(&self, inputs: &[Tensor]) -> Result<(), RunError> {
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
            let suits = tensor.dtype() == ty.dtype
                && tensor.rank() == ty.rank()
                && ty.shape.iter().zip(tensor.dims()).all(&mut fits);
            if !suits {
                let found = format!("{}{:?}", tensor.dtype().as_str(), tensor.dims());
                return Err(RunError::Input { name: name.clone(), found, expected: ty.to_string() });
            }
        }
        Ok(())
    }
}
