//! Addition.

use super::broadcast;
use crate::graph::{Fusible, ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{Clip, Images, ImagesMut};
use candle_core::Tensor;

/// `a + b`, in `f32`, of shapes that broadcast.
#[derive(Debug, Clone, Copy, Default)]
pub struct Add {
    clip: Clip,
}

impl Add {
    fn function(self) -> Box<broadcast::Function> {
        broadcast::each(move |a, b| self.clip.apply(a + b))
    }
}

impl Operator for Add {
    fn kind(&self) -> &'static str {
        "add"
    }

    fn takes_infinite_constants(&self) -> bool {
        true
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![broadcast::infer(inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![broadcast::apply(inputs[0], inputs[1], &*self.function())?])
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

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for Add {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        broadcast::takes_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        broadcast::apply_to_images([&inputs[0], &inputs[1]], output, &*self.function());
        Ok(())
    }
}

impl Fusible for Add {
    fn fuse_clip(&mut self, clip: Clip) {
        self.clip = self.clip.then(clip);
    }
}
