//! An approximate layer in the place of the linear or convolution layer that it was made from.

use crate::graph::operator::unary;
use crate::graph::{OpError, Operator, Pass, ValueType};
use crate::kernel::Clip;
use crate::layer::{ApproxLayer, Call, Window};
use candle_core::Tensor;

/// A layer that can run in all four modes; it holds its weights.
#[derive(Debug)]
pub struct Approximate {
    layer: Box<dyn ApproxLayer>,
    clip: Clip,
}

impl Approximate {
    /// The operator of a layer.
    pub fn new(layer: Box<dyn ApproxLayer>) -> Self {
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

    fn run(&self, inputs: &[&Tensor], pass: &Pass) -> Result<Vec<Tensor>, OpError> {
        let call = Call { first_sample: pass.first_sample, clip: self.clip, threads: pass.threads };
        Ok(vec![self.layer.forward_as(inputs[0], call)?])
    }

    fn window(&self, inputs: &[&ValueType]) -> Option<Result<Window, OpError>> {
        Some(self.layer.window(&inputs.first()?.sizes(1)).map_err(OpError::from))
    }

    fn fuse_clip(&mut self, clip: Clip) -> bool {
        self.clip = self.clip.then(clip);
        true
    }

    fn layer(&self) -> Option<&dyn ApproxLayer> {
        Some(self.layer.as_ref())
    }

    fn layer_mut(&mut self) -> Option<&mut dyn ApproxLayer> {
        Some(self.layer.as_mut())
    }
}
