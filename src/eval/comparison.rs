//! Two runs over the same samples: what a difference of accuracies is worth.
//!
//! The runs answer the same questions, so that their right answers are paired: only the samples that
//! one has right and the other wrong tell them apart.

use super::detection::roc;
use super::{Answered, Answers, TooFewSamples};
use crate::model::Task;
use crate::stats::{Z95, mcnemar_exact, paired_interval};
use serde::Serialize;

/// A run against a reference over the same samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Samples.
    pub samples: u64,
    /// The run's figure over that of the reference: negative when it has dropped.
    pub difference: f64,
    /// 95 % interval of the difference: Newcombe's (1998, method 10) of accuracies, DeLong's of areas.
    pub ci95: [f64; 2],
    /// What the samples say of the difference.
    #[serde(flatten)]
    pub test: PairedTest,
}

/// Whether two runs differ, by the task of their networks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PairedTest {
    /// Of classifiers: by the samples that one has right and the other wrong.
    McNemar(Flips),
    /// Of anomaly detectors: by where each sample stands among those of the other kind.
    DeLong {
        /// Two-sided p-value of the areas being the same (DeLong et al., 1988), which holds for many
        /// samples; none where these are so few or so well apart that the difference has no spread.
        delong_p: Option<f64>,
    },
}

/// What became of a classifier's predictions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flips {
    /// Fraction of samples with the same prediction.
    pub agreement: f64,
    /// Samples with another prediction.
    pub changed: u64,
    /// Samples right in one run and wrong in the other: `lost + gained`.
    pub flips: u64,
    /// Samples right in the reference and wrong now.
    pub lost: u64,
    /// Samples wrong in the reference and right now.
    pub gained: u64,
    /// McNemar's exact p-value of the accuracies being the same.
    pub mcnemar_p: f64,
}

/// Why two runs cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComparisonError {
    /// Another number of samples.
    #[error("the reference has {reference} samples, this run {found}: evaluate as many of the same set")]
    Samples {
        /// Of the reference.
        reference: usize,
        /// Of this run.
        found: usize,
    },
    /// Other samples.
    #[error("sample {sample} has label {found}, but {reference} in the reference: evaluate the same set")]
    Label {
        /// Place in the data set.
        sample: usize,
        /// Its label in the reference.
        reference: u32,
        /// Its label in this run.
        found: u32,
    },
    /// Networks for different tasks.
    #[error("the reference is a network for {reference}, this run's one for {found}")]
    Task {
        /// The reference's.
        reference: Task,
        /// This run's.
        found: Task,
    },
    /// Anomaly detectors on too few samples.
    #[error(transparent)]
    TooFewSamples(#[from] TooFewSamples),
}

impl Comparison {
    /// Compares `run` with `reference`.
    ///
    /// # Errors
    /// When they are not of the same task, or not of the same samples, as far as labels tell.
    pub fn of(reference: &Answered, run: &Answered) -> Result<Self, ComparisonError> {
        match (reference.answers(), run.answers()) {
            (Answers::Classes(before), Answers::Classes(now)) => {
                Ok(Self::of_classes(same_labels(reference, run)?, before, now))
            }
            (Answers::AnomalyScores(before), Answers::AnomalyScores(now)) => {
                Self::of_scores(same_labels(reference, run)?, before, now)
            }
            (before, now) => Err(ComparisonError::Task { reference: before.task(), found: now.task() }),
        }
    }

    fn of_classes(labels: &[u32], before: &[u32], now: &[u32]) -> Self {
        let pairs = || labels.iter().zip(before.iter().zip(now));
        let count = |counts: fn(bool, bool) -> bool| {
            pairs().filter(|(label, (before, now))| counts(before == label, now == label)).count() as u64
        };
        let [both, lost, gained] = [
            count(|before, now| before && now),
            count(|before, now| before && !now),
            count(|before, now| !before && now),
        ];
        let (samples, changed) =
            (labels.len() as u64, pairs().filter(|(_, (before, now))| before != now).count() as u64);
        let n = samples.max(1) as f64;
        Comparison {
            samples,
            difference: (gained as f64 - lost as f64) / n,
            ci95: paired_interval(both, gained, lost, samples),
            test: PairedTest::McNemar(Flips {
                agreement: (samples - changed) as f64 / n,
                changed,
                flips: lost + gained,
                lost,
                gained,
                mcnemar_p: mcnemar_exact(lost, gained),
            }),
        }
    }

    fn of_scores(labels: &[u32], before: &[f64], now: &[f64]) -> Result<Self, ComparisonError> {
        let (difference, variance) = roc(labels, now)?.difference(&roc(labels, before)?);
        let delong_p = normal_p(difference, variance);
        // Without spread, nothing is known of another difference.
        let half = if delong_p.is_some() { Z95 * variance.sqrt() } else { 2.0 };
        Ok(Comparison {
            samples: labels.len() as u64,
            difference,
            ci95: [(difference - half).max(-1.0), (difference + half).min(1.0)],
            test: PairedTest::DeLong { delong_p },
        })
    }

