//! The four modes of an approximate layer.
//!
//! ```
//! use approx_eval::layer::{InferenceMode, MODES};
//! use approx_eval::registry::Named;
//!
//! assert_eq!("approx".parse(), Ok(InferenceMode::Approximate));
//! assert!(MODES.iter().filter(|mode| mode.is_quantized()).map(Named::name).eq(["quant", "approx", "noise"]));
//! ```

use crate::registry::{Named, Registry, by_name};

/// What a layer computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum InferenceMode {
    /// The unperturbed `f32` operation.
    #[default]
    Baseline,
    /// Quantized operands and exact products.
    Quantized,
    /// The quantized result with Gaussian noise.
    Noise,
    /// Quantized operands and every product from the multiplier's table.
    Approximate,
}

impl InferenceMode {
    /// Whether layers need quantization parameters in this mode.
    pub fn is_quantized(self) -> bool {
        self != InferenceMode::Baseline
    }

    /// Whether a sample's output depends on that sample alone, not on the rest of its batch.
    pub fn is_samplewise(self) -> bool {
        self != InferenceMode::Noise
    }
}

/// Every mode.
pub static MODES: Registry<InferenceMode> = Registry::new(
    "mode",
    &[InferenceMode::Baseline, InferenceMode::Quantized, InferenceMode::Approximate, InferenceMode::Noise],
);

by_name!(InferenceMode, MODES);

impl Named for InferenceMode {
    fn name(&self) -> &'static str {
        match self {
            InferenceMode::Baseline => "base",
            InferenceMode::Quantized => "quant",
            InferenceMode::Noise => "noise",
            InferenceMode::Approximate => "approx",
        }
    }

    fn aliases(&self) -> &'static [&'static str] {
        match self {
            InferenceMode::Baseline => &["baseline"],
            InferenceMode::Quantized => &["quantized"],
            InferenceMode::Noise => &[],
            InferenceMode::Approximate => &["approximate"],
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            InferenceMode::Baseline => "In fp32, not quantized",
            InferenceMode::Quantized => "Quantized, with exact products",
            InferenceMode::Noise => "Quantized, with Gaussian noise",
            InferenceMode::Approximate => "Quantized, with every product from the LUT",
        }
    }
}
