//! From observed values and weights to scales and zero points.

use super::observer::Grid;
use super::params::{ActivationParams, IntRange, MIN_SCALE, ParamsError, WeightParams};
use super::{Observed, Observer};
use crate::lut::{Bits, Coding};
use crate::registry::{Named, Registry, by_name};
use serde::Serialize;
use std::ops::RangeInclusive;

/// How a layer's input is quantized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActScheme {
    /// As many integers below zero as above.
    Symmetric,
    /// A zero point lets the integers follow the range of the values.
    Affine,
}

/// Every activation scheme.
pub static ACT_SCHEMES: Registry<ActScheme> =
    Registry::new("activation scheme", &[ActScheme::Symmetric, ActScheme::Affine]);

by_name!(ActScheme, ACT_SCHEMES);

impl ActScheme {
    /// The default scheme of a coding: affine under `affine`, else symmetric.
    pub fn default_for(coding: Coding) -> Self {
        if coding.prefers_zero_points() { ActScheme::Affine } else { ActScheme::Symmetric }
    }
}

impl Named for ActScheme {
    fn name(&self) -> &'static str {
        match self {
            ActScheme::Symmetric => "symmetric",
            ActScheme::Affine => "affine",
        }
    }
}

/// The granularity of weight scales.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightScheme {
    /// One scale for each output channel.
    #[default]
    PerChannel,
    /// One scale.
    PerTensor,
}

/// Every weight scheme.
pub static WEIGHT_SCHEMES: Registry<WeightScheme> =
    Registry::new("weight scheme", &[WeightScheme::PerChannel, WeightScheme::PerTensor]);

by_name!(WeightScheme, WEIGHT_SCHEMES);

impl Named for WeightScheme {
    fn name(&self) -> &'static str {
        match self {
            WeightScheme::PerChannel => "per-channel",
            WeightScheme::PerTensor => "per-tensor",
        }
    }
}

/// Which numbers scales may be.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleKind {
    /// Any.
    #[default]
    Real,
    /// Powers of two, so that a shift takes the place of a multiplication: those that are found are rounded up, which
    /// clips nothing more.
    PowerOfTwo,
}

/// Every kind of scale.
pub static SCALE_KINDS: Registry<ScaleKind> = Registry::new("kind of scale", &[ScaleKind::Real, ScaleKind::PowerOfTwo]);

by_name!(ScaleKind, SCALE_KINDS);

impl Named for ScaleKind {
    fn name(&self) -> &'static str {
        match self {
            ScaleKind::Real => "real",
            ScaleKind::PowerOfTwo => "pow2",
        }
    }
}

impl ScaleKind {
    /// The least scale of this kind that is no less than `scale`, a normal number.
    fn round_up(self, scale: f32) -> f32 {
        const FRACTION: u32 = (1 << (f32::MANTISSA_DIGITS - 1)) - 1;
        match self {
            ScaleKind::PowerOfTwo if scale.to_bits() & FRACTION != 0 => {
                f32::from_bits((scale.to_bits() | FRACTION) + 1)
            }
            _ => scale,
        }
    }
}

/// Why a configuration cannot quantize.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantError {
    /// Affine activations under a coding without zero points.
    #[error(
        "affine activations have zero points, which coding '{coding}' cannot express: use coding 'affine' or symmetric activations"
    )]
    ZeroPoints {
        /// The coding.
        coding: Coding,
    },
    /// Infinite activations were observed.
    #[error("observed activations range from {low} to {high}, expected finite numbers")]
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

impl QuantError {
    /// The settings that fix it.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            QuantError::ZeroPoints { .. } => &["act_scheme", "coding"],
            QuantError::Infinite { .. } => &["calib", "calib_data"],
            QuantError::Params(error) => error.keys(),
        }
    }
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
    /// The granularity of weight scales.
    pub weight_scheme: WeightScheme,
    /// Which numbers scales may be.
    pub scale: ScaleKind,
    /// How observed activations become a range.
    pub observer: Observer,
}

impl QuantConfig {
    /// 8 bits, the coding's own activation scheme, per-channel weights, any scales, minimum and maximum.
    pub fn new(coding: Coding) -> Self {
        QuantConfig {
            coding,
            act_bits: Bits::EIGHT,
            weight_bits: Bits::EIGHT,
            act_scheme: ActScheme::default_for(coding),
            weight_scheme: WeightScheme::PerChannel,
            scale: ScaleKind::Real,
            observer: Observer::MinMax,
        }
    }

