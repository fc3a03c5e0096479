//! A cost as reports have it in JSON.

use super::{Cost, CostSource, ExactMultiplier, Figures, Ratios};
use serde::{Deserialize, Serialize};

/// The fields of a [`Cost`], flat. Earlier reports have `energy`, `area` and `delay` without their units in the
/// names, which later ones keep.
#[derive(Serialize, Deserialize)]
pub(super) struct Wire {
    #[serde(flatten)]
    figures: Figures,
    #[serde(flatten)]
    relative: Ratios,
    relative_to: Option<ExactMultiplier>,
    source: CostSource,
    #[serde(default)]
    basis: String,
    note: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coverage: Option<f64>,
    energy: Option<f64>,
    area: Option<f64>,
    delay: Option<f64>,
}

impl From<Cost> for Wire {
    fn from(Cost { figures, relative, relative_to, source, basis, note, coverage }: Cost) -> Self {
        let Figures { energy_pj: energy, area_um2: area, delay_ns: delay, .. } = figures;
        Wire { figures, relative, relative_to, source, basis, note, coverage, energy, area, delay }
    }
}

impl From<Wire> for Cost {
    fn from(wire: Wire) -> Self {
        let Wire { figures, relative, relative_to, source, basis, note, coverage, energy, area, delay } = wire;
        let figures = Figures {
            energy_pj: figures.energy_pj.or(energy),
            area_um2: figures.area_um2.or(area),
            delay_ns: figures.delay_ns.or(delay),
            ..figures
        };
        Cost { figures, relative, relative_to, source, basis, note, coverage }
    }
}
