//! What approximation does to a network: a run against that of exact products over the same samples.

use super::document::optional;
use crate::stats::{Z95, mean_interval, significant};
use crate::task::{Comparison, Metric};
use serde::{Deserialize, Serialize};

/// A run against a reference over the same samples: drops and increases are bad.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Degradation {
    /// Samples.
    pub samples: u64,
    /// The metric that the run reached.
    #[serde(flatten)]
    pub metric: Metric,
    /// The reference's metric less that, a fraction.
    pub drop: f64,
    /// Its 95 % interval, of paired samples.
    pub drop_ci95: [f64; 2],
    /// The p-value of both being equally good, where it is known.
    pub p: Option<f64>,
    /// Samples right in the reference and wrong in the run, where classes are predicted.
    pub lost: Option<u64>,
    /// Samples wrong in the reference and right in the run.
    pub gained: Option<u64>,
    /// The mean loss less that of the reference, where the task has one.
    pub loss_increase: Option<f64>,
    /// Its 95 % interval, of paired samples.
    pub loss_increase_ci95: Option<[f64; 2]>,
    /// How far the outputs are from the reference's: the mean Kullback-Leibler divergence of their softmax in nats,
    /// where classes are predicted.
    pub divergence: Option<f64>,
}

impl Degradation {
    /// The run of `metric`, which compares so; `loss_increases` and `divergences` are those of its samples.
    pub fn new(
        metric: Metric,
        comparison: &Comparison,
        loss_increases: Option<&[f64]>,
        divergences: Option<&[f64]>,
    ) -> Self {
        let changes = comparison.mcnemar();
        let loss = loss_increases.map(mean_interval);
        let [low, high] = comparison.ci95;
        Degradation {
            samples: comparison.samples,
            metric,
            // Not -0.
            drop: 0.0 - comparison.difference,
            drop_ci95: [0.0 - high, 0.0 - low],
            p: comparison.p(),
            lost: changes.map(|changes| changes.lost),
            gained: changes.map(|changes| changes.gained),
            loss_increase: loss.map(|(mean, _)| mean),
            loss_increase_ci95: loss.map(|(_, interval)| interval),
            divergence: divergences.map(|divergences| mean_interval(divergences).0),
        }
    }

    /// The drop that is not exceeded at a one-sided confidence of `z` standard errors.
    pub fn largest_drop(&self, z: f64) -> f64 {
        self.drop + (self.drop_ci95[1] - self.drop) * z / Z95
    }

    /// The drop and its interval for people.
    pub(super) fn drop_cells(&self) -> [String; 2] {
        let metric = self.metric.task.metric();
        [metric.difference(self.drop), metric.difference_interval(self.drop_ci95)]
    }

    /// The increase of the loss and its interval for people, empty where there is none.
    pub(super) fn loss_cells(&self) -> [String; 2] {
        let increase = self.loss_increase.map(signed).unwrap_or_default();
        let interval = self.loss_increase_ci95.map(|ends| ends.map(signed).join(" to ")).unwrap_or_default();
        [increase, interval]
    }

    /// Its CSV fields, each name behind `prefix`.
    pub(super) fn record(found: Option<&Degradation>, prefix: &str) -> Vec<(String, String)> {
        let text = |value: fn(&Degradation) -> Option<f64>| optional(found.and_then(value).as_ref());
        let fields = [
            ("samples", optional(found.map(|found| found.samples).as_ref())),
            ("value", text(|found| Some(found.metric.value))),
            ("drop", text(|found| Some(found.drop))),
            ("drop_ci95_low", text(|found| Some(found.drop_ci95[0]))),
            ("drop_ci95_high", text(|found| Some(found.drop_ci95[1]))),
            ("p", text(|found| found.p)),
            ("loss_increase", text(|found| found.loss_increase)),
            ("loss_increase_ci95_low", text(|found| Some(found.loss_increase_ci95?[0]))),
            ("loss_increase_ci95_high", text(|found| Some(found.loss_increase_ci95?[1]))),
        ];
        fields.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)).collect()
    }
}

/// A number with its sign.
fn signed(x: f64) -> String {
    let text = significant(x.abs(), 3);
    if x < 0.0 { format!("-{text}") } else { format!("+{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Predictions, Task};

    /// Of 4 samples the run loses one of three; its losses are higher by 1 in the mean, with a standard error of
    /// `sqrt(2 / 3 / 4)`.
    #[test]
    fn drops_by_hand() {
        let labels = [0, 1, 2, 3];
        let reference = Predictions::from_classes(&labels, &[0, 1, 2, 0]);
        let run = Predictions::from_classes(&labels, &[0, 1, 0, 0]);
        let comparison = Comparison::new(&reference, &run).unwrap();
        let metric = Metric { task: Task::Classification, value: 0.5 };
        let found = Degradation::new(metric, &comparison, Some(&[0.0, 1.0, 1.0, 2.0]), None);
        assert_eq!((found.samples, found.drop, found.lost, found.gained), (4, 0.25, Some(1), Some(0)));
        assert!(found.drop_ci95[0] < 0.25 && found.drop_ci95[1] > 0.25);
        let half = Z95 * (2.0f64 / 3.0 / 4.0).sqrt();
        let [low, high] = found.loss_increase_ci95.unwrap();
        assert!((low - (1.0 - half)).abs() < 1e-12 && (high - (1.0 + half)).abs() < 1e-12);
        assert_eq!((found.loss_increase, found.divergence), (Some(1.0), None));
        assert_eq!(found.largest_drop(0.0), 0.25);
        assert!((found.largest_drop(Z95) - found.drop_ci95[1]).abs() < 1e-12);
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["top1"], 0.5);
        assert_eq!(serde_json::from_value::<Degradation>(json).unwrap(), found);
        assert_eq!(found.drop_cells()[0], "+25.00 %");
    }
}
