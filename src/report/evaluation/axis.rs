//! What a run's multiplications cost, one figure an axis: for verdicts, comparisons and plots.
//!
//! This is the only place that knows where a report has these figures.

use super::Report;
use crate::registry::{Named, Registry, by_name};

/// A cost of a run's multiplications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CostAxis {
    /// Energy, relative to that of as many exact multiplications.
    Energy,
    /// Power of the multipliers, relative to that of exact ones.
    Power,
    /// Area of one of each multiplier in use, relative to that of an exact one.
    Area,
    /// Delay of the slowest multiplier in use, in nanoseconds.
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
    /// What it is comparable with: only figures of the same basis.
    pub basis: String,
    /// Whether it is that of exact multipliers, which are 1 by any basis.
    pub is_unit: bool,
}

impl CostAxis {
    /// The figure of a run, where its report has one.
    pub fn of(self, report: &Report) -> Option<CostFigure> {
        let cost = report.cost.as_ref()?;
        let value = match self {
            CostAxis::Energy => cost.relative_energy,
            CostAxis::Power => cost.relative_power,
            CostAxis::Area => cost.relative_area,
            CostAxis::Delay => cost.delay_ns,
        };
        let is_exact = report.luts.iter().all(|lut| lut.errors.wce == 0);
        let is_unit = is_exact && self != CostAxis::Delay && value == Some(1.0);
        Some(CostFigure { value: value?, coverage: cost.coverage, basis: cost.basis.clone(), is_unit })
    }

    /// The axis in words, with its unit.
    pub fn title(self) -> &'static str {
        match self {
            CostAxis::Energy => "energy of multiplications (exact = 1)",
            CostAxis::Power => "power of multipliers (exact = 1)",
            CostAxis::Area => "area of multipliers (exact = 1)",
            CostAxis::Delay => "delay of the slowest multiplier (ns)",
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