    /// Fails where settings contradict each other.
    ///
    /// # Errors
    /// When activations are affine and the coding has no zero points.
    pub fn check(&self) -> Result<(), QuantError> {
        if self.act_scheme == ActScheme::Affine && !self.coding.has_zero_points() {
            return Err(QuantError::ZeroPoints { coding: self.coding });
        }
        Ok(())
    }

    /// Scale and zero point of activations with these observations.
    ///
    /// # Errors
    /// When settings contradict each other, or the range is not finite.
    pub fn activation(&self, observed: &Observed) -> Result<ActivationParams, QuantError> {
        self.check()?;
        let needed = match self.act_scheme {
            ActScheme::Symmetric => [-observed.max_abs, observed.max_abs],
            ActScheme::Affine => [observed.low, observed.high],
        };
        // Also true of NaN, which percentiles between infinities are.
        if !needed.iter().all(|end| end.is_finite()) {
            return Err(QuantError::Infinite { low: needed[0], high: needed[1] });
        }
        let (scale, zero_point, range) = match self.act_scheme {
            ActScheme::Symmetric => {
                let (range, zero_point) = self.coding.symmetric_activations(self.act_bits, observed.minimum >= 0.0);
                let [least, largest] = [range.start(), range.end()].map(|end| end - zero_point);
                let scale = |max_abs| self.symmetric_scale(max_abs, largest);
                let max_abs = observed.magnitude(|max_abs| Grid { scale: scale(max_abs), least, largest });
                (scale(max_abs), zero_point, range)
            }
            ActScheme::Affine => {
                let range = self.coding.affine_activations(self.act_bits);
                let ends = observed.ends(|ends| {
                    let (scale, zero_point) = self.affine(ends, &range);
                    Grid { scale, least: range.start() - zero_point, largest: range.end() - zero_point }
                });
                let (scale, zero_point) = self.affine(ends, &range);
                (scale, zero_point, range)
            }
        };
        let range = IntRange::new(*range.start(), *range.end())?;
        Ok(ActivationParams::new(scale, zero_point, range)?)
    }

    /// Scale and zero point of the second factor of a product of two activations with these observations: as
    /// of any activation, in no more bits than `widest`, those of the multiplier's second operand.
    ///
    /// # Errors
    /// As [`activation`](QuantConfig::activation).
    pub fn second_activation(&self, observed: &Observed, widest: Bits) -> Result<ActivationParams, QuantError> {
        let act_bits = self.act_bits.min(widest);
        QuantConfig { act_bits, ..self.clone() }.activation(observed)
    }

    /// Scales and zero points of `weights`, output channel major, `channels` of them.
    ///
    /// # Errors
    /// When a weight is NaN or infinite.
    pub fn weight(&self, weights: &[f32], channels: usize) -> Result<WeightParams, QuantError> {
        if let Some(index) = weights.iter().position(|w| !w.is_finite()) {
            return Err(ParamsError::Weight { index, value: weights[index] }.into());
        }
        let (range, zero_point) = self.coding.weights(self.weight_bits);
        let largest = range.end() - zero_point;
        let max_abs = |weights: &[f32]| weights.iter().fold(0f32, |max, w| max.max(w.abs()));
        let scales: Vec<f32> = match self.weight_scheme {
            WeightScheme::PerTensor => vec![self.symmetric_scale(max_abs(weights), largest)],
            WeightScheme::PerChannel => weights
                .chunks_exact((weights.len() / channels.max(1)).max(1))
                .map(|row| self.symmetric_scale(max_abs(row), largest))
                .collect(),
        };
        let zero_points = vec![zero_point; scales.len()];
        Ok(WeightParams::new(scales, zero_points, IntRange::new(*range.start(), *range.end())?)?)
    }

    /// The scale that maps `max_abs` to `largest` steps from zero, no less than [`MIN_SCALE`].
    fn symmetric_scale(&self, max_abs: f32, largest: i32) -> f32 {
        self.scale.round_up((max_abs / largest as f32).max(MIN_SCALE))
    }

