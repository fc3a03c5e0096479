//! The four ways in which an approximate layer can compute its output.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a layer computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum InferenceMode {
    /// The unperturbed `f32` operation.
    #[default]
    #[serde(rename = "base")]
    Baseline,
    /// Quantized operands and exact products.
    #[serde(rename = "quant")]
    Quantized,
    /// The quantized result with Gaussian noise.
    #[serde(rename = "noise")]
    Noise,
    /// Quantized operands and every product from the multiplier's table.
    #[serde(rename = "approx")]
    Approximate,
}

impl InferenceMode {
    /// The short name that options and reports use.
    pub fn name(self) -> &'static str {
        match self {
            InferenceMode::Baseline => "base",
            InferenceMode::Quantized => "quant",
            InferenceMode::Noise => "noise",
            InferenceMode::Approximate => "approx",
        }
    }

    /// Whether layers need quantization parameters in this mode.
    pub fn is_quantized(self) -> bool {
        self != InferenceMode::Baseline
    }
}

impl fmt::Display for InferenceMode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
