//! How a network was run: all that is needed to run it again.

use crate::data::Interpolation;
use crate::eval::{LutSpec, NoiseLutSpec, NoiseMethod, ParamsSource, Rules};
use crate::import::Layout;
use crate::kernel::Rounding;
use crate::layer::{AccBits, AccOverflow, InferenceMode};
use crate::lut::{Bits, Coding};
use crate::quant::{ActScheme, ScaleKind, WeightScheme};
use crate::report::document::optional;
use serde::{Deserialize, Serialize};

/// How a network was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConfigReport {
    /// The mode of all layers, or of those that no rule changes.
    pub mode: InferenceMode,
    /// Seed of the noise.
    pub seed: u64,
    /// Seed by which samples were drawn, where fewer than all were evaluated or calibrated on.
    #[serde(default)]
    pub shuffle: Option<u64>,
    /// Samples of a batch.
    pub batch_size: usize,
    /// The operand coding of most layers that are quantized; each layer has its own.
    pub coding: Option<Coding>,
    /// The quantization, in modes that quantize.
    pub quantization: Option<QuantizationReport>,
    /// The perturbation, in noise mode.
    pub noise: Option<NoiseReport>,
    /// Bits of the accumulators that sums were kept in, or `auto`, where layers had any.
    #[serde(default)]
    pub acc_bits: Option<AccBits>,
    /// What became of sums that left their range.
    #[serde(default)]
    pub acc_overflow: Option<AccOverflow>,
    /// The settings of each layer, as rules: those of all layers, then those of single ones.
    pub assignment: Rules,
    /// Whether batch normalization was folded.
    pub fold_bn: bool,
    /// Axis order of the ONNX network's input.
    pub layout: Option<Layout>,
    /// The ONNX network's output, where one was named.
    pub output_name: Option<String>,
    /// The data set's format, where it was forced.
    pub data_format: Option<String>,
    /// Normalization of byte images: subtracted after division by 255. Empty for floats, which are taken
    /// as they are.
    pub mean: Vec<f32>,
    /// Normalization of byte images: divided by after that.
    pub std: Vec<f32>,
    /// Shorter side after resizing.
    pub resize: Option<usize>,
    /// Resampling filter, where images were resized.
    pub interpolation: Option<Interpolation>,
    /// Side of the square cut from the center.
    pub crop: Option<usize>,
    /// Conversion between gray and color.
    pub channels: Option<String>,
}

/// Where scales and zero points came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuantizationReport {
    /// The source of the parameters.
    pub source: ParamsSource,
    /// The data or file.
    pub path: Option<String>,
    /// Hash of the calibration data, or of the file.
    pub blake3: String,
    /// What the other layers were calibrated on, where the parameters are not those of all.
    #[serde(default)]
    pub calibrated: Option<CalibrationReport>,
    /// Calibration samples.
    pub samples: Option<usize>,
    /// Width of activations, where calibrated.
    pub act_bits: Option<Bits>,
    /// Width of weights.
    pub weight_bits: Option<Bits>,
    /// How activations are quantized.
    pub act_scheme: Option<ActScheme>,
    /// Granularity of weight scales.
    pub weight_scheme: Option<WeightScheme>,
    /// Which numbers scales may be.
    #[serde(default)]
    pub scale: Option<ScaleKind>,
    /// The observer.
    pub observer: Option<String>,
    /// How layers' sums became integers of their outputs, of a network that runs on integers alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requantize: Option<Rounding>,
}

/// What layers without known parameters were calibrated on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalibrationReport {
    /// Whose calibration set it is.
    pub source: ParamsSource,
    /// Its file or folder.
    pub path: Option<String>,
    /// Its hash.
    pub blake3: String,
}

/// The perturbation of noise mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoiseReport {
    /// Relative standard deviation, where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdev: Option<f64>,
    /// Mean, in units of the output, where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// The multiplier that both were derived from, for each layer its own, after `predicted:` where they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_lut: Option<String>,
}

impl NoiseReport {
    /// In words, with the seed of its draws.
    pub(super) fn summary(&self, seed: u64) -> String {
        if let Some(lut) = &self.from_lut {
            let NoiseLutSpec { method, lut } = NoiseLutSpec::read(lut, LutSpec::default());
            let lut = lut.map_or_else(|| "the LUT".to_owned(), |spec| spec.lut);
            let errors = match method {
                NoiseMethod::Measured => "the errors",
                NoiseMethod::Predicted => "the predicted errors",
            };
            return format!("as {errors} of {lut} in each layer, seed {seed}");
        }
        let (stdev, mean) = (self.stdev.unwrap_or_default(), self.mean.unwrap_or_default());
        format!("stdev {stdev} (relative), mean {mean}, seed {seed}")
    }
}

impl QuantizationReport {
    pub(super) fn summary(&self) -> String {
        match self.requantize {
            Some(rounding) => format!("{}; integer-only, requantization {rounding}", self.scales()),
            None => self.scales(),
        }
    }

    /// Where scales come from, and of what they are.
    fn scales(&self) -> String {
        let (path, samples) = (optional(self.path.as_ref()), optional(self.samples.as_ref()));
        let from = |source: ParamsSource, path: String| match source {
            ParamsSource::Qparams | ParamsSource::ModelFile => format!("parameters from {path}"),
            ParamsSource::Model => format!("calibrated on {samples} samples of the model's own set"),
            ParamsSource::CalibData => format!("calibrated on {samples} samples of {path}"),
        };
        if let Some(CalibrationReport { source, path: set, .. }) = &self.calibrated {
            let others = from(*source, optional(set.as_ref()));
            return format!("{}; other layers {others}", from(self.source, path));
        }
        let from = from(self.source, path);
        match (self.act_bits, self.weight_bits, &self.observer) {
            (Some(act), Some(weight), Some(observer)) => {
                let scales = if self.scale == Some(ScaleKind::PowerOfTwo) { ", scales powers of two" } else { "" };
                format!("{act}-bit activations, {weight}-bit weights{scales}, {observer}, {from}")
            }
            _ => from,
        }
    }
}
