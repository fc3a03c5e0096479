//! Tasks: what a network's outputs mean, how they become predictions, and how good those are.
//!
//! One file a task says everything about it, as a [`TaskKind`]: which networks and labels it takes, how
//! outputs become [`Predictions`], which [`Metrics`] are computed of them, the one [`Metric`] that gates
//! and comparisons use, the paired test of two runs, and its columns in files. Other rooms ask a
//! [`Task`] and never match on it, so that one more task is a file here and its entries in this one.

mod anomaly_detection;
mod binary_classification;
mod classification;
mod comparison;
mod confusion;
mod metric;
mod predictions;
#[cfg(test)]
mod tests;

pub use anomaly_detection::Detection;
pub use binary_classification::BinaryAccuracy;
pub use classification::Accuracy;
pub use comparison::{Comparison, ComparisonError, DeLong, McNemar, PairedTest};
pub use confusion::{ClassAccuracy, Confusion, MANY_CLASSES};
pub use metric::{Metric, MetricInfo, MetricUnit};
pub use predictions::{Cell, Column, ColumnKind, Predictions};

use crate::data::{ClassMatch, DataError, Dataset};
use crate::registry::{Named, Registry, by_name};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// What a network is for. It dereferences to its [`TaskKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Task {
    /// Outputs are logits: the largest is the class of the sample.
    #[default]
    Classification,
    /// The only output is a score: a threshold decides between two classes.
    BinaryClassification,
    /// Outputs reconstruct the input: the mean squared reconstruction error is the anomaly score.
    AnomalyDetection,
}

/// Every task; the first is that of networks whose form suggests no other.
pub static TASKS: Registry<Task> =
    Registry::new("task", &[Task::Classification, Task::AnomalyDetection, Task::BinaryClassification]);

impl Deref for Task {
    type Target = dyn TaskKind;

    fn deref(&self) -> &Self::Target {
        match self {
            Task::Classification => &classification::Classification,
            Task::BinaryClassification => &binary_classification::BinaryClassification,
            Task::AnomalyDetection => &anomaly_detection::AnomalyDetection,
        }
    }
}

/// The metrics of an evaluation, by task. In JSON an object with the task's own key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Metrics {
    /// Of a classifier.
    #[serde(rename = "accuracy")]
    Accuracy(Accuracy),
    /// Of a binary classifier.
    #[serde(rename = "binary")]
    Binary(BinaryAccuracy),
    /// Of an anomaly detector.
    #[serde(rename = "detection")]
    Detection(Detection),
}

impl Deref for Metrics {
    type Target = dyn TaskMetrics;

    fn deref(&self) -> &Self::Target {
        match self {
            Metrics::Accuracy(accuracy) => accuracy,
            Metrics::Binary(binary) => binary,
            Metrics::Detection(detection) => detection,
        }
    }
}

/// What an evaluation knows of a network's outputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outputs {
    /// Numbers for each sample.
    pub count: usize,
    /// The score above which a sample is of class 1, for tasks that have a
    /// [threshold](TaskKind::default_threshold).
    pub threshold: f64,
}

/// Everything that a task decides.
pub trait TaskKind: Send + Sync {
    /// The task's name, as options, configurations and reports have it.
    fn name(&self) -> &'static str;

    /// What the network's outputs are, in a line for help texts.
    fn summary(&self) -> &'static str;

    /// Whether a network with `input` (channels, height, width) and that many outputs can do the task.
    ///
    /// # Errors
    /// Says what the task needs.
    fn check_network(&self, input: [usize; 3], outputs: usize) -> Result<(), String>;

    /// Whether the form of a network (as for [`check_network`](TaskKind::check_network)) suggests the task.
    fn is_suggested_by(&self, input: [usize; 3], outputs: usize) -> bool;

    /// Whether a network takes the image size of the data set where its weights allow that, even if its
    /// configuration states another one.
    fn follows_image_size(&self) -> bool {
        false
    }

    /// The outputs of a network in words, such as `10 classes`.
    fn describe_outputs(&self, outputs: usize) -> String;

    /// Labels are below this for a network of `outputs` outputs.
    fn label_count(&self, outputs: usize) -> usize;

    /// Maps the labels of a data set to those of a network of `outputs` outputs, whose classes are called
    /// `names` where they are known.
    ///
    /// # Errors
    /// When the set's classes or labels do not fit.
    fn match_labels(&self, dataset: &mut Dataset, outputs: usize, names: &[String]) -> Result<ClassMatch, DataError>;

