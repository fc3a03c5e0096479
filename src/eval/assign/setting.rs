//! Settings made good: the multiplier opened, coding and widths decided and checked.

use super::{LutSpec, Settings};
use crate::layer::InferenceMode;
use crate::lut::{self, Bits, Coding, CodingError, Lut, LutFormatError, OpenError, OpenOptions};
use crate::quant::{ActScheme, Observer, QuantConfig, QuantError, WeightScheme};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// Everything that decides what one layer computes.
#[derive(Debug, Clone)]
pub struct LayerSetting {
    /// What it computes.
    pub mode: InferenceMode,
    /// What approximate mode multiplies by.
    pub lut: Option<Arc<Lut>>,
    /// How it is quantized, the operand coding included.
    pub config: QuantConfig,
    /// The perturbation of noise mode.
    pub noise: LayerNoise,
    /// The multiplier whose errors it is to be derived from ([`derive_noise`](crate::eval::derive_noise)).
    pub noise_lut: Option<Arc<Lut>>,
}

/// What the quantization of all layers shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scheme {
    /// How activations are quantized; left open, as each layer's coding has it.
    pub act_scheme: Option<ActScheme>,
    /// How many scales weights have.
    pub weight_scheme: WeightScheme,
    /// What turns observed activations into a range.
    pub observer: Observer,
}

impl Default for Scheme {
    fn default() -> Self {
        let QuantConfig { weight_scheme, observer, .. } = QuantConfig::new(Coding::Signed);
        Scheme { act_scheme: None, weight_scheme, observer }
    }
}

/// The perturbation of noise mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LayerNoise {
    /// Standard deviation, relative to that of the layer's output over a batch.
    pub stdev: f64,
    /// Mean, in units of the output.
    pub mean: f64,
}

