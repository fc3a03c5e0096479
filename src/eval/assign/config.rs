//! Resolved layer configuration: multipliers opened, coding and widths decided and checked.

use super::{LayerOptions, Luts, NoiseLutSpec, NoiseMethod, ResolveError};
use crate::layer::InferenceMode;
use crate::lut::{Bits, Coding, Lut, Operand};
use crate::quant::{ActScheme, Observer, QuantConfig, ScaleKind, WeightScheme};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything that decides what one layer computes.
#[derive(Debug, Clone)]
pub struct LayerConfig {
    /// What it computes.
    pub arithmetic: Arithmetic,
    /// How it is quantized, the operand coding included.
    pub quantization: QuantConfig,
    /// The multiplier whose operands other arithmetic keeps to, so that modes compare like with like.
    pub reference_lut: Option<Arc<Lut>>,
}

/// What a layer computes, with all that it needs for that.
#[derive(Debug, Clone)]
pub enum Arithmetic {
    /// In `f32`.
    Base,
    /// Integers and exact products.
    Quant,
    /// Integers and the products of this multiplier.
    Approx(Arc<Lut>),
    /// Integers and exact products, with Gaussian noise.
    Noise(NoiseSource),
}

/// Where a layer's noise comes from.
#[derive(Debug, Clone)]
pub enum NoiseSource {
    /// Its parameters are known.
    Given(LayerNoise),
    /// It models the errors of this multiplier, to be found on calibration data in this way.
    Lut(Arc<Lut>, NoiseMethod),
}

impl Arithmetic {
    /// The mode of a layer that computes it.
    pub fn mode(&self) -> InferenceMode {
        match self {
            Arithmetic::Base => InferenceMode::Baseline,
            Arithmetic::Quant => InferenceMode::Quantized,
            Arithmetic::Approx(_) => InferenceMode::Approximate,
            Arithmetic::Noise(_) => InferenceMode::Noise,
        }
    }
}

/// What the quantization of all layers shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scheme {
    /// How activations are quantized; `None` follows each layer's coding.
    pub act_scheme: Option<ActScheme>,
    /// The granularity of weight scales.
    pub weight_scheme: WeightScheme,
    /// Which numbers scales may be.
    pub scale: ScaleKind,
    /// The range observer.
    pub observer: Observer,
    /// Whether the network brings integers of its own, no operand of any layer negative: unsigned multipliers take
    /// these as they are, by default.
    pub unsigned_integers: bool,
}

impl Default for Scheme {
    fn default() -> Self {
        let QuantConfig { weight_scheme, scale, observer, .. } = QuantConfig::new(Coding::Signed);
        Scheme { act_scheme: None, weight_scheme, scale, observer, unsigned_integers: false }
    }
}

impl Scheme {
    /// The default coding of a multiplier.
    fn coding_for(&self, lut: &Lut) -> Coding {
        if self.unsigned_integers {
            Coding::default_for_unsigned_integers(lut.signedness())
        } else {
            Coding::default_for(lut.signedness())
        }
    }
}

/// The perturbation of noise mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerNoise {
    /// Standard deviation, relative to that of the layer's output over a batch.
    pub stdev: f64,
    /// Mean, in units of the output.
    pub mean: f64,
}

impl LayerConfig {
    /// Opens what `options` name and decides what they leave open.
    ///
    /// # Errors
    /// When a multiplier cannot be opened or does not suit the coding, widths exceed it, or approximate
    /// mode has none.
    pub fn resolve(options: &LayerOptions, scheme: &Scheme, luts: &mut Luts) -> Result<Self, ResolveError> {
        let LayerDefaults { quantization, lut, noise_lut } = LayerDefaults::open(options, scheme, luts)?;
        let given = LayerNoise { stdev: options.noise_std.unwrap_or(0.0), mean: options.noise_mean.unwrap_or(0.0) };
        let arithmetic = match options.mode() {
            InferenceMode::Baseline => Arithmetic::Base,
            InferenceMode::Quantized => Arithmetic::Quant,
            InferenceMode::Approximate => Arithmetic::Approx(lut.clone().ok_or(ResolveError::NoMultiplier)?),
            InferenceMode::Noise => {
                let method = options.noise_from_lut.as_ref().map(|noise| noise.method).unwrap_or_default();
                let source = noise_lut.map_or(NoiseSource::Given(given), |lut| NoiseSource::Lut(lut, method));
                Arithmetic::Noise(source)
            }
        };
        Ok(LayerConfig { arithmetic, quantization, reference_lut: lut })
    }

    /// What the layer computes.
    pub fn mode(&self) -> InferenceMode {
        self.arithmetic.mode()
    }

