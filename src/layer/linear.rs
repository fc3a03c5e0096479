//! The approximate linear layer.
//!
//! ```
//! use approx_eval::kernel::{self, Signedness};
//! use approx_eval::layer::{ApproxLayer, ApproxLinear, WeightedLayer};
//! use approx_eval::lut::{Coding, Lut};
//! use approx_eval::quant::{ActivationParams, IntRange, LayerParams, WeightParams};
//! use candle_core::{Device, Tensor};
//!
//! let weight = Tensor::new(&[[3f32, 4.], [5., -6.]], &Device::Cpu)?;
//! let mut layer = ApproxLinear::new("head", &weight, None)?;
//!
//! // Integers as they are, and a multiplier that drops the lowest bit of the activation.
//! let range = IntRange::new(-127, 127)?;
//! let input = ActivationParams::new(1.0, 0, range)?;
//! let params = LayerParams::new(input, WeightParams::new(vec![1.0], vec![0], range)?);
//! let lut = Lut::from_fn("even", Signedness::Signed, |a, w| (a & !1) * w);
//! layer.quantize(params, Coding::Signed, Some(&lut), kernel::best())?;
//!
//! let input = Tensor::new(&[[7f32, 2.]], &Device::Cpu)?;
//! assert_eq!(layer.quant_fwd(&input)?.to_vec2::<f32>()?, [[29., 23.]]);
//! assert_eq!(layer.approx_fwd(&input)?.to_vec2::<f32>()?, [[26., 18.]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::state::LayerState;
use super::{
    ApproxLayer, Call, LayerError, LayerParts, LayerProblem, WeightedCore, WeightedLayer, Window, linear_window,
};
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
            return Err(LayerProblem::Weight { found, expected }.in_layer(name));
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

    fn anew(&self) -> Result<Box<dyn ApproxLayer>, LayerError> {
        Ok(self.weighted_anew()?)
    }

    fn as_weighted(&self) -> Option<&dyn WeightedLayer> {
        Some(self)
    }

    fn as_weighted_mut(&mut self) -> Option<&mut dyn WeightedLayer> {
        Some(self)
    }
}

impl WeightedLayer for ApproxLinear {
    fn with_parts(&self, parts: &LayerParts) -> Result<Box<dyn WeightedLayer>, LayerError> {
        let state = self.state.with_parts(parts)?;
        Ok(Box::new(ApproxLinear { state }))
    }
}

impl WeightedCore for ApproxLinear {
    fn state(&self) -> &LayerState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut LayerState {
        &mut self.state
    }

    fn window(&self, input: &[usize]) -> Result<Window, LayerError> {
        linear_window(input, self.weight_shape()).map_err(|problem| problem.in_layer(self.name()))
    }
}

impl Module for ApproxLinear {
    fn forward(&self, xs: &Tensor) -> candle_core::Result<Tensor> {
        self.forward_as(xs, Call::default()).map_err(candle_core::Error::wrap)
    }
}
