//! The cost of one multiplication, as programs and reports have it.

use super::figures::{Figures, Ratios};
use serde::{Deserialize, Serialize};

/// The cost of one multiplication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
#[non_exhaustive]
pub struct Cost {
    /// The figures, where measured.
    pub figures: Figures,
    /// They over those of the exact multiplier of the same width and basis.
    pub relative: Ratios,
    /// That exact multiplier.
    pub relative_to: Option<ExactMultiplier>,
    /// The kind of source of these figures.
    pub source: CostSource,
    /// The technology and flow of the figures: only those of one basis are comparable.
    pub basis: String,
    /// A description of the source.
    pub note: String,
    /// Fraction of one sample's multiplications that this multiplier does, in a run.
    pub coverage: Option<f64>,
}

/// The exact multiplier that others are related to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExactMultiplier {
    /// Its name.
    pub name: String,
    /// Its figures, where measured.
    #[serde(flatten)]
    pub figures: Figures,
}

/// The source of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostSource {
    /// A file of costs.
    Csv,
    /// The metadata that came with the table.
    Metadata,
    /// The catalogue of published circuits, by the table's content.
    Catalogue,
    /// The unit gates of a design: energy and power are taken as proportional to area, all gates switching
    /// alike.
    UnitGates,
}

/// The fields of a [`Cost`], flat. Earlier reports have `energy`, `area` and `delay` without their units in the
/// names, which later ones keep.
#[derive(Serialize, Deserialize)]
struct Wire {
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
