//! Gates: conditions on an evaluation that a caller wants to hold.

use super::Accuracy;
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
}

/// A gate, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// What was asked for.
    pub gate: GateKind,
    /// The bound, a fraction.
    pub bound: f64,
    /// What was found: the accuracy, or the drop.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accuracy(top1: f64) -> Accuracy {
        Accuracy { top1, top5: None, correct: 0, total: 0, ci95: [0.0, 1.0], loss: 0.0 }
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
