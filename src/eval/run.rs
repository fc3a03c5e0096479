//! The batch loop.

use super::sample_watch::{SampleWatch, SeeError};
use super::{Assignment, NanSample, Progress};
use crate::data::{Batch, BatchError, Batches};
use crate::graph::{Graph, RunError};
use crate::layer::{Accumulator, InferenceMode, LayerError};
use crate::model::Model;
use crate::task::{Metrics, Predictions, SamplesError};
use candle_core::Tensor;
use std::time::{Duration, Instant};

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A batch cannot be prepared.
    #[error("failed to prepare a batch")]
    Batch(#[from] BatchError),
    /// The network failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The network has no output, or several.
    #[error("the network has {0} outputs, expected 1")]
    Outputs(usize),
    /// A label out of range.
    #[error("sample {sample} has label {label}, but the network knows {classes} classes")]
    Label {
        /// Index in the data set.
        sample: usize,
        /// Its label.
        label: u32,
        /// Labels that the network's task has.
        classes: usize,
    },
    /// The network's output is not one row of numbers a sample.
    #[error("the network's output has shape {found:?}, expected [{samples}, {outputs}]")]
    Output {
        /// Its dimensions.
        found: Vec<usize>,
        /// Samples of the batch.
        samples: usize,
        /// Outputs expected for each.
        outputs: usize,
    },
    /// The network's output has values that are NaN or infinite: it cannot be scored.
    #[error("the outputs of sample {0} have NaN or infinite values")]
    NotFinite(usize),
    /// A prediction is NaN or infinite, as where the sample itself has infinite values.
    #[error("sample {0} has infinite values: its predictions are not finite")]
    NotFinitePrediction(usize),
    /// A sample has NaN values.
    #[error(transparent)]
    Nan(#[from] NanSample),
    /// The samples do not allow the task's metrics.
    #[error(transparent)]
    Samples(#[from] SamplesError),
    /// candle reports a problem.
    #[error(transparent)]
    Candle(Box<candle_core::Error>),
    /// Whoever follows the loop ended it.
    #[error("the evaluation was stopped")]
    Stopped,
    /// The sink of batch outputs failed.
    #[error("cannot write the scores")]
    Sink(#[from] std::io::Error),
}

impl From<candle_core::Error> for EvalError {
    fn from(error: candle_core::Error) -> Self {
        EvalError::Candle(Box::new(error))
    }
}

impl From<SeeError> for EvalError {
    fn from(error: SeeError) -> Self {
        match error {
            SeeError::Nan(nan) => nan.into(),
            SeeError::Candle(error) => error.into(),
        }
    }
}

/// The results of an evaluation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The metrics of the network's task.
    pub metrics: Metrics,
    /// The predictions of all samples.
    pub predictions: Predictions,
    /// Wall time of the loop, batch preparation included, loading and calibration not.
    pub elapsed: Duration,
}

/// A batch's raw outputs and predictions.
#[derive(Debug, Clone, Copy)]
pub struct BatchOutputs<'a> {
    /// Place of the first sample among those that are evaluated.
    pub first: usize,
    /// Outputs per sample.
    pub outputs: usize,
    /// The raw outputs, `[samples, outputs]`.
    pub logits: &'a [f32],
    /// The labels and predictions of the samples.
    pub predictions: &'a Predictions,
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
        layer.set_channel_stdev(0.0)?;
        layer.set_seed(seed, index as u64);
    }
    Ok(())
}

/// Sets what every layer that is quantized or approximate keeps its sums in, and forgets what accumulators went through.
/// Noise models a multiplier alone.
pub fn set_accumulators(graph: &mut Graph, accumulator: Option<Accumulator>) {
    for layer in graph.layers_mut() {
        let has_one = matches!(layer.mode(), InferenceMode::Quantized | InferenceMode::Approximate);
        layer.set_accumulator(accumulator.filter(|_| has_one));
    }
}

/// Runs `batches` through the network, passes each batch's outputs to `sink`, and computes the metrics of
/// the network's task.
///
/// # Errors
/// When data, network or sink fail, a label is out of range, the network's output is not as many finite
/// numbers a sample as it should be, or the samples are too few for the metrics.
pub fn evaluate(
    model: &Model,
    batches: Batches,
    progress: &dyn Progress,
    sink: impl FnMut(&BatchOutputs) -> std::io::Result<()>,
) -> Result<Outcome, EvalError> {
    let run = |_, batch: &Batch| model.graph.run(std::slice::from_ref(&batch.images), batch.first as u64);
    evaluate_seen(model, batches, run, progress, &mut SampleWatch::default(), sink)
}

/// As [`evaluate`]; `run` computes the outputs of one batch after another, which it gets with their numbers, and `watch`
/// sees the samples.
pub(super) fn evaluate_seen(
    model: &Model,
    batches: Batches,
    mut run: impl FnMut(usize, &Batch) -> Result<Vec<Tensor>, RunError>,
    progress: &dyn Progress,
    watch: &mut SampleWatch,
    mut sink: impl FnMut(&BatchOutputs) -> std::io::Result<()>,
) -> Result<Outcome, EvalError> {
    let Model { graph, task, .. } = model;
    let task_outputs = model.task_outputs();
    let outputs = task_outputs.count;
    if graph.outputs().len() != 1 {
        return Err(EvalError::Outputs(graph.outputs().len()));
    }
    let dataset = batches.name().to_owned();
    let started = Instant::now();
    let (mut evaluator, classes) = (task.evaluator(task_outputs), task.label_count(outputs));
    let mut all = Predictions::new(*task);
    progress.start("evaluating", batches.samples());
    for (at, batch) in batches.enumerate() {
        let batch = batch?;
        watch.see(&dataset, &batch, graph)?;
        let Batch { first, samples: indices, images, labels } = &batch;
        let samples = labels.len();
        let output = run(at, &batch)?.swap_remove(0);
        if output.dims() != [samples, outputs] {
            return Err(EvalError::Output { found: output.dims().to_vec(), samples, outputs });
        }
        if let Some(i) = labels.iter().position(|&label| label as usize >= classes) {
            return Err(EvalError::Label { sample: indices[i], label: labels[i], classes });
        }
        let logits: Vec<f32> = output.flatten_all()?.to_vec1()?;
        if let Some(i) = logits.iter().position(|logit| !logit.is_finite()) {
            return Err(EvalError::NotFinite(indices[i / outputs]));
        }
        let predictions = evaluator.predict(&logits, images, labels)?.of_samples(indices);
        if let Some(i) = predictions.not_finite() {
            return Err(EvalError::NotFinitePrediction(indices[i]));
        }
        all.extend(&predictions);
        sink(&BatchOutputs { first: *first, outputs, logits: &logits, predictions: &predictions })?;
        progress.advance(samples);
        if progress.is_stopped() {
            return Err(EvalError::Stopped);
        }
    }
    progress.finish();
    Ok(Outcome { metrics: evaluator.metrics(&all)?, predictions: all, elapsed: started.elapsed() })
}
