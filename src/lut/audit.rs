//! Checks of a multiplier that its mean errors cannot show.
//!
//! The worst mistake seen in practice is a signed table converted without its minus signs; a test of
//! exactness over positive operands does not see it. Here the four quadrants of signs are measured
//! separately and compared with each other, the metrics that a file states are compared with the
//! measured ones, and a table named like a design is compared with it.

use super::design::Design;
use super::{ErrorMetrics, Lut, LutInfo, Operand, Quadrant};
use serde::Serialize;
use std::fmt;

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

/// Something that is wrong with a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// The products of a quadrant have the wrong signs.
    SignsLost {
        /// The signs of the quadrant's operands.
        signs: [char; 2],
        /// How many products have the wrong sign.
        products: u32,
    },
    /// A stated metric is not the measured one.
    #[serde(rename = "claim-fails")]
    MetricMismatch {
        /// The metric's name.
        metric: String,
        /// The stated value.
        #[serde(rename = "claimed")]
        stated: String,
        /// The measured value.
        measured: Option<f64>,
    },
    /// The table has a design's name but not its products.
    #[serde(rename = "not-the-design")]
    DesignMismatch {
        /// The design.
        design: String,
        /// How many products differ.
        products: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Finding::SignsLost { signs: [a, b], products } => write!(
                f,
                "{products} products of operands with signs {a} and {b} have the wrong sign: minus signs were lost"
            ),
            Finding::MetricMismatch { metric, stated, measured: Some(measured) } => {
                write!(f, "{metric} is {measured}, but {stated} is stated")
            }
            Finding::MetricMismatch { metric, stated, measured: None } => {
                write!(f, "{metric} is not defined, but {stated} is stated")
            }
            Finding::DesignMismatch { design, products } => {
                write!(f, "{products} products differ from design '{design}', after which the table is named")
            }
        }
    }
}

impl Audit {
    /// Audits `lut`.
    pub fn new(lut: &Lut) -> Audit {
        let info = LutInfo::new(lut);
        let quadrants = Quadrant::all(lut);
        let metric_checks: Vec<_> = metric_checks(lut, &info.errors).collect();
        let signs_lost = quadrants
            .iter()
            .filter(|quadrant| quadrant.has_lost_signs())
            .map(|quadrant| Finding::SignsLost { signs: quadrant.signs, products: quadrant.wrong_signs });
        let failed = metric_checks.iter().filter(|check| !check.holds).map(|check| Finding::MetricMismatch {
            metric: check.metric.clone(),
            stated: check.stated.clone(),
            measured: check.measured,
        });
        let findings = signs_lost.chain(failed).chain(design_mismatch(lut)).collect();
        let worst_operands = [worst_operand(lut), worst_operand(&lut.transposed())];
        Audit { info, quadrants, worst_operands, metric_checks, findings }
    }

    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }
}

fn worst_operand(lut: &Lut) -> WorstOperand {
    let [first, second] = Operand::ALL.map(|operand| lut.operand_range(operand));
    let others = f64::from(*second.end() - *second.start() + 1);
    let mae = |a: i32| {
        let errors = second.clone().map(|b| f64::from(lut.product(a, b).abs_diff(a * b)));
        WorstOperand { value: a, mae: errors.sum::<f64>() / others }
    };
    first.map(mae).reduce(|worst, row| if row.mae > worst.mae { row } else { worst }).expect("operands have values")
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
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::kernel::Signedness;
    use crate::lut::{LutFormat, Metadata, OpenOptions, Relation, StatedMetric, design, open};

    #[test]
    fn lost_minus_signs_are_called_out() {
        let exact = Lut::from_fn("somebody-s", Signedness::Signed, |a, b| a * b);
        assert!(Audit::new(&exact).holds());
        let lost = Lut::from_fn("somebody-s", Signedness::Signed, |a, b| (a * b).abs());
        let audit = Audit::new(&lost);
        let signs: Vec<_> = audit.quadrants.iter().map(|quadrant| (quadrant.relation, quadrant.wrong_signs)).collect();
        let (kept, gone) = ((Relation::Signed, 0), (Relation::Mirrored, 127 * 128));
        assert_eq!(signs, [kept, gone, gone, kept]);
        assert_eq!(audit.findings.len(), 2);
        assert!(audit.findings[0].to_string().contains("signs + and -"));
    }

    #[test]
    fn a_design_written_without_its_signs_fails_its_own_metrics() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("drum-4-signed.safetensors");
        let drum = design::resolve("drum-4-signed", None).unwrap();
        let unsigned = |a: i32, b: i32| drum.product(a, b).abs();
        let lost = Lut::from_fn(drum.name(), Signedness::Signed, unsigned).with_metadata(drum.metadata().clone());
        lost.write(&path, &LutFormat::default()).unwrap();
        let audit = Audit::new(&open(path.to_str().unwrap(), &OpenOptions::default()).unwrap());
        let has = |wanted: fn(&Finding) -> bool| audit.findings.iter().any(wanted);
        assert!(has(|finding| matches!(finding, Finding::SignsLost { .. })));
        assert!(has(|finding| matches!(finding, Finding::MetricMismatch { metric, .. } if metric == "mae")));
        assert!(has(|finding| matches!(finding, Finding::DesignMismatch { .. })));
    }

    #[test]
    fn every_design_holds_its_audit() {
        for family in &design::FAMILIES {
            let design = family.designs().next().unwrap();
            let audit = Audit::new(&design.lut());
            assert!(audit.holds(), "{design}: {:?}", audit.findings);
            assert!(!audit.metric_checks.is_empty());
        }
    }

    #[test]
    fn stated_metrics_are_held_to_their_digits() {
        let claim = |text: &str| Metadata {
            stated_metrics: [("mae".to_owned(), text.parse::<StatedMetric>().unwrap())].into(),
            ..Metadata::default()
        };
        let lut = Lut::from_fn("off", Signedness::Unsigned, |a, b| a * b + 1);
        for_each_case([("1", true), ("1.00", true), ("1.2", false), ("3", false)], |(text, holds)| {
            assert_eq!(Audit::new(&lut.clone().with_metadata(claim(text))).holds(), holds, "{text}");
        });
    }

    #[test]
    fn the_worst_operand_is_found_on_either_side() {
        let lut =
            Lut::from_fn("odd", Signedness::Unsigned, |a, b| a * b + 8 * i32::from(a == 3) + 2 * i32::from(b == 5));
        let [first, second] = Audit::new(&lut).worst_operands;
        assert_eq!((first.value, second.value), (3, 5));
        assert!((first.mae - (8.0 + 2.0 / 256.0)).abs() < 1e-12);
    }
}
