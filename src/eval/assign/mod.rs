//! Which arithmetic, multiplier, noise and widths each layer has.
//!
//! A run starts from one [`LayerOptions`] for all layers. [`Rules`] override some of it for the layers
//! that a pattern matches: the first thing that researchers try is to keep the first and last layer
//! exact. [`Assignment::resolve`] turns both into one [`LayerConfig`] a layer, multipliers opened and
//! everything checked, before any work starts; a [`Session`](super::Session) evaluates nothing else.

mod config;
mod error;
mod json;
mod luts;
mod options;
mod rules;
#[cfg(test)]
mod tests;

pub use config::{Arithmetic, LayerConfig, LayerDefaults, LayerNoise, NoiseSource, Scheme};
pub use error::{AssignError, ResolveError};
pub use luts::Luts;
pub use options::{LayerOptions, LayerOptionsError, LutSpec, NoiseLutSpec};
pub use rules::{Pattern, PatternError, Rule, RuleError, Rules, RulesError};

use crate::graph::Graph;
use crate::layer::InferenceMode;
use crate::lut::Lut;
use std::sync::Arc;

/// The configuration of every layer, in graph order.
#[derive(Debug, Clone)]
pub struct Assignment {
    layers: Vec<LayerConfig>,
}

impl Assignment {
    /// The same configuration for every layer of `graph`, whose layers have been swapped.
    pub fn uniform(graph: &Graph, config: &LayerConfig) -> Self {
        Assignment { layers: graph.layers().map(|_| config.clone()).collect() }
    }

    /// The configuration of each layer of `graph`, whose layers have been swapped: `base`, overridden by
    /// every rule whose pattern matches the layer's name, in order, so that the last one that has a key
    /// decides it.
    ///
    /// # Errors
    /// Names the pattern that matches nothing, or the layer whose options cannot be resolved.
    pub fn resolve(
        graph: &Graph,
        base: &LayerOptions,
        rules: &Rules,
        scheme: &Scheme,
        luts: &mut Luts,
    ) -> Result<Self, AssignError> {
        let names: Vec<String> = graph.layers().map(|layer| layer.name().to_owned()).collect();
        rules.check_matches(&names)?;
        let layer = |name: String| {
            let options = rules.options_for(&name, base);
            LayerConfig::resolve(&options, scheme, luts).map_err(|source| AssignError::Layer { layer: name, source })
        };
        Ok(Assignment { layers: names.into_iter().map(layer).collect::<Result<_, _>>()? })
    }

    /// The layers' configurations, in graph order.
    pub fn layers(&self) -> &[LayerConfig] {
        &self.layers
    }

    /// The same, to change.
    pub fn layers_mut(&mut self) -> &mut [LayerConfig] {
        &mut self.layers
    }

    /// The same with every layer computing `arithmetic` on the integers that it has.
    #[must_use]
    pub fn with_arithmetic(&self, arithmetic: &Arithmetic) -> Self {
        Assignment { layers: self.layers.iter().map(|layer| layer.with_arithmetic(arithmetic.clone())).collect() }
    }

    /// Whether any layer's noise is to be derived from a multiplier.
    pub fn derives_noise(&self) -> bool {
        self.layers.iter().any(|layer| layer.noise_lut().is_some())
    }

    /// What all layers compute, where it is the same.
    pub fn shared_mode(&self) -> Option<InferenceMode> {
        let first = self.layers.first()?.mode();
        self.layers.iter().all(|layer| layer.mode() == first).then_some(first)
    }

    /// The multipliers of approximate mode, in the order of the layers that use them first.
    pub fn luts_in_use(&self) -> Vec<Arc<Lut>> {
        let mut luts: Vec<Arc<Lut>> = Vec::new();
        for layer in &self.layers {
            if let Arithmetic::Approx(lut) = &layer.arithmetic
                && !luts.iter().any(|known| Arc::ptr_eq(known, lut))
            {
                luts.push(Arc::clone(lut));
            }
        }
        luts
    }

    /// Whether any layer needs quantization parameters.
    pub fn is_quantized(&self) -> bool {
        self.layers.iter().any(|layer| layer.mode().is_quantized())
    }
}
