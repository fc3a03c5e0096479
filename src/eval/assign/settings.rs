//! What can be said of a layer, and its texts: the keys of `--set` and of an assignment file.

use crate::layer::InferenceMode;
use crate::lut::{Bits, CODINGS, Coding, LutFormat};
use crate::registry::Named;
use serde::Serialize;
use std::str::FromStr;

/// What is asked of a layer; what is left open falls back.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Settings {
    /// What it computes; left open, `approx` where there is a multiplier, else `base`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<InferenceMode>,
    /// The multiplier.
    #[serde(flatten)]
    pub lut: Option<LutSpec>,
    /// The operand coding; left open, the multiplier's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coding: Option<Coding>,
    /// Relative standard deviation of noise mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_std: Option<f64>,
    /// Mean of noise mode, in units of the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_mean: Option<f64>,
    /// The multiplier whose errors noise mode stands for, in place of a deviation and a mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_from_lut: Option<String>,
    /// Width of activations; left open, the multiplier's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act_bits: Option<Bits>,
    /// Width of weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<Bits>,
}

/// A multiplier, as it is named and read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct LutSpec {
    /// A file or a name.
    pub lut: String,
    /// How the file is read ([`LutFormat`]); left open, it is detected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lut_format: Option<String>,
    /// Whether its operands are exchanged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub swap_operands: bool,
}

/// The keys of settings, as texts name them.
const KEYS: [&str; 10] = [
    "mode",
    "lut",
    "lut_format",
    "swap_operands",
    "coding",
    "noise_std",
    "noise_mean",
    "noise_from_lut",
    "act_bits",
    "weight_bits",
];

/// Names of modes, the long ones too.
const MODES: [(&str, InferenceMode); 7] = [
    ("base", InferenceMode::Baseline),
    ("quant", InferenceMode::Quantized),
    ("approx", InferenceMode::Approximate),
    ("noise", InferenceMode::Noise),
    ("baseline", InferenceMode::Baseline),
    ("quantized", InferenceMode::Quantized),
    ("approximate", InferenceMode::Approximate),
];

/// A key or value that settings do not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No such key.
    #[error("unknown key '{key}', did you mean '{}'? The keys are {}", nearest(.key), KEYS.join(", "))]
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
    /// A key without the key that it bears on.
    #[error("{key} bears on lut, which is not given beside it")]
    WithoutLut {
        /// The key.
        key: &'static str,
    },
    /// Two ways of saying what noise is.
    #[error("noise_from_lut stands in place of noise_std and noise_mean: give the one or the others")]
    TwoNoises,
}

fn nearest(key: &str) -> &'static str {
    KEYS.into_iter().max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key))).unwrap_or("")
}

fn parsed<T: FromStr<Err: ToString>>(key: &'static str, text: &str) -> Result<T, SettingsError> {
    let expected = |error: T::Err| SettingsError::Value { key, found: text.to_owned(), expected: error.to_string() };
    text.parse().map_err(expected)
}

fn one_of<T: Copy>(key: &'static str, text: &str, values: &[(&'static str, T)]) -> Result<T, SettingsError> {
    let found = values.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        SettingsError::Value { key, found: text.to_owned(), expected: format!("one of {}", names.join(", ")) }
    })
}

fn number(key: &'static str, text: &str, least: f64, expected: &str) -> Result<f64, SettingsError> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= least);
    let error = || SettingsError::Value { key, found: text.to_owned(), expected: expected.to_owned() };
    number.ok_or_else(error)
}

