//! What a run's multiplications cost: power, energy, area and delay of the multipliers in use.
//!
//! Multipliers whose figures have one basis add up; those of other bases are left out of the sums and listed
//! beside them. [`CostReport::coverage`] is the share of multiplications that the sums speak for.

use super::LayerReport;
use super::layers::{EXACT, FP32};
use crate::kernel::Signedness;
use crate::layer::InferenceMode;
use crate::lut::{Coding, Cost, CostSource, Costs, Figures, Ratios};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The cost of a run's integer multiplications. Means are over the multiplications that they cover, so that the
/// relative power is `sum(opcount * power) / sum(opcount * power of the exact multiplier)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CostReport {
    /// Mean power in milliwatts.
    pub power_mw: Option<f64>,
    /// Power over that of the exact multiplier of the same basis.
    pub relative_power: Option<f64>,
    /// Mean energy of a multiplication in picojoules.
    pub energy_pj: Option<f64>,
    /// Energy over that of as many exact multiplications of the same basis.
    pub relative_energy: Option<f64>,
    /// Energy of one sample's covered multiplications in microjoules.
    pub energy_uj_per_sample: Option<f64>,
    /// Area in square micrometers of one of each covered multiplier in use.
    pub area_um2: Option<f64>,
    /// That area over the area of one exact multiplier of the same basis.
    pub relative_area: Option<f64>,
    /// Delay in nanoseconds of the slowest covered multiplier in use.
    pub delay_ns: Option<f64>,
    /// The kind of source.
    pub source: CostSource,
    /// What the figures are comparable with: only those of the same basis.
    pub basis: String,
    /// Fraction of one sample's multiplications that the figures speak for.
    pub coverage: f64,
    /// These multiplications of one sample.
    pub opcount: u64,
    /// Every multiplier in use whose cost is known, those of other bases too.
    pub by_multiplier: BTreeMap<String, Cost>,
}

/// A multiplier in use: what is known of its cost, and how often it multiplies.
struct Used {
    name: &'static str,
    lut: Option<String>,
    candidates: Vec<Cost>,
    opcount: u64,
}

impl Used {
    fn name(&self) -> &str {
        self.lut.as_deref().unwrap_or(self.name)
    }

    fn of_basis(&self, basis: &str) -> Option<&Cost> {
        self.candidates.iter().find(|cost| cost.basis == basis)
    }
}

impl CostReport {
    /// The cost of `layers`, whose multipliers have the costs `candidates` by their names, exact products those of `costs`;
    /// `None` where nothing is known of any.
    pub(super) fn new(layers: &[LayerReport], candidates: &HashMap<&str, Vec<Cost>>, costs: &Costs) -> Option<Self> {
        let used = multipliers_in_use(layers, candidates, costs);
        let all: u64 = layers.iter().map(|layer| layer.opcount).sum();
        let share = |opcount: u64| opcount as f64 / all as f64;
        let basis = widest_basis(&used)?.clone();
        let covered: Vec<(&Used, &Cost)> =
            used.iter().filter_map(|multiplier| Some((multiplier, multiplier.of_basis(&basis.basis)?))).collect();
        let opcount: u64 = covered.iter().map(|(multiplier, _)| multiplier.opcount).sum();
        let mean = |figure: fn(&Figures) -> Option<f64>| {
            if let [(_, only)] = covered.as_slice() {
                return figure(&only.figures);
            }
            let parts =
                covered.iter().map(|(multiplier, cost)| Some(multiplier.opcount as f64 * figure(&cost.figures)?));
            parts.sum::<Option<f64>>().map(|sum| sum / opcount as f64)
        };
        let relative =
            |figure: fn(&Figures) -> Option<f64>, ratio: fn(&Ratios) -> Option<f64>| relative(&covered, figure, ratio);
        let energy_pj = mean(|figures| figures.energy_pj);
        let figures = || covered.iter().map(|(_, cost)| &cost.figures);
        let mut by_multiplier: BTreeMap<String, Cost> = BTreeMap::new();
        for multiplier in &used {
            let Some(cost) = multiplier.of_basis(&basis.basis).or(multiplier.candidates.first()) else { continue };
            let known = by_multiplier.entry(multiplier.name().to_owned()).or_insert_with(|| cost.clone());
            *known.coverage.get_or_insert(0.0) += share(multiplier.opcount);
        }
        Some(CostReport {
            power_mw: mean(|figures| figures.power_mw),
            relative_power: relative(|figures| figures.power_mw, |ratios| ratios.power),
            energy_pj,
            relative_energy: relative(|figures| figures.energy_pj, |ratios| ratios.energy),
            // Millionths of picojoules are microjoules.
            energy_uj_per_sample: energy_pj.map(|energy| energy * opcount as f64 * 1e-6),
            area_um2: figures().map(|figures| figures.area_um2).sum(),
            relative_area: covered.iter().map(|(_, cost)| cost.relative.area).sum(),
            delay_ns: figures()
                .map(|figures| figures.delay_ns)
                .try_fold(0.0, |most: f64, delay| Some(most.max(delay?))),
            source: basis.source,
            basis: basis.basis.clone(),
            coverage: share(opcount),
            opcount,
            by_multiplier,
        })
    }

