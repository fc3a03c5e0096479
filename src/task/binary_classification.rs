//! Binary classification: the only output is the score of a sample, and a threshold decides its class.

use super::{
    Column, ColumnKind, Comparison, Evaluator, McNemar, MetricInfo, MetricUnit, Metrics, Outputs, Predictions,
    SamplesError, Task, TaskKind, TaskMetrics,
};
use crate::data::{ClassMatch, DataError, Dataset};
use crate::stats::{Roc, grouped, wilson_interval};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The task.
pub(super) struct BinaryClassification;

/// Labels are 0 for negative and 1 for positive samples.
const CLASSES: usize = 2;

/// The threshold of a network that ends in a sigmoid.
const OF_PROBABILITIES: f64 = 0.5;

/// That of any other: the sigmoid of 0 is 1/2.
const OF_LOGITS: f64 = 0.0;

const METRIC: MetricInfo =
    MetricInfo { key: "accuracy", name: "accuracy", title: "accuracy", unit: MetricUnit::Percent };

const COLUMNS: [Column; 3] = [
    Column { name: "score", kind: ColumnKind::Number },
    Column { name: "prediction", kind: ColumnKind::Integer },
    Column { name: "correct", kind: ColumnKind::Flag },
];

/// Places in [`COLUMNS`].
const SCORE: usize = 0;
const PREDICTION: usize = 1;
const CORRECT: usize = 2;

impl TaskKind for BinaryClassification {
    fn name(&self) -> &'static str {
        "binary-classification"
    }

    fn summary(&self) -> &'static str {
        "The only output is a score: a sample is of class 1 if it is above the threshold, else of class 0"
    }

    fn check_network(&self, _: [usize; 3], outputs: usize) -> Result<(), String> {
        if outputs == 1 {
            return Ok(());
        }
        Err(format!("a binary classifier must output one number per sample; this network outputs {outputs} numbers"))
    }

    fn is_suggested_by(&self, input: [usize; 3], outputs: usize) -> bool {
        self.check_network(input, outputs).is_ok()
    }

    fn describe_outputs(&self, _: usize) -> String {
        "1 score, of class 1 against class 0".to_owned()
    }

    fn label_count(&self, _: usize) -> usize {
        CLASSES
    }

    fn match_labels(&self, dataset: &mut Dataset, _: usize, names: &[String]) -> Result<ClassMatch, DataError> {
        let dataset_name = dataset.name().to_owned();
        if dataset.class_names().is_none()
            && let Some(sample) = dataset.labels().iter().position(|&label| label as usize >= CLASSES)
        {
            let label = dataset.labels()[sample];
            return Err(DataError::Binary { dataset: dataset_name, sample, label });
        }
        dataset.match_classes(CLASSES, names).map_err(|error| match error {
            DataError::Classes { dataset, found, .. } => DataError::BinaryClasses { dataset, found },
            error => error,
        })
    }

    fn default_threshold(&self, are_probabilities: bool) -> Option<f64> {
        Some(if are_probabilities { OF_PROBABILITIES } else { OF_LOGITS })
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn class_column(&self) -> Option<usize> {
        Some(PREDICTION)
    }

    fn evaluator(&self, outputs: Outputs) -> Box<dyn Evaluator> {
        Box::new(Thresholded { threshold: outputs.threshold })
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
        &["accuracy", "threshold", "auc", "correct", "flips", "agreement", "mcnemar_p"]
    }

    fn comparison_columns(&self) -> &'static [&'static str] {
        &["accuracy", "agreement", "changed", "flips", "lost", "gained", "mcnemar_p"]
    }
}

impl Predictions {
    /// The classes of `scores` above `threshold`, of samples with `labels`, 0 or 1.
    pub fn from_scores(labels: &[u32], scores: &[f32], threshold: f64) -> Self {
        let mut predictions = Predictions::new(Task::BinaryClassification);
        for (&label, &score) in labels.iter().zip(scores) {
            // Scores are f32, so that a threshold of 0.3 is that of f32.
            let class = u32::from(score > threshold as f32);
            predictions.push(label, &[f64::from(score), f64::from(class), f64::from(u8::from(class == label))]);
        }
        predictions
    }
}

/// How well a binary classifier tells class 1 from class 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BinaryAccuracy {
    /// Fraction of samples whose class is the predicted one.
    pub accuracy: f64,
    /// Its 95 % Wilson score interval.
    pub ci95: [f64; 2],
    /// Samples predicted right.
    pub correct: u64,
    /// Samples.
    pub total: u64,
    /// Those of class 1.
    pub positive: u64,
    /// The score above which a sample is predicted to be of class 1.
    pub threshold: f64,
    /// The area under the ROC curve: the chance that a sample of class 1 has a higher score than one of
    /// class 0, ties counting half. `None` where all samples are of one class.
    pub auc: Option<f64>,
    /// Its 95 % interval (see [`Roc::ci95`]).
    pub auc_ci95: Option<[f64; 2]>,
}

