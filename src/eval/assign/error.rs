//! Why layers cannot compute what options and rules ask for.

use crate::lut::{Bits, CodingError, OpenError};
use crate::quant::QuantError;

/// Why options and rules do not fit a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssignError {
    /// A pattern that no layer's name matches.
    #[error("pattern '{pattern}' matches no layer; did you mean '{}'?", .similar.join("', '"))]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The most similar names, the best first.
        similar: Vec<String>,
    },
    /// A layer's options cannot be resolved.
    #[error("layer '{layer}'")]
    Layer {
        /// The layer's name.
        layer: String,
        /// Why.
        #[source]
        source: ResolveError,
    },
}

/// Why options cannot be resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The multiplier cannot be opened.
    #[error(transparent)]
    Lut(Box<OpenError>),
    /// The multiplier that noise models cannot be opened, or does not suit the coding.
    #[error(transparent)]
    Noise(Box<ResolveError>),
    /// Noise is to model the layer's own multiplier, without one.
    #[error("'{0}' alone means the noise of the LUT in use, and there is none: give one, or '{0}:LUT'")]
    NoNoiseMultiplier(String),
    /// The multiplier does not suit the coding.
    #[error(transparent)]
    Coding(#[from] CodingError),
    /// Operands wider than the multiplier's.
    #[error("{given} bits are more than the LUT's operand of {widest} bits")]
    Width {
        /// `act_bits` or `weight_bits`.
        key: &'static str,
        /// The width asked for.
        given: Bits,
        /// The multiplier's.
        widest: Bits,
    },
    /// The quantization contradicts itself.
    #[error(transparent)]
    Quant(#[from] QuantError),
    /// Approximate mode without a multiplier.
    #[error("mode approx needs a multiplier: a LUT file, or a name that 'approx-eval lut list' shows")]
    NoMultiplier,
}

impl AssignError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        &["set", "assign"]
    }
}

impl ResolveError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            ResolveError::Lut(error) if error.keys().is_empty() => &["lut"],
            ResolveError::Lut(error) => error.keys(),
            ResolveError::Noise(_) | ResolveError::NoNoiseMultiplier(_) => &["noise_from_lut"],
            ResolveError::Coding(error) => error.keys(),
            ResolveError::Width { key: "act_bits", .. } => &["act_bits"],
            ResolveError::Width { .. } => &["weight_bits"],
            ResolveError::Quant(error) => error.keys(),
            ResolveError::NoMultiplier => &["lut"],
        }
    }
}
