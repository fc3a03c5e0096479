//! The batch loop.

use super::judge::Judge;
use super::{Answered, Answers, Assignment, Progress, Quality, Scores, TooFewSamples};
use crate::data::{Batch, BatchError, Batches};
use crate::graph::{Graph, RunError};
use crate::layer::LayerError;
use crate::model::Model;
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
    /// A label that the network does not know.
    #[error("sample {sample} has label {label}, but the network knows {classes} classes")]
    Label {
        /// Place in the data set.
        sample: usize,
        /// Its label.
        label: u32,
        /// Classes of the network; an anomaly detector's are normal and anomalous.
        classes: usize,
    },
    /// The network gives something else than one row of numbers a sample.
    #[error("the network's output has shape {found:?}, expected [{samples}, {outputs}]")]
    Output {
        /// Its dimensions.
        found: Vec<usize>,
        /// Samples of the batch.
        samples: usize,
        /// Numbers that it should give for each.
        outputs: usize,
    },
    /// The network's output is not a number, or infinite: there is no judging it.
    #[error("the outputs of sample {0} have NaN or infinite values")]
    NotFinite(usize),
    /// A sample itself has values that are not finite, so that what is given back is infinitely far off.
    #[error("sample {0} has infinite values: no score can be compared with its own")]
    NotFiniteScore(usize),
    /// An anomaly detector's samples are too few to judge it by.
    #[error(transparent)]
    TooFewSamples(#[from] TooFewSamples),
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
    /// How well the network did.
    pub quality: Quality,
    /// What it said of each sample.
    pub answered: Answered,
    /// Time of the loop, batch preparation included, loading and calibration not.
    pub elapsed: Duration,
}

/// Sets every layer's mode and noise as `assignment` says, whose noise is known; `seed` is that of all noise.
///
/// # Errors
/// When the noise is not finite, or its deviation negative.
pub fn set_modes(graph: &mut Graph, assignment: &Assignment, seed: u64) -> Result<(), LayerError> {
    for (index, (layer, config)) in graph.layers_mut().zip(assignment.layers()).enumerate() {
        layer.set_mode(config.mode());
        let noise = config.noise();
        layer.set_stdev(noise.stdev)?;
        layer.set_mean(noise.mean)?;
        layer.set_seed(seed, index as u64);
    }
    Ok(())
}

/// Runs `batches` through the network and passes each batch's scores to `sink`.
///
/// # Errors
/// When data, network or sink fail, a label is none that the network knows, the network's output is
/// not as many finite numbers a sample as it should be, or the samples are too few to judge it.
pub fn evaluate(
    model: &Model,
    batches: Batches,
    progress: &dyn Progress,
    mut sink: impl FnMut(&Scores) -> std::io::Result<()>,
) -> Result<Outcome, EvalError> {
    let Model { graph, outputs, .. } = model;
    let outputs = *outputs;
    if graph.outputs().len() != 1 {
        return Err(EvalError::Outputs(graph.outputs().len()));
    }
    let started = Instant::now();
    let mut judge = Judge::new(model.task, outputs);
    let mut answered = Answered::none(model.task);
    progress.start("evaluating", batches.samples());
    for batch in batches {
        let batch = batch?;
        let Batch { first, images, labels } = &batch;
        let samples = labels.len();
        let output = graph.run(std::slice::from_ref(images), *first as u64)?.swap_remove(0);
        if output.dims() != [samples, outputs] {
            return Err(EvalError::Output { found: output.dims().to_vec(), samples, outputs });
        }
        let classes = judge.classes();
        if let Some(i) = labels.iter().position(|&label| label as usize >= classes) {
            return Err(EvalError::Label { sample: first + i, label: labels[i], classes });
        }
        let logits: Vec<f32> = output.flatten_all()?.to_vec1()?;
        if let Some(i) = logits.iter().position(|logit| !logit.is_finite()) {
            return Err(EvalError::NotFinite(first + i / outputs));
        }
        let answers = judge.answers(&logits, images, labels)?;
        if let Answers::AnomalyScores(scores) = &answers
            && let Some(i) = scores.iter().position(|score| !score.is_finite())
        {
            return Err(EvalError::NotFiniteScore(first + i));
        }
        let scores = Scores { first: *first, outputs, logits: &logits, labels, answers: &answers };
        answered.add(&scores);
        sink(&scores)?;
        progress.advance(samples);
    }
    progress.finish();
    Ok(Outcome { quality: judge.quality(&answered)?, answered, elapsed: started.elapsed() })
}
