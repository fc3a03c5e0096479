//! The approximate linear layer.

use super::state::LayerState;
use super::{ApproxLayer, Call, LayerCore, LayerError, LayerProblem, Window, linear_window};
use candle_core::{Module, Tensor};

/// `y = x W^T + b` over the last axis of an input of any rank, with a weight `[out, in]`.
#[derive(Debug)]
pub struct ApproxLinear {
    state: LayerState,
}

impl ApproxLinear {
    /// A layer in baseline mode.
    ///
    /// # Errors
    /// When the weight is not `[out, in]` or the bias not `[out]`.
    pub fn new(name: &str, weight: &Tensor, bias: Option<&Tensor>) -> Result<Self, LayerError> {
        if weight.rank() != 2 || weight.elem_count() == 0 {
            let (found, expected) = (weight.dims().to_vec(), "[out, in]".to_owned());
            return Err(LayerProblem::Weight { found, expected }.of(name));
        }
        Ok(ApproxLinear { state: LayerState::new(name, weight, bias)? })
    }

    /// The approximate counterpart of candle's layer, in baseline mode.
    ///
    /// # Errors
    /// When its tensors cannot be read as `f32`.
    pub fn from_super(layer: &candle_nn::Linear) -> Result<Self, LayerError> {
        Self::new("linear", layer.weight(), layer.bias())
    }
}

impl ApproxLayer for ApproxLinear {
    fn kind(&self) -> &'static str {
        "linear"
    }
}

impl LayerCore for ApproxLinear {
    fn state(&self) -> &LayerState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut LayerState {
        &mut self.state
    }

    fn window(&self, input: &[usize]) -> Result<Window, LayerError> {
        linear_window(input, self.weight().dims()).map_err(|problem| problem.of(self.name()))
    }
}

impl Module for ApproxLinear {
    fn forward(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.forward_as(xs, Call::default()).map_err(candle_core::Error::wrap)
    }
}
