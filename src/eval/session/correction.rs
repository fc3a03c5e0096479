//! What a search for corrections needs of a session: calibration samples, the inputs of single layers, and layers whose
//! weights, biases and scales are exchanged.

use super::scales::{CalibrationSet, Known};
use super::{ParamsSource, Session, SessionError};
use crate::data::Batches;
use crate::eval::{Assignment, CALIBRATION_BATCH, EvalError};
use crate::graph::Midway;
use crate::layer::{ApproxLayer, LayerError, LayerParts};
use crate::quant::{LayerParams, ParamsFile};
use crate::task::{Metrics, Predictions};
use candle_core::Tensor;
use std::ops::Range;

/// The calibration samples, as the network takes them.
#[derive(Debug)]
pub struct CalibrationImages {
    /// Images of each batch, `[batch, channels, height, width]`.
    images: Vec<Tensor>,
    /// Class of each sample; `None` where they are not labels of the network's task.
    labels: Option<Vec<u32>>,
    /// Samples in all.
    samples: usize,
    /// Hash of the set.
    blake3: String,
}

/// Bytes of calibration images that are kept.
const LARGEST: usize = 4 << 30;

/// Bytes of activations that are kept between layers; batches beyond run from the start again.
const KEPT: usize = 1 << 30;

/// Samples on their way through a network.
#[derive(Debug)]
pub(crate) struct Walk {
    /// The images of each batch, and how far it is.
    batches: Vec<(Tensor, Option<Midway>)>,
}

impl CalibrationImages {
    /// Samples in all.
    pub fn len(&self) -> usize {
        self.samples
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// Hash of the whole set.
    pub fn blake3(&self) -> &str {
        &self.blake3
    }

    /// Whether they have labels of the network's task.
    pub fn are_labeled(&self) -> bool {
        self.labels.is_some()
    }

    /// Some of the samples before the first layer of a network.
    ///
    /// # Errors
    /// When a tensor cannot be cut.
    pub(crate) fn walk(&self, part: &Range<usize>) -> Result<Walk, SessionError> {
        let images = self.part(part).map_err(|error| SessionError::Eval(error.into()))?;
        Ok(Walk { batches: images.into_iter().map(|images| (images, None)).collect() })
    }

    /// The images of some of the samples, batch by batch.
    ///
    /// # Errors
    /// When a tensor cannot be cut.
    fn part(&self, part: &Range<usize>) -> candle_core::Result<Vec<Tensor>> {
        let (mut first, mut found) = (0, Vec::new());
        for images in &self.images {
            let size = images.dims()[0];
            let (from, to) = (part.start.max(first), part.end.min(first + size));
            if from < to {
                found.push(images.narrow(0, from - first, to - from)?);
            }
            first += size;
        }
        Ok(found)
    }
}

/// What a network computes of some calibration samples.
#[derive(Debug, Clone)]
pub struct CalibrationOutputs {
    /// Its outputs, sample by sample.
    pub outputs: Vec<f32>,
    /// The metrics of its task; `None` where samples have no labels that allow them.
    pub metrics: Option<Metrics>,
}

impl Session {
    /// The calibration samples: those of the set that was given, else of the model's own.
    ///
    /// # Errors
    /// When there is no set, it cannot be read, or its images exceed 4 GiB.
    pub fn calibration_images(&mut self) -> Result<CalibrationImages, SessionError> {
        let CalibrationSet { mut dataset, preprocess } = CalibrationSet::open(&self.experiment)?;
        let blake3 = dataset.origin().blake3()?.to_hex().to_string();
        let selection = self.experiment.calibrated();
        let model = &self.experiment.model;
        let is_matched = model.task.match_labels(&mut dataset, model.outputs, &model.labels).is_ok();
        let samples = selection.count(dataset.len());
        self.uses_part |= samples < dataset.len();
        let bytes = model.input.iter().product::<usize>().saturating_mul(samples * size_of::<f32>());
        if bytes > LARGEST {
            return Err(SessionError::CalibrationSize { samples, limit: LARGEST / (bytes / samples.max(1)).max(1) });
        }
        let all = selection.labels(dataset.labels()).into_owned();
        let classes = model.task.label_count(model.outputs);
        let fits =
            is_matched && all.iter().all(|&label| (label as usize) < classes) && model.task.check_labels(&all).is_ok();
        let batch_size = model.graph.batch_size(CALIBRATION_BATCH);
        let batches = Batches::start(dataset, preprocess, batch_size, selection).map_err(EvalError::from)?;
        let images = batches.map(|batch| Ok(batch.map_err(EvalError::from)?.images));
        let images = images.collect::<Result<Vec<_>, SessionError>>()?;
        Ok(CalibrationImages { images, labels: fits.then_some(all), samples, blake3 })
    }

