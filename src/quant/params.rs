//! Scales, zero points and integer ranges, checked on construction so that every byte quantized by
//! them is an operand that a kernel can look up.

use crate::kernel::Signedness;
use crate::kernel::convert::{Quantizer, quantize};
use crate::lut::Coding;
use crate::sabotage::{self, Fault};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The smallest scale that is computed from observed or stored numbers: `f32::EPSILON`, that of a constant
/// zero, as in PyTorch's observers. Scales that are stated may be smaller.
pub const MIN_SCALE: f32 = f32::EPSILON;

/// Why quantization parameters cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// A range that no byte holds.
    #[error("range [{q_min}, {q_max}] does not fit 8 bits: expected a range inside [-128, 127] or [0, 255]")]
    Range {
        /// Lower end.
        q_min: i32,
        /// Upper end.
        q_max: i32,
    },
    /// A scale that is not finite, or not positive.
    #[error("scale {0} is not a finite number above 0")]
    Scale(f32),
    /// Zero is not representable, so padding would not be either.
    #[error("zero point {zero_point} lies outside the range [{q_min}, {q_max}]")]
    ZeroPoint {
        /// The zero point.
        zero_point: i32,
        /// Lower end.
        q_min: i32,
        /// Upper end.
        q_max: i32,
    },
    /// A zero point under a coding whose operands have none.
    #[error(
        "coding '{coding}' needs zero points of 0, or one that a shift by half of the range makes 0, found {zero_point}: \
         use coding 'affine', or symmetric quantization"
    )]
    CodingZeroPoint {
        /// The coding.
        coding: Coding,
        /// The zero point, after any shift.
        zero_point: i32,
    },
    /// Scales and zero points that do not pair up, or do not match the layer's outputs.
    #[error("{scales} weight scales and {zero_points} zero points, expected 1 or {channels} of each")]
    Channels {
        /// Scales found.
        scales: usize,
        /// Zero points found.
        zero_points: usize,
        /// Output channels of the layer.
        channels: usize,
    },
    /// A weight that is not a number, or infinite.
    #[error("weight {index} is {value}, expected a finite number")]
    Weight {
        /// Position in the flattened weight.
        index: usize,
        /// Its value.
        value: f32,
    },
}

impl ParamsError {
    /// The settings that fix it.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            ParamsError::CodingZeroPoint { .. } => &["coding", "act_scheme"],
            _ => &[],
        }
    }
}

/// The integers of a quantized operand: a range that a byte holds, signed or unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntRange {
    q_min: i32,
    q_max: i32,
}

impl IntRange {
    /// `q_min ..= q_max`.
    ///
    /// # Errors
    /// When the range is empty or fits neither `[-128, 127]` nor `[0, 255]`.
    pub fn new(q_min: i32, q_max: i32) -> Result<Self, ParamsError> {
        let fits = (q_min >= -128 && q_max <= 127) || (q_min >= 0 && q_max <= 255);
        if fits && q_min < q_max { Ok(IntRange { q_min, q_max }) } else { Err(ParamsError::Range { q_min, q_max }) }
    }

    /// Lower end.
    pub fn q_min(self) -> i32 {
        self.q_min
    }

    /// Upper end.
    pub fn q_max(self) -> i32 {
        self.q_max
    }

    /// The integers themselves.
    pub fn integers(self) -> RangeInclusive<i32> {
        self.q_min..=self.q_max
    }

    /// How a byte represents the integers of this range: signed where any is negative.
    pub fn signedness(self) -> Signedness {
        if self.q_min < 0 { Signedness::Signed } else { Signedness::Unsigned }
    }

    /// `clamp(round_half_even(x / scale) + zero_point, q_min, q_max)`; `x / scale` is one `f32` division.
    fn quantizer(self, scale: f32, zero_point: i32) -> Quantizer {
        Quantizer { scale, zero_point, low: self.q_min, high: self.q_max }
    }

    /// The range moved by `shift`.
    fn shifted(self, shift: i32) -> Result<Self, ParamsError> {
        IntRange::new(self.q_min + shift, self.q_max + shift)
    }
}