/// Why a layer cannot be set so.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The multiplier cannot be opened.
    #[error(transparent)]
    Lut(Box<OpenError>),
    /// The reading stated of its file is none.
    #[error(transparent)]
    Format(#[from] LutFormatError),
    /// The multiplier that noise stands for cannot be opened, or does not suit the coding.
    #[error(transparent)]
    Noise(Box<SettingError>),
    /// The multiplier does not suit the coding.
    #[error(transparent)]
    Coding(#[from] CodingError),
    /// Operands wider than the multiplier's.
    #[error("{given} bits are more than the LUT's operand of {widest} bits")]
    Width {
        /// `act_bits` or `weight_bits`.
        key: &'static str,
        /// The width asked for.
        given: Bits,
        /// The multiplier's.
        widest: Bits,
    },
    /// The quantization contradicts itself.
    #[error(transparent)]
    Quant(#[from] QuantError),
    /// Approximate mode without a multiplier.
    #[error("mode approx needs a multiplier: name a LUT file, or what 'approx-eval lut list' shows")]
    NoMultiplier,
}

impl SettingError {
    /// The key at fault.
    pub fn key(&self) -> &'static str {
        match self {
            SettingError::Lut(_) => "lut",
            SettingError::Format(_) => "lut_format",
            SettingError::Noise(_) => "noise_from_lut",
            SettingError::Coding(_) => "coding",
            SettingError::Width { key, .. } => key,
            SettingError::Quant(_) => "act_scheme",
            SettingError::NoMultiplier => "mode",
        }
    }
}

/// Multipliers that have been opened: each file is read once, whatever number of layers has it.
#[derive(Debug, Default)]
pub struct Luts(HashMap<(LutSpec, Option<Coding>), Arc<Lut>>);

impl Luts {
    /// The multiplier that `spec` means; names that have a signed and an unsigned form follow `coding`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&mut self, spec: &LutSpec, coding: Option<Coding>) -> Result<Arc<Lut>, SettingError> {
        let key = (spec.clone(), coding);
        if let Some(lut) = self.0.get(&key) {
            return Ok(Arc::clone(lut));
        }
        let format = spec.lut_format.as_deref().map(str::parse).transpose()?;
        let options = OpenOptions { format, swap_operands: spec.swap_operands, coding };
        let lut = lut::open(&spec.lut, &options).map_err(|error| SettingError::Lut(Box::new(error)))?;
        let lut = self.told_apart(lut);
        self.0.insert(key, Arc::clone(&lut));
        Ok(lut)
    }

    /// The same multiplier where it is known by another spec; under a name of its own where another has
    /// its name, for counts go by names.
    fn told_apart(&self, lut: Lut) -> Arc<Lut> {
        let is_same = |known: &Lut| {
            let suffix = known.name().strip_prefix(lut.name());
            let has_the_name = suffix.is_some_and(|suffix| suffix.is_empty() || suffix.starts_with('#'));
            *known == lut && has_the_name && known.provenance().swapped == lut.provenance().swapped
        };
        if let Some(known) = self.0.values().find(|known| is_same(known)) {
            return Arc::clone(known);
        }
        let is_taken = |name: &str| self.0.values().any(|known| known.name() == name);
        let names = (2..).map(|n| format!("{}#{n}", lut.name()));
        let name = std::iter::once(lut.name().to_owned()).chain(names).find(|name| !is_taken(name));
        let name = name.expect("there are more names than multipliers");
        Arc::new(lut.with_name(&name))
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<Arc<Lut>> {
        let mut luts: Vec<Arc<Lut>> = self.0.values().map(Arc::clone).collect();
        luts.sort_by(|a, b| a.name().cmp(b.name()));
        luts
    }
}

impl LayerSetting {
    /// Opens what `settings` name and decides what they leave open.
    ///
    /// # Errors
    /// When the multiplier cannot be opened, its parts contradict each other, or approximate mode has
    /// none.
    pub fn open(settings: &Settings, scheme: &Scheme, luts: &mut Luts) -> Result<Self, SettingError> {
        let setting = Self::open_unused(settings, scheme, luts)?;
        match (setting.mode, &setting.lut) {
            (InferenceMode::Approximate, None) => Err(SettingError::NoMultiplier),
            _ => Ok(setting),
        }
    }

    /// The same for settings that no layer need have as they are: what they lack, rules may add.
    ///
    /// # Errors
    /// As [`open`](LayerSetting::open), but for a missing multiplier.
    pub fn open_unused(settings: &Settings, scheme: &Scheme, luts: &mut Luts) -> Result<Self, SettingError> {
        let of_noise = |error: SettingError| SettingError::Noise(Box::new(error));
        let lut = settings.lut.as_ref().map(|spec| luts.open(spec, settings.coding)).transpose()?;
        let coding = settings.coding.or(lut.as_ref().map(|lut| Coding::default_for(lut.signedness())));
        let spec = |lut: &String| LutSpec { lut: lut.clone(), ..LutSpec::default() };
        let noise_lut = settings.noise_from_lut.as_ref().map(|lut| luts.open(&spec(lut), coding));
        let noise_lut = noise_lut.transpose().map_err(of_noise)?;
        let default = noise_lut.as_ref().map_or(Coding::Signed, |lut| Coding::default_for(lut.signedness()));
        let coding = coding.unwrap_or(default);
        if let Some(lut) = &lut {
            coding.check(lut)?;
        }
        if let Some(lut) = &noise_lut {
            coding.check(lut).map_err(|error| of_noise(error.into()))?;
        }
        let width = |given: Option<Bits>, operand: usize, key| {
            let widths = lut.iter().chain(&noise_lut).map(|lut| lut.bits()[operand]);
            let widest = widths.min().unwrap_or(Bits::EIGHT);
            match given {
                Some(given) if given > widest => Err(SettingError::Width { key, given, widest }),
                given => Ok(given.unwrap_or(widest)),
            }
        };
        let config = QuantConfig {
            act_bits: width(settings.act_bits, 0, "act_bits")?,
            weight_bits: width(settings.weight_bits, 1, "weight_bits")?,
            act_scheme: scheme.act_scheme.unwrap_or(ActScheme::default_for(coding)),
            weight_scheme: scheme.weight_scheme,
            observer: scheme.observer,
            coding,
        };
        config.check()?;
        let noise = LayerNoise { stdev: settings.noise_std.unwrap_or(0.0), mean: settings.noise_mean.unwrap_or(0.0) };
        Ok(LayerSetting { mode: settings.mode(), lut, config, noise, noise_lut })
    }

    /// The multiplier that the layer is quantized for: that of its noise where it stands for one.
    pub fn operand_lut(&self) -> Option<&Lut> {
        let of_noise = self.noise_lut.as_deref().filter(|_| self.derives_noise());
        of_noise.or(self.lut.as_deref())
    }

    /// Whether its noise is to be derived from a multiplier.
    pub fn derives_noise(&self) -> bool {
        self.mode == InferenceMode::Noise && self.noise_lut.is_some()
    }
}
