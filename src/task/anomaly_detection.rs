//! Anomaly detection: the outputs reconstruct the input, and the reconstruction error is the score.

use super::{
    Column, ColumnKind, Comparison, DeLong, Evaluator, MetricInfo, MetricUnit, Metrics, Outputs, PairedTest,
    Predictions, SamplesError, Task, TaskKind, TaskMetrics,
};
use crate::data::{ClassMatch, DataError, Dataset};
use crate::stats::{Roc, grouped, significant};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The task.
pub(super) struct AnomalyDetection;

/// The label of normal samples; that of anomalous ones is 1.
const NORMAL: u32 = 0;

/// The largest false positive rate of the partial area: that of the DCASE challenges' task 2.
const MAX_FPR: f64 = 0.1;

/// Samples of either kind that an area needs, for its variance to be known.
const MIN_SAMPLES: usize = 2;

const METRIC: MetricInfo = MetricInfo { key: "auc", name: "AUC", title: "AUC", unit: MetricUnit::Fraction };

const COLUMNS: [Column; 1] = [Column { name: "score", kind: ColumnKind::Number }];

impl TaskKind for AnomalyDetection {
    fn name(&self) -> &'static str {
        "anomaly-detection"
    }

    fn summary(&self) -> &'static str {
        "Outputs reconstruct the input: the mean squared reconstruction error is the anomaly score"
    }

    fn check_network(&self, input: [usize; 3], outputs: usize) -> Result<(), String> {
        let values: usize = input.iter().product();
        if values == outputs {
            return Ok(());
        }
        Err(format!(
            "an anomaly detector must output as many numbers as its input has ({values}); this network outputs \
             {outputs} numbers"
        ))
    }

    fn is_suggested_by(&self, input: [usize; 3], outputs: usize) -> bool {
        self.check_network(input, outputs).is_ok()
    }

    /// A detector of windows takes recordings of several.
    fn follows_image_size(&self) -> bool {
        true
    }

    fn describe_outputs(&self, outputs: usize) -> String {
        format!("{outputs} numbers, the reconstructed input")
    }

    fn label_count(&self, _: usize) -> usize {
        2
    }

    fn match_labels(&self, dataset: &mut Dataset, _: usize, _: &[String]) -> Result<ClassMatch, DataError> {
        dataset.match_anomalies().map(|()| ClassMatch::Numbers)
    }

    fn check_labels(&self, labels: &[u32]) -> Result<(), SamplesError> {
        let normal = labels.iter().filter(|&&label| label == NORMAL).count();
        let anomalous = labels.len() - normal;
        if normal.min(anomalous) >= MIN_SAMPLES {
            return Ok(());
        }
        Err(SamplesError(format!(
            "{normal} normal (label 0) and {anomalous} anomalous (label 1) samples, expected at least \
             {MIN_SAMPLES} of each: an area under the ROC curve compares them"
        )))
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn class_column(&self) -> Option<usize> {
        None
    }

    fn evaluator(&self, outputs: Outputs) -> Box<dyn Evaluator> {
        Box::new(Reconstruction { outputs: outputs.count })
    }

    fn metric(&self) -> &'static MetricInfo {
        &METRIC
    }

    fn compare(&self, reference: &Predictions, run: &Predictions) -> Result<Comparison, SamplesError> {
        let found = Scores::new(run)?.roc().compare(&Scores::new(reference)?.roc());
        Ok(Comparison {
            samples: run.len() as u64,
            difference: found.difference,
            ci95: found.ci95,
            test: PairedTest::DeLong(DeLong { delong_p: found.p }),
        })
    }

    fn test_headings(&self) -> &'static [&'static str] {
        DeLong::HEADINGS
    }

    fn record_columns(&self) -> &'static [&'static str] {
        &["auc", "partial_auc", "delong_p"]
    }

    fn comparison_columns(&self) -> &'static [&'static str] {
        &["auc", "delong_p"]
    }
}

impl Predictions {
    /// Anomaly `scores` of samples with `labels`: 0 for normal, 1 for anomalous.
    pub fn from_anomaly_scores(labels: &[u32], scores: &[f64]) -> Self {
        let mut predictions = Predictions::new(Task::AnomalyDetection);
        labels.iter().zip(scores).for_each(|(&label, &score)| predictions.push(label, &[score]));
        predictions
    }
}

