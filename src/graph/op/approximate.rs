//! An approximate layer, which replaced a linear or convolution layer.

use crate::graph::operator::unary;
use crate::graph::{Fusible, Macs, OpError, Operator, RunContext, ValueType};
use crate::kernel::Clip;
use crate::layer::{ApproxLayer, Call, WeightedLayer};
use candle_core::Tensor;

/// A layer that can run in all four modes; it holds its weights.
#[derive(Debug)]
pub struct Approximate {
    layer: Box<dyn WeightedLayer>,
    clip: Clip,
}

impl Approximate {
    /// The operator of a layer.
    pub fn new(layer: Box<dyn WeightedLayer>) -> Self {
        Approximate { layer, clip: Clip::default() }
    }
}

impl Operator for Approximate {
    fn kind(&self) -> &'static str {
        self.layer.kind()
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        Ok(vec![input.resized(&self.layer.window(&input.sizes(1))?.output_shape)])
    }

    fn run(&self, inputs: &[&Tensor], context: &RunContext) -> Result<Vec<Tensor>, OpError> {
        context.show(self.layer.as_ref(), inputs);
        let call =
            Call { first_sample: context.first_sample, clip: self.clip, threads: context.threads, ..Call::default() };
        Ok(vec![self.layer.forward_as(inputs[0], call)?])
    }

    fn macs(&self, inputs: &[&ValueType]) -> Option<Macs> {
        Some(Macs::from(&self.layer.window(&inputs.first()?.sizes(1)).ok()?))
    }

    fn output_clip(&self) -> Clip {
        self.clip
    }

    fn as_fusible(&mut self) -> Option<&mut dyn Fusible> {
        Some(self)
    }

    fn as_approximate(&self) -> Option<&dyn ApproxLayer> {
        Some(self.layer.as_ref())
    }

    fn as_approximate_mut(&mut self) -> Option<&mut dyn ApproxLayer> {
        Some(self.layer.as_mut())
    }
}

impl Fusible for Approximate {
    fn fuse_clip(&mut self, clip: Clip) {
        self.clip = self.clip.then(clip);
    }
}
