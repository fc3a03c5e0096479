//! What each kind of layer implements, and what only this crate calls.
//!
//! Kinds of layers differ in how their weight slides over an input, which a [`Window`] describes.
//! Everything else is the same code over the [`LayerState`]. The trait cannot be named outside the
//! crate, which seals [`ApproxLayer`](super::ApproxLayer).

use super::epilogue::Epilogue;
use super::forward;
use super::state::LayerState;
use super::{Call, InferenceMode, LayerError, Window};
use candle_core::Tensor;

/// The parts of a layer, and its internal calls.
pub trait LayerCore {
    /// Weights, mode, noise and quantization.
    fn state(&self) -> &LayerState;

    /// The same, mutable.
    fn state_mut(&mut self) -> &mut LayerState;

    /// The layer applied to an input of dimensions `input`.
    ///
    /// # Errors
    /// When the input does not fit the layer.
    fn window(&self, input: &[usize]) -> Result<Window, LayerError>;

    /// The output in `mode` before the bias, without the call's clip.
    ///
    /// # Errors
    /// As the `*_fwd` function of the mode.
    fn unbiased_fwd(&self, mode: InferenceMode, x: &Tensor, call: Call) -> Result<Tensor, LayerError> {
        forward::run(self.state(), &self.window(x.dims())?, mode, x, call, Epilogue::default())
    }

    /// The output in the layer's mode, with the bias and the call's clip.
    ///
    /// # Errors
    /// As the `*_fwd` function of the mode.
    fn forward_as(&self, x: &Tensor, call: Call) -> Result<Tensor, LayerError> {
        let state = self.state();
        let epilogue = Epilogue { bias: state.bias.as_deref(), clip: call.clip };
        forward::run(state, &self.window(x.dims())?, state.mode, x, call, epilogue)
    }

    /// Whether a sample's output depends on that sample alone: not under noise, whose deviation is
    /// the batch's.
    fn is_samplewise(&self) -> bool {
        self.state().mode.is_samplewise()
    }
}
