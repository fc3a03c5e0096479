//! The batch loop.

use super::accuracy::{Accuracy, Counter, Scores};
use super::{Assignment, Progress};
use crate::data::{BatchError, Batches};
use crate::graph::{Graph, RunError};
use crate::layer::LayerError;
use std::time::{Duration, Instant};

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A batch cannot be prepared.
    #[error("data")]
    Batch(#[from] BatchError),
    /// The network failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The network has no output, or several.
    #[error("the network has {0} outputs, expected 1")]
    Outputs(usize),
    /// A label that the network has no output for.
    #[error("sample {sample} has label {label}, but the network has {classes} classes")]
    Label {
        /// Place in the data set.
        sample: usize,
        /// Its label.
        label: u32,
        /// Classes of the network.
        classes: usize,
    },
    /// The network gives something else than one row of logits a sample.
    #[error("the network's output has shape {found:?}, expected [{samples}, {classes}]")]
    Output {
        /// Its dimensions.
        found: Vec<usize>,
        /// Samples of the batch.
        samples: usize,
        /// Classes that it should tell apart.
        classes: usize,
    },
    /// The network's output is not a number, or infinite: it has no loss.
    #[error("the logits of sample {0} have NaN or infinite values")]
    NotFinite(usize),
    /// candle reports a problem.
    #[error(transparent)]
    Candle(Box<candle_core::Error>),
    /// Whoever takes the scores failed.
    #[error("cannot write the scores")]
    Sink(#[from] std::io::Error),
}

impl From<candle_core::Error> for EvalError {
    fn from(error: candle_core::Error) -> Self {
        EvalError::Candle(Box::new(error))
    }
}

/// What an evaluation found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How often the network was right.
    pub accuracy: Accuracy,
    /// Time of the loop, batch preparation included, loading and calibration not.
    pub elapsed: Duration,
}

/// Sets every layer's mode and noise as `assignment` says; `seed` is that of all noise.
///
/// # Errors
/// When the noise is not finite, or its deviation negative.
pub fn set_modes(graph: &mut Graph, assignment: &Assignment, seed: u64) -> Result<(), LayerError> {
    for (index, (layer, setting)) in graph.layers_mut().zip(assignment.layers()).enumerate() {
        layer.set_mode(setting.mode);
        layer.set_stdev(setting.noise.stdev)?;
        layer.set_mean(setting.noise.mean)?;
        layer.set_seed(seed, index as u64);
    }
    Ok(())
}

/// Runs `batches` through the network and hands each batch's scores to `sink`.
///
/// # Errors
/// When data, network or sink fail, a label is not below `classes`, or the network's output is not
/// `classes` numbers a sample.
pub fn evaluate(
    graph: &Graph,
    batches: Batches,
    classes: usize,
    progress: &dyn Progress,
    mut sink: impl FnMut(&Scores) -> std::io::Result<()>,
) -> Result<Outcome, EvalError> {
    if graph.outputs().len() != 1 {
        return Err(EvalError::Outputs(graph.outputs().len()));
    }
    let started = Instant::now();
    let mut counter = Counter::default();
    progress.start("evaluating", batches.samples());
    for batch in batches {
        let batch = batch?;
        let samples = batch.labels.len();
        let output = graph.run(&[batch.images], batch.first as u64)?.swap_remove(0);
        if output.dims() != [samples, classes] {
            return Err(EvalError::Output { found: output.dims().to_vec(), samples, classes });
        }
        if let Some(i) = batch.labels.iter().position(|&label| label as usize >= classes) {
            return Err(EvalError::Label { sample: batch.first + i, label: batch.labels[i], classes });
        }
        let logits: Vec<f32> = output.flatten_all()?.to_vec1()?;
        if let Some(i) = logits.iter().position(|logit| !logit.is_finite()) {
            return Err(EvalError::NotFinite(batch.first + i / classes));
        }
        let predictions = counter.count(&logits, classes, &batch.labels);
        let (first, logits) = (batch.first, &logits);
        sink(&Scores { first, classes, logits, labels: &batch.labels, predictions: &predictions })?;
        progress.advance(samples);
    }
    progress.finish();
    Ok(Outcome { accuracy: counter.accuracy(classes), elapsed: started.elapsed() })
}
