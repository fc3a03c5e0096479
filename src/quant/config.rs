//! From observed values and weights to scales and zero points.

use super::params::{ActivationParams, IntRange, MIN_SCALE, ParamsError, WeightParams};
use super::{Observed, Observer};
use crate::kernel::Signedness;
use crate::lut::{Bits, Coding};
use serde::{Deserialize, Serialize};

/// `[-(2^(bits - 1) - 1), 2^(bits - 1) - 1]`.
fn symmetric(bits: Bits) -> IntRange {
    let q_max = *bits.range(Signedness::Signed).end();
    IntRange::new(-q_max, q_max).expect("2 to 8 bits fit a byte")
}

/// All values of the width.
fn full(bits: Bits, signedness: Signedness) -> IntRange {
    let range = bits.range(signedness);
    IntRange::new(*range.start(), *range.end()).expect("2 to 8 bits fit a byte")
}

/// How a layer's input is quantized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActScheme {
    /// Zero point 0.
    Symmetric,
    /// A zero point that lets the range follow the values.
    Affine,
}

impl ActScheme {
    /// The scheme of a coding when none is asked for: affine under `affine`, else symmetric.
    pub fn default_for(coding: Coding) -> Self {
        if coding == Coding::Affine { ActScheme::Affine } else { ActScheme::Symmetric }
    }
}

/// How many scales a layer's weights have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightScheme {
    /// One for each output channel.
    PerChannel,
    /// One.
    PerTensor,
}

/// Why a configuration cannot quantize.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuantError {
    /// Affine activations under a coding without zero points.
    #[error(
        "--act-scheme affine has zero points, which --coding sign-magnitude cannot express: use --coding affine or --act-scheme symmetric"
    )]
    AffineSignMagnitude,
    /// Infinite activations were observed.
    #[error("the activations observed reach from {low} to {high}, which no scale covers: expected finite numbers")]
    Infinite {
        /// Lower end of what was observed.
        low: f32,
        /// Upper end.
        high: f32,
    },
    /// Parameters that came out unusable.
    #[error(transparent)]
    Params(#[from] ParamsError),
}

/// How a network is quantized.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuantConfig {
    /// The operand coding, which decides the integer ranges.
    pub coding: Coding,
    /// Width of activations.
    pub act_bits: Bits,
    /// Width of weights.
    pub weight_bits: Bits,
    /// How activations are quantized.
    pub act_scheme: ActScheme,
    /// How many scales weights have.
    pub weight_scheme: WeightScheme,
    /// What turns observed activations into a range.
    pub observer: Observer,
}

impl QuantConfig {
    /// 8 bits, the coding's own activation scheme, per-channel weights, minimum and maximum.
    pub fn new(coding: Coding) -> Self {
        QuantConfig {
            coding,
            act_bits: Bits::EIGHT,
            weight_bits: Bits::EIGHT,
            act_scheme: ActScheme::default_for(coding),
            weight_scheme: WeightScheme::PerChannel,
            observer: Observer::MinMax,
        }
    }

    /// Fails where the parts contradict each other.
    ///
    /// # Errors
    /// Affine activations under sign-magnitude.
    pub fn check(&self) -> Result<(), QuantError> {
        match (self.act_scheme, self.coding) {
            (ActScheme::Affine, Coding::SignMagnitude) => Err(QuantError::AffineSignMagnitude),
            _ => Ok(()),
        }
    }