    /// Whether its products are those of a multiplier.
    pub fn is_approximate(&self) -> bool {
        matches!(self.arithmetic, Arithmetic::Approx(_))
    }

    /// The multiplier that the layer is quantized for: its operands are the integers that may occur.
    pub fn operand_lut(&self) -> Option<&Lut> {
        self.looked_up_lut().or(self.reference_lut.as_deref())
    }

    /// The multiplier whose table is looked up: its operands are the integers that it can have.
    pub fn looked_up_lut(&self) -> Option<&Lut> {
        match &self.arithmetic {
            Arithmetic::Approx(lut) | Arithmetic::Noise(NoiseSource::Lut(lut, _)) => Some(lut),
            _ => None,
        }
    }

    /// The same layer computing something else on the same integers.
    #[must_use]
    pub fn with_arithmetic(&self, arithmetic: Arithmetic) -> Self {
        let reference_lut = match &self.arithmetic {
            Arithmetic::Approx(lut) | Arithmetic::Noise(NoiseSource::Lut(lut, _)) => Some(Arc::clone(lut)),
            _ => self.reference_lut.clone(),
        };
        LayerConfig { arithmetic, quantization: self.quantization.clone(), reference_lut }
    }

    /// The noise of noise mode, as far as it is known; none in other modes.
    pub fn noise(&self) -> LayerNoise {
        match self.arithmetic {
            Arithmetic::Noise(NoiseSource::Given(noise)) => noise,
            _ => LayerNoise::default(),
        }
    }

    /// The multiplier that its noise is to be derived from.
    pub fn noise_lut(&self) -> Option<&Arc<Lut>> {
        self.derived_noise().map(|(lut, _)| lut)
    }

    /// The same, and how.
    pub fn derived_noise(&self) -> Option<(&Arc<Lut>, NoiseMethod)> {
        match &self.arithmetic {
            Arithmetic::Noise(NoiseSource::Lut(lut, method)) => Some((lut, *method)),
            _ => None,
        }
    }
}

/// Options of all layers, which rules may complete: multipliers opened and quantization decided.
#[derive(Debug, Clone)]
pub struct LayerDefaults {
    /// How layers are quantized.
    pub quantization: QuantConfig,
    /// The multiplier.
    pub lut: Option<Arc<Lut>>,
    /// The one that noise models.
    pub noise_lut: Option<Arc<Lut>>,
}

impl LayerDefaults {
    /// Opens what `options` name, and checks all that [`LayerConfig::resolve`] checks but that approximate
    /// mode has a multiplier.
    ///
    /// # Errors
    /// As [`LayerConfig::resolve`].
    pub fn open(options: &LayerOptions, scheme: &Scheme, luts: &mut Luts) -> Result<Self, ResolveError> {
        let of_noise = |error: ResolveError| ResolveError::Noise(Box::new(error));
        let lut = options.lut.as_ref().map(|spec| luts.open(spec, options.coding)).transpose()?;
        let coding = options.coding.or(lut.as_deref().map(|lut| scheme.coding_for(lut)));
        let noise_lut = match &options.noise_from_lut {
            None => None,
            Some(NoiseLutSpec { lut: Some(spec), .. }) => Some(luts.open(spec, coding).map_err(of_noise)?),
            Some(noise) => Some(lut.clone().ok_or_else(|| ResolveError::NoNoiseMultiplier(noise.to_string()))?),
        };
        let default = noise_lut.as_deref().map_or(Coding::Signed, |lut| scheme.coding_for(lut));
        let coding = coding.unwrap_or(default);
        if let Some(lut) = &lut {
            coding.check(lut)?;
        }
        if let Some(lut) = &noise_lut {
            coding.check(lut).map_err(|error| of_noise(error.into()))?;
        }
        let width = |given: Option<Bits>, operand: Operand, key| {
            let widths = lut.iter().chain(&noise_lut).map(|lut| operand.select(lut.bits()));
            let widest = widths.min().unwrap_or(Bits::EIGHT);
            match given {
                Some(given) if given > widest => Err(ResolveError::Width { key, given, widest }),
                given => Ok(given.unwrap_or(widest)),
            }
        };
        let quantization = QuantConfig {
            act_bits: width(options.act_bits, Operand::Activation, "act_bits")?,
            weight_bits: width(options.weight_bits, Operand::Weight, "weight_bits")?,
            act_scheme: scheme.act_scheme.unwrap_or(ActScheme::default_for(coding)),
            weight_scheme: scheme.weight_scheme,
            scale: scheme.scale,
            observer: scheme.observer,
            coding,
        };
        quantization.check()?;
        Ok(LayerDefaults { quantization, lut, noise_lut })
    }
}
