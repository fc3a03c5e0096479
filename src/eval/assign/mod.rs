//! Which arithmetic, multiplier, noise and widths each layer has.
//!
//! A run starts from one [`LayerOptions`] for all layers. [`Rules`] override some of it for the layers
//! that a pattern matches: the first thing that researchers try is to keep the first and last layer
//! exact. [`Assignment::resolve`] turns both into one [`LayerConfig`] a layer, multipliers opened and
//! everything checked, before any work starts; a [`Session`](super::Session) evaluates nothing else.

mod config;
mod error;
mod json;
mod lut_spec;
mod luts;
mod noise_spec;
mod options;
mod rules;
#[cfg(test)]
mod tests;

pub use config::{Arithmetic, LayerConfig, LayerDefaults, LayerNoise, NoiseSource, Scheme};
pub use error::{AssignError, ResolveError};
pub use lut_spec::LutSpec;
pub use luts::{LutFiles, Luts};
pub use noise_spec::{NoiseLutSpec, NoiseMethod};
pub use options::{LayerOptions, LayerOptionsError};
pub use rules::{Pattern, PatternError, Rule, RuleError, Rules, RulesError};

use crate::graph::Graph;
use crate::layer::{ApproxLayer, InferenceMode};
use crate::lut::Lut;
use std::sync::Arc;

/// The configuration of every layer, in graph order.
#[derive(Debug, Clone)]
pub struct Assignment {
    layers: Vec<LayerConfig>,
    /// Whether each is a product of two activations.
    are_products: Vec<bool>,
}

/// Whether a layer is a product of two activations.
fn is_product(layer: &dyn ApproxLayer) -> bool {
    layer.as_weighted().is_none()
}

impl Assignment {
    /// The same configuration for every layer of `graph`, whose layers have been swapped, but that products of
    /// two activations compute in `f32`.
    pub fn uniform(graph: &Graph, config: &LayerConfig) -> Self {
        let are_products: Vec<bool> = graph.layers().map(is_product).collect();
        let of =
            |is_product: &bool| if *is_product { config.with_arithmetic(Arithmetic::Base) } else { config.clone() };
        Assignment { layers: are_products.iter().map(of).collect(), are_products }
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
        let are_products: Vec<bool> = graph.layers().map(is_product).collect();
        rules.check_matches(&names)?;
        let resolved = |layer: &dyn ApproxLayer| {
            let options = rules.options_of(layer, base);
            let failed = |source| AssignError::Layer { layer: layer.name().to_owned(), source };
            LayerConfig::resolve(&options, scheme, luts).map_err(failed)
        };
        let layers = graph.layers().map(resolved).collect::<Result<_, _>>()?;
        Ok(Assignment { layers, are_products })
    }

    /// The layers' configurations, in graph order.
    pub fn layers(&self) -> &[LayerConfig] {
        &self.layers
    }

    /// The same, to change.
    pub fn layers_mut(&mut self) -> &mut [LayerConfig] {
        &mut self.layers
    }

    /// The same with every layer computing `arithmetic` on the integers that it has; products of two activations
    /// that compute in `f32` do so still.
    #[must_use]
    pub fn with_arithmetic(&self, arithmetic: &Arithmetic) -> Self {
        let of = |(layer, is_product): (&LayerConfig, &bool)| {
            let stays = *is_product && !layer.mode().is_quantized();
            if stays { layer.clone() } else { layer.with_arithmetic(arithmetic.clone()) }
        };
        let layers = self.layers.iter().zip(&self.are_products).map(of).collect();
        Assignment { layers, are_products: self.are_products.clone() }
    }

    /// The same with exact products in place of those of multipliers.
    #[must_use]
    pub fn with_exact_products(&self) -> Self {
        let mut exact = self.clone();
        for layer in exact.layers.iter_mut().filter(|layer| layer.is_approximate()) {
            *layer = layer.with_arithmetic(Arithmetic::Quant);
        }
        exact
    }

    /// The configurations of products of two activations, in graph order.
    pub fn products(&self) -> impl Iterator<Item = &LayerConfig> {
        self.layers.iter().zip(&self.are_products).filter(|(_, is_product)| **is_product).map(|(layer, _)| layer)
    }

    /// Whether any layer's noise is to be derived from a multiplier.
    pub fn derives_noise(&self) -> bool {
        self.layers.iter().any(|layer| layer.noise_lut().is_some())
    }

    /// Whether any layer's noise is to be derived in this way.
    pub fn derives_noise_by(&self, method: NoiseMethod) -> bool {
        self.layers.iter().any(|layer| layer.derived_noise().is_some_and(|(_, of_layer)| of_layer == method))
    }

    /// What all layers with weights compute, where it is the same.
    pub fn shared_mode(&self) -> Option<InferenceMode> {
        let mut modes = self.layers.iter().zip(&self.are_products).filter(|(_, is_product)| !**is_product);
        let first = modes.next()?.0.mode();
        modes.all(|(layer, _)| layer.mode() == first).then_some(first)
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
