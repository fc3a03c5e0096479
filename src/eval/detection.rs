//! How well a network tells anomalous samples from normal ones.

use crate::stats::Roc;
use serde::{Deserialize, Serialize};

/// The label of normal samples; that of anomalous ones is 1.
const NORMAL: u32 = 0;

/// The largest false positive rate of the partial area: that of the DCASE challenges' task 2.
const MAX_FPR: f64 = 0.1;

/// Samples of either kind that an area needs, for its variance to be known.
const MIN_SAMPLES: usize = 2;

/// How well a detector tells anomalous samples from normal ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The area under the ROC curve: the chance that an anomalous sample scores higher than a normal one.
    pub auc: f64,
    /// Its 95 % interval (see [`Roc::ci95`]).
    pub ci95: [f64; 2],
    /// The area up to a false positive rate of `max_fpr`, scaled so that chance has 1/2.
    pub partial_auc: f64,
    /// The largest false positive rate of the partial area.
    pub max_fpr: f64,
    /// Normal samples.
    pub normal: u64,
    /// Anomalous samples.
    pub anomalous: u64,
    /// Samples.
    pub total: u64,
    /// Mean score of normal samples: their mean squared error.
    pub normal_score: f64,
    /// The same of anomalous samples.
    pub anomalous_score: f64,
}

/// Too few samples of a kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{normal} normal (label 0) and {anomalous} anomalous (label 1) samples, expected at least {MIN_SAMPLES} of each: \
     an area under the ROC curve compares them"
)]
pub struct TooFewSamples {
    normal: usize,
    anomalous: usize,
}

impl TooFewSamples {
    /// Whether samples with these `labels` are enough.
    ///
    /// # Errors
    /// Says how many there are.
    pub fn check(labels: &[u32]) -> Result<(), Self> {
        let normal = labels.iter().filter(|&&label| label == NORMAL).count();
        let anomalous = labels.len() - normal;
        if normal.min(anomalous) < MIN_SAMPLES { Err(TooFewSamples { normal, anomalous }) } else { Ok(()) }
    }
}

/// The ROC curve of samples with `labels` and `scores`.
///
/// # Errors
/// When there are too few normal or anomalous ones.
pub(super) fn roc(labels: &[u32], scores: &[f64]) -> Result<Roc, TooFewSamples> {
    let [normal, anomalous] = split(labels, scores)?;
    Ok(Roc::of(&normal, &anomalous))
}

/// The scores of normal and of anomalous samples, where there are enough of both.
fn split(labels: &[u32], scores: &[f64]) -> Result<[Vec<f64>; 2], TooFewSamples> {
    TooFewSamples::check(labels)?;
    Ok([true, false].map(|is_normal| {
        let of_kind = labels.iter().zip(scores).filter(|(label, _)| (**label == NORMAL) == is_normal);
        of_kind.map(|(_, score)| *score).collect()
    }))
}

impl Detection {
    /// Of samples with `labels`, 0 or 1, and `scores`.
    ///
    /// # Errors
    /// When there are too few normal or anomalous ones.
    pub fn of(labels: &[u32], scores: &[f64]) -> Result<Self, TooFewSamples> {
        let [normal, anomalous] = split(labels, scores)?;
        let roc = Roc::of(&normal, &anomalous);
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        Ok(Detection {
            auc: roc.auc(),
            ci95: roc.ci95(),
            partial_auc: roc.partial_auc(MAX_FPR),
            max_fpr: MAX_FPR,
            normal: normal.len() as u64,
            anomalous: anomalous.len() as u64,
            total: labels.len() as u64,
            normal_score: mean(&normal),
            anomalous_score: mean(&anomalous),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detection_by_hand() {
        // 3 of the 4 pairs are in order.
        let found = Detection::of(&[0, 1, 0, 1], &[0.1, 0.35, 0.4, 0.8]).unwrap();
        assert_eq!((found.auc, found.normal, found.anomalous, found.total), (0.75, 2, 2, 4));
        assert_eq!((found.normal_score, found.anomalous_score), (0.25, 0.575));
    }

    #[test]
    fn both_kinds_are_needed() {
        let error = Detection::of(&[0, 0, 0, 1], &[0.0; 4]).unwrap_err().to_string();
        assert!(error.starts_with("3 normal (label 0) and 1 anomalous (label 1) samples"), "{error}");
    }
}
