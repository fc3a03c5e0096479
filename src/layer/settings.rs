//! What every layer is told before it runs, whatever it multiplies.

use super::accumulator::LayerAccumulator;
use super::noise::Noise;
use super::{Call, InferenceMode};

/// Name, mode, noise and accumulator of a layer.
#[derive(Debug, Default)]
pub struct Settings {
    pub(super) name: String,
    pub(super) mode: InferenceMode,
    pub(super) noise: Noise,
    pub(super) accumulator: Option<LayerAccumulator>,
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

    /// The accumulator of the sums of `mode`: noise models a multiplier, not an accumulator.
    pub(super) fn accumulator_of(&self, mode: InferenceMode, call: Call) -> Option<&LayerAccumulator> {
        let has_one = matches!(mode, InferenceMode::Quantized | InferenceMode::Approximate) && !call.keeps_sums_whole;
        self.accumulator.as_ref().filter(|_| has_one)
    }

    /// Whether the sums of the layer's mode are kept in an accumulator.
    pub(super) fn uses_accumulator(&self) -> bool {
        self.accumulator_of(self.effective_mode(), Call::default()).is_some()
    }

    /// What was found of the accumulator holds no longer.
    pub(super) fn reset_accumulator(&mut self) {
        self.accumulator.iter_mut().for_each(LayerAccumulator::reset);
    }
}
