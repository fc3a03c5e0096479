//! Evaluations of a session.

use super::images::{arrange, match_classes};
use super::{Experiment, ParamsSource, Session, SessionError};
use crate::data::{Batch, Batches, Dataset, Split};
use crate::eval::activations::Pass;
use crate::eval::input_watch::LayerWatches;
use crate::eval::run::evaluate_seen;
use crate::eval::sample_watch::SampleWatch;
use crate::eval::vectors::VectorRecorder;
use crate::eval::{
    Arithmetic, Assignment, BatchOutputs, CountedOperands, LayerNoise, OperandCounter, Outcome, OutputError,
    set_accumulators, set_modes,
};
use crate::graph::InputObserver;
use crate::layer::{AccumulatorFindings, InferenceMode, LayerVectors};
use crate::lut::Coding;
use crate::quant::LayerParams;
use crate::task::{Comparison, Metric};
use std::io;
use std::ops::Range;

/// What an evaluation found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Findings {
    /// How well the network did, and its answers.
    pub outcome: Outcome,
    /// What each layer computed, noise that was derived included.
    pub assignment: Assignment,
    /// What was found of each layer, in graph order.
    pub layers: Vec<LayerFindings>,
    /// Hash of the dataset.
    pub dataset_blake3: String,
    /// What a reader of a report should know of this evaluation, beside the session's own notes.
    pub notes: Vec<String>,
}

/// What an evaluation found of a layer; all of it `None` for a layer that ran in `f32`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LayerFindings {
    /// The quantization parameters in use.
    pub params: Option<LayerParams>,
    /// The coding that its integers are of; `None` also where known parameters do not say it and no multiplier
    /// needs one.
    pub coding: Option<Coding>,
    /// Where its scales come from.
    pub source: Option<ParamsSource>,
    /// How far the integers of input and weights, or of both factors, were shifted into the coding's range.
    pub shifts: [i32; 2],
    /// The error of its output, where measured.
    pub error: Option<OutputError>,
    /// The same as predicted from the multiplier's table and calibration data, where measured in approximate mode.
    pub predicted: Option<LayerNoise>,
    /// What the multiplier does to the operands of the first samples, in approximate mode.
    pub operands: Option<CountedOperands>,
    /// What its accumulators went through, where it has such.
    pub accumulator: Option<AccumulatorFindings>,
    /// By which kernel and how its products were summed, in words, in modes that quantize.
    pub sums: Option<String>,
    /// Its integers over the first samples, in modes quant and approx, where they were asked for and it has weights.
    pub vectors: Option<LayerVectors>,
}

/// Findings against those of the same network on the same samples, all layers in another mode.
#[derive(Debug, Clone, PartialEq)]
pub struct ModeComparison {
    /// The other mode.
    pub mode: InferenceMode,
    /// The metric that it reached.
    pub metric: Metric,
    /// The findings against that.
    pub comparison: Comparison,
}

impl Session {
    /// Evaluates the dataset under `assignment`, and passes each batch's outputs to `sink`. Scales, and
    /// noise that is derived from multipliers, are found first where they are needed.
    ///
    /// # Errors
    /// When the layers cannot be quantized, or data, network or sink fail.
    pub fn evaluate(
        &mut self,
        assignment: &Assignment,
        sink: impl FnMut(&BatchOutputs) -> io::Result<()>,
    ) -> Result<Findings, SessionError> {
        self.evaluate_part(assignment, 0..self.samples, sink)
    }

    /// As [`evaluate`](Session::evaluate), over the samples at some places among the
    /// [`samples`](Session::samples) that it would run over: a study holds others back.
    ///
    /// # Errors
    /// As [`evaluate`](Session::evaluate), and when the part has too few samples for the task's metrics.
    pub fn evaluate_part(
        &mut self,
        assignment: &Assignment,
        part: Range<usize>,
        sink: impl FnMut(&BatchOutputs) -> io::Result<()>,
    ) -> Result<Findings, SessionError> {
        let predicted = self.predict_errors(assignment)?;
        let mut findings = self.evaluate_dataset(assignment, part, sink)?;
        findings.layers.iter_mut().zip(predicted).for_each(|(layer, predicted)| layer.predicted = predicted);
        Ok(findings)
    }

