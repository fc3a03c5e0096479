//! Two runs over the same samples: what a difference of accuracies is worth.
//!
//! The runs answer the same questions, so that their right answers are paired: only the samples that
//! one has right and the other wrong tell them apart.

use super::accuracy::wilson_interval;
use super::detection::roc;
use super::roc::Z95;
use super::{Answered, Answers, TooFewSamples};
use crate::zoo::Task;
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

/// McNemar's exact two-sided p-value: twice the chance of as few as `min(lost, gained)` heads in
/// `lost + gained` tosses of a fair coin, 1 at most (McNemar, Psychometrika 12, 1947).
pub fn mcnemar_exact(lost: u64, gained: u64) -> f64 {
    let (n, few) = ((lost + gained) as f64, lost.min(gained) as f64);
    if lost == gained {
        return 1.0;
    }
    let ln_choose = libm::lgamma(n + 1.0) - libm::lgamma(few + 1.0) - libm::lgamma(n - few + 1.0);
    let most = (ln_choose - n * std::f64::consts::LN_2).exp();
    // Terms fall from the largest one on, each a ratio below 1 of the one before.
    let (mut term, mut sum, mut k) = (most, most, few);
    while k > 0.0 && term > sum * f64::EPSILON {
        term *= k / (n - k + 1.0);
        sum += term;
        k -= 1.0;
    }
    (2.0 * sum).min(1.0)
}

/// The 95 % interval of the difference of two paired proportions, of which `both` samples have both,
/// `first` and `second` only one, of `n` in all: Wilson's intervals of the two proportions, squared
/// and added with regard to their correlation (Newcombe, Statistics in Medicine 17, 1998, method 10).
pub fn paired_interval(both: u64, first: u64, second: u64, n: u64) -> [f64; 2] {
    let total = n as f64;
    if n == 0 {
        return [-1.0, 1.0];
    }
    let distances = |successes: u64| {
        let p = successes as f64 / total;
        let [low, high] = wilson_interval(successes, n);
        (p - low, high - p)
    };
    let ((low_1, high_1), (low_2, high_2)) = (distances(both + first), distances(both + second));
    let [a, b, c, d] = [both, first, second, n - both - first - second].map(|count| count as f64);
    let marginals = (a + b) * (c + d) * (a + c) * (b + d);
    let covariance = a * d - b * c;
    let corrected = if covariance > 0.0 { (covariance - total / 2.0).max(0.0) } else { covariance };
    let phi = if marginals > 0.0 { corrected / marginals.sqrt() } else { 0.0 };
    let add = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).max(0.0).sqrt();
    let difference = (first as f64 - second as f64) / total;
    [(difference - add(low_1, high_2)).max(-1.0), (difference + add(high_1, low_2)).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(found: f64, expected: f64, tolerance: f64) -> bool {
        (found - expected).abs() <= tolerance * expected.abs().max(f64::MIN_POSITIVE)
    }

    /// Armitage and Berry (1994, p. 127), two media for a culture: 12 and 2 discordant pairs have P
    /// (two sided) = 0.0129. The rest is SciPy 1.17.1, `binomtest(b, b + c).pvalue`.
    #[test]
    fn p_values_as_published() {
        assert_eq!(format!("{:.4}", mcnemar_exact(12, 2)), "0.0129");
        for (lost, gained, expected) in [
            (12, 2, 0.012_939_453_125),
            (0, 1, 1.0),
            (5, 5, 1.0),
            (6, 16, 0.052_478_790_283_203_125),
            (1, 7, 0.070_312_5),
            (3, 40, 3.021_341_399_289_667_6e-9),
            (120, 310, 1.851_574_720_682_900_8e-20),
            (500, 620, 0.000_372_413_755_544_074_2),
            (20_000, 20_500, 0.013_153_825_113_144_245),
        ] {
            let found = mcnemar_exact(lost, gained);
            assert!(close(found, expected, 1e-8), "{lost} {gained}: {found}, expected {expected}");
            assert_eq!(mcnemar_exact(gained, lost), found);
        }
        assert_eq!((mcnemar_exact(0, 0), mcnemar_exact(0, 2000)), (1.0, 0.0));
    }

    /// Wilson limits of SciPy 1.17.1 (`binomtest(..).proportion_ci(method="wilson")`), combined in
    /// Python as the paper has it.
    #[test]
    fn paired_intervals_by_scipy() {
        for (counts, expected) in [
            ([1, 1, 7, 12], [-0.506_920_226_686_141, -0.025_559_124_164_859_837]),
            ([14, 5, 0, 22], [0.011_483_241_383_033_25, 0.226_492_684_351_211_25]),
            ([20, 12, 2, 16], [0.056_156_424_841_748_29, 0.329_206_995_400_140_13]),
            ([59, 6, 16, 80], [-0.118_621_195_638_709_96, -0.004_625_113_933_050_04]),
            ([9000, 120, 310, 570], [-0.023_100_836_863_542_768, -0.014_973_174_350_977_07]),
            ([5, 0, 0, 5], [-0.166_593_157_081_222_63, 0.166_593_157_081_222_63]),
            ([0, 10, 0, 0], [0.607_509_350_430_524_2, 1.0]),
            ([0, 3, 4, 0], [-0.683_560_289_497_060_5, 0.499_083_270_944_685_6]),
        ] {
            let [both, first, second, neither] = counts;
            let found = paired_interval(both, first, second, both + first + second + neither);
            let fits = found.iter().zip(expected).all(|(&found, expected)| (found - expected).abs() < 1e-9);
            assert!(fits, "{counts:?}: {found:?}, expected {expected:?}");
        }
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against the sum of binomial coefficients in exact integers.
        #[test]
        fn p_values_are_sums_of_binomials(lost in 0u64..60, gained in 0u64..60) {
            let n = lost + gained;
            let row = (0..n).fold(vec![1u128], |row, _| {
                let inner = row.windows(2).map(|pair| pair[0] + pair[1]);
                std::iter::once(1).chain(inner).chain([1]).collect()
            });
            let tail: u128 = row[..=lost.min(gained) as usize].iter().sum();
            let expected = (2.0 * tail as f64 / 2f64.powi(n as i32)).min(1.0);
            prop_assert!(close(mcnemar_exact(lost, gained), expected, 1e-12));
        }

        /// The interval holds the difference, and turns with the runs.
        #[test]
        fn intervals_are_symmetric(counts in prop::array::uniform4(0u64..500)) {
            let [both, first, second, neither] = counts;
            let n = both + first + second + neither;
            prop_assume!(n > 0);
            let [low, high] = paired_interval(both, first, second, n);
            let difference = (first as f64 - second as f64) / n as f64;
            prop_assert!(-1.0 <= low && low <= difference + 1e-12 && difference <= high + 1e-12 && high <= 1.0);
            let [other_low, other_high] = paired_interval(both, second, first, n);
            prop_assert!((low + other_high).abs() < 1e-12 && (high + other_low).abs() < 1e-12);
        }
    }
}
