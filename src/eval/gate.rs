//! Gates: conditions that an evaluation passes or fails.

use crate::registry::{Named, Registry, UnknownName};
use crate::task::{Comparison, Metric};
use serde::{Deserialize, Serialize};

/// Differences of fractions below this are rounding, not accuracy.
const ROUNDING: f64 = 1e-12;

/// The condition of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum GateKind {
    /// The metric of at least a bound.
    MinAccuracy,
    /// A drop of the metric below that of another report by no more than a bound.
    MaxDrop,
    /// No significant drop: a p-value of the paired test of at least a bound, unless the metric has not
    /// dropped.
    Alpha,
}

/// Every kind of gate.
pub static GATES: Registry<GateKind> =
    Registry::new("gate", &[GateKind::MinAccuracy, GateKind::MaxDrop, GateKind::Alpha]);

impl Named for GateKind {
    fn name(&self) -> &'static str {
        match self {
            GateKind::MinAccuracy => "min-accuracy",
            GateKind::MaxDrop => "max-drop",
            GateKind::Alpha => "alpha",
        }
    }
}

impl From<GateKind> for String {
    fn from(kind: GateKind) -> Self {
        kind.name().to_owned()
    }
}

impl TryFrom<String> for GateKind {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        GATES.find(&name).copied()
    }
}

/// A gate and its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gate {
    /// The condition.
    pub gate: GateKind,
    /// The bound, a fraction.
    pub bound: f64,
    /// The metric, the drop, or the p-value, which is `None` where it is unknown.
    pub found: Option<f64>,
    /// Whether the condition holds.
    pub passed: bool,
}

impl Gate {
    /// Whether `metric` is at least `bound`.
    pub fn min_accuracy(metric: Metric, bound: f64) -> Self {
        let found = metric.value;
        Gate { gate: GateKind::MinAccuracy, bound, found: Some(found), passed: found >= bound - ROUNDING }
    }

    /// Whether `metric` is at most `bound` below `baseline`, which is one of the same task.
    pub fn max_drop(metric: Metric, baseline: Metric, bound: f64) -> Self {
        let found = baseline.value - metric.value;
        Gate { gate: GateKind::MaxDrop, bound, found: Some(found), passed: found <= bound + ROUNDING }
    }

    /// Whether the metric has not dropped below the reference's at significance level `alpha`.
    pub fn no_significant_drop(comparison: &Comparison, alpha: f64) -> Self {
        let p = comparison.p();
        let passed = comparison.difference >= 0.0 || p.is_some_and(|p| p >= alpha);
        Gate { gate: GateKind::Alpha, bound: alpha, found: p, passed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::task::{Predictions, Task};

    /// A comparison with this difference and p-value.
    fn compared(difference: f64, delong_p: Option<f64>) -> Comparison {
        let scores = Predictions::from_anomaly_scores(&[0, 0, 1, 1], &[0.1, 0.2, 0.3, 0.4]);
        let mut comparison = Comparison::new(&scores, &scores).unwrap();
        comparison.difference = difference;
        comparison.test = crate::task::PairedTest::DeLong(crate::task::DeLong { delong_p });
        comparison
    }

    #[test]
    fn only_a_significant_drop_fails() {
        let cases = [(-0.1, 0.01, false), (-0.1, 0.05, true), (-0.1, 0.5, true), (0.1, 0.01, true)];
        for_each_case(cases, |(difference, p, passed)| {
            let gate = Gate::no_significant_drop(&compared(difference, Some(p)), 0.05);
            assert_eq!((gate.passed, gate.found), (passed, Some(p)));
        });
        assert!(!Gate::no_significant_drop(&compared(-0.1, None), 0.05).passed, "nobody knows");
    }

    #[test]
    fn bounds_are_inclusive() {
        let top1 = |value| Metric { task: Task::Classification, value };
        // 0.9 - 0.895 is 0.005000000000000004 in f64.
        assert!(Gate::max_drop(top1(0.895), top1(0.9), 0.005).passed);
        assert!(!Gate::max_drop(top1(0.8949), top1(0.9), 0.005).passed);
        assert!(Gate::max_drop(top1(0.95), top1(0.9), 0.0).passed, "better than the baseline");
        assert!(Gate::min_accuracy(top1(0.9), 0.9).passed);
        assert!(!Gate::min_accuracy(top1(0.8999), 0.9).passed);
    }
}
