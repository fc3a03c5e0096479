//! An approximate product of two activations, which replaced an exact one.

use super::MatMul;
use crate::graph::{Macs, OpError, Operator, RunContext, ValueType};
use crate::layer::{ApproxLayer, ApproxMatMul, Call, LayerCore};
use candle_core::Tensor;

/// A [`MatMul`] that can run in all four modes.
#[derive(Debug)]
pub struct ApproximateMatMul {
    layer: ApproxMatMul,
}

impl ApproximateMatMul {
    /// The operator of a layer.
    pub fn new(layer: ApproxMatMul) -> Self {
        ApproximateMatMul { layer }
    }
}

impl Operator for ApproximateMatMul {
    fn kind(&self) -> &'static str {
        self.layer.kind()
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        MatMul.infer(inputs)
    }

    fn run(&self, inputs: &[&Tensor], context: &RunContext) -> Result<Vec<Tensor>, OpError> {
        context.show(&self.layer, inputs);
        let call = Call { first_sample: context.first_sample, threads: context.threads, ..Call::default() };
        Ok(vec![self.layer.unbiased_fwd(self.layer.mode(), inputs, call)?])
    }

    fn macs(&self, inputs: &[&ValueType]) -> Option<Macs> {
        MatMul.macs(inputs)
    }

    fn as_approximate(&self) -> Option<&dyn ApproxLayer> {
        Some(&self.layer)
    }

    fn as_approximate_mut(&mut self) -> Option<&mut dyn ApproxLayer> {
        Some(&mut self.layer)
    }
}
