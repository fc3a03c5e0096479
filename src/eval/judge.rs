//! From a network's outputs to its answers, and from those to how well it did, by its task.

use super::accuracy::Counter;
use super::{Answers, Detection, Quality, TooFewSamples};
use crate::zoo::Task;
use candle_core::Tensor;

/// What is known of a network's answers so far.
pub(super) enum Judge {
    /// A classifier's.
    Accuracy {
        /// Right answers.
        counter: Counter,
        classes: usize,
    },
    /// An anomaly detector's, which are judged all together.
    Detection { labels: Vec<u32>, scores: Vec<f64> },
}

impl Judge {
    /// Nothing yet, of a network for `task` that makes `outputs` numbers of a sample.
    pub fn new(task: Task, outputs: usize) -> Self {
        match task {
            Task::Classification => Judge::Accuracy { counter: Counter::default(), classes: outputs },
            Task::AnomalyDetection => Judge::Detection { labels: Vec::new(), scores: Vec::new() },
        }
    }

    /// Labels that samples may have are below this.
    pub fn classes(&self) -> usize {
        match self {
            Judge::Accuracy { classes, .. } => *classes,
            Judge::Detection { .. } => 2,
        }
    }

    /// What the outputs `logits`, `[samples, outputs]`, of `images` with `labels` say.
    pub fn answers(&mut self, logits: &[f32], images: &Tensor, labels: &[u32]) -> candle_core::Result<Answers> {
        Ok(match self {
            Judge::Accuracy { counter, classes } => Answers::Classes(counter.count(logits, *classes, labels)),
            Judge::Detection { labels: all, scores } => {
                let images: Vec<f32> = images.flatten_all()?.to_vec1()?;
                let sample = images.len() / labels.len();
                let errors = images.chunks_exact(sample).zip(logits.chunks_exact(sample));
                let batch: Vec<f64> = errors.map(|(image, output)| mean_squared_error(image, output)).collect();
                all.extend_from_slice(labels);
                scores.extend_from_slice(&batch);
                Answers::AnomalyScores(batch)
            }
        })
    }

    /// How well the network did in all.
    pub fn quality(&self) -> Result<Quality, TooFewSamples> {
        Ok(match self {
            Judge::Accuracy { counter, classes } => Quality::Accuracy(counter.accuracy(*classes)),
            Judge::Detection { labels, scores } => Quality::Detection(Detection::of(labels, scores)?),
        })
    }
}

/// The mean of squared differences, in `f64` from first to last.
fn mean_squared_error(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    squares.sum::<f64>() / a.len() as f64
}
