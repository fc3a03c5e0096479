//! What every layer is told before it runs, whatever it multiplies.

use super::InferenceMode;
use super::noise::Noise;
use super::values::with_values;
use super::watch::InputWatch;
use crate::quant::LayerParams;
use candle_core::Tensor;

/// Name, mode and noise of a layer.
#[derive(Debug, Default)]
pub struct Settings {
    pub(super) name: String,
    pub(super) mode: InferenceMode,
    pub(super) noise: Noise,
    /// Present while its inputs are being watched.
    pub(super) watch: Option<InputWatch>,
}

impl Settings {
    /// A layer in baseline mode.
    pub(super) fn new(name: &str) -> Self {
        Settings { name: name.to_owned(), ..Settings::default() }
    }

    /// Shows an input, which `params` quantize if anything does, to the watch, where there is one that wants to see it.
    pub(super) fn watch(&self, input: &Tensor, params: Option<&LayerParams>) -> candle_core::Result<()> {
        let Some(watch) = self.watch.as_ref().filter(|watch| watch.is_open()) else { return Ok(()) };
        let params = params.filter(|_| self.mode.is_quantized()).map(|params| &params.input);
        with_values(input, |values| watch.see(values, params))
    }
}
