//! Addition.

use super::broadcast;
use crate::graph::{Fusible, OpError, Operator, RunContext, ValueType};
use crate::kernel::Clip;
use candle_core::Tensor;

/// `a + b`, in `f32`, of shapes that broadcast.
#[derive(Debug, Clone, Copy, Default)]
pub struct Add {
    clip: Clip,
}

impl Operator for Add {
    fn kind(&self) -> &'static str {
        "add"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![broadcast::infer(inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let clip = self.clip;
        Ok(vec![broadcast::apply(inputs[0], inputs[1], |a, b| clip.apply(a + b))?])
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        inputs.iter().copied().sum()
    }

    fn output_clip(&self) -> Clip {
        self.clip
    }

    fn as_fusible(&mut self) -> Option<&mut dyn Fusible> {
        Some(self)
    }
}

impl Fusible for Add {
    fn fuse_clip(&mut self, clip: Clip) {
        self.clip = self.clip.then(clip);
    }
}