    /// Scale and zero point of activations that an observer saw.
    ///
    /// # Errors
    /// When the parts contradict each other, or the range is not finite.
    pub fn activation(&self, observed: &Observed) -> Result<ActivationParams, QuantError> {
        self.check()?;
        let Observed { minimum, low, high, max_abs } = *observed;
        let needed = match self.act_scheme {
            ActScheme::Symmetric => [-max_abs, max_abs],
            ActScheme::Affine => [low, high],
        };
        // Said of NaN too, which percentiles between infinities are.
        if !needed.iter().all(|end| end.is_finite()) {
            return Err(QuantError::Infinite { low: needed[0], high: needed[1] });
        }
        let (scale, zero_point, range) = match (self.act_scheme, self.coding) {
            (ActScheme::Symmetric, Coding::SignMagnitude) if minimum >= 0.0 => {
                let range = full(self.act_bits, Signedness::Unsigned);
                (symmetric_scale(max_abs, range), 0, range)
            }
            (ActScheme::Symmetric, coding) => {
                let range = symmetric(self.act_bits);
                // The affine coding has no negative operands: the whole range moves up.
                let zero_point = if coding == Coding::Affine { 1 << (self.act_bits.get() - 1) } else { 0 };
                let moved = IntRange::new(range.q_min() + zero_point, range.q_max() + zero_point)?;
                (symmetric_scale(max_abs, range), zero_point, moved)
            }
            (ActScheme::Affine, coding) => {
                let unsigned = coding == Coding::Affine;
                let range = full(self.act_bits, if unsigned { Signedness::Unsigned } else { Signedness::Signed });
                let (scale, zero_point) = affine(low, high, range);
                (scale, zero_point, range)
            }
        };
        Ok(ActivationParams::new(scale, zero_point, range)?)
    }

    /// Scales and zero points of `weights`, output channel major, `channels` of them.
    ///
    /// # Errors
    /// When a weight is NaN or infinite.
    pub fn weight(&self, weights: &[f32], channels: usize) -> Result<WeightParams, QuantError> {
        if let Some(index) = weights.iter().position(|w| !w.is_finite()) {
            return Err(ParamsError::Weight { index, value: weights[index] }.into());
        }
        let range = symmetric(self.weight_bits);
        let max_abs = |weights: &[f32]| weights.iter().fold(0f32, |max, w| max.max(w.abs()));
        let scales: Vec<f32> = match self.weight_scheme {
            WeightScheme::PerTensor => vec![symmetric_scale(max_abs(weights), range)],
            WeightScheme::PerChannel => weights
                .chunks_exact((weights.len() / channels.max(1)).max(1))
                .map(|row| symmetric_scale(max_abs(row), range))
                .collect(),
        };
        let (zero_point, range) = if self.coding == Coding::Affine {
            (1 << (self.weight_bits.get() - 1), full(self.weight_bits, Signedness::Unsigned))
        } else {
            (0, range)
        };
        let zero_points = vec![zero_point; scales.len()];
        Ok(WeightParams::new(scales, zero_points, range)?)
    }
}

/// `max_abs / q_max`, no less than [`MIN_SCALE`].
fn symmetric_scale(max_abs: f32, range: IntRange) -> f32 {
    (max_abs / range.q_max() as f32).max(MIN_SCALE)
}

