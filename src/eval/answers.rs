//! What a network says of samples, by its task.

use crate::model::Task;

/// A network's answers, a sample after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Answers {
    /// A classifier's: the class of the largest logit.
    Classes(Vec<u32>),
    /// An anomaly detector's: the mean squared difference of its output and its input.
    AnomalyScores(Vec<f64>),
}

impl Answers {
    /// No answers yet, of a network for `task`.
    pub fn none(task: Task) -> Self {
        match task {
            Task::Classification => Answers::Classes(Vec::new()),
            Task::AnomalyDetection => Answers::AnomalyScores(Vec::new()),
        }
    }

    /// What answers are given to.
    pub fn task(&self) -> Task {
        match self {
            Answers::Classes(_) => Task::Classification,
            Answers::AnomalyScores(_) => Task::AnomalyDetection,
        }
    }

    /// Adds those of a batch, which are of the same task.
    pub(super) fn extend(&mut self, batch: &Answers) {
        match (self, batch) {
            (Answers::Classes(all), Answers::Classes(batch)) => all.extend_from_slice(batch),
            (Answers::AnomalyScores(all), Answers::AnomalyScores(batch)) => all.extend_from_slice(batch),
            (all, batch) => unreachable!("a network for {} answers {}", all.task(), batch.task()),
        }
    }
}

/// A batch and a network's answers to it.
#[derive(Debug, Clone, Copy)]
pub struct Scores<'a> {
    /// Place in the data set of the first sample.
    pub first: usize,
    /// Outputs a sample.
    pub outputs: usize,
    /// The raw outputs, `[samples, outputs]`.
    pub logits: &'a [f32],
    /// The class of each sample.
    pub labels: &'a [u32],
    /// What follows from the outputs.
    pub answers: &'a Answers,
}

/// The label and the answer of each sample, in the order of the data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    labels: Vec<u32>,
    answers: Answers,
}

impl Answered {
    /// No samples yet, of a network for `task`.
    pub fn none(task: Task) -> Self {
        Answered { labels: Vec::new(), answers: Answers::none(task) }
    }

    /// Samples with these labels and as many answers.
    pub fn new(labels: Vec<u32>, answers: Answers) -> Self {
        Answered { labels, answers }
    }

    /// Adds a batch of the same task.
    pub fn add(&mut self, scores: &Scores) {
        self.labels.extend_from_slice(scores.labels);
        self.answers.extend(scores.answers);
    }

    /// The label of each sample.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The answer to each sample.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Label and prediction of each sample; none of an anomaly detector.
    pub fn predictions(&self) -> impl Iterator<Item = (u32, u32)> {
        let classes = match &self.answers {
            Answers::Classes(classes) => classes.as_slice(),
            Answers::AnomalyScores(_) => &[],
        };
        self.labels.iter().copied().zip(classes.iter().copied())
    }

    /// Samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}
