//! What a file states about its multiplier besides the products.
//!
//! The native format's metadata, a sidecar and the comments of a C table share one set of named text
//! fields; this is their owner.

use super::reading::{IndexOrder, PartialReading, parse_size};
use super::{ErrorMetrics, Lut, StatedMetrics};
use crate::kernel::Signedness;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known about a multiplier besides its name and products.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Energy of one multiplication, in picojoules.
    pub energy: Option<f64>,
    /// Power, in milliwatts.
    pub power: Option<f64>,
    /// Area, in square micrometers.
    pub area: Option<f64>,
    /// Delay, in nanoseconds.
    pub delay: Option<f64>,
    /// The source of the table and the figures.
    pub source: Option<String>,
    /// A description of the design's family.
    pub design: Option<String>,
    /// The paper that describes the design.
    pub paper: Option<String>,
    /// A description of the design's parameters.
    pub parameters: Option<String>,
    /// The error metrics that the file states. Reports leave this out: an [`Audit`](super::Audit) shows
    /// them beside the measured ones.
    #[serde(skip)]
    pub stated_metrics: StatedMetrics,
}

/// A metadata field that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{key}' is '{value}', expected {expected}")]
pub struct FieldError {
    key: String,
    value: String,
    expected: &'static str,
}

/// What text fields state about a multiplier and how its table is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// The multiplier's name.
    pub name: Option<String>,
    /// What is known about it.
    pub metadata: Metadata,
    /// How its table is read.
    pub stated: PartialReading,
    /// Unknown keys.
    pub unknown: Vec<String>,
}

impl Fields {
    /// Reads `key: value` pairs.
    ///
    /// # Errors
    /// When a known key has an invalid value.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Fields, FieldError> {
        let mut fields = Fields::default();
        for (key, value) in pairs {
            let value = value.trim();
            let error = |expected| FieldError { key: key.to_owned(), value: value.to_owned(), expected };
            let Fields { name, metadata, stated, .. } = &mut fields;
            let text = || Some(value.to_owned()).filter(|text| !text.is_empty());
            let figure = || match value.parse::<f64>() {
                Ok(figure) if figure.is_finite() && figure >= 0.0 => Ok(Some(figure)),
                _ => Err(error("a number of at least 0")),
            };
            match key {
                "name" => *name = text(),
                "source" => metadata.source = text(),
                "design" => metadata.design = text(),
                "paper" => metadata.paper = text(),
                "parameters" => metadata.parameters = text(),
                "energy" => metadata.energy = figure()?,
                "power" => metadata.power = figure()?,
                "area" => metadata.area = figure()?,
                "delay" => metadata.delay = figure()?,
                "signed" => {
                    let signedness = match value.to_ascii_lowercase().as_str() {
                        "true" | "1" | "signed" => Signedness::Signed,
                        "false" | "0" | "unsigned" => Signedness::Unsigned,
                        _ => return Err(error("true or false")),
                    };
                    stated.signedness = Some(signedness);
                }
                "index" => {
                    stated.index = Some(value.parse().map_err(|_| error("numeric or twos-complement"))?);
                }
                "entry" => {
                    stated.entry = Some(value.parse().map_err(|_| error("an integer type such as u16 or i32"))?);
                }
                "bits" => {
                    stated.bits = Some(parse_size(value).ok_or_else(|| error("a width of 2 to 8, or two as in 8x4"))?);
                }
                _ if ErrorMetrics::NAMES.contains(&key) => {
                    metadata.stated_metrics.insert(key.to_owned(), value.parse().map_err(|_| error("a number"))?);
                }
                _ => fields.unknown.push(key.to_owned()),
            }
        }
        Ok(fields)
    }
}

/// All that a file with fields states about `lut` when its table is laid out in `index` order.
pub(super) fn fields(lut: &Lut, index: IndexOrder) -> BTreeMap<String, String> {
    let [first, second] = lut.bits();
    let bits = if first == second { first.to_string() } else { format!("{first}x{second}") };
    let mut fields = lut.metadata().fields();
    fields.extend([
        ("name".to_owned(), lut.name().to_owned()),
        ("signed".to_owned(), (lut.signedness() == Signedness::Signed).to_string()),
        ("index".to_owned(), index.to_string()),
        ("bits".to_owned(), bits),
    ]);
    fields
}

impl Metadata {
    /// The fields that are known, as text, in a fixed order.
    fn fields(&self) -> BTreeMap<String, String> {
        let figure = |figure: Option<f64>| figure.map(|figure| figure.to_string());
        [
            ("energy", figure(self.energy)),
            ("power", figure(self.power)),
            ("area", figure(self.area)),
            ("delay", figure(self.delay)),
            ("source", self.source.clone()),
            ("design", self.design.clone()),
            ("paper", self.paper.clone()),
            ("parameters", self.parameters.clone()),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .chain(self.stated_metrics.iter().map(|(key, stated)| (key.clone(), stated.to_string())))
        .collect()
    }

    /// This, with `weaker` filling in what is missing.
    #[must_use]
    pub(super) fn or(self, weaker: Metadata) -> Metadata {
        Metadata {
            energy: self.energy.or(weaker.energy),
            power: self.power.or(weaker.power),
            area: self.area.or(weaker.area),
            delay: self.delay.or(weaker.delay),
            source: self.source.or(weaker.source),
            design: self.design.or(weaker.design),
            paper: self.paper.or(weaker.paper),
            parameters: self.parameters.or(weaker.parameters),
            stated_metrics: if self.stated_metrics.is_empty() { weaker.stated_metrics } else { self.stated_metrics },
        }
    }
}
