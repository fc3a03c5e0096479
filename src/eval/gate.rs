//! Gates: conditions on an evaluation that a caller wants to hold.

use super::{Accuracy, Comparison};
use serde::{Deserialize, Serialize};

/// Differences of fractions below this are rounding, not accuracy.
const ROUNDING: f64 = 1e-12;

/// What a gate asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// Top-1 accuracy of at least a bound.
    MinAccuracy,
    /// Top-1 accuracy no more than a bound below that of another report.
    MaxDrop,
    /// No significant drop: McNemar's p-value of at least a bound, unless accuracy has not dropped.
    Alpha,
}

/// A gate, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// What was asked for.
    pub gate: GateKind,
    /// The bound, a fraction.
    pub bound: f64,
    /// What was found: the accuracy, the drop, or the p-value.
    pub found: f64,
    /// Whether it held.
    pub passed: bool,
}

impl Gate {
    /// Whether top-1 accuracy is at least `bound`.
    pub fn min_accuracy(accuracy: &Accuracy, bound: f64) -> Self {
        let found = accuracy.top1;
        Gate { gate: GateKind::MinAccuracy, bound, found, passed: found >= bound - ROUNDING }
    }

    /// Whether top-1 accuracy lies at most `bound` below `baseline`.
    pub fn max_drop(accuracy: &Accuracy, baseline: f64, bound: f64) -> Self {
        let found = baseline - accuracy.top1;
        Gate { gate: GateKind::MaxDrop, bound, found, passed: found <= bound + ROUNDING }
    }

    /// Whether accuracy has not dropped below the reference's at significance level `alpha`.
    pub fn no_significant_drop(comparison: &Comparison, alpha: f64) -> Self {
        let found = comparison.mcnemar_p;
        Gate { gate: GateKind::Alpha, bound: alpha, found, passed: comparison.difference >= 0.0 || found >= alpha }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accuracy(top1: f64) -> Accuracy {
        Accuracy { top1, top5: None, correct: 0, total: 0, ci95: [0.0, 1.0], loss: 0.0 }
    }

    #[test]
    fn only_a_significant_drop_fails() {
        let compared = |difference, mcnemar_p| Comparison {
            samples: 10,
            agreement: 0.0,
            changed: 10,
            flips: 10,
            lost: 5,
            gained: 5,
            difference,
            ci95: [-1.0, 1.0],
            mcnemar_p,
        };
        for (difference, p, passed) in [(-0.1, 0.01, false), (-0.1, 0.05, true), (-0.1, 0.5, true), (0.1, 0.01, true)] {
            let gate = Gate::no_significant_drop(&compared(difference, p), 0.05);
            assert_eq!((gate.passed, gate.found), (passed, p));
        }
    }

    #[test]
    fn bounds_are_inclusive() {
        // 0.9 - 0.895 is 0.005000000000000004 in f64.
        assert!(Gate::max_drop(&accuracy(0.895), 0.9, 0.005).passed);
        assert!(!Gate::max_drop(&accuracy(0.8949), 0.9, 0.005).passed);
        assert!(Gate::max_drop(&accuracy(0.95), 0.9, 0.0).passed, "better than the baseline");
        assert!(Gate::min_accuracy(&accuracy(0.9), 0.9).passed);
        assert!(!Gate::min_accuracy(&accuracy(0.8999), 0.9).passed);
    }
}
