//! Checks of a multiplier that its mean errors cannot show.
//!
//! The worst mistake seen in practice is a signed table converted without its minus signs; a test of
//! exactness over positive operands does not see it. Here the four quadrants of signs are measured
//! separately and compared with each other, the metrics that a file states are compared with the
//! measured ones, and a table named like a design or like a circuit of the catalogue is compared with it. Products
//! of the wrong sign, operands whose products are far worse than all others', and a few products that alone keep a table from
//! being one that is known, are found whatever the table is called.

mod entries;
mod finding;
mod operands;
mod signs;

pub use finding::{Finding, ProductError};

use super::design::Design;
use super::{ErrorMetrics, Lut, LutInfo, Quadrant, catalogue};
use serde::Serialize;

/// The audit of one multiplier.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// The multiplier and its metrics.
    #[serde(flatten)]
    pub info: LutInfo,
    /// The quadrants of signs, for signed multipliers.
    pub quadrants: Vec<Quadrant>,
    /// The value of each operand with the largest mean absolute error over the other one's values.
    pub worst_operands: [WorstOperand; 2],
    /// The metrics that the file states, against the measured ones.
    #[serde(rename = "claims")]
    pub metric_checks: Vec<MetricCheck>,
    /// What is wrong; empty when the audit passes.
    pub findings: Vec<Finding>,
}

/// A value of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WorstOperand {
    /// The value.
    pub value: i32,
    /// The mean absolute error over the other operand's values.
    pub mae: f64,
}

/// A stated metric against the measured one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricCheck {
    /// The metric's name.
    pub metric: String,
    /// The stated value, with its digits.
    #[serde(rename = "claimed")]
    pub stated: String,
    /// The measured value; `None` when it is undefined.
    pub measured: Option<f64>,
    /// Whether they agree to the stated digits.
    pub holds: bool,
}

impl Audit {
    /// Audits `lut`.
    pub fn new(lut: &Lut) -> Audit {
        let info = LutInfo::new(lut);
        let quadrants = Quadrant::all(lut);
        let metric_checks: Vec<_> = metric_checks(lut, &info.errors).collect();
        let failed = metric_checks.iter().filter(|check| !check.holds).map(|check| Finding::MetricMismatch {
            metric: check.metric.clone(),
            stated: check.stated.clone(),
            measured: check.measured,
        });
        let mut findings = signs::findings(lut, &quadrants);
        findings.extend(operands::findings(lut));
        findings.extend(failed);
        findings.extend(design_mismatch(lut));
        findings.extend(catalogue::mismatch(lut).map(Finding::NotTheCircuit));
        findings.extend(entries::finding(lut));
        let worst_operands = [worst_operand(lut), worst_operand(&lut.transposed())];
        Audit { info, quadrants, worst_operands, metric_checks, findings }
    }

    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }
}

fn worst_operand(lut: &Lut) -> WorstOperand {
    let errors = operands::errors_by_value(lut).into_iter().map(|(value, mae)| WorstOperand { value, mae });
    errors.reduce(|worst, row| if row.mae > worst.mae { row } else { worst }).expect("operands have values")
}

fn metric_checks<'a>(lut: &'a Lut, errors: &'a ErrorMetrics) -> impl Iterator<Item = MetricCheck> + 'a {
    lut.metadata().stated_metrics.iter().map(|(metric, stated)| {
        let measured = errors.get(metric);
        let holds = measured.is_some_and(|measured| stated.holds(measured));
        MetricCheck { metric: metric.clone(), stated: stated.to_string(), measured, holds }
    })
}

fn design_mismatch(lut: &Lut) -> Option<Finding> {
    let design: Design = lut.name().parse().ok()?;
    let products = design.differences(lut).unwrap_or_else(|| lut.products().count());
    (products > 0).then(|| Finding::DesignMismatch { design: design.to_string(), products })
}

#[cfg(test)]
mod tests;
