//! The four ways in which an approximate layer can compute its output.

use crate::registry::{Named, Registry, UnknownName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

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
    /// Whether layers need quantization parameters in this mode.
    pub fn is_quantized(self) -> bool {
        self != InferenceMode::Baseline
    }
}

/// Every mode.
pub static MODES: Registry<InferenceMode> = Registry::new(
    "mode",
    &[InferenceMode::Baseline, InferenceMode::Quantized, InferenceMode::Approximate, InferenceMode::Noise],
);

impl Named for InferenceMode {
    fn name(&self) -> &'static str {
        match self {
            InferenceMode::Baseline => "base",
            InferenceMode::Quantized => "quant",
            InferenceMode::Noise => "noise",
            InferenceMode::Approximate => "approx",
        }
    }

    fn aliases(&self) -> &[&'static str] {
        match self {
            InferenceMode::Baseline => &["baseline"],
            InferenceMode::Quantized => &["quantized"],
            InferenceMode::Noise => &[],
            InferenceMode::Approximate => &["approximate"],
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            InferenceMode::Baseline => "The fp32 network",
            InferenceMode::Quantized => "Quantized, with exact products",
            InferenceMode::Noise => "Quantized, with Gaussian noise",
            InferenceMode::Approximate => "Quantized, with every product from the LUT",
        }
    }
}

impl FromStr for InferenceMode {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        MODES.find(name).copied()
    }
}

impl fmt::Display for InferenceMode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
