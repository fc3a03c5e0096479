//! Descriptions of multipliers.

use super::document::{Document, Records, Section, optional, significant};
use crate::lut::{Lut, LutInfo, design};
use serde::Serialize;

/// A multiplier: how its table was read and how far it is from exact.
#[derive(Debug, Clone)]
pub struct LutDetails(pub LutInfo);

/// The text of a value that serialises as a string.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// How a table was read, in words.
pub(super) fn reading(lut: &LutInfo) -> String {
    let reading = &lut.reading;
    let entry = reading.entry.as_ref().map(|entry| format!(" of {entry}")).unwrap_or_default();
    let swapped = if reading.swapped { ", operands swapped" } else { "" };
    format!("{}{entry}, {} order ({}){swapped}", reading.format, word(reading.index), word(reading.from))
}

impl Document for LutDetails {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).expect("a description is JSON")
    }

    fn sections(&self) -> Vec<Section> {
        let errors = &self.0.errors;
        let number = |x: f64| significant(x, 5);
        let percent = |x: f64| format!("{} %", significant(x * 100.0, 4));
        let sign = if self.0.signed { "signed" } else { "unsigned" };
        let [a, b] = self.0.bits;
        let mut pairs = vec![
            ("name", self.0.name.clone()),
            ("operands", format!("{a} x {b} bits, {sign}")),
            ("read as", reading(&self.0)),
            ("blake3", self.0.blake3.clone()),
            ("MAE", number(errors.mae)),
            ("WCE", errors.wce.to_string()),
            ("RMSE", number(errors.rmse)),
            ("bias", number(errors.bias)),
            ("MRE", percent(errors.mre)),
            ("error probability", percent(errors.ep)),
            ("lut[0][0]", self.0.zero_product.to_string()),
            ("symmetric", if self.0.symmetric { "yes" } else { "no" }.to_owned()),
        ];
        let known = [
            ("design", self.0.design.clone()),
            ("parameters", self.0.parameters.clone()),
            ("paper", self.0.paper.clone()),
            ("source", self.0.source.clone()),
            ("energy", self.0.energy.map(|x| format!("{x} pJ"))),
            ("power", self.0.power.map(|x| format!("{x} mW"))),
            ("area", self.0.area.map(|x| format!("{x} um2"))),
            ("delay", self.0.delay.map(|x| format!("{x} ns"))),
        ];
        pairs.extend(known.into_iter().filter_map(|(name, value)| Some((name, value?))));
        pairs.extend(self.0.warnings.iter().map(|warning| ("warning", warning.clone())));
        vec![Section::pairs(pairs)]
    }

    fn records(&self) -> Records {
        records([&self.0])
    }
}

fn records<'a>(infos: impl IntoIterator<Item = &'a LutInfo>) -> Records {
    let header = ["name", "signed", "bits_a", "bits_b", "mae", "wce", "mre", "ep", "bias", "energy", "blake3"];
    let row = |info: &LutInfo| {
        let errors = &info.errors;
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
            optional(info.energy.as_ref()),
            info.blake3.clone(),
        ]
    };
    Records { header: header.map(str::to_owned).to_vec(), rows: infos.into_iter().map(row).collect() }
}

/// The multipliers that there are by name.
#[derive(Debug, Clone)]
pub struct LutList {
    luts: Vec<LutInfo>,
}

impl LutList {
    /// The shipped ones, in order of their error.
    pub fn shipped() -> Self {
        let luts = crate::lut::SHIPPED.iter().filter_map(|name| design::resolve(name, None).ok());
        let mut luts: Vec<LutInfo> = luts.map(|lut: Lut| LutInfo::of(&lut)).collect();
        luts.sort_by(|a, b| a.signed.cmp(&b.signed).then(a.errors.mae.total_cmp(&b.errors.mae)));
        LutList { luts }
    }
}

impl Document for LutList {
    fn json(&self) -> serde_json::Value {
        let families: Vec<_> = design::FAMILIES
            .iter()
            .map(|family| {
                serde_json::json!({
                    "name": family.grammar(), "summary": family.summary, "paper": family.paper,
                })
            })
            .collect();
        serde_json::json!({ "luts": self.luts, "families": families })
    }

    fn sections(&self) -> Vec<Section> {
        let row = |info: &LutInfo| {
            let [a, b] = info.bits;
            vec![
                info.name.clone(),
                format!("{a}x{b} {}", if info.signed { "signed" } else { "unsigned" }),
                significant(info.errors.mae, 4),
                info.errors.wce.to_string(),
                format!("{} %", significant(info.errors.mre * 100.0, 3)),
                info.energy.map_or_else(|| "-".to_owned(), |energy| format!("{energy} pJ")),
            ]
        };
        let luts = Section {
            title: None,
            header: ["name", "operands", "MAE", "WCE", "MRE", "energy"].map(str::to_owned).to_vec(),
            rows: self.luts.iter().map(row).collect(),
            numeric: vec![2, 3, 4, 5],
        };
        let families = Section {
            title: Some("Any member of these families can be named:".to_owned()),
            header: Vec::new(),
            rows: design::FAMILIES.iter().map(|family| vec![family.grammar(), family.summary.to_owned()]).collect(),
            numeric: Vec::new(),
        };
        vec![luts, families]
    }

    fn records(&self) -> Records {
        records(&self.luts)
    }
}