/// How well a detector tells anomalous samples from normal ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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

impl TaskMetrics for Detection {
    fn task(&self) -> Task {
        Task::AnomalyDetection
    }

    fn value(&self) -> f64 {
        self.auc
    }

    fn ci95(&self) -> [f64; 2] {
        self.ci95
    }

    fn counts(&self) -> String {
        format!("{} anomalous of {} samples", grouped(self.anomalous), grouped(self.total))
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let partial = format!("{:.4}, up to a false positive rate of {}", self.partial_auc, self.max_fpr);
        let [normal, anomalous] = [self.normal_score, self.anomalous_score].map(|x| significant(x, 4));
        let scores = format!("{normal} of normal samples, {anomalous} of anomalous ones (mean squared error)");
        vec![("partial AUC", partial), ("scores", scores)]
    }

    fn record(&self) -> Vec<(&'static str, String)> {
        vec![("auc", self.auc.to_string()), ("partial_auc", self.partial_auc.to_string())]
    }
}

impl Detection {
    /// The metrics of predictions by [`Predictions::from_anomaly_scores`].
    ///
    /// # Errors
    /// When there are too few normal or anomalous samples.
    pub fn new(predictions: &Predictions) -> Result<Self, SamplesError> {
        let scores = Scores::new(predictions)?;
        let (roc, Scores { normal, anomalous }) = (scores.roc(), scores);
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        Ok(Detection {
            auc: roc.auc(),
            ci95: roc.ci95(),
            partial_auc: roc.partial_auc(MAX_FPR),
            max_fpr: MAX_FPR,
            normal: normal.len() as u64,
            anomalous: anomalous.len() as u64,
            total: predictions.len() as u64,
            normal_score: mean(&normal),
            anomalous_score: mean(&anomalous),
        })
    }
}

/// The scores of normal and of anomalous samples, enough of both for a ROC curve.
struct Scores {
    normal: Vec<f64>,
    anomalous: Vec<f64>,
}

impl Scores {
    fn new(predictions: &Predictions) -> Result<Self, SamplesError> {
        AnomalyDetection.check_labels(predictions.labels())?;
        let of_kind = |is_normal: bool| {
            let rows = predictions.rows().filter(|(label, _)| (*label == NORMAL) == is_normal);
            rows.map(|(_, row)| row[0]).collect()
        };
        Ok(Scores { normal: of_kind(true), anomalous: of_kind(false) })
    }

    fn roc(&self) -> Roc {
        Roc::new(&self.normal, &self.anomalous)
    }
}

/// The evaluation of a network that reconstructs its input.
struct Reconstruction {
    outputs: usize,
}

impl Evaluator for Reconstruction {
    fn predict(&mut self, outputs: &[f32], inputs: &Tensor, labels: &[u32]) -> candle_core::Result<Predictions> {
        let inputs: Vec<f32> = inputs.flatten_all()?.to_vec1()?;
        let pairs = inputs.chunks_exact(self.outputs).zip(outputs.chunks_exact(self.outputs));
        let scores: Vec<f64> = pairs.map(|(input, output)| mean_squared_error(input, output)).collect();
        Ok(Predictions::from_anomaly_scores(labels, &scores))
    }

    fn metrics(&self, predictions: &Predictions) -> Result<Metrics, SamplesError> {
        Detection::new(predictions).map(Metrics::Detection)
    }
}

/// The mean of squared differences, in `f64` from first to last.
fn mean_squared_error(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    squares.sum::<f64>() / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detection_by_hand() {
        // 3 of the 4 pairs are in order.
        let predictions = Predictions::from_anomaly_scores(&[0, 1, 0, 1], &[0.1, 0.35, 0.4, 0.8]);
        let found = Detection::new(&predictions).unwrap();
        assert_eq!((found.auc, found.normal, found.anomalous, found.total), (0.75, 2, 2, 4));
        assert_eq!((found.normal_score, found.anomalous_score), (0.25, 0.575));
    }

    #[test]
    fn both_kinds_are_needed() {
        let predictions = Predictions::from_anomaly_scores(&[0, 0, 0, 1], &[0.0; 4]);
        let error = Detection::new(&predictions).unwrap_err().to_string();
        assert!(error.starts_with("3 normal (label 0) and 1 anomalous (label 1) samples"), "{error}");
    }
}