    /// As [`evaluate_part`](Session::evaluate_part), without predictions.
    fn evaluate_dataset(
        &mut self,
        assignment: &Assignment,
        part: Range<usize>,
        sink: impl FnMut(&BatchOutputs) -> io::Result<()>,
    ) -> Result<Findings, SessionError> {
        let prepared = self.activations.prepared(&self.dataset_name, &part);
        if let Some((batches, dataset_blake3)) = prepared.zip(self.dataset_hash.clone()) {
            let assignment = self.set_up(assignment)?;
            let findings = self.run(assignment, batches, Some(part), sink)?;
            return Ok(Findings { dataset_blake3, ..findings });
        }
        let dataset = self.take_dataset()?;
        let origin = dataset.origin().clone();
        let hash = self.dataset_hash.take();
        // Its hash is computed beside the evaluation.
        let hash =
            std::thread::spawn(move || hash.map_or_else(|| origin.blake3().map(|hash| hash.to_hex().to_string()), Ok));
        let (preprocess, selection) = (self.preprocess.clone(), self.experiment.evaluated().part(part.clone()));
        let assignment = self.set_up(assignment)?;
        let batches =
            Batches::start(dataset, preprocess, self.batch_size(), selection).map_err(crate::eval::EvalError::from)?;
        let findings = self.run(assignment, batches, Some(part), sink)?;
        let dataset_blake3 = hash.join().map_err(|_| SessionError::Panicked)??;
        self.dataset_hash = Some(dataset_blake3.clone());
        Ok(Findings { dataset_blake3, ..findings })
    }

    /// Tells that the evaluations that follow have in common what comes before the layer of this index (in graph
    /// order): prepared images, and activations before that layer, are kept in memory, up to a GiB, and evaluations whose
    /// earlier layers compute the same go on from these. Results are the same bits. `None` gives the memory back.
    ///
    /// Loops over layers are quickest from the first layer on: what stands before the next one follows from what is
    /// kept. Where layers' errors, accumulators or integers are looked at, or networks run on integers alone, all layers
    /// run each time.
    pub fn share_before(&mut self, layer: Option<usize>) {
        self.activations.keep_before(layer);
    }

    /// Evaluates `batches` instead of the session's own dataset, such as tensors in memory
    /// ([`Batches::from_tensors`]). The findings have no hash of the data.
    ///
    /// # Errors
    /// As [`evaluate`](Session::evaluate).
    pub fn evaluate_batches(
        &mut self,
        assignment: &Assignment,
        batches: Batches,
        sink: impl FnMut(&BatchOutputs) -> io::Result<()>,
    ) -> Result<Findings, SessionError> {
        let assignment = self.set_up(assignment)?;
        self.run(assignment, batches, None, sink)
    }

    /// Evaluates the same samples with every layer in `mode`, `base` or `quant`, on the integers that
    /// `findings` are of, and compares `findings` with that. Sums of the reference are kept whole.
    ///
    /// # Errors
    /// As [`evaluate`](Session::evaluate).
    ///
    /// # Panics
    /// When `mode` needs a multiplier or noise.
    pub fn compare(&mut self, mode: InferenceMode, findings: &Findings) -> Result<ModeComparison, SessionError> {
        let arithmetic = match mode {
            InferenceMode::Baseline => Arithmetic::Base,
            InferenceMode::Quantized => Arithmetic::Quant,
            mode => panic!("mode {mode} is no reference: it needs a multiplier or noise"),
        };
        let assignment = findings.assignment.with_arithmetic(&arithmetic);
        let measured = std::mem::take(&mut self.experiment.layer_errors);
        let counted = std::mem::take(&mut self.experiment.operand_samples);
        let recorded = std::mem::take(&mut self.experiment.vector_samples);
        let accumulator = self.experiment.accumulator.take();
        let reference = self.evaluate(&assignment, |_| Ok(()));
        self.experiment.accumulator = accumulator;
        self.experiment.layer_errors = measured;
        self.experiment.operand_samples = counted;
        self.experiment.vector_samples = recorded;
        let reference = reference?.outcome;
        let comparison = Comparison::new(&reference.predictions, &findings.outcome.predictions)?;
        Ok(ModeComparison { mode, metric: reference.metrics.metric(), comparison })
    }

