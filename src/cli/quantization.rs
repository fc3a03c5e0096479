//! Options that decide how a network is quantized.

use super::DataArgs;
use super::named::named;
use crate::eval::{CalibrationOptions, LayerOptions, ParamsSpec, Scheme};
use crate::kernel::{ROUNDINGS, Rounding};
use crate::lut::Bits;
use crate::quant::{ACT_SCHEMES, ActScheme, Observer, SCALE_KINDS, ScaleKind, WEIGHT_SCHEMES, WeightScheme};
use anyhow::Context;
use std::path::PathBuf;

/// Quantization.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Quantization")]
pub(super) struct QuantizationArgs {
    /// Width of activations, 2 to 8 and at most the LUT's; default: the LUT's, else 8
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    act_bits: Option<Bits>,

    /// Width of weights, 2 to 8 and at most the LUT's; default: the LUT's, else 8
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    weight_bits: Option<Bits>,

    /// Activation quantization scheme; default: affine under --coding affine, else symmetric
    #[arg(long, value_name = "SCHEME", value_parser = named(&ACT_SCHEMES))]
    act_scheme: Option<ActScheme>,

    /// Granularity of weight scales; weights are quantized symmetrically
    #[arg(long, value_name = "SCHEME", default_value = "per-channel", value_parser = named(&WEIGHT_SCHEMES))]
    weight_scheme: WeightScheme,

    /// Scales that calibration finds: any real number, or rounded up to a power of two
    #[arg(long, value_name = "KIND", default_value = "real", value_parser = named(&SCALE_KINDS))]
    scale: ScaleKind,

    /// Range observer: minmax, percentile[:P] (by default P = 99.99), moving-average[:C] (C = 0.01), mse or entropy
    #[arg(long, value_name = "OBSERVER", default_value = "minmax")]
    calib: Observer,

    /// Calibrate on the first N samples only
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(group = "parts")]
    calib_samples: Option<u64>,

    /// Calibration dataset, read and preprocessed as --data; default: the model's own, if it has one
    ///
    /// Layers that are quantized already in the model's file keep its scales.
    #[arg(long, value_name = "PATH")]
    calib_data: Option<PathBuf>,

    /// Integer-only inference: rounding of each layer's requantization by a fixed-point multiplier; default: what a
    /// TensorFlow Lite file implies, else floating point between layers
    #[arg(long, value_name = "ROUNDING", value_parser = named(&ROUNDINGS))]
    requantize: Option<Rounding>,

    /// Read all scales and zero points from a file instead of calibrating
    #[arg(long, value_name = "FILE")]
    qparams: Option<PathBuf>,
}

impl QuantizationArgs {
    /// What the quantization of all layers shares.
    pub fn scheme(&self) -> Scheme {
        Scheme {
            act_scheme: self.act_scheme,
            weight_scheme: self.weight_scheme,
            scale: self.scale,
            observer: self.calib,
            ..Scheme::default()
        }
    }

    /// How layers' sums become integers of their outputs.
    pub fn requantize(&self) -> Option<Rounding> {
        self.requantize
    }

    /// `options` of all layers with the widths asked for.
    pub fn apply(&self, options: LayerOptions) -> LayerOptions {
        LayerOptions { act_bits: self.act_bits, weight_bits: self.weight_bits, ..options }
    }

    /// Where scales and zero points come from; a calibration set is read as `data` says.
    pub fn calibration(&self, data: &DataArgs) -> anyhow::Result<CalibrationOptions> {
        let samples = self.calib_samples.map(|n| usize::try_from(n).context("--calib-samples")).transpose()?;
        Ok(CalibrationOptions {
            params: self.qparams.clone().map(ParamsSpec::Path),
            data: self.calib_data.as_deref().map(|path| data.spec_of(path)),
            samples,
        })
    }
}
