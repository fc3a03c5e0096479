//! Addition.

use super::broadcast;
use crate::graph::{OpError, Operator, Pass, ValueType};
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

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let clip = self.clip;
        Ok(vec![broadcast::apply(inputs[0], inputs[1], |a, b| clip.apply(a + b))?])
    }

    fn fuse_clip(&mut self, clip: Clip) -> bool {
        self.clip = self.clip.then(clip);
        true
    }
}
