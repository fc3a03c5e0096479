//! Running a graph on a batch.

use super::network::{Node, Value};
use super::plan::Run;
use super::{Dim, Graph, InputObserver, RunError};
use candle_core::Tensor;

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
        let samples = first_sample..first_sample + batch as u64;
        let is_observed = |node: &Node| {
            let wants = |layer| observers.iter().any(|observer| observer.wants(layer, samples.clone()));
            node.op.as_approximate().is_some_and(wants)
        };
        let observed = self.nodes.iter().map(is_observed).collect();
        let plan = self.plans.find(batch, observed, |observed| self.plan(batch, observed));
        let run = Run { graph: self, plan: &plan, pool: self.plans.pool(), inputs, first_sample, observers };
        run.outputs(batch)
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
