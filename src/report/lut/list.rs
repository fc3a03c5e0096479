//! The multipliers that can be named.

use super::super::document::{Document, Records, Section};
use super::{operands, records};
use crate::lut::design::{Design, FAMILIES, Family};
use crate::lut::{Costs, LutInfo, SHIPPED};
use crate::stats::{significant, significant_percent};
use rayon::prelude::*;
use serde_json::json;

const HEADER: [&str; 8] = ["name", "operands", "MAE", "WCE", "MRE", "energy (pJ)", "of exact energy", "shipped"];

fn relative_energy(lut: &LutInfo) -> Option<f64> {
    lut.cost.as_ref()?.relative.energy
}

/// Multipliers that have names, each family's together.
#[derive(Debug, Clone)]
pub struct LutList {
    families: Vec<(&'static Family, Vec<LutInfo>)>,
}

impl LutList {
    /// Describes `designs`, their costs taken from `costs` first.
    pub fn new(designs: &[Design], costs: &Costs) -> Self {
        let describe = |design: &Design| {
            let lut = design.lut();
            LutInfo::with_cost(&lut, costs.get(&lut))
        };
        let described: Vec<_> = designs.par_iter().map(|design| (design.family().name, describe(design))).collect();
        let members = |family: &'static Family| {
            let of_family = described.iter().filter(|(name, _)| *name == family.name);
            (family, of_family.map(|(_, info)| info.clone()).collect::<Vec<_>>())
        };
        LutList {
            families: FAMILIES.iter().map(|&family| members(family)).filter(|(_, luts)| !luts.is_empty()).collect(),
        }
    }

    fn luts(&self) -> impl Iterator<Item = &LutInfo> {
        self.families.iter().flat_map(|(_, luts)| luts)
    }
}

impl Document for LutList {
    fn json(&self) -> serde_json::Value {
        let family = |(family, luts): &(&Family, Vec<LutInfo>)| {
            json!({
                "name": family.name,
                "form": family.grammar(),
                "summary": family.summary,
                "paper": family.paper,
                "luts": luts.iter().map(|lut| &lut.name).collect::<Vec<_>>(),
            })
        };
        json!({
            "luts": self.luts().collect::<Vec<_>>(),
            "families": self.families.iter().map(family).collect::<Vec<_>>(),
            "shipped": SHIPPED.names().collect::<Vec<_>>(),
        })
    }

    fn sections(&self) -> Vec<Section> {
        let row = |lut: &LutInfo| {
            vec![
                lut.name.clone(),
                operands(lut),
                significant(lut.errors.mae, 4),
                lut.errors.wce.to_string(),
                significant_percent(lut.errors.mre, 3),
                lut.cost
                    .as_ref()
                    .and_then(|cost| cost.figures.energy_pj)
                    .map_or("-".to_owned(), |energy| significant(energy, 3)),
                relative_energy(lut).map_or("-".to_owned(), |share| significant_percent(share, 3)),
                if SHIPPED.get(&lut.name).is_some() { "yes" } else { "" }.to_owned(),
            ]
        };
        // Names stay whole beside columns that would be empty.
        let is_measured = |lut: &LutInfo| lut.cost.as_ref().is_some_and(|cost| cost.figures.energy_pj.is_some());
        let section = |(family, luts): &(&Family, Vec<LutInfo>)| Section {
            title: Some(format!("{}: {}", family.grammar(), family.summary)),
            header: HEADER.map(str::to_owned).to_vec(),
            rows: luts.iter().map(row).collect(),
            numeric: vec![2, 3, 4, 5, 6],
            details: if luts.iter().all(is_measured) { vec![7] } else { vec![5, 7] },
        };
        self.families.iter().map(section).collect()
    }

    fn records(&self) -> Records {
        records(self.luts())
    }
}
