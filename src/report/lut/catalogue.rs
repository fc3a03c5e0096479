//! The circuits of the catalogue.

use super::super::document::{Document, Records, Section, optional};
use crate::lut::catalogue::{Circuit, CircuitName, Entry, LIBRARY};
use crate::stats::{significant, significant_percent};
use serde_json::json;

/// Circuits of the library, in the order of a search.
#[derive(Debug, Clone)]
pub struct CircuitList(pub Vec<Circuit>);

/// The release of the name that a circuit is listed under, or `both`.
fn releases(circuit: &Circuit) -> String {
    let is_shared = circuit.others.iter().any(|other| other.name == circuit.entry.name);
    if is_shared { "both".to_owned() } else { circuit.entry.release.to_string() }
}

/// The other names of a circuit.
fn also(circuit: &Circuit) -> String {
    let others = circuit.others.iter().filter(|other| other.name != circuit.entry.name);
    others.map(|other| other.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn design(entry: &Entry) -> Option<String> {
    entry.design().map(|design| design.to_string())
}

/// The columns of the list's records.
const COLUMNS: [&str; 17] = [
    "name",
    "release",
    "also",
    "signed",
    "bits_a",
    "bits_b",
    "mae",
    "wce",
    "wcre",
    "ep",
    "mre",
    "mse",
    "power_mw",
    "area_um2",
    "delay_ns",
    "energy_pj",
    "design",
];

impl Document for CircuitList {
    fn json(&self) -> serde_json::Value {
        let circuit = |circuit: &Circuit| {
            let entry = circuit.entry;
            json!({
                "name": entry.name,
                "release": entry.release,
                "also": circuit.others.iter().map(|other| CircuitName::from(*other)).collect::<Vec<_>>(),
                "signed": entry.signed(),
                "bits": entry.bits,
                "mae": entry.mae,
                "wce": entry.wce,
                "wcre": entry.wcre,
                "ep": entry.ep,
                "mre": entry.mre,
                "mse": entry.mse,
                "power_mw": entry.power_mw,
                "area_um2": entry.area_um2,
                "delay_ns": entry.delay_ns,
                "energy_pj": entry.energy_pj(),
                "design": design(entry),
                "table_blake3": entry.table_hash.map(|hash| hash.to_hex().to_string()),
            })
        };
        json!({ "library": LIBRARY, "circuits": self.0.iter().map(circuit).collect::<Vec<_>>() })
    }

    fn sections(&self) -> Vec<Section> {
        let row = |circuit: &Circuit| {
            let entry = circuit.entry;
            vec![
                entry.name.clone(),
                releases(circuit),
                also(circuit),
                significant(entry.mae, 3),
                entry.wce.to_string(),
                significant_percent(entry.mre, 3),
                format!("{:.3}", entry.power_mw),
                if entry.design().is_some() { "yes" } else { "" }.to_owned(),
            ]
        };
        let header = ["name", "release", "also", "MAE", "WCE", "MRE", "mW", "made"];
        let circuits = Section {
            title: Some(format!("{} circuits of {LIBRARY}", self.0.len())),
            header: header.map(str::to_owned).to_vec(),
            rows: self.0.iter().map(row).collect(),
            numeric: vec![3, 4, 5, 6],
            ..Section::default()
        };
        let made: Vec<Vec<String>> = self
            .0
            .iter()
            .filter_map(|circuit| Some(vec![circuit.entry.name.clone(), design(circuit.entry)?]))
            .collect();
        let made = (!made.is_empty()).then(|| Section {
            title: Some("made without a file, as the design".to_owned()),
            header: ["name", "design"].map(str::to_owned).to_vec(),
            rows: made,
            ..Section::default()
        });
        std::iter::once(circuits).chain(made).collect()
    }

    fn records(&self) -> Records {
        let row = |circuit: &Circuit| {
            let entry = circuit.entry;
            let others = circuit.others.iter().map(|other| format!("{} ({})", other.name, other.release));
            vec![
                entry.name.clone(),
                entry.release.to_string(),
                others.collect::<Vec<_>>().join("; "),
                entry.signed().to_string(),
                entry.bits[0].to_string(),
                entry.bits[1].to_string(),
                entry.mae.to_string(),
                entry.wce.to_string(),
                entry.wcre.to_string(),
                entry.ep.to_string(),
                entry.mre.to_string(),
                entry.mse.to_string(),
                entry.power_mw.to_string(),
                entry.area_um2.to_string(),
                entry.delay_ns.to_string(),
                entry.energy_pj().to_string(),
                optional(design(entry).as_ref()),
            ]
        };
        Records { header: COLUMNS.map(str::to_owned).to_vec(), rows: self.0.iter().map(row).collect() }
    }
}