    /// Scale and zero point with which `range` spans `[low, high]` and zero.
    fn affine(&self, [low, high]: [f32; 2], range: &RangeInclusive<i32>) -> (f32, i32) {
        let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
        let (q_min, q_max) = (f64::from(*range.start()), f64::from(*range.end()));
        let scale = self.scale.round_up((((high - low) / (q_max - q_min)) as f32).max(MIN_SCALE));
        let zero_point = (q_min - low / f64::from(scale)).round_ties_even().clamp(q_min, q_max);
        (scale, zero_point as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    fn observed(low: f32, high: f32) -> Observed {
        Observed::between(low, high)
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
        for_each_case(cases, |(coding, scheme, bits, low, high, expected)| {
            assert_eq!(
                activation(coding, scheme, bits, low, high),
                expected,
                "{coding} {scheme:?} {bits} [{low}, {high}]"
            );
        });
    }

    #[test]
    fn an_infinite_range_is_refused() {
        let (symmetric, affine) = (QuantConfig::new(Coding::Signed), QuantConfig::new(Coding::Affine));
        let cases = [(0.0, f32::INFINITY), (f32::NEG_INFINITY, 0.0), (f32::NAN, 1.0), (0.0, f32::NAN)];
        for_each_case(cases, |(low, high)| {
            let observed = Observed { max_abs: low.abs() + high.abs(), ..observed(low, high) };
            for config in [&symmetric, &affine] {
                let error = config.activation(&observed).unwrap_err();
                assert!(matches!(error, QuantError::Infinite { .. }), "[{low}, {high}]: {error}");
            }
        });
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

    /// The next power of two, of a power of two itself: hand computed.
    #[test]
    fn powers_of_two_are_rounded_up() {
        let cases = [
            (Coding::Signed, ActScheme::Symmetric, 8, 0.0, 254.0, (2.0, 0, -127, 127)),
            (Coding::Signed, ActScheme::Symmetric, 8, 0.0, 254.1, (4.0, 0, -127, 127)),
            (Coding::SignMagnitude, ActScheme::Symmetric, 4, 0.0, 1.0, (0.125, 0, 0, 15)),
            // 2.55 / 255 is 0.01, 1/64 above it; 1 / (1/64) is 64.
            (Coding::Affine, ActScheme::Affine, 8, -1.0, 1.55, (0.015_625, 64, 0, 255)),
            (Coding::Affine, ActScheme::Affine, 8, 0.0, 0.0, (MIN_SCALE, 0, 0, 255)),
        ];
        for_each_case(cases, |(coding, act_scheme, bits, low, high, expected)| {
            let act_bits = bits.try_into().unwrap();
            let config = QuantConfig { act_scheme, act_bits, scale: ScaleKind::PowerOfTwo, ..QuantConfig::new(coding) };
            let params = config.activation(&observed(low, high)).unwrap();
            let range = params.range();
            assert_eq!((params.scale(), params.zero_point(), range.q_min(), range.q_max()), expected);
        });
        let config = QuantConfig { scale: ScaleKind::PowerOfTwo, ..QuantConfig::new(Coding::Signed) };
        let params = config.weight(&[1.27, -0.5, 0.0, 127.0 / 64.0], 2).unwrap();
        assert_eq!(params.scales(), [1.0 / 64.0, 1.0 / 64.0]);
        // There is no power of two above it.
        let config = QuantConfig { weight_bits: "2".parse().unwrap(), ..config };
        assert!(matches!(config.weight(&[f32::MAX], 1), Err(QuantError::Params(ParamsError::Scale(_)))));
    }

    proptest! {
        /// Nothing that was observed is clipped, and half of the scale would clip.
        #[test]
        fn powers_of_two_hold_the_range(low in -1e3f32..1e3, high in -1e3f32..1e3, bits in 2u32..=8) {
            let (low, high) = (low.min(high), high.max(low));
            for (coding, act_scheme) in [(Coding::Signed, ActScheme::Symmetric), (Coding::Affine, ActScheme::Affine)] {
                let act_bits = bits.try_into().unwrap();
                let real = QuantConfig { act_bits, act_scheme, ..QuantConfig::new(coding) };
                let pow2 = QuantConfig { scale: ScaleKind::PowerOfTwo, ..real.clone() };
                let [real, pow2] = [real, pow2].map(|config| config.activation(&observed(low, high)).unwrap());
                let (real, scale) = (real.scale(), pow2.scale());
                prop_assert_eq!(scale.log2().fract(), 0.0);
                prop_assert!(scale >= real && scale / 2.0 < real);
                let ends = [pow2.range().q_min(), pow2.range().q_max()].map(|q| (q - pow2.zero_point()) as f32 * scale);
                // The zero point is rounded.
                let half = if act_scheme == ActScheme::Affine { scale / 2.0 } else { 0.0 };
                prop_assert!(low >= ends[0] - half * 1.001 && high <= ends[1] + half * 1.001, "{ends:?}");
            }
        }
    }

    #[test]
    fn affine_activations_need_zero_points() {
        let config = QuantConfig { act_scheme: ActScheme::Affine, ..QuantConfig::new(Coding::SignMagnitude) };
        assert_eq!(config.check(), Err(QuantError::ZeroPoints { coding: Coding::SignMagnitude }));
    }
}
