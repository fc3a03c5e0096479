//! Options that decide how a network is quantized.

use super::named::named;
use crate::eval::Scheme;
use crate::lut::Bits;
use crate::quant::{ACT_SCHEMES, ActScheme, Observer, WEIGHT_SCHEMES, WeightScheme};
use anyhow::Context;
use std::path::PathBuf;

/// Quantization.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Quantization")]
pub(super) struct QuantizationArgs {
    /// Width of activations, 2 to 8; default: the LUT's, else 8
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    pub act_bits: Option<Bits>,

    /// Width of weights, 2 to 8; default: the LUT's, else 8
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    pub weight_bits: Option<Bits>,

    /// How activations are quantized; default: affine under --coding affine, else symmetric
    #[arg(long, value_name = "SCHEME", value_parser = named(&ACT_SCHEMES))]
    act_scheme: Option<ActScheme>,

    /// How many scales weights have
    #[arg(long, value_name = "SCHEME", default_value = "per-channel", value_parser = named(&WEIGHT_SCHEMES))]
    weight_scheme: WeightScheme,

    /// What turns calibration activations into a range: minmax or percentile[:P]
    #[arg(long, value_name = "OBSERVER", default_value = "minmax")]
    calib: Observer,

    /// Calibrate on the first N samples only
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    calib_samples: Option<u64>,

    /// Calibration set, read and preprocessed as --data; default: the model's own
    #[arg(long, value_name = "PATH")]
    pub calib_data: Option<PathBuf>,

    /// Read all scales and zero points from a file; nothing is calibrated
    #[arg(long, value_name = "FILE")]
    pub qparams: Option<PathBuf>,

    /// Write all scales and zero points to a file
    #[arg(long, value_name = "FILE")]
    pub save_qparams: Option<PathBuf>,
}

impl QuantizationArgs {
    /// What the quantization of all layers shares.
    pub fn scheme(&self) -> Scheme {
        Scheme { act_scheme: self.act_scheme, weight_scheme: self.weight_scheme, observer: self.calib }
    }

    /// The options given that bear on calibration alone.
    pub fn of_calibration(&self) -> Vec<&'static str> {
        let given = [
            ("--act-bits", self.act_bits.is_some()),
            ("--weight-bits", self.weight_bits.is_some()),
            ("--act-scheme", self.act_scheme.is_some()),
            ("--weight-scheme", self.weight_scheme != WeightScheme::PerChannel),
            ("--calib", self.calib != Observer::MinMax),
            ("--calib-samples", self.calib_samples.is_some()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(option, _)| option).collect()
    }

    pub fn calib_samples(&self) -> anyhow::Result<Option<usize>> {
        self.calib_samples.map(|n| usize::try_from(n).context("--calib-samples")).transpose()
    }
}
