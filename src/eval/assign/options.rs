//! Partial settings of layers, and their text: the keys of `--set` and of an assignment file.
//!
//! [`LayerOptions`] hold what a user said and leave the rest open; options of a run and of rules are
//! merged, and only then resolved into a [`LayerConfig`](super::LayerConfig). A key is one entry of
//! [`KEYS`] and one field.

use super::{NoiseLutSpec, NoiseMethod};
use crate::layer::InferenceMode;
use crate::lut::{Bits, Coding, LutFormat};
use crate::registry::similar;
use serde::Serialize;
use std::str::FromStr;

/// What a user said of a layer; what is `None` is inherited, or has a default.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LayerOptions {
    /// What it computes; by default `approx` where there is a multiplier, else `base`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<InferenceMode>,
    /// What it computes if it is a product of two activations, which [`mode`](LayerOptions::mode) decides only
    /// where a rule names it; by default `base`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention: Option<InferenceMode>,
    /// The multiplier.
    #[serde(flatten)]
    pub lut: Option<LutSpec>,
    /// The operand coding; by default the multiplier's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coding: Option<Coding>,
    /// Relative standard deviation of noise mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_std: Option<f64>,
    /// Mean of noise mode, in units of the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_mean: Option<f64>,
    /// The multiplier whose errors noise mode models, instead of a deviation and a mean.
    #[serde(flatten)]
    pub noise_from_lut: Option<NoiseLutSpec>,
    /// Width of activations; by default the multiplier's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act_bits: Option<Bits>,
    /// Width of weights; by default the multiplier's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<Bits>,
}

/// A multiplier: its file or name, and how the file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct LutSpec {
    /// A file or a name.
    pub lut: String,
    /// How the file is read; detected where it is `None`.
    #[serde(rename = "lut_format", skip_serializing_if = "Option::is_none")]
    pub format: Option<LutFormat>,
    /// Whether its operands are exchanged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub swap_operands: bool,
}

impl LutSpec {
    /// The multiplier of this file or name, its reading detected.
    pub fn new(lut: impl Into<String>) -> Self {
        LutSpec { lut: lut.into(), ..LutSpec::default() }
    }
}

/// A key or value that layer options do not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerOptionsError {
    /// No such key.
    #[error("unknown key '{key}'{}expected one of {}", suggestion(.key), keys().collect::<Vec<_>>().join(", "))]
    Key {
        /// The key.
        key: String,
    },
    /// A value that the key cannot have.
    #[error("{key} is '{found}', expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// What was given.
        found: String,
        /// What it can be.
        expected: String,
    },
    /// A key without the key that it qualifies.
    #[error("{key} requires {requires} in the same rule")]
    Requires {
        /// The key.
        key: &'static str,
        /// The key that it qualifies.
        requires: &'static str,
    },
    /// Two ways of stating the noise.
    #[error("noise_from_lut is used in place of noise_std and noise_mean: give either the LUT or the numbers")]
    TwoNoises,
}

fn suggestion(key: &str) -> String {
    similar(key, keys()).first().map_or_else(|| ": ".to_owned(), |near| format!(", did you mean '{near}'? "))
}

/// Options being read, whose multipliers may not have been named yet.
#[derive(Default)]
struct Draft {
    options: LayerOptions,
    lut: LutSpec,
    noise: LutSpec,
}

/// Reads the value of a key into a draft.
type Read = fn(&mut Draft, &'static str, &str) -> Result<(), LayerOptionsError>;

/// Every key, in the order that help texts list them.
const KEYS: &[(&str, Read)] = &[
    ("mode", |draft, key, value| parse(key, value).map(|mode| draft.options.mode = Some(mode))),
    ("attention", |draft, key, value| parse(key, value).map(|mode| draft.options.attention = Some(mode))),
    ("lut", |draft, key, value| name(key, value).map(|lut| draft.lut.lut = lut)),
    ("lut_format", |draft, key, value| parse(key, value).map(|format| draft.lut.format = Some(format))),
    ("swap_operands", |draft, key, value| flag(key, value).map(|swap| draft.lut.swap_operands = swap)),
    ("coding", |draft, key, value| parse(key, value).map(|coding| draft.options.coding = Some(coding))),
    ("noise_std", |draft, key, value| {
        number(key, value, 0.0, "a finite number of at least 0").map(|std| draft.options.noise_std = Some(std))
    }),
    ("noise_mean", |draft, key, value| {
        number(key, value, f64::NEG_INFINITY, "a finite number").map(|mean| draft.options.noise_mean = Some(mean))
    }),
    ("noise_from_lut", |draft, key, value| name(key, value).map(|lut| draft.noise.lut = lut)),
    ("noise_lut_format", |draft, key, value| parse(key, value).map(|format| draft.noise.format = Some(format))),
    ("noise_swap_operands", |draft, key, value| flag(key, value).map(|swap| draft.noise.swap_operands = swap)),
    ("act_bits", |draft, key, value| width(key, value).map(|bits| draft.options.act_bits = Some(bits))),
    ("weight_bits", |draft, key, value| width(key, value).map(|bits| draft.options.weight_bits = Some(bits))),
];

fn keys() -> impl Iterator<Item = &'static str> + Clone {
    KEYS.iter().map(|(key, _)| *key)
}

