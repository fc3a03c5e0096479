//! The predictions of a network: a row for each sample, whose columns the task names.

use super::Task;
use serde::Serialize;

/// A column of predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in files.
    pub name: &'static str,
    /// What its values are.
    pub kind: ColumnKind,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers of 32 bits, such as classes.
    Integer,
    /// Real numbers, such as scores.
    Number,
    /// True (1) or false (0).
    Flag,
}

/// A value as files have it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the variants are those of ColumnKind")]
pub enum Cell {
    Integer(u32),
    Number(f64),
    Flag(bool),
}

impl Column {
    /// A value of this column, as files have it.
    pub fn cell(&self, value: f64) -> Cell {
        match self.kind {
            ColumnKind::Integer => Cell::Integer(value as u32),
            ColumnKind::Number => Cell::Number(value),
            ColumnKind::Flag => Cell::Flag(value != 0.0),
        }
    }

    /// The value of a field that [`cell`](Column::cell) wrote; `None` for any other text.
    pub fn parse(&self, text: &str) -> Option<f64> {
        match self.kind {
            ColumnKind::Integer => text.parse::<u32>().ok().map(f64::from),
            ColumnKind::Number => text.parse().ok(),
            ColumnKind::Flag => text.parse::<bool>().ok().map(|flag| f64::from(u8::from(flag))),
        }
    }
}

/// The label and the predictions of each sample, in the order of the data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    task: Task,
    /// Index of each sample in the data set.
    samples: Vec<usize>,
    labels: Vec<u32>,
    /// `[samples, columns]`.
    values: Vec<f64>,
}

impl Predictions {
    /// No samples yet, of a network for `task`.
    pub fn new(task: Task) -> Self {
        Predictions { task, samples: Vec::new(), labels: Vec::new(), values: Vec::new() }
    }

    /// Adds a sample, with a value for each of the task's columns: the next one of the data set.
    pub fn push(&mut self, label: u32, row: &[f64]) {
        let sample = self.samples.last().map_or(0, |last| last + 1);
        self.push_sample(sample, label, row);
    }

    /// Adds the sample of that index in the data set.
    pub fn push_sample(&mut self, sample: usize, label: u32, row: &[f64]) {
        debug_assert_eq!(row.len(), self.task.columns().len());
        self.samples.push(sample);
        self.labels.push(label);
        self.values.extend_from_slice(row);
    }

    /// The same predictions of the samples of these indices in the data set.
    ///
    /// # Panics
    /// When there are not as many.
    #[must_use]
    pub fn of_samples(self, samples: &[usize]) -> Self {
        assert_eq!(samples.len(), self.len(), "an index for each sample");
        Predictions { samples: samples.to_vec(), ..self }
    }

    /// Adds the samples of a batch of the same task.
    pub fn extend(&mut self, batch: &Predictions) {
        debug_assert_eq!(self.task, batch.task);
        self.samples.extend_from_slice(&batch.samples);
        self.labels.extend_from_slice(&batch.labels);
        self.values.extend_from_slice(&batch.values);
    }

    /// The task.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The index of each sample in the data set.
    pub fn samples(&self) -> &[usize] {
        &self.samples
    }

    /// The label of each sample.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The label of each sample, and its values in the task's [columns](super::TaskKind::columns).
    pub fn rows(&self) -> impl Iterator<Item = (u32, &[f64])> {
        self.labels.iter().copied().zip(self.values.chunks_exact(self.task.columns().len()))
    }

    /// The values of a column, by its place.
    pub fn column(&self, column: usize) -> impl ExactSizeIterator<Item = f64> {
        self.values.chunks_exact(self.task.columns().len()).map(move |row| row[column])
    }

    /// The predicted class of each sample; `None` where the task predicts no classes.
    pub fn classes(&self) -> Option<impl ExactSizeIterator<Item = u32>> {
        Some(self.column(self.task.class_column()?).map(|class| class as u32))
    }

    /// Samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The first sample with a value that is NaN or infinite.
    pub(crate) fn not_finite(&self) -> Option<usize> {
        self.rows().position(|(_, row)| row.iter().any(|value| !value.is_finite()))
    }
}