    /// Makes the layers what `assignment` says; returns it with the noise that was derived.
    pub(super) fn set_up(&mut self, assignment: &Assignment) -> Result<Assignment, SessionError> {
        if assignment.is_quantized() {
            self.quantize(assignment)?;
        }
        // Noise models a multiplier alone.
        set_accumulators(&mut self.experiment.model.graph, None);
        let assignment = self.derive_noise(assignment)?;
        let Experiment { model, seed, layer_errors, accumulator, .. } = &mut self.experiment;
        set_modes(&mut model.graph, &assignment, *seed)?;
        set_accumulators(&mut model.graph, *accumulator);
        let layer_errors = *layer_errors;
        self.requantize(&assignment)?;
        if let Some(statistics) = &self.statistics {
            if layer_errors { statistics.resume() } else { statistics.pause() }
        }
        self.note_correction(&assignment);
        self.trace(&assignment);
        Ok(assignment)
    }

    /// Runs `batches`, of a part of the session's own samples where that is given.
    fn run(
        &mut self,
        assignment: Assignment,
        batches: Batches,
        part: Option<Range<usize>>,
        sink: impl FnMut(&BatchOutputs) -> io::Result<()>,
    ) -> Result<Findings, SessionError> {
        let Experiment { model, layer_errors, operand_samples, vector_samples, .. } = &self.experiment;
        let is_calibrated = assignment.is_quantized();
        let observations = self.scales.observations.as_ref().filter(|_| is_calibrated);
        let known = observations.map(|observations| &observations.set.fingerprints);
        let mut watch = SampleWatch { known, ..SampleWatch::default() };
        let counter = OperandCounter::new(*operand_samples);
        let is_counted = *operand_samples > 0 && assignment.luts_in_use().iter().any(|lut| !lut.is_exact());
        let watches = LayerWatches::new(&model.graph);
        let recorder = VectorRecorder::new(*vector_samples);
        let mut observers: Vec<&dyn InputObserver> = vec![&watches];
        if is_counted {
            observers.push(&counter);
        }
        if *vector_samples > 0 {
            observers.push(&recorder);
        }
        let is_whole = self.experiment.layer_errors
            || self.experiment.accumulator.is_some()
            || *vector_samples > 0
            || self.requantization().is_some();
        let whole = if is_counted { *operand_samples } else { 0 };
        let part = part.filter(|_| !is_whole);
        let begin = |part| self.activations.begin(part, &model.graph, (&assignment, self.experiment.seed), whole);
        let mut pass = part.map_or_else(Pass::default, begin);
        let run = |at, batch: &Batch| pass.run(at, &model.graph, batch, &observers);
        let outcome = evaluate_seen(model, batches, run, &*self.progress, &mut watch, sink)?;
        let SampleWatch { images, shared, .. } = watch;
        let operands = if is_counted {
            counter.finish(&model.graph, &assignment, self.experiment.costliest_products)
        } else {
            Vec::new()
        };
        let vectors = recorder.finish(&model.graph)?;
        let measured = self.statistics.as_ref().filter(|_| *layer_errors);
        let errors = measured.map_or_else(Vec::new, |statistics| statistics.take());
        let configs = model.graph.layers().zip(assignment.layers());
        let found = errors.into_iter().chain(std::iter::repeat(None));
        let found = found.zip(operands.into_iter().chain(std::iter::repeat(None))).zip(vectors);
        let layers = configs.zip(found).map(|((layer, config), ((error, operands), vectors))| {
            let is_quantized = layer.mode().is_quantized();
            let params = layer.params().filter(|_| is_quantized).cloned();
            let coding = self.coding_of(layer, config).filter(|_| is_quantized);
            let source = self.source_of(layer.name()).filter(|_| is_quantized);
            let shifts = layer.shifts().filter(|_| is_quantized).unwrap_or_default();
            let accumulator = layer.accumulator_findings();
            let sums = layer.describe_sums();
            let predicted = None;
            LayerFindings { params, coding, source, shifts, error, predicted, operands, accumulator, sums, vectors }
        });
        let layers = layers.collect();
        let seen = pass.end(&mut self.activations, &model.graph, watches.finish());
        let notes = self.notes_after(&assignment, &outcome, &seen, &images, shared);
        Ok(Findings { layers, outcome, assignment, dataset_blake3: String::new(), notes })
    }

    /// The dataset, for one pass: the one opened already, else opened again.
    pub(super) fn take_dataset(&mut self) -> Result<Dataset, SessionError> {
        if let Some(dataset) = self.dataset.take() {
            return Ok(dataset);
        }
        let mut dataset = self.data.open(Split::Test)?;
        // As when it was opened first.
        self.preprocess = arrange(&mut dataset, &self.experiment.preprocess, &self.experiment.model)?;
        match_classes(&mut dataset, &mut self.experiment.model)?;
        Ok(dataset)
    }
}