impl TaskMetrics for BinaryAccuracy {
    fn task(&self) -> Task {
        Task::BinaryClassification
    }

    fn value(&self) -> f64 {
        self.accuracy
    }

    fn ci95(&self) -> [f64; 2] {
        self.ci95
    }

    fn counts(&self) -> String {
        format!("{} of {}", grouped(self.correct), grouped(self.total))
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let auc = match (self.auc, self.auc_ci95) {
            (Some(auc), Some([low, high])) => format!("{auc:.4}, 95 % interval {low:.4} to {high:.4}"),
            _ => "unknown".to_owned(),
        };
        vec![("threshold", self.threshold.to_string()), ("AUC", auc)]
    }

    fn record(&self) -> Vec<(&'static str, String)> {
        let auc = self.auc.map(|auc| ("auc", auc.to_string()));
        let others = [
            ("accuracy", self.accuracy.to_string()),
            ("threshold", self.threshold.to_string()),
            ("correct", self.correct.to_string()),
        ];
        others.into_iter().chain(auc).collect()
    }

    fn note(&self) -> Option<String> {
        let class = u8::from(self.positive > 0);
        self.auc.is_none().then(|| {
            let total = grouped(self.total);
            format!("no area under the ROC curve: all {total} samples are of class {class}, and it compares two")
        })
    }
}

impl BinaryAccuracy {
    /// The metrics of predictions by [`Predictions::from_scores`] with this `threshold`.
    pub fn new(predictions: &Predictions, threshold: f64) -> Self {
        let of_class = |class: u32| -> Vec<f64> {
            predictions.rows().filter(|(label, _)| *label == class).map(|(_, row)| row[SCORE]).collect()
        };
        let (negative, positive) = (of_class(0), of_class(1));
        let roc = (!negative.is_empty() && !positive.is_empty()).then(|| Roc::new(&negative, &positive));
        let total = predictions.len() as u64;
        let correct = predictions.column(CORRECT).filter(|&correct| correct != 0.0).count() as u64;
        BinaryAccuracy {
            accuracy: correct as f64 / total.max(1) as f64,
            ci95: wilson_interval(correct, total),
            correct,
            total,
            positive: positive.len() as u64,
            threshold,
            auc: roc.as_ref().map(Roc::auc),
            auc_ci95: roc.as_ref().map(Roc::ci95),
        }
    }
}

/// The evaluation of a network of one output.
struct Thresholded {
    threshold: f64,
}

impl Evaluator for Thresholded {
    fn predict(&mut self, outputs: &[f32], _: &Tensor, labels: &[u32]) -> candle_core::Result<Predictions> {
        Ok(Predictions::from_scores(labels, outputs, self.threshold))
    }

    fn metrics(&self, predictions: &Predictions) -> Result<Metrics, SamplesError> {
        Ok(Metrics::Binary(BinaryAccuracy::new(predictions, self.threshold)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_and_area_by_hand() {
        // The score at the threshold is of class 0. Of 6 pairs, one is in the wrong order and one is a tie.
        let predictions = Predictions::from_scores(&[0, 1, 1, 0, 1], &[0.5, 0.75, 0.5, 0.6, 0.9], 0.5);
        assert_eq!(predictions.classes().unwrap().collect::<Vec<_>>(), [0, 1, 0, 1, 1]);
        let found = BinaryAccuracy::new(&predictions, 0.5);
        assert_eq!((found.correct, found.total, found.positive, found.accuracy), (3, 5, 3, 0.6));
        assert_eq!(found.auc, Some(4.5 / 6.0));
        assert_eq!(found.note(), None);
    }

    #[test]
    fn a_threshold_is_one_of_f32() {
        let predictions = Predictions::from_scores(&[0], &[0.3], 0.3);
        assert_eq!(predictions.classes().unwrap().collect::<Vec<_>>(), [0], "0.3f32 is above 0.3f64");
    }

    #[test]
    fn one_class_alone_has_no_area() {
        for (class, others) in [(0, 1), (1, 0)] {
            let found = BinaryAccuracy::new(&Predictions::from_scores(&[class; 2], &[-1.0, 1.0], 0.0), 0.0);
            assert_eq!((found.accuracy, found.auc, found.auc_ci95), (0.5, None, None));
            let note = found.note().unwrap();
            assert!(note.contains(&format!("of class {class}")) && !note.contains(&format!("of class {others}")));
        }
    }
}
