//! Descriptions of multipliers: one with its audit, all that can be named, and files made of them.

mod catalogue;
mod details;
mod in_use;
mod list;
mod written;

pub use catalogue::CircuitList;
pub use details::LutDetails;
pub use in_use::{LayerOperands, OperandsInUse};
pub use list::LutList;
pub use written::{WrittenFile, WrittenFiles};

use super::document::{Records, optional};
use crate::lut::{Cost, CostSource, LutInfo};
use crate::stats::{significant, significant_percent};
use serde::Serialize;

/// The text of a value that serializes as a string.
pub(super) fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// How a table was read, in words.
pub(super) fn reading(lut: &LutInfo) -> String {
    let reading = &lut.reading;
    let entry = reading.entry.as_ref().map(|entry| format!(" of {entry}")).unwrap_or_default();
    let swapped = if reading.swapped { ", operands swapped" } else { "" };
    format!("{}{entry}, {} order ({}){swapped}", reading.format, word(reading.index), word(reading.from))
}

fn operands(lut: &LutInfo) -> String {
    let [a, b] = lut.bits;
    format!("{a}x{b} {}", if lut.signed { "signed" } else { "unsigned" })
}

/// A measured value, one relative to the exact multiplier, or both.
fn value(measured: Option<f64>, unit: &str, relative: Option<f64>) -> Option<String> {
    let measured = measured.map(|value| format!("{} {unit}", significant(value, 3)));
    let relative = relative.map(|share| format!("{} of exact", significant_percent(share, 3)));
    let texts: Vec<String> = measured.into_iter().chain(relative).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// The energy of one multiplication, as far as known.
fn energy(cost: &Cost) -> Option<String> {
    value(cost.figures.energy_pj, "pJ", cost.relative.energy)
}

/// The provenance of a cost.
fn cost_source(cost: &Cost) -> String {
    let source = match cost.source {
        CostSource::Csv => "cost table",
        CostSource::Metadata => "metadata",
        CostSource::Catalogue => "catalogue",
        CostSource::UnitGates => "unit-gate model",
    };
    if cost.note.is_empty() { source.to_owned() } else { format!("{source}: {}", cost.note) }
}

/// Multipliers as records, one a row.
fn records<'a>(infos: impl IntoIterator<Item = &'a LutInfo>) -> Records {
    let header = [
        "name",
        "signed",
        "bits_a",
        "bits_b",
        "mae",
        "wce",
        "mre",
        "ep",
        "bias",
        "energy",
        "relative_energy",
        "relative_area",
        "cost_source",
        "blake3",
        "power",
        "relative_power",
        "area",
        "delay",
        "cost_basis",
        "cost_note",
        "catalogue",
        "mse",
        "rmse",
        "wcre",
        "variance",
        "nmed",
        "psnr",
    ];
    let row = |info: &LutInfo| {
        let (errors, cost) = (&info.errors, info.cost.as_ref());
        vec![
            info.name.clone(),
            info.signed.to_string(),
            info.bits[0].to_string(),
            info.bits[1].to_string(),
            errors.mae.to_string(),
            errors.wce.to_string(),
            errors.mre.to_string(),
            errors.ep.to_string(),
            errors.bias.to_string(),
            optional(cost.and_then(|cost| cost.figures.energy_pj).as_ref()),
            optional(cost.and_then(|cost| cost.relative.energy).as_ref()),
            optional(cost.and_then(|cost| cost.relative.area).as_ref()),
            cost.map(|cost| word(cost.source)).unwrap_or_default(),
            info.blake3.clone(),
            optional(cost.and_then(|cost| cost.figures.power_mw).as_ref()),
            optional(cost.and_then(|cost| cost.relative.power).as_ref()),
            optional(cost.and_then(|cost| cost.figures.area_um2).as_ref()),
            optional(cost.and_then(|cost| cost.figures.delay_ns).as_ref()),
            optional(cost.map(|cost| &cost.basis)),
            optional(cost.map(|cost| &cost.note)),
            optional(info.catalogue.as_ref()),
            errors.mse.to_string(),
            errors.rmse.to_string(),
            errors.wcre.to_string(),
            errors.variance.to_string(),
            errors.nmed.to_string(),
            optional(errors.psnr.as_ref()),
        ]
    };
    Records { header: header.map(str::to_owned).to_vec(), rows: infos.into_iter().map(row).collect() }
}
