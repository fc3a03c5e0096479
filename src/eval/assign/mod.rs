//! Which mode, multiplier, noise and widths each layer has.
//!
//! A run starts from one [`Settings`], the global options. [`Rules`] change some of it for the layers
//! that a pattern matches: the first thing that researchers try is to keep the first and last layer
//! exact. [`Assignment::resolve`] turns both into one [`LayerSetting`] a layer, multipliers opened and
//! everything checked, before any work starts; calibration and [`set_modes`](super::set_modes) read
//! nothing else.

mod json;
mod rules;
mod setting;
mod settings;
#[cfg(test)]
mod tests;

pub use rules::{Pattern, PatternError, Rule, RuleError, Rules, RulesError};
pub use setting::{LayerNoise, LayerSetting, Luts, Scheme, SettingError};
pub use settings::{LutSpec, Settings, SettingsError};

use crate::graph::Graph;
use crate::layer::InferenceMode;
use crate::lut::Lut;
use std::sync::Arc;

/// The setting of every layer, in graph order.
#[derive(Debug, Clone)]
pub struct Assignment {
    layers: Vec<LayerSetting>,
}

/// Why rules do not fit a network.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// A pattern that no layer's name matches.
    #[error("pattern '{pattern}' matches no layer; did you mean {}?", .near.join(", "))]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The names most like it, the nearest first.
        near: Vec<String>,
    },
    /// What the rules make of a layer cannot be.
    #[error("layer '{layer}'")]
    Layer {
        /// The layer's name.
        layer: String,
        /// Why.
        #[source]
        source: SettingError,
    },
}

impl Assignment {
    /// The same setting for every layer of `graph`.
    pub fn uniform(graph: &Graph, setting: &LayerSetting) -> Self {
        Assignment { layers: graph.layers().map(|_| setting.clone()).collect() }
    }

    /// The setting of each layer of `graph`, whose layers have been swapped: `base`, changed by every rule whose pattern matches the
    /// layer's name, in order, so that the last one that names a key decides it.
    ///
    /// # Errors
    /// Names the pattern that matches nothing, or the layer that cannot be set so.
    pub fn resolve(
        graph: &Graph,
        base: &Settings,
        rules: &Rules,
        scheme: &Scheme,
        luts: &mut Luts,
    ) -> Result<Self, AssignError> {
        let names: Vec<String> = graph.layers().map(|layer| layer.name().to_owned()).collect();
        rules.check_matches(&names)?;
        let layer = |name: String| {
            let settings = rules.settings_of(&name, base);
            LayerSetting::open(&settings, scheme, luts).map_err(|source| AssignError::Layer { layer: name, source })
        };
        Ok(Assignment { layers: names.into_iter().map(layer).collect::<Result<_, _>>()? })
    }

    /// The layers' settings, in graph order.
    pub fn layers(&self) -> &[LayerSetting] {
        &self.layers
    }

    /// The same, to change.
    pub fn layers_mut(&mut self) -> &mut [LayerSetting] {
        &mut self.layers
    }

    /// The same with every layer in `mode`.
    #[must_use]
    pub fn in_mode(&self, mode: InferenceMode) -> Self {
        Assignment { layers: self.layers.iter().map(|layer| LayerSetting { mode, ..layer.clone() }).collect() }
    }

    /// Whether any layer's noise is to be derived from a multiplier.
    pub fn derives_noise(&self) -> bool {
        self.layers.iter().any(LayerSetting::derives_noise)
    }

    /// What all layers compute, where it is the same.
    pub fn shared_mode(&self) -> Option<InferenceMode> {
        let first = self.layers.first()?.mode;
        self.layers.iter().all(|layer| layer.mode == first).then_some(first)
    }

    /// The multipliers of approximate mode, in the order of the layers that use them first.
    pub fn luts_in_use(&self) -> Vec<Arc<Lut>> {
        let mut luts: Vec<Arc<Lut>> = Vec::new();
        let used = self.layers.iter().filter(|layer| layer.mode == InferenceMode::Approximate);
        for lut in used.filter_map(|layer| layer.lut.as_ref()) {
            if !luts.contains(lut) {
                luts.push(Arc::clone(lut));
            }
        }
        luts
    }

    /// Whether any layer needs quantization parameters.
    pub fn is_quantized(&self) -> bool {
        self.layers.iter().any(|layer| layer.mode.is_quantized())
    }
}
