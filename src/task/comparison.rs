//! Two runs over the same samples: whether their difference means anything.
//!
//! The runs predict the same samples, so that their results are paired: of classifiers, only the
//! samples that one run has right and the other wrong tell them apart.

use super::{Predictions, SamplesError, Task};
use crate::stats::{grouped, mcnemar_exact, p_value, paired_interval, percent, whole_number};
use serde::{Deserialize, Serialize};

/// A run against a reference over the same samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Samples.
    pub samples: u64,
    /// The run's metric minus that of the reference: negative for a drop.
    pub difference: f64,
    /// 95 % interval of the difference: Newcombe's (1998, method 10) of accuracies, DeLong's of areas.
    pub ci95: [f64; 2],
    /// The paired test of the difference.
    #[serde(flatten)]
    pub test: PairedTest,
}

/// A test of two runs being equally good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum PairedTest {
    /// Of right and wrong predictions: by the samples that one run has right and the other wrong.
    McNemar(McNemar),
    /// Of areas under ROC curves: by the rank of each sample among those of the other kind.
    DeLong(DeLong),
}

/// Changed predictions, and McNemar's exact test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
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

/// DeLong's test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeLong {
    /// Two-sided p-value of the areas being the same (DeLong et al., 1988), which holds for many
    /// samples; `None` where these are so few or so well separated that the difference has no variance.
    pub delong_p: Option<f64>,
}

/// Why two runs cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComparisonError {
    /// Another number of samples.
    #[error("the reference has {reference} samples, this run {found}: evaluate as many of the same set")]
    Samples {
        /// Of the reference.
        reference: usize,
        /// Of this run.
        found: usize,
    },
    /// Other samples of the set.
    #[error(
        "sample {found} takes the place of sample {reference} of the reference: evaluate the same samples of the same \
         set, drawn by the same seed"
    )]
    Index {
        /// Index in the data set of a sample of the reference.
        reference: usize,
        /// Index of the one in its place.
        found: usize,
    },
    /// Other samples.
    #[error("sample {sample} has label {found}, but {reference} in the reference: evaluate the same set")]
    Label {
        /// Index in the data set.
        sample: usize,
        /// Its label in the reference.
        reference: u32,
        /// Its label in this run.
        found: u32,
    },
    /// Networks for different tasks.
    #[error("the reference is a network for {reference}, this run is one for {found}")]
    Task {
        /// The reference's.
        reference: Task,
        /// This run's.
        found: Task,
    },
    /// The samples do not allow the test.
    #[error(transparent)]
    Test(#[from] SamplesError),
}

impl Comparison {
    /// Compares `run` with `reference`.
    ///
    /// # Errors
    /// When they are not of the same task, or not of the same samples, as far as labels tell.
    pub fn new(reference: &Predictions, run: &Predictions) -> Result<Self, ComparisonError> {
        if reference.task() != run.task() {
            return Err(ComparisonError::Task { reference: reference.task(), found: run.task() });
        }
        if reference.len() != run.len() {
            return Err(ComparisonError::Samples { reference: reference.len(), found: run.len() });
        }
        let mut indices = reference.samples().iter().zip(run.samples());
        if let Some((&reference, &found)) = indices.find(|(reference, found)| reference != found) {
            return Err(ComparisonError::Index { reference, found });
        }
        let mut pairs = run.samples().iter().zip(reference.labels().iter().zip(run.labels()));
        if let Some((&sample, (&reference, &found))) = pairs.find(|(_, (reference, found))| reference != found) {
            return Err(ComparisonError::Label { sample, reference, found });
        }
        Ok(run.task().compare(reference, run)?)
    }

    /// The p-value of both runs being equally good, where it is known.
    pub fn p(&self) -> Option<f64> {
        match &self.test {
            PairedTest::McNemar(test) => Some(test.mcnemar_p),
            PairedTest::DeLong(test) => test.delong_p,
        }
    }

    /// The changed predictions, where classes are predicted.
    pub fn mcnemar(&self) -> Option<&McNemar> {
        match &self.test {
            PairedTest::McNemar(test) => Some(test),
            PairedTest::DeLong(_) => None,
        }
    }
}

impl PairedTest {
    /// Its cells in tables, under the task's [headings](super::TaskKind::test_headings).
    pub(crate) fn cells(&self) -> Vec<String> {
        match self {
            PairedTest::McNemar(test) => {
                vec![percent(test.agreement), grouped(test.lost), grouped(test.gained), p_value(Some(test.mcnemar_p))]
            }
            PairedTest::DeLong(test) => vec![p_value(test.delong_p)],
        }
    }

    /// Its CSV fields: names and values.
    pub(crate) fn record(&self) -> Vec<(&'static str, String)> {
        match self {
            PairedTest::McNemar(test) => vec![
                ("agreement", test.agreement.to_string()),
                ("changed", test.changed.to_string()),
                ("flips", test.flips.to_string()),
                ("lost", test.lost.to_string()),
                ("gained", test.gained.to_string()),
                ("mcnemar_p", whole_number(test.mcnemar_p)),
            ],
            PairedTest::DeLong(test) => test.delong_p.map(|p| ("delong_p", whole_number(p))).into_iter().collect(),
        }
    }
}

impl McNemar {
    /// The headings of its cells in tables.
    pub(super) const HEADINGS: &'static [&'static str] = &["agreement", "lost", "gained", "McNemar p"];

    /// Compares the accuracies of two runs, whose `columns` are those of the predicted class and of whether
    /// it is correct.
    pub(super) fn compare(reference: &Predictions, run: &Predictions, columns: [usize; 2]) -> Comparison {
        let [class, correct] = columns;
        let pairs = || reference.rows().zip(run.rows()).map(|((_, before), (_, now))| (before, now));
        let count = |before: bool, now: bool| {
            pairs().filter(|(b, n)| (b[correct] != 0.0, n[correct] != 0.0) == (before, now)).count() as u64
        };
        let (both, lost, gained) = (count(true, true), count(true, false), count(false, true));
        let changed = pairs().filter(|(before, now)| before[class] != now[class]).count() as u64;
        let samples = run.len() as u64;
        let n = samples.max(1) as f64;
        Comparison {
            samples,
            difference: (gained as f64 - lost as f64) / n,
            ci95: paired_interval(both, gained, lost, samples),
            test: PairedTest::McNemar(McNemar {
                agreement: (samples - changed) as f64 / n,
                changed,
                flips: lost + gained,
                lost,
                gained,
                mcnemar_p: mcnemar_exact(lost, gained),
            }),
        }
    }
}

impl DeLong {
    /// The headings of its cells in tables.
    pub(super) const HEADINGS: &'static [&'static str] = &["DeLong p"];
}