impl Settings {
    /// Settings of keys and values.
    ///
    /// # Errors
    /// Names the key that does not exist, or the value that it cannot have.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, SettingsError> {
        let mut settings = Settings::default();
        let mut spec = LutSpec::default();
        for (key, value) in pairs {
            match key {
                "mode" => settings.mode = Some(one_of("mode", value, &MODES)?),
                "lut" | "noise_from_lut" if value.is_empty() => {
                    let key = if key == "lut" { "lut" } else { "noise_from_lut" };
                    let (found, expected) = (String::new(), "a file or a name".to_owned());
                    return Err(SettingsError::Value { key, found, expected });
                }
                "noise_from_lut" => settings.noise_from_lut = Some(value.to_owned()),
                "lut" => value.clone_into(&mut spec.lut),
                "lut_format" => {
                    parsed::<LutFormat>("lut_format", value)?;
                    spec.lut_format = Some(value.to_owned());
                }
                "swap_operands" => {
                    spec.swap_operands = one_of("swap_operands", value, &[("true", true), ("false", false)])?;
                }
                "coding" => {
                    let codings: Vec<_> = CODINGS.iter().map(|coding| (coding.name(), *coding)).collect();
                    settings.coding = Some(one_of("coding", value, &codings)?);
                }
                "noise_std" => {
                    let expected = "a finite number of at least 0";
                    settings.noise_std = Some(number("noise_std", value, 0.0, expected)?);
                }
                "noise_mean" => {
                    settings.noise_mean = Some(number("noise_mean", value, f64::NEG_INFINITY, "a finite number")?);
                }
                "act_bits" => settings.act_bits = Some(width("act_bits", value)?),
                "weight_bits" => settings.weight_bits = Some(width("weight_bits", value)?),
                _ => return Err(SettingsError::Key { key: key.to_owned() }),
            }
        }
        settings.lut = match spec {
            LutSpec { lut, .. } if !lut.is_empty() => Some(LutSpec { lut, ..spec }),
            LutSpec { lut_format: Some(_), .. } => return Err(SettingsError::WithoutLut { key: "lut_format" }),
            LutSpec { swap_operands: true, .. } => return Err(SettingsError::WithoutLut { key: "swap_operands" }),
            _ => None,
        };
        if settings.noise_from_lut.is_some() && settings.has_noise() {
            return Err(SettingsError::TwoNoises);
        }
        Ok(settings)
    }

    /// The keys of settings, as texts name them.
    pub(super) fn has_key(key: &str) -> bool {
        KEYS.contains(&key)
    }

    /// These settings, changed by what `rule` says. One that names a multiplier and no mode means
    /// `approx`.
    #[must_use]
    pub fn changed_by(self, rule: &Settings) -> Self {
        let implied = rule.lut.as_ref().map(|_| InferenceMode::Approximate);
        // Either way of saying what noise is takes the place of the other.
        let (was_derived, was_given) = (rule.noise_from_lut.is_some(), rule.has_noise());
        let given = |own: Option<f64>, old: Option<f64>| own.or(old.filter(|_| !was_derived));
        Settings {
            mode: rule.mode.or(implied).or(self.mode),
            lut: rule.lut.clone().or(self.lut),
            coding: rule.coding.or(self.coding),
            noise_std: given(rule.noise_std, self.noise_std),
            noise_mean: given(rule.noise_mean, self.noise_mean),
            noise_from_lut: rule.noise_from_lut.clone().or(self.noise_from_lut.filter(|_| !was_given)),
            act_bits: rule.act_bits.or(self.act_bits),
            weight_bits: rule.weight_bits.or(self.weight_bits),
        }
    }

    fn has_noise(&self) -> bool {
        self.noise_std.is_some() || self.noise_mean.is_some()
    }

    /// What the layer computes.
    pub fn mode(&self) -> InferenceMode {
        let default = if self.lut.is_some() { InferenceMode::Approximate } else { InferenceMode::Baseline };
        self.mode.unwrap_or(default)
    }
}

fn width(key: &'static str, text: &str) -> Result<Bits, SettingsError> {
    let expected = || SettingsError::Value { key, found: text.to_owned(), expected: "a width from 2 to 8".to_owned() };
    text.parse().map_err(|_| expected())
}
