//! What a run's multiplications cost, one figure an axis: for verdicts, comparisons and plots.
//!
//! This is the only place that knows where a report has these figures.

use super::Report;
use crate::lut::{Cost, CostSource, LutInfo};
use crate::registry::{Named, Registry, by_name};
use std::collections::BTreeSet;

/// A cost of a run's multiplications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CostAxis {
    /// Energy, relative to that of as many exact multiplications.
    Energy,
    /// Power of the multipliers, relative to that of exact ones.
    Power,
    /// Area of the multiplier, relative to that of an exact one.
    Area,
    /// Delay of the multiplier, in nanoseconds.
    Delay,
}

/// Every axis; the first is that of plots unless another is asked for.
pub static COST_AXES: Registry<CostAxis> =
    Registry::new("axis", &[CostAxis::Energy, CostAxis::Power, CostAxis::Area, CostAxis::Delay]);

/// A figure of a run, and whose word it is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CostFigure {
    /// The figure.
    pub value: f64,
    /// Fraction of the run's multiplications that it speaks for.
    pub coverage: f64,
    /// Where it comes from: figures of different sources cannot be compared.
    pub sources: BTreeSet<String>,
}

impl CostAxis {
    /// The figure of a run, where its report has one.
    pub fn of(self, report: &Report) -> Option<CostFigure> {
        match self {
            CostAxis::Energy => energy(report),
            // Reports have no power yet that is relative to an exact multiplier of the same source.
            CostAxis::Power => None,
            CostAxis::Area => of_multiplier(report, |cost| cost.relative_area),
            CostAxis::Delay => of_multiplier(report, |cost| cost.delay),
        }
    }

    /// The axis in words, with its unit.
    pub fn title(self) -> &'static str {
        match self {
            CostAxis::Energy => "energy of multiplications (exact = 1)",
            CostAxis::Power => "power of multipliers (exact = 1)",
            CostAxis::Area => "area of the multiplier (exact = 1)",
            CostAxis::Delay => "delay of the multiplier (ns)",
        }
    }
}

impl Named for CostAxis {
    fn name(&self) -> &'static str {
        match self {
            CostAxis::Energy => "energy",
            CostAxis::Power => "power",
            CostAxis::Area => "area",
            CostAxis::Delay => "delay",
        }
    }

    fn summary(&self) -> &'static str {
        self.title()
    }
}

by_name!(CostAxis, COST_AXES);

fn energy(report: &Report) -> Option<CostFigure> {
    let energy = report.opcount.energy.as_ref()?;
    let sources = energy.sources.values().map(|source| source_name(source.source, &source.note));
    let coverage = energy.opcount as f64 / report.opcount.per_sample as f64;
    Some(CostFigure { value: energy.relative, coverage, sources: sources.collect() })
}

/// A figure that is one of a circuit, of a run that has only one.
fn of_multiplier(report: &Report, figure: fn(&Cost) -> Option<f64>) -> Option<CostFigure> {
    let [LutInfo { name, cost: Some(cost), .. }] = report.luts.as_slice() else { return None };
    let products = report.opcount.by_multiplier.get(name).copied().unwrap_or_default();
    let coverage = products as f64 / report.opcount.total as f64;
    let sources = BTreeSet::from([source_name(cost.source, &cost.note)]);
    Some(CostFigure { value: figure(cost)?, coverage, sources })
}

/// A source as figures of the same one share it: notes on unit gates differ by design.
fn source_name(source: CostSource, note: &str) -> String {
    match source {
        CostSource::UnitGates => "unit-gate model".to_owned(),
        CostSource::Csv if note.is_empty() => "cost table".to_owned(),
        CostSource::Metadata if note.is_empty() => "metadata".to_owned(),
        CostSource::Csv | CostSource::Metadata => note.to_owned(),
    }
}