    /// The p-value of both runs being as good, where it can be told.
    pub fn p(&self) -> Option<f64> {
        match &self.test {
            PairedTest::McNemar(flips) => Some(flips.mcnemar_p),
            PairedTest::DeLong { delong_p } => *delong_p,
        }
    }

    /// What became of predictions, where the runs are of classifiers.
    pub fn flips(&self) -> Option<&Flips> {
        match &self.test {
            PairedTest::McNemar(flips) => Some(flips),
            PairedTest::DeLong { .. } => None,
        }
    }
}

/// The labels of both runs.
fn same_labels<'a>(reference: &Answered, run: &'a Answered) -> Result<&'a [u32], ComparisonError> {
    if reference.len() != run.len() {
        return Err(ComparisonError::Samples { reference: reference.len(), found: run.len() });
    }
    let mut pairs = reference.labels().iter().zip(run.labels()).enumerate();
    match pairs.find(|(_, (reference, found))| reference != found) {
        Some((sample, (&reference, &found))) => Err(ComparisonError::Label { sample, reference, found }),
        None => Ok(run.labels()),
    }
}

/// The two-sided p-value of a normal variable of `variance` being as far from 0 as `difference`; none of
/// a difference without variance.
fn normal_p(difference: f64, variance: f64) -> Option<f64> {
    if difference == 0.0 {
        return Some(1.0);
    }
    (variance > 0.0).then(|| libm::erfc(difference.abs() / (2.0 * variance).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, tolerance: f64) -> bool {
        (found - expected).abs() <= tolerance * expected.abs().max(f64::MIN_POSITIVE)
    }

    fn classes(pairs: &[(u32, u32)]) -> Answered {
        let (labels, predictions) = pairs.iter().copied().unzip();
        Answered::new(labels, Answers::Classes(predictions))
    }

    fn scores(labels: &[u32], scores: &[f64]) -> Answered {
        Answered::new(labels.to_vec(), Answers::AnomalyScores(scores.to_vec()))
    }

    #[test]
    fn flips_by_hand() {
        // Right and right, right and wrong, wrong and right, wrong and wrong alike, wrong and otherwise wrong.
        let reference = classes(&[(0, 0), (0, 0), (1, 0), (1, 0), (2, 0)]);
        let run = classes(&[(0, 0), (0, 1), (1, 1), (1, 0), (2, 1)]);
        let found = Comparison::of(&reference, &run).unwrap();
        assert_eq!((found.samples, found.difference, found.p()), (5, 0.0, Some(1.0)));
        let flips = found.flips().unwrap();
        assert_eq!((flips.changed, flips.flips, flips.lost, flips.gained), (3, 2, 1, 1));
        assert_eq!(flips.agreement, 0.4);
    }

    /// NumPy 2.4.6 by the paper's definition, SciPy 1.17.1 for the normal distribution.
    #[test]
    fn areas_by_numpy_and_scipy() {
        let labels = [0, 0, 0, 0, 1, 1, 1, 1, 1];
        let reference = scores(&labels, &[1.0, 2.0, 3.0, 4.0, 3.0, 3.5, 5.0, 6.0, 7.0]);
        let run = scores(&labels, &[1.0, 5.5, 3.0, 4.0, 2.0, 3.5, 5.0, 2.5, 7.0]);
        let found = Comparison::of(&reference, &run).unwrap();
        assert!(close(found.difference, -0.325, 1e-12), "{found:?}");
        assert!(close(found.p().unwrap(), 0.121_114_915_807_901_93, 1e-9), "{found:?}");
        assert!(
            close(found.ci95[0], -0.735_930_806_007_953, 1e-9) && close(found.ci95[1], 0.085_930_806_007_953_05, 1e-9),
            "{found:?}"
        );
        let same = Comparison::of(&run, &run).unwrap();
        assert_eq!((same.difference, same.p(), same.ci95), (0.0, Some(1.0), [0.0, 0.0]));
        // All pairs in order, then none: nothing spreads.
        let [perfect, inverted] = [[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]].map(|run| scores(&[0, 0, 1, 1], &run));
        let found = Comparison::of(&perfect, &inverted).unwrap();
        assert_eq!((found.difference, found.p(), found.ci95), (-1.0, None, [-1.0, 1.0]));
    }

    #[test]
    fn other_samples_and_tasks_are_refused() {
        let reference = classes(&[(0, 0), (1, 1)]);
        let error = |run: &Answered| Comparison::of(&reference, run).unwrap_err().to_string();
        assert!(error(&classes(&[(0, 0)])).contains("2 samples"));
        assert!(error(&classes(&[(0, 0), (2, 1)])).contains("sample 1 has label 2"));
        assert!(error(&scores(&[0, 1], &[0.1, 0.2])).contains("for anomaly-detection"));
    }
}