pub(super) fn check_scale(scale: f32) -> Result<(), ParamsError> {
    if scale.is_finite() && scale > 0.0 { Ok(()) } else { Err(ParamsError::Scale(scale)) }
}

fn check_zero_point(zero_point: i32, range: IntRange) -> Result<(), ParamsError> {
    let IntRange { q_min, q_max } = range;
    if (q_min..=q_max).contains(&zero_point) {
        Ok(())
    } else {
        Err(ParamsError::ZeroPoint { zero_point, q_min, q_max })
    }
}

fn check_coding(zero_point: i32, coding: Coding) -> Result<(), ParamsError> {
    if zero_point == 0 || coding.has_zero_points() {
        Ok(())
    } else {
        Err(ParamsError::CodingZeroPoint { coding, zero_point })
    }
}

/// How a layer's input becomes bytes: one scale and zero point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActivationParams {
    scale: f32,
    zero_point: i32,
    range: IntRange,
}

impl ActivationParams {
    /// Checks the parts.
    ///
    /// # Errors
    /// When the scale is not usable or the zero point lies outside the range.
    pub fn new(scale: f32, zero_point: i32, range: IntRange) -> Result<Self, ParamsError> {
        check_scale(scale)?;
        check_zero_point(zero_point, range)?;
        Ok(ActivationParams { scale, zero_point, range })
    }

    /// The real number that one integer step represents.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The integer that represents 0.
    pub fn zero_point(&self) -> i32 {
        self.zero_point
    }

    /// The integers in use.
    pub fn range(&self) -> IntRange {
        self.range
    }

    /// The same scale and zero point for all output channels of a weight: what the second factor of a product
    /// of two activations has.
    pub fn as_weight(&self) -> WeightParams {
        WeightParams { scales: vec![self.scale], zero_points: vec![self.zero_point], range: self.range }
    }

    /// How numbers become their integers plus `offset`.
    pub(crate) fn quantizer(&self, offset: i32) -> Quantizer {
        let IntRange { q_min, q_max } = self.range;
        let wrong = i32::from(sabotage::is(Fault::WrongZeroPoint));
        let (zero_point, low, high) = (self.zero_point + offset + wrong, q_min + offset, q_max + offset);
        Quantizer { scale: self.scale, zero_point, low, high }
    }

    /// The byte of `x`, which is not NaN.
    pub fn quantize(&self, x: f32) -> u8 {
        self.range.quantizer(self.scale, self.zero_point).byte(x)
    }

    /// Writes the bytes of `values`; returns whether one was NaN, whose byte is unspecified.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn quantize_slice(&self, values: &[f32], bytes: &mut [u8]) -> bool {
        quantize(&self.range.quantizer(self.scale, self.zero_point), values, bytes)
    }

    /// The same quantization in integers that `coding` indexes, of those that a table `takes`, and how far they had
    /// to be shifted.
    ///
    /// # Errors
    /// When `coding` is sign-magnitude and the zero point is neither 0 nor one that a shift makes 0.
    pub fn for_coding(self, coding: Coding, takes: &RangeInclusive<i32>) -> Result<(Self, i32), ParamsError> {
        let shift = coding.shift(&self.range.integers(), &[self.zero_point], takes);
        check_coding(self.zero_point + shift, coding)?;
        let range = self.range.shifted(shift)?;
        Ok((ActivationParams { zero_point: self.zero_point + shift, range, ..self }, shift))
    }
}

/// How a layer's weights become bytes: one scale and zero point, or one for each output channel.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightParams {
    scales: Vec<f32>,
    zero_points: Vec<i32>,
    range: IntRange,
}

impl WeightParams {
    /// Checks the parts.
    ///
    /// # Errors
    /// When scales and zero points differ in number, a scale is not usable, or a zero point lies
    /// outside the range.
    pub fn new(scales: Vec<f32>, zero_points: Vec<i32>, range: IntRange) -> Result<Self, ParamsError> {
        if scales.is_empty() || scales.len() != zero_points.len() {
            let channels = scales.len();
            return Err(ParamsError::Channels { scales: channels, zero_points: zero_points.len(), channels });
        }
        scales.iter().try_for_each(|&scale| check_scale(scale))?;
        zero_points.iter().try_for_each(|&zero_point| check_zero_point(zero_point, range))?;
        Ok(WeightParams { scales, zero_points, range })
    }

