//! Classification: the largest output is the class of the sample.

use super::{
    Column, ColumnKind, Comparison, Evaluator, McNemar, MetricInfo, MetricUnit, Metrics, Outputs, Predictions,
    SamplesError, Task, TaskKind, TaskMetrics,
};
use crate::data::{ClassMatch, DataError, Dataset};
use crate::stats::{grouped, percent, wilson_interval};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The task.
pub(super) struct Classification;

const METRIC: MetricInfo =
    MetricInfo { key: "top1", name: "top-1", title: "top-1 accuracy", unit: MetricUnit::Percent };

const COLUMNS: [Column; 2] =
    [Column { name: "prediction", kind: ColumnKind::Integer }, Column { name: "correct", kind: ColumnKind::Flag }];

/// Places in [`COLUMNS`].
const PREDICTION: usize = 0;
const CORRECT: usize = 1;

impl TaskKind for Classification {
    fn name(&self) -> &'static str {
        "classification"
    }

    fn summary(&self) -> &'static str {
        "Outputs are logits: the largest is the predicted class"
    }

    fn check_network(&self, _: [usize; 3], _: usize) -> Result<(), String> {
        Ok(())
    }

    fn is_suggested_by(&self, _: [usize; 3], _: usize) -> bool {
        false
    }

    fn describe_outputs(&self, outputs: usize) -> String {
        format!("{outputs} classes")
    }

    fn label_count(&self, outputs: usize) -> usize {
        outputs
    }

    fn match_labels(&self, dataset: &mut Dataset, outputs: usize, names: &[String]) -> Result<ClassMatch, DataError> {
        dataset.match_classes(outputs, names)
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn class_column(&self) -> Option<usize> {
        Some(PREDICTION)
    }

    /// Cross entropies.
    fn losses(&self, outputs: &[f32], labels: &[u32]) -> Option<Vec<f64>> {
        let classes = outputs.len() / labels.len().max(1);
        let samples = outputs.chunks_exact(classes.max(1)).zip(labels);
        Some(samples.map(|(logits, &label)| cross_entropy(logits, label as usize)).collect())
    }

    /// Kullback-Leibler divergences of the outputs' softmax from that of the reference, in nats.
    fn divergences(&self, reference: &[f32], outputs: &[f32], samples: usize) -> Option<Vec<f64>> {
        let classes = (outputs.len() / samples.max(1)).max(1);
        let pairs = reference.chunks_exact(classes).zip(outputs.chunks_exact(classes));
        Some(pairs.map(|(reference, logits)| divergence(reference, logits)).collect())
    }

    fn evaluator(&self, outputs: Outputs) -> Box<dyn Evaluator> {
        Box::new(Counter { classes: outputs.count, ..Counter::default() })
    }

    fn metric(&self) -> &'static MetricInfo {
        &METRIC
    }

    fn compare(&self, reference: &Predictions, run: &Predictions) -> Result<Comparison, SamplesError> {
        Ok(McNemar::compare(reference, run, [PREDICTION, CORRECT]))
    }

    fn test_headings(&self) -> &'static [&'static str] {
        McNemar::HEADINGS
    }

    fn record_columns(&self) -> &'static [&'static str] {
        &["top1", "top5", "correct", "loss", "flips", "agreement", "mcnemar_p"]
    }

    fn comparison_columns(&self) -> &'static [&'static str] {
        &["top1", "agreement", "changed", "flips", "lost", "gained", "mcnemar_p"]
    }
}

impl Predictions {
    /// Predicted `classes` of a classifier for samples with `labels`.
    pub fn from_classes(labels: &[u32], classes: &[u32]) -> Self {
        let mut predictions = Predictions::new(Task::Classification);
        for (&label, &class) in labels.iter().zip(classes) {
            predictions.push(label, &[f64::from(class), f64::from(u8::from(class == label))]);
        }
        predictions
    }
}

/// Accuracy of a classifier, and its loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Accuracy {
    /// Fraction of samples whose class has the largest logit.
    pub top1: f64,
    /// Fraction of samples whose class has one of the five largest logits; `None` below 6 classes.
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

impl TaskMetrics for Accuracy {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn value(&self) -> f64 {
        self.top1
    }

    fn ci95(&self) -> [f64; 2] {
        self.ci95
    }

    fn counts(&self) -> String {
        format!("{} of {}", grouped(self.correct), grouped(self.total))
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let top5 = self.top5.map(|top5| ("top-5", percent(top5)));
        top5.into_iter().chain([("loss", format!("{:.4}", self.loss))]).collect()
    }