/// Scale and zero point that let `range` span `[low, high]` and zero.
fn affine(low: f32, high: f32, range: IntRange) -> (f32, i32) {
    let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
    let (q_min, q_max) = (f64::from(range.q_min()), f64::from(range.q_max()));
    let scale = (((high - low) / (q_max - q_min)) as f32).max(MIN_SCALE);
    let zero_point = (q_min - low / f64::from(scale)).round_ties_even().clamp(q_min, q_max);
    (scale, zero_point as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(low: f32, high: f32) -> Observed {
        Observed { minimum: low, low, high, max_abs: low.abs().max(high.abs()) }
    }

    fn activation(coding: Coding, scheme: ActScheme, bits: u32, low: f32, high: f32) -> (f32, i32, i32, i32) {
        let config = QuantConfig { act_scheme: scheme, act_bits: bits.try_into().unwrap(), ..QuantConfig::new(coding) };
        let params = config.activation(&observed(low, high)).unwrap();
        (params.scale(), params.zero_point(), params.range().q_min(), params.range().q_max())
    }

    /// Worked by hand from the definitions.
    #[test]
    fn activation_ranges() {
        use ActScheme::{Affine, Symmetric};
        let cases = [
            (Coding::Signed, Symmetric, 8, 0.0, 254.0, (2.0, 0, -127, 127)),
            (Coding::SignMagnitude, Symmetric, 8, 0.0, 510.0, (2.0, 0, 0, 255)),
            (Coding::SignMagnitude, Symmetric, 8, -1.0, 254.0, (2.0, 0, -127, 127)),
            (Coding::SignMagnitude, Symmetric, 4, 0.0, 30.0, (2.0, 0, 0, 15)),
            (Coding::Signed, Symmetric, 4, -14.0, 3.0, (2.0, 0, -7, 7)),
            (Coding::Affine, Affine, 8, -1.0, 1.55, (0.01, 100, 0, 255)),
            (Coding::Signed, Affine, 8, -1.0, 1.55, (0.01, -28, -128, 127)),
            // A range that does not reach zero is widened to it.
            (Coding::Affine, Affine, 8, 51.0, 510.0, (2.0, 0, 0, 255)),
            (Coding::Affine, Affine, 8, -510.0, -51.0, (2.0, 255, 0, 255)),
            // Symmetric activations under affine: shifted by 128, no value changes.
            (Coding::Affine, Symmetric, 8, -254.0, 3.0, (2.0, 128, 1, 255)),
            // ... by half of what the width holds, so that a narrow multiplier takes them.
            (Coding::Affine, Symmetric, 4, -14.0, 3.0, (2.0, 8, 1, 15)),
            (Coding::Affine, Affine, 8, 0.0, 0.0, (MIN_SCALE, 0, 0, 255)),
        ];
        for (coding, scheme, bits, low, high, expected) in cases {
            assert_eq!(
                activation(coding, scheme, bits, low, high),
                expected,
                "{coding} {scheme:?} {bits} [{low}, {high}]"
            );
        }
    }

    #[test]
    fn an_infinite_range_is_refused() {
        let (symmetric, affine) = (QuantConfig::new(Coding::Signed), QuantConfig::new(Coding::Affine));
        for (low, high) in [(0.0, f32::INFINITY), (f32::NEG_INFINITY, 0.0), (f32::NAN, 1.0), (0.0, f32::NAN)] {
            let observed = Observed { minimum: low, low, high, max_abs: low.abs() + high.abs() };
            for config in [&symmetric, &affine] {
                let error = config.activation(&observed).unwrap_err();
                assert!(matches!(error, QuantError::Infinite { .. }), "[{low}, {high}]: {error}");
            }
        }
        // What a percentile has clipped does not matter.
        let clipped = Observed { minimum: f32::NEG_INFINITY, ..observed(-1.0, 254.0) };
        assert_eq!(symmetric.activation(&clipped).unwrap().scale(), 2.0);
    }

    #[test]
    fn weights_per_channel_and_per_tensor() {
        let weights = [1.27, -0.5, 0.0, 2.54];
        let config = QuantConfig::new(Coding::SignMagnitude);
        let params = config.weight(&weights, 2).unwrap();
        assert_eq!(params.scales(), [1.27 / 127.0, 2.54 / 127.0]);
        assert_eq!(params.quantize(&weights, 2).unwrap(), [127, (-50i8).cast_unsigned(), 0, 127]);

        let config = QuantConfig { weight_scheme: WeightScheme::PerTensor, ..QuantConfig::new(Coding::Affine) };
        let params = config.weight(&weights, 2).unwrap();
        assert_eq!((params.scales(), params.zero_points()), (&[2.54f32 / 127.0][..], &[128][..]));
        // 1.27 / 0.02 = 63.5 rounds to the even 64; -0.5 / 0.02 = -25.
        assert_eq!(params.quantize(&weights, 2).unwrap(), [192, 103, 128, 255]);
    }

    #[test]
    fn affine_activations_need_zero_points() {
        let config = QuantConfig { act_scheme: ActScheme::Affine, ..QuantConfig::new(Coding::SignMagnitude) };
        assert_eq!(config.check(), Err(QuantError::AffineSignMagnitude));
    }
}