    /// One scale, or one for each output channel.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// As many zero points as scales.
    pub fn zero_points(&self) -> &[i32] {
        &self.zero_points
    }

    /// The integers in use.
    pub fn range(&self) -> IntRange {
        self.range
    }

    /// Whether one scale serves all output channels.
    pub fn is_per_tensor(&self) -> bool {
        self.scales.len() == 1
    }

    /// The same for an activation, where one scale serves all output channels.
    pub fn as_activation(&self) -> Option<ActivationParams> {
        let (&[scale], &[zero_point]) = (self.scales.as_slice(), self.zero_points.as_slice()) else { return None };
        Some(ActivationParams { scale, zero_point, range: self.range })
    }

    /// Scale of output channel `channel`.
    pub fn scale(&self, channel: usize) -> f32 {
        self.scales[if self.is_per_tensor() { 0 } else { channel }]
    }

    /// Zero point of output channel `channel`.
    pub fn zero_point(&self, channel: usize) -> i32 {
        self.zero_points[if self.is_per_tensor() { 0 } else { channel }]
    }

    /// The same with `factors` taken off the zero points of as many output channels, wherever these come to lie: how sums
    /// see weights whose channels add so many times the sum of their activations.
    pub(crate) fn less(&self, factors: &[i32]) -> Self {
        let channels = || 0..factors.len();
        WeightParams {
            scales: channels().map(|channel| self.scale(channel)).collect(),
            zero_points: channels().map(|channel| self.zero_point(channel) - factors[channel]).collect(),
            range: self.range,
        }
    }

    /// Bytes of `weights`, output channel major, `channels` of them.
    ///
    /// # Errors
    /// When the scales are neither one nor `channels`, or a weight is NaN or infinite.
    pub fn quantize(&self, weights: &[f32], channels: usize) -> Result<Vec<u8>, ParamsError> {
        if !self.is_per_tensor() && self.scales.len() != channels {
            let (scales, zero_points) = (self.scales.len(), self.zero_points.len());
            return Err(ParamsError::Channels { scales, zero_points, channels });
        }
        if let Some(index) = weights.iter().position(|w| !w.is_finite()) {
            return Err(ParamsError::Weight { index, value: weights[index] });
        }
        let depth = weights.len() / channels.max(1);
        let rows = weights.chunks_exact(depth.max(1)).enumerate();
        Ok(rows
            .flat_map(|(o, row)| {
                let quantizer = self.range.quantizer(self.scale(o), self.zero_point(o));
                row.iter().map(move |&w| quantizer.byte(w))
            })
            .collect())
    }

    /// The same quantization in integers that `coding` indexes, of those that a table `takes`, and how far they had
    /// to be shifted.
    ///
    /// # Errors
    /// When `coding` is sign-magnitude and the zero points are neither all 0 nor all one that a shift makes 0.
    pub fn for_coding(mut self, coding: Coding, takes: &RangeInclusive<i32>) -> Result<(Self, i32), ParamsError> {
        let shift = coding.shift(&self.range.integers(), &self.zero_points, takes);
        self.zero_points.iter().try_for_each(|&zero_point| check_coding(zero_point + shift, coding))?;
        self.range = self.range.shifted(shift)?;
        self.zero_points.iter_mut().for_each(|zero_point| *zero_point += shift);
        Ok((self, shift))
    }
}

/// The quantization parameters of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerParams {
    /// The layer's input, or the first factor of a product of two activations.
    pub input: ActivationParams,
    /// The layer's weights, or the second factor.
    pub weight: WeightParams,
    /// The bias of each output in products of one input step and one weight step, where that is how it was
    /// quantized: it is added to the sum of products.
    pub bias: Option<Arc<[i32]>>,
}

impl LayerParams {
    /// Parameters of a layer whose bias stays a real number.
    pub fn new(input: ActivationParams, weight: WeightParams) -> Self {
        LayerParams { input, weight, bias: None }
    }
}

#[cfg(test)]
mod tests;