    fn record(&self) -> Vec<(&'static str, String)> {
        let top5 = self.top5.map(|top5| ("top5", top5.to_string()));
        let others =
            [("top1", self.top1.to_string()), ("correct", self.correct.to_string()), ("loss", self.loss.to_string())];
        top5.into_iter().chain(others).collect()
    }
}

/// Running counts over a data set.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    classes: usize,
    correct: u64,
    correct_top5: u64,
    total: u64,
    loss: f64,
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
    let (max, log_sum) = log_normalizer(logits);
    log_sum - (f64::from(logits[label]) - max)
}

/// The largest of `logits`, and the logarithm of the sum of the exponentials of all less that, in `f64`.
fn log_normalizer(logits: &[f32]) -> (f64, f64) {
    let max = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    (max, libm::log(logits.iter().map(|&logit| libm::exp(f64::from(logit) - max)).sum::<f64>()))
}

/// Kullback-Leibler divergence of the softmax of `logits` from that of `reference`, in `f64`.
fn divergence(reference: &[f32], logits: &[f32]) -> f64 {
    let [before, now] = [reference, logits].map(log_normalizer);
    let log_share = |logit: f32, (max, log_sum): (f64, f64)| f64::from(logit) - max - log_sum;
    let terms = reference.iter().zip(logits).map(|(&reference, &logit)| {
        let (reference, logit) = (log_share(reference, before), log_share(logit, now));
        libm::exp(reference) * (reference - logit)
    });
    // Rounding must not make it negative.
    terms.sum::<f64>().max(0.0)
}

impl Counter {
    /// Counts a sample of class `label`, and returns the predicted class.
    fn count(&mut self, logits: &[f32], label: usize) -> u32 {
        let prediction = argmax(logits);
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
    }

    fn accuracy(&self) -> Accuracy {
        let fraction = |count: u64| count as f64 / self.total.max(1) as f64;
        Accuracy {
            top1: fraction(self.correct),
            top5: (self.classes >= 6).then(|| fraction(self.correct_top5)),
            correct: self.correct,
            total: self.total,
            ci95: wilson_interval(self.correct, self.total),
            loss: self.loss / self.total.max(1) as f64,
        }
    }
}

impl Evaluator for Counter {
    fn predict(&mut self, outputs: &[f32], _: &Tensor, labels: &[u32]) -> candle_core::Result<Predictions> {
        let samples = outputs.chunks_exact(self.classes).zip(labels);
        let classes: Vec<u32> = samples.map(|(logits, &label)| self.count(logits, label as usize)).collect();
        Ok(Predictions::from_classes(labels, &classes))
    }

    fn metrics(&self, _: &Predictions) -> Result<Metrics, SamplesError> {
        Ok(Metrics::Accuracy(self.accuracy()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(classes: usize) -> Counter {
        Counter { classes, ..Counter::default() }
    }

    #[test]
    fn ties_go_to_the_lowest_class() {
        let mut counter = counter(3);
        let predictions = [(&[1.0, 3.0, 3.0], 2), (&[0.0, 0.0, 0.0], 0)].map(|(row, label)| counter.count(row, label));
        assert_eq!(predictions, [1, 0]);
        let accuracy = counter.accuracy();
        assert_eq!((accuracy.correct, accuracy.total, accuracy.top5), (1, 2, None));
    }

    #[test]
    fn top5_counts_ranks() {
        let mut counter = counter(7);
        let logits = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0];
        for label in 0..7 {
            counter.count(&logits, label);
        }
        assert_eq!(counter.accuracy().top5, Some(5.0 / 7.0));
    }

    /// Shares of 1/2 and 1/2 against 1/4 and 3/4: `ln(2 / sqrt(3))`; shifting all logits changes nothing.
    #[test]
    fn losses_and_divergences_by_hand() {
        let (reference, logits) = ([7.0, 7.0], [0.0, 3f32.ln()]);
        let both = |a: [f32; 2], b: [f32; 2]| [a, b].concat();
        let found = Classification.divergences(&both(reference, logits), &both(logits, logits.map(|x| x + 5.0)), 2);
        let found = found.unwrap();
        assert!((found[0] - (2.0 / 3f64.sqrt()).ln()).abs() < 1e-7 && found[1] < 1e-7, "{found:?}");
        let losses = Classification.losses(&both(logits, logits), &[0, 1]).unwrap();
        assert!((losses[0] - 4f64.ln()).abs() < 1e-7 && (losses[1] - (4f64 / 3.0).ln()).abs() < 1e-7, "{losses:?}");
    }

    #[test]
    fn loss_of_equal_logits_is_the_logarithm_of_the_classes() {
        let mut counter = counter(4);
        counter.count(&[1e4; 4], 3);
        assert!((counter.accuracy().loss - 4f64.ln()).abs() < 1e-12);
    }
}