    /// Whether samples with these labels are enough to compute metrics.
    ///
    /// # Errors
    /// Says what is missing.
    fn check_labels(&self, _labels: &[u32]) -> Result<(), SamplesError> {
        Ok(())
    }

    /// The threshold of the task's predictions, unless another is given, for a network whose outputs are
    /// probabilities or not; `None` for tasks without a threshold.
    fn default_threshold(&self, _are_probabilities: bool) -> Option<f64> {
        None
    }

    /// The columns of predictions, beside index and label.
    fn columns(&self) -> &'static [Column];

    /// The column of the predicted class, where classes are predicted: such a task has a confusion
    /// matrix, and class names.
    fn class_column(&self) -> Option<usize>;

    /// The loss of each sample with `labels`, whose raw outputs are `outputs`, `[samples, outputs]`; `None` for tasks
    /// that have none.
    fn losses(&self, _outputs: &[f32], _labels: &[u32]) -> Option<Vec<f64>> {
        None
    }

    /// How far each sample's raw outputs are from those of a reference, 0 where they mean the same; `None` for tasks
    /// without such a measure.
    fn divergences(&self, _reference: &[f32], _outputs: &[f32], _samples: usize) -> Option<Vec<f64>> {
        None
    }

    /// Starts the evaluation of a network with these outputs.
    fn evaluator(&self, outputs: Outputs) -> Box<dyn Evaluator>;

    /// The metric that gates and comparisons use.
    fn metric(&self) -> &'static MetricInfo;

    /// Compares two runs over the same samples, whose labels are equal.
    ///
    /// # Errors
    /// When the samples do not allow it.
    fn compare(&self, reference: &Predictions, run: &Predictions) -> Result<Comparison, SamplesError>;

    /// The headings of the paired test's cells in tables.
    fn test_headings(&self) -> &'static [&'static str];

    /// The columns that the task has in the CSV record of an evaluation.
    fn record_columns(&self) -> &'static [&'static str];

    /// The columns that the task has in the CSV records of compared runs.
    fn comparison_columns(&self) -> &'static [&'static str];
}

/// The running state of an evaluation.
pub trait Evaluator {
    /// The predictions of a batch of `inputs` with `labels`, whose raw outputs are `outputs`,
    /// `[samples, outputs]`, all finite.
    ///
    /// # Errors
    /// When candle fails to read the inputs.
    fn predict(&mut self, outputs: &[f32], inputs: &Tensor, labels: &[u32]) -> candle_core::Result<Predictions>;

    /// The metrics of all batches so far, whose predictions in one are `predictions`.
    ///
    /// # Errors
    /// When the samples do not allow it.
    fn metrics(&self, predictions: &Predictions) -> Result<Metrics, SamplesError>;
}

/// What reports show of a task's metrics.
pub trait TaskMetrics {
    /// The task.
    fn task(&self) -> Task;

    /// The value of the task's [metric](TaskKind::metric).
    fn value(&self) -> f64;

    /// Its 95 % interval.
    fn ci95(&self) -> [f64; 2];

    /// What the value was counted on, such as `87 of 100`.
    fn counts(&self) -> String;

    /// The other metrics: names and texts.
    fn details(&self) -> Vec<(&'static str, String)>;

    /// The metrics as CSV fields: names among the task's [record columns](TaskKind::record_columns), values.
    fn record(&self) -> Vec<(&'static str, String)>;

    /// What a reader of the report should know of the metrics.
    fn note(&self) -> Option<String> {
        None
    }

    /// The task's metric.
    fn metric(&self) -> Metric {
        Metric { task: self.task(), value: self.value() }
    }
}

/// Samples that do not allow a task's metrics or its paired test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SamplesError(pub(crate) String);

impl Task {
    /// The task that the form of a network suggests: its `input` (channels, height, width) and number of
    /// outputs.
    pub fn suggested_by(input: [usize; 3], outputs: usize) -> Self {
        TASKS.iter().copied().find(|task| task.is_suggested_by(input, outputs)).unwrap_or_default()
    }
}

impl Named for Task {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn summary(&self) -> &'static str {
        (**self).summary()
    }
}

by_name!(Task, TASKS);
