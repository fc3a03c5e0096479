//! Counting right answers.

use crate::stats::wilson_interval;
use serde::{Deserialize, Serialize};

/// Running counts over a data set.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counter {
    correct: u64,
    correct_top5: u64,
    total: u64,
    loss: f64,
}

/// How often a network was right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Fraction of samples whose class has the largest logit.
    pub top1: f64,
    /// Fraction of samples whose class has one of the five largest; none below 6 classes.
    pub top5: Option<f64>,
    /// Samples predicted right.
    pub correct: u64,
    /// Samples.
    pub total: u64,
    /// 95 % Wilson score interval of `top1`.
    pub ci95: [f64; 2],
    /// Mean cross entropy, in nats.
    pub loss: f64,
}

/// The class of the largest logit, the lowest on ties.
fn argmax(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best as u32
}

/// Cross entropy of the softmax of `logits` against class `label`, in `f64`.
fn cross_entropy(logits: &[f32], label: usize) -> f64 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shifted = |logit: f32| f64::from(logit) - f64::from(max);
    logits.iter().map(|&logit| shifted(logit).exp()).sum::<f64>().ln() - shifted(logits[label])
}

impl Counter {
    /// Takes note of a batch and gives its predictions. Labels are below `classes`.
    pub fn count(&mut self, logits: &[f32], classes: usize, labels: &[u32]) -> Vec<u32> {
        let samples = logits.chunks_exact(classes).zip(labels);
        samples
            .map(|(logits, &label)| {
                let prediction = argmax(logits);
                let label = label as usize;
                // Ties rank by class, as in the prediction.
                let rank = logits
                    .iter()
                    .enumerate()
                    .filter(|&(class, logit)| *logit > logits[label] || (*logit == logits[label] && class < label));
                self.correct += u64::from(prediction as usize == label);
                self.correct_top5 += u64::from(rank.count() < 5);
                self.total += 1;
                self.loss += cross_entropy(logits, label);
                prediction
            })
            .collect()
    }

    /// The fractions, for a network of `classes` outputs.
    pub fn accuracy(&self, classes: usize) -> Accuracy {
        let fraction = |count: u64| count as f64 / self.total.max(1) as f64;
        Accuracy {
            top1: fraction(self.correct),
            top5: (classes >= 6).then(|| fraction(self.correct_top5)),
            correct: self.correct,
            total: self.total,
            ci95: wilson_interval(self.correct, self.total),
            loss: self.loss / self.total.max(1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lowest_class() {
        let mut counter = Counter::default();
        let predictions = counter.count(&[1.0, 3.0, 3.0, 0.0, 0.0, 0.0], 3, &[2, 0]);
        assert_eq!(predictions, [1, 0]);
        let accuracy = counter.accuracy(3);
        assert_eq!((accuracy.correct, accuracy.total, accuracy.top5), (1, 2, None));
    }

    #[test]
    fn top5_counts_ranks() {
        let mut counter = Counter::default();
        let logits = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0];
        for label in 0..7 {
            counter.count(&logits, 7, &[label]);
        }
        assert_eq!(counter.accuracy(7).top5, Some(5.0 / 7.0));
    }

    #[test]
    fn loss_of_equal_logits_is_the_logarithm_of_the_classes() {
        let mut counter = Counter::default();
        counter.count(&[1e4; 4], 4, &[3]);
        assert!((counter.accuracy(4).loss - 4f64.ln()).abs() < 1e-12);
    }
}
