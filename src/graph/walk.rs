//! A network computed node by node, without a plan: what plans are held against.
//!
//! Each node gets whole tensors and returns whole tensors; nothing is fused, laid out for a reader or split by samples.

use super::{Graph, Node, OpError, RunContext, RunError, ValueId};
use candle_core::Tensor;
use std::collections::HashMap;

impl Graph {
    /// The outputs for `inputs`, whose first sample is the first of a data set, where `compute` says what each node
    /// returns for its inputs: it is called for one node after the other.
    ///
    /// # Errors
    /// Names the node that failed, the parameter that is not bound, or the input of another shape than the network's.
    pub(crate) fn walk(
        &self,
        inputs: &[Tensor],
        mut compute: impl FnMut(&Node, &[&Tensor], &RunContext) -> Result<Vec<Tensor>, OpError>,
    ) -> Result<Vec<Tensor>, RunError> {
        let context = RunContext { samples: self.check_inputs(inputs)?, ..RunContext::default() };
        let mut values: HashMap<ValueId, Tensor> = self.inputs.iter().copied().zip(inputs.iter().cloned()).collect();
        let mut last_reads: HashMap<ValueId, usize> = HashMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            last_reads.extend(node.inputs.iter().map(|&id| (id, at)));
        }
        last_reads.extend(self.outputs.iter().map(|&id| (id, self.nodes.len())));
        for (at, node) in self.nodes.iter().enumerate() {
            let read = node.inputs.iter().map(|&id| self.known(&values, id)).collect::<Result<Vec<_>, _>>()?;
            let failed =
                |source| RunError::Node { node: node.name.clone(), kind: node.op.kind(), source: Box::new(source) };
            let computed = compute(node, &read, &context).map_err(failed)?;
            values.extend(node.outputs.iter().copied().zip(computed));
            values.retain(|id, _| last_reads.get(id).is_some_and(|&last| last > at));
        }
        self.outputs.iter().map(|&id| self.known(&values, id).cloned()).collect()
    }

    /// A value that was computed, or the tensor of a parameter.
    fn known<'v>(&'v self, values: &'v HashMap<ValueId, Tensor>, id: ValueId) -> Result<&'v Tensor, RunError> {
        let known = values.get(&id).or_else(|| self.parameter_value(id));
        known.ok_or_else(|| RunError::Unbound(self.value_name(id).to_owned()))
    }
}
