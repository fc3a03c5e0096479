//! From a network's outputs to its answers, and from those to how well it did, by its task.

use super::accuracy::Counter;
use super::{Answered, Answers, Detection, Quality, TooFewSamples};
use crate::model::Task;
use candle_core::Tensor;

/// What judges a network for a task.
pub(super) struct Judge {
    task: Task,
    /// Outputs a sample.
    outputs: usize,
    /// What is counted of a classifier's logits, beyond its answers.
    counter: Counter,
}

impl Judge {
    /// That of a network for `task` that makes `outputs` numbers of a sample.
    pub fn new(task: Task, outputs: usize) -> Self {
        Judge { task, outputs, counter: Counter::default() }
    }

    /// Labels that samples may have are below this.
    pub fn classes(&self) -> usize {
        match self.task {
            Task::Classification => self.outputs,
            Task::AnomalyDetection => 2,
        }
    }

    /// What the outputs `logits`, `[samples, outputs]`, of `images` with `labels` say.
    pub fn answers(&mut self, logits: &[f32], images: &Tensor, labels: &[u32]) -> candle_core::Result<Answers> {
        Ok(match self.task {
            Task::Classification => Answers::Classes(self.counter.count(logits, self.outputs, labels)),
            Task::AnomalyDetection => {
                let images: Vec<f32> = images.flatten_all()?.to_vec1()?;
                let errors = images.chunks_exact(self.outputs).zip(logits.chunks_exact(self.outputs));
                Answers::AnomalyScores(errors.map(|(image, output)| mean_squared_error(image, output)).collect())
            }
        })
    }

    /// How well the network did, all its answers being `answered`.
    pub fn quality(&self, answered: &Answered) -> Result<Quality, TooFewSamples> {
        Ok(match answered.answers() {
            Answers::Classes(_) => Quality::Accuracy(self.counter.accuracy(self.outputs)),
            Answers::AnomalyScores(scores) => Quality::Detection(Detection::of(answered.labels(), scores)?),
        })
    }
}

/// The mean of squared differences, in `f64` from first to last.
fn mean_squared_error(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    squares.sum::<f64>() / a.len() as f64
}