    /// Takes `params` for the scales of all layers from now on.
    pub fn fix_params(&mut self, params: ParamsFile) {
        self.scales.fix(Known { file: params, source: ParamsSource::Qparams, path: None });
    }

    /// Exchanges the parts of the layer called `layer`, and its quantization parameters, after those of all were
    /// [fixed](Session::fix_params).
    ///
    /// # Errors
    /// When the parts are not of its dimensions.
    ///
    /// # Panics
    /// When there is no such layer with weights, or parameters are not fixed.
    pub fn set_layer(&mut self, layer: &str, parts: &LayerParts, params: LayerParams) -> Result<(), LayerError> {
        // What was computed by other numbers.
        self.share_before(None);
        self.scales.first_mut().expect("parameters are fixed").layers.insert(layer.to_owned(), params);
        let mut layers = self.experiment.model.graph.layers_mut();
        let found = layers.find(|found| found.name() == layer).and_then(ApproxLayer::as_weighted_mut);
        found.expect("a layer with weights").set_parts(parts)
    }

    /// Takes samples under `assignment` on to the layer of index `layer` in graph order, and shows `see` that layer with
    /// its input, batch by batch. What comes before the layers that they were at computes what it did then.
    ///
    /// # Errors
    /// When layers cannot be quantized, the network fails, or `see` does.
    pub(crate) fn advance(
        &mut self,
        walk: &mut Walk,
        assignment: &Assignment,
        layer: usize,
        mut see: impl FnMut(&dyn ApproxLayer, &Tensor) -> Result<(), LayerError>,
    ) -> Result<(), SessionError> {
        self.set_up(assignment)?;
        let graph = &self.experiment.model.graph;
        let (mut first, mut kept) = (0, 0);
        for (images, midway) in &mut walk.batches {
            let before = match midway.take() {
                Some(midway) => midway,
                None => graph.enter(std::slice::from_ref(images)).map_err(EvalError::from)?,
            };
            let after = graph.advance(&before, layer, first, &[]).map_err(EvalError::from)?;
            let input = graph.next_input(&after).expect("a layer reads a value that is computed");
            see(graph.layers().nth(layer).expect("a layer of that index"), input)?;
            kept += after.bytes();
            *midway = Some(after).filter(|_| kept <= KEPT);
            first += images.dims()[0] as u64;
        }
        Ok(())
    }

    /// The outputs of the network under `assignment` for some calibration samples, and how good they are.
    ///
    /// # Errors
    /// When layers cannot be quantized, the network fails, or outputs are not finite.
    pub fn calibration_outputs(
        &mut self,
        assignment: &Assignment,
        samples: &CalibrationImages,
        part: &Range<usize>,
    ) -> Result<CalibrationOutputs, SessionError> {
        self.set_up(assignment)?;
        let failed = |error: candle_core::Error| SessionError::Eval(error.into());
        let model = &self.experiment.model;
        let task_outputs = model.task_outputs();
        let mut evaluator = model.task.evaluator(task_outputs);
        let (mut all, mut predictions, mut first) = (Vec::new(), Predictions::new(model.task), part.start);
        for images in samples.part(part).map_err(failed)? {
            let count = images.dims()[0];
            let output = model.graph.run(std::slice::from_ref(&images), first as u64).map_err(EvalError::from)?;
            let outputs: Vec<f32> = output[0].flatten_all().and_then(|flat| flat.to_vec1()).map_err(failed)?;
            if outputs.len() != count * task_outputs.count {
                let (found, samples, outputs) = (output[0].dims().to_vec(), count, task_outputs.count);
                return Err(EvalError::Output { found, samples, outputs }.into());
            }
            if let Some(at) = outputs.iter().position(|output| !output.is_finite()) {
                return Err(EvalError::NotFinite(first + at / task_outputs.count).into());
            }
            if let Some(labels) = &samples.labels {
                let labels = &labels[first..first + count];
                predictions.extend(&evaluator.predict(&outputs, &images, labels).map_err(failed)?);
            }
            all.extend(outputs);
            first += count;
        }
        let metrics = samples.labels.as_ref().and_then(|_| evaluator.metrics(&predictions).ok());
        Ok(CalibrationOutputs { outputs: all, metrics })
    }
}
