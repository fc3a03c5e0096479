//! Errors of layers; every message names the layer.

use super::InferenceMode;
use crate::kernel::GeometryError;
use crate::lut::{Coding, CodingError, Operand};
use crate::quant::{ParamsError, QuantError};

/// Why a layer cannot be built or run.
#[derive(Debug, thiserror::Error)]
#[error("layer '{layer}'")]
#[non_exhaustive]
pub struct LayerError {
    /// The layer's name.
    pub layer: String,
    /// What is wrong with it.
    #[source]
    pub problem: LayerProblem,
}

/// What is wrong with a layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerProblem {
    /// The wrong number of inputs.
    #[error("{found} inputs, expected {expected}")]
    Inputs {
        /// How many there are.
        found: usize,
        /// How many the layer takes.
        expected: usize,
    },
    /// The input's shape does not fit the layer.
    #[error("input of shape {found:?}, expected {expected}")]
    Input {
        /// The input's dimensions.
        found: Vec<usize>,
        /// What the layer takes.
        expected: String,
    },
    /// Weights and attributes contradict each other.
    #[error("weight of shape {found:?}, expected {expected}")]
    Weight {
        /// The weight's dimensions.
        found: Vec<usize>,
        /// The shape that the attributes imply.
        expected: String,
    },
    /// The bias does not have one number for each output channel.
    #[error("bias of shape {found:?}, expected [{outputs}]")]
    Bias {
        /// The bias's dimensions.
        found: Vec<usize>,
        /// Output channels of the layer.
        outputs: usize,
    },
    /// The layer does not have one activation factor for each output channel.
    #[error("{found} activation factors, expected {outputs}, one for each output channel")]
    ActivationFactors {
        /// How many there are.
        found: usize,
        /// Output channels of the layer.
        outputs: usize,
    },
    /// An activation factor that is too large.
    #[error(
        "activation factor {factor} of output channel {channel}, expected one that is at most 255 from the zero point of \
         the channel's weights"
    )]
    ActivationFactor {
        /// The output channel.
        channel: usize,
        /// Its factor.
        factor: i32,
    },
    /// The window does not fit the input.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The output of a transposed convolution is empty.
    #[error("padding {padding:?} cuts off all {whole} positions of the output, expected less padding")]
    CutOff {
        /// Positions cropped before and after.
        padding: [usize; 2],
        /// Positions without padding.
        whole: usize,
    },
    /// An activation is not a number.
    #[error("input contains NaN, which cannot be quantized")]
    NaN,
    /// Calibration observed no values.
    #[error("calibration observed no values")]
    NothingObserved,
    /// A mode that needs quantization parameters, without any.
    #[error("mode '{0}' needs quantization parameters: calibrate or quantize the layer first")]
    NotQuantized(InferenceMode),
    /// Approximate mode, without a multiplier.
    #[error("mode 'approx' needs a multiplier: quantize the layer with one first")]
    NoMultiplier,
    /// Noise that is not a finite number, or negative.
    #[error("{what} is {value}, expected a finite number{}", if *.non_negative { " of at least 0" } else { "" })]
    Noise {
        /// `stdev` or `mean`.
        what: &'static str,
        /// The number found.
        value: f64,
        /// Whether negative numbers are refused too.
        non_negative: bool,
    },
    /// Quantization parameters do not fit the layer.
    #[error("invalid quantization parameters")]
    Params(#[from] ParamsError),
    /// Quantization parameters cannot be computed.
    #[error("cannot compute quantization parameters")]
    Quant(#[from] QuantError),
    /// Integers outside the multiplier's operands.
    #[error(
        "{operand}s are quantized to {found:?}, but '{lut}' takes {takes:?} under coding '{coding}': quantize to fewer bits"
    )]
    Operand {
        /// Whose integers they are.
        operand: Operand,
        /// Their lowest and highest integer.
        found: [i32; 2],
        /// The multiplier's name.
        lut: String,
        /// The operand coding.
        coding: Coding,
        /// The lowest and highest integer that the multiplier takes.
        takes: [i32; 2],
    },
    /// Calibration observed another number of values than it was started for.
    #[error(
        "calibration saw {seen} values but was started for {announced}: the rank of a percentile depends on their number"
    )]
    Miscounted {
        /// Values seen.
        seen: usize,
        /// Values that it was started for.
        announced: usize,
    },
    /// The multiplier does not fit the coding.
    #[error(transparent)]
    Coding(#[from] CodingError),
    /// candle failed.
    #[error(transparent)]
    Candle(Box<candle_core::Error>),
}

impl LayerProblem {
    /// The settings that fix it.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            LayerProblem::Operand { operand, .. } => operand.select([&["act_bits"], &["weight_bits"]]),
            LayerProblem::NoMultiplier => &["lut"],
            LayerProblem::NotQuantized(_) => &["calib_data", "qparams"],
            LayerProblem::NothingObserved => &["calib_data"],
            LayerProblem::Noise { what: "stdev", .. } => &["noise_std"],
            LayerProblem::Noise { .. } => &["noise_mean"],
            LayerProblem::Coding(error) => error.keys(),
            _ => &[],
        }
    }

    /// The error of the layer called `layer`.
    pub fn in_layer(self, layer: &str) -> LayerError {
        LayerError { layer: layer.to_owned(), problem: self }
    }
}

impl From<candle_core::Error> for LayerProblem {
    fn from(error: candle_core::Error) -> Self {
        LayerProblem::Candle(Box::new(error))
    }
}