fn value_error(key: &'static str, found: &str, expected: impl Into<String>) -> LayerOptionsError {
    LayerOptionsError::Value { key, found: found.to_owned(), expected: expected.into() }
}

fn parse<T: FromStr<Err: ToString>>(key: &'static str, text: &str) -> Result<T, LayerOptionsError> {
    text.parse().map_err(|error: T::Err| value_error(key, text, error.to_string()))
}

fn name(key: &'static str, text: &str) -> Result<String, LayerOptionsError> {
    if text.is_empty() { Err(value_error(key, text, "a file or a name")) } else { Ok(text.to_owned()) }
}

fn flag(key: &'static str, text: &str) -> Result<bool, LayerOptionsError> {
    text.parse().map_err(|_| value_error(key, text, "one of true, false"))
}

fn number(key: &'static str, text: &str, least: f64, expected: &str) -> Result<f64, LayerOptionsError> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= least);
    number.ok_or_else(|| value_error(key, text, expected))
}

fn width(key: &'static str, text: &str) -> Result<Bits, LayerOptionsError> {
    text.parse().map_err(|_| value_error(key, text, "a width from 2 to 8"))
}

/// The multiplier that was named, if one was; `keys` are those of its reading and of its name.
fn named(spec: LutSpec, keys: [&'static str; 3]) -> Result<Option<LutSpec>, LayerOptionsError> {
    let [requires, format, swap] = keys;
    match spec {
        LutSpec { ref lut, .. } if !lut.is_empty() => Ok(Some(spec)),
        LutSpec { format: Some(_), .. } => Err(LayerOptionsError::Requires { key: format, requires }),
        LutSpec { swap_operands: true, .. } => Err(LayerOptionsError::Requires { key: swap, requires }),
        LutSpec { .. } => Ok(None),
    }
}

impl LayerOptions {
    /// The keys of the text form, in the order that help texts list them.
    pub fn keys() -> impl Iterator<Item = &'static str> + Clone {
        keys()
    }

    /// Options of keys and values.
    ///
    /// # Errors
    /// Names the key that does not exist, or the value that it cannot have.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, LayerOptionsError> {
        let mut draft = Draft::default();
        for (key, value) in pairs {
            let (key, read) = KEYS
                .iter()
                .find(|(name, _)| *name == key)
                .ok_or_else(|| LayerOptionsError::Key { key: key.to_owned() })?;
            read(&mut draft, key, value)?;
        }
        let lut = named(draft.lut, ["lut", "lut_format", "swap_operands"])?;
        let noise = named(draft.noise, ["noise_from_lut", "noise_lut_format", "noise_swap_operands"])?;
        let noise = noise.map(|spec| {
            let text = spec.lut.clone();
            let noise = NoiseLutSpec::read(&text, spec.clone());
            let is_read = spec.format.is_some() || spec.swap_operands;
            if noise.lut.is_none() && is_read {
                return Err(value_error("noise_from_lut", &text, "METHOD:LUT where keys say how the LUT is read"));
            }
            Ok(noise)
        });
        let options = LayerOptions { lut, noise_from_lut: noise.transpose()?, ..draft.options };
        if options.noise_from_lut.is_some() && options.has_noise() {
            return Err(LayerOptionsError::TwoNoises);
        }
        Ok(options)
    }

    /// These options, overridden by those that `rule` has. One that names a multiplier and no mode
    /// implies `approx`.
    #[must_use]
    pub fn overridden_by(self, rule: &LayerOptions) -> Self {
        // Either way of stating the noise replaces the other.
        let (is_derived, is_given) = (rule.noise_from_lut.is_some(), rule.has_noise());
        let given = |new: Option<f64>, old: Option<f64>| new.or(old.filter(|_| !is_derived));
        LayerOptions {
            mode: rule.stated_mode().or(self.mode),
            attention: rule.attention.or(self.attention),
            lut: rule.lut.clone().or(self.lut),
            coding: rule.coding.or(self.coding),
            noise_std: given(rule.noise_std, self.noise_std),
            noise_mean: given(rule.noise_mean, self.noise_mean),
            noise_from_lut: rule.noise_from_lut.clone().or(self.noise_from_lut.filter(|_| !is_given)),
            act_bits: rule.act_bits.or(self.act_bits),
            weight_bits: rule.weight_bits.or(self.weight_bits),
        }
    }

    /// The mode that a rule of these options gives the layers that it names.
    pub(super) fn stated_mode(&self) -> Option<InferenceMode> {
        let implied = self.lut.as_ref().map(|_| InferenceMode::Approximate);
        self.mode.or(implied)
    }

    /// What a product of two activations computes that no rule names.
    pub fn attention(&self) -> InferenceMode {
        self.attention.unwrap_or(InferenceMode::Baseline)
    }

    fn has_noise(&self) -> bool {
        self.noise_std.is_some() || self.noise_mean.is_some()
    }

    /// Whether noise is that of a multiplier, measured.
    pub fn measures_noise(&self) -> bool {
        self.noise_from_lut.as_ref().is_some_and(|noise| noise.method == NoiseMethod::Measured)
    }

    /// What the layer computes.
    pub fn mode(&self) -> InferenceMode {
        let default = if self.lut.is_some() { InferenceMode::Approximate } else { InferenceMode::Baseline };
        self.mode.unwrap_or(default)
    }
}
