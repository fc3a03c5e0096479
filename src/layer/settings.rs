//! What every layer is told before it runs, whatever it multiplies.

use super::InferenceMode;
use super::noise::Noise;

/// Name, mode and noise of a layer.
#[derive(Debug, Default)]
pub struct Settings {
    pub(super) name: String,
    pub(super) mode: InferenceMode,
    pub(super) noise: Noise,
}

impl Settings {
    /// A layer in baseline mode.
    pub(super) fn new(name: &str) -> Self {
        Settings { name: name.to_owned(), ..Settings::default() }
    }

    /// The mode, which is quantized where noise changes nothing.
    pub(super) fn effective_mode(&self) -> InferenceMode {
        match self.mode {
            InferenceMode::Noise if self.noise.is_none() => InferenceMode::Quantized,
            mode => mode,
        }
    }
}