    /// A note on multipliers whose figures have another basis, where there are any.
    pub(super) fn note(&self) -> Option<String> {
        let others = self.by_multiplier.iter().filter(|(_, cost)| cost.basis != self.basis);
        let others: Vec<String> = others.map(|(name, cost)| format!("{name} ({})", cost.basis)).collect();
        (!others.is_empty()).then(|| {
            format!(
                "power and energy are of different kinds of sources: those of {} are not comparable with {} and left \
                 out, state costs of all multipliers (--costs)",
                others.join(", "),
                self.basis
            )
        })
    }
}

/// A note on tables whose costs a file was to say, and neither it nor anything else does: names may differ from those of
/// files.
pub(super) fn unknown_note(candidates: &HashMap<&str, Vec<Cost>>, costs: &Costs) -> Option<String> {
    let names = costs.names();
    let unknown = candidates.iter().filter(|(_, candidates)| !names.is_empty() && candidates.is_empty());
    let mut unknown: Vec<String> = unknown.map(|(name, _)| format!("'{name}'")).collect();
    unknown.sort_unstable();
    let shown = &names[..names.len().min(10)];
    let more = if shown.len() < names.len() { ", .." } else { "" };
    (!unknown.is_empty()).then(|| {
        format!(
            "the file of costs has no row of {}, but of {}{more} (see --costs)",
            unknown.join(", "),
            shown.join(", ")
        )
    })
}

/// The multipliers of layers that multiply integers, with their multiplications of one sample.
fn multipliers_in_use(layers: &[LayerReport], known: &HashMap<&str, Vec<Cost>>, costs: &Costs) -> Vec<Used> {
    let mut used: Vec<Used> = Vec::new();
    for layer in layers {
        let multiplier = layer.multiplier();
        // What noise stands for is not multiplied.
        if multiplier == FP32 || layer.mode == InferenceMode::Noise {
            continue;
        }
        // Exact products of a coding of unsigned operands are those of an unsigned multiplier.
        let signedness = layer.coding.map_or(Signedness::Signed, Coding::table_signedness);
        let (name, candidates): (_, &dyn Fn() -> Vec<Cost>) = match (&layer.lut, signedness) {
            (Some(_), _) => ("", &|| known.get(multiplier).cloned().unwrap_or_default()),
            (None, Signedness::Unsigned) => (EXACT, &|| costs.exact_candidates(Signedness::Unsigned)),
            (None, Signedness::Signed) => ("exact-signed", &|| costs.exact_candidates(Signedness::Signed)),
        };
        match used.iter_mut().find(|known| (known.name, &known.lut) == (name, &layer.lut)) {
            Some(known) => known.opcount += layer.opcount,
            None => used.push(Used { name, lut: layer.lut.clone(), candidates: candidates(), opcount: layer.opcount }),
        }
    }
    used
}

/// The basis of the sums: of those that are the first choice of a multiplier with a table, or of exact products where
/// there is none, one of a file of costs before others, then that which covers the most multiplications, then the first
/// in the order of sources.
fn widest_basis(used: &[Used]) -> Option<&Cost> {
    let covered = |basis: &Cost| -> u64 {
        used.iter().filter(|other| other.of_basis(&basis.basis).is_some()).map(|other| other.opcount).sum()
    };
    let widest = |with_table: bool| {
        let firsts = used.iter().filter(|multiplier| multiplier.lut.is_some() == with_table);
        let firsts = firsts.filter_map(|multiplier| multiplier.candidates.first());
        // The user's own word is not overruled.
        firsts.min_by_key(|basis| (basis.source != CostSource::Csv, std::cmp::Reverse(covered(basis)), basis.source))
    };
    widest(true).or_else(|| widest(false))
}

/// The sum of a figure over that of the exact multipliers, both over all multiplications; where only ratios are
/// known, their mean.
fn relative(
    covered: &[(&Used, &Cost)],
    figure: fn(&Figures) -> Option<f64>,
    ratio: fn(&Ratios) -> Option<f64>,
) -> Option<f64> {
    if let [(_, only)] = covered {
        return ratio(&only.relative);
    }
    let sum = |part: &dyn Fn(&Cost) -> Option<f64>| -> Option<f64> {
        covered.iter().map(|(multiplier, cost)| Some(multiplier.opcount as f64 * part(cost)?)).sum()
    };
    let own = sum(&|cost| figure(&cost.figures));
    let exact = sum(&|cost| figure(&cost.relative_to.as_ref()?.figures)).filter(|&exact| exact > 0.0);
    let by_ratio = || Some(sum(&|cost| ratio(&cost.relative))? / sum(&|_| Some(1.0))?);
    own.zip(exact).map(|(own, exact)| own / exact).or_else(by_ratio)
}
