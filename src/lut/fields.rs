//! The text fields by which a file describes its multiplier and how its table is read.
//!
//! The native format's metadata, a sidecar and the comments of a C table have the same named fields.

use super::reading::{IndexOrder, PartialReading, parse_size};
use super::{ErrorMetrics, Lut, Metadata};
use crate::kernel::Signedness;
use std::collections::BTreeMap;

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
                    stated.bits =
                        Some(parse_size(value).ok_or_else(|| error("a width from 2 to 8, or two widths such as 8x4"))?);
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

/// The fields of a file that holds `lut` in `index` order.
pub(super) fn lut_fields(lut: &Lut, index: IndexOrder) -> BTreeMap<String, String> {
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
