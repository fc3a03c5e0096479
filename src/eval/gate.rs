//! Gates: conditions on an evaluation that a caller wants to hold.

use super::{Comparison, Figure};
use serde::{Deserialize, Serialize};

/// Differences of fractions below this are rounding, not accuracy.
const ROUNDING: f64 = 1e-12;

/// What a gate asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// A figure (top-1 accuracy, or the area under a detector's ROC curve) of at least a bound.
    MinAccuracy,
    /// A figure no more than a bound below that of another report.
    MaxDrop,
    /// No significant drop: a p-value (McNemar's of classifiers, DeLong's of anomaly detectors) of at least
    /// a bound, unless the figure has not dropped.
    Alpha,
}

/// A gate, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// What was asked for.
    pub gate: GateKind,
    /// The bound, a fraction.
    pub bound: f64,
    /// What was found: the figure, the drop, or the p-value, which is NaN (in JSON, null) where it cannot be told.
    pub found: f64,
    /// Whether it held.
    pub passed: bool,
}

impl Gate {
    /// Whether `figure` is at least `bound`.
    pub fn min_accuracy(figure: Figure, bound: f64) -> Self {
        let found = figure.value();
        Gate { gate: GateKind::MinAccuracy, bound, found, passed: found >= bound - ROUNDING }
    }

    /// Whether `figure` lies at most `bound` below `baseline`, which is one of the same kind.
    pub fn max_drop(figure: Figure, baseline: Figure, bound: f64) -> Self {
        let found = baseline.value() - figure.value();
        Gate { gate: GateKind::MaxDrop, bound, found, passed: found <= bound + ROUNDING }
    }

    /// Whether the figure has not dropped below the reference's at significance level `alpha`.
    pub fn no_significant_drop(comparison: &Comparison, alpha: f64) -> Self {
        let p = comparison.p();
        let passed = comparison.difference >= 0.0 || p.is_some_and(|p| p >= alpha);
        Gate { gate: GateKind::Alpha, bound: alpha, found: p.unwrap_or(f64::NAN), passed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Figure::Top1;
    use crate::eval::PairedTest;

    #[test]
    fn only_a_significant_drop_fails() {
        let compared = |difference, delong_p| Comparison {
            samples: 10,
            difference,
            ci95: [-1.0, 1.0],
            test: PairedTest::DeLong { delong_p: Some(delong_p) },
        };
        for (difference, p, passed) in [(-0.1, 0.01, false), (-0.1, 0.05, true), (-0.1, 0.5, true), (0.1, 0.01, true)] {
            let gate = Gate::no_significant_drop(&compared(difference, p), 0.05);
            assert_eq!((gate.passed, gate.found), (passed, p));
        }
        let untold = Comparison { test: PairedTest::DeLong { delong_p: None }, ..compared(-0.1, 1.0) };
        assert!(!Gate::no_significant_drop(&untold, 0.05).passed, "nobody knows");
    }

    #[test]
    fn bounds_are_inclusive() {
        // 0.9 - 0.895 is 0.005000000000000004 in f64.
        assert!(Gate::max_drop(Top1(0.895), Top1(0.9), 0.005).passed);
        assert!(!Gate::max_drop(Top1(0.8949), Top1(0.9), 0.005).passed);
        assert!(Gate::max_drop(Top1(0.95), Top1(0.9), 0.0).passed, "better than the baseline");
        assert!(Gate::min_accuracy(Top1(0.9), 0.9).passed);
        assert!(!Gate::min_accuracy(Top1(0.8999), 0.9).passed);
    }
}
