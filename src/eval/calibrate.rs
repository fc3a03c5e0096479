//! Quantization parameters of a network's layers: observed, known, collected.

use super::sample_watch::{CalibrationSamples, SampleWatch, SeeError};
use super::traps::{Channels, Fingerprints};
use super::{Assignment, LayerConfig, NanSample, Progress};
use crate::data::{Batch, BatchError, Batches, DataError, Dataset, Preprocess, Selection, embedded_safetensors};
use crate::graph::pass::watched_values;
use crate::graph::{Graph, RunError};
use crate::kernel::Kernel;
use crate::layer::{ApproxLayer, InferenceMode, LayerError, LayerProblem, with_values};
use crate::model::{Calibration, Model};
use crate::quant::{LayerParams, Observed, Observer, Operands, ParamsFile, QuantError};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// Samples of a calibration batch, whatever the batch size of the evaluation.
pub const CALIBRATION_BATCH: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");

/// Why a network cannot be calibrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// There is nothing to calibrate by.
    #[error("model '{0}' has no calibration set of its own: give one, or quantization parameters")]
    NoData(String),
    /// The calibration set cannot be read.
    #[error("calibration data")]
    Data(#[from] DataError),
    /// The calibration set cannot be prepared.
    #[error("calibration data")]
    Batch(#[from] BatchError),
    /// Its images are not the network's.
    #[error("calibration images are {found:?} (channels, height, width), but the network takes {expected:?}")]
    Shape {
        /// The images' dimensions.
        found: [usize; 3],
        /// The network's.
        expected: [usize; 3],
    },
    /// A sample has NaN values.
    #[error("calibration data")]
    Nan(#[from] NanSample),
    /// candle reports a problem.
    #[error("calibration")]
    Candle(#[source] Box<candle_core::Error>),
    /// The baseline pass failed.
    #[error("calibration")]
    Run(#[from] RunError),
    /// Whoever follows the loop ended it.
    #[error("the calibration was stopped")]
    Stopped,
    /// A layer cannot be quantized.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// Layers that parameters leave out.
    #[error(
        "no quantization parameters for {} of {} layers, '{}': give calibration data or parameters, or keep {} in base \
         by a rule such as '{}:mode=base'",
        .missing.len(), .layers, .missing.join("', '"), if .missing.len() == 1 { "it" } else { "them" }, .missing[0]
    )]
    Missing {
        /// Their names.
        missing: Vec<String>,
        /// Layers of the network.
        layers: usize,
    },
}

impl CalibrationError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            CalibrationError::NoData(_) => &["calib_data", "qparams"],
            CalibrationError::Missing { .. } => &["calib_data", "qparams", "set"],
            _ => &[],
        }
    }
}

/// The model's own calibration set.
///
/// # Errors
/// When it has none, or it cannot be read.
pub fn calibration_data(model: &Model) -> Result<Dataset, CalibrationError> {
    match &model.calibration {
        Some(Calibration::File(path)) => Ok(crate::data::open(path, None, crate::data::Split::Train)?),
        Some(Calibration::Embedded(bytes)) => Ok(embedded_safetensors("calibration", bytes)?),
        None => Err(CalibrationError::NoData(model.name.clone())),
    }
}

impl From<SeeError> for CalibrationError {
    fn from(error: SeeError) -> Self {
        match error {
            SeeError::Nan(nan) => nan.into(),
            SeeError::Candle(error) => CalibrationError::Candle(Box::new(error)),
        }
    }
}

/// Observes every layer's input, and both factors of products of two activations, over a selection of the samples of
/// `dataset`, such as the first `Some(64)`, all layers in baseline mode. Returns what was observed, by layer name, and
/// how many samples were seen.
///
/// # Errors
/// When the data cannot be read, the network fails, or a layer saw no values or NaN.
pub fn observe(
    model: &mut Model,
    dataset: Dataset,
    preprocess: Preprocess,
    selection: impl Into<Selection>,
    observer: Observer,
    progress: &dyn Progress,
) -> Result<(BTreeMap<String, Operands<Observed>>, usize), CalibrationError> {
    let seen = observe_seen(model, dataset, preprocess, selection.into(), observer, &|_| true, progress)?;
    Ok((seen.layers, seen.set.images.samples))
}

/// What was observed over a calibration set.
pub(super) struct Seen {
    /// Of the operands of layers, by layer name.
    pub layers: BTreeMap<String, Operands<Observed>>,
    /// Of values between operators that are watched, by their names.
    pub values: BTreeMap<String, Observed>,
    /// The samples.
    pub set: CalibrationSamples,
}

/// As [`observe`], of the layers whose names are `wanted` and of all values that are watched.
pub(super) fn observe_seen(
    model: &mut Model,
    dataset: Dataset,
    preprocess: Preprocess,
    selection: Selection,
    observer: Observer,
    wanted: &dyn Fn(&str) -> bool,
    progress: &dyn Progress,
) -> Result<Seen, CalibrationError> {
    let pixel_kind = dataset.pixel_kind();
    let batch_size = model.graph.batch_size(CALIBRATION_BATCH);
    let batches = Batches::start(dataset, preprocess, batch_size, selection)?;
    if batches.image_shape() != model.input {
        return Err(CalibrationError::Shape { found: batches.image_shape(), expected: model.input });
    }
    let (dataset, samples) = (batches.name().to_owned(), batches.samples());
    let graph = &mut model.graph;
    let elements = graph.layer_input_elements();
    for (layer, elements) in graph.layers_mut().zip(elements) {
        layer.set_mode(InferenceMode::Baseline);
        // Others too sum in the order that observing brings about, so that scales are the same on every machine.
        let observer = if wanted(layer.name()) { observer } else { Observer::MinMax };
        layer.begin_calibration(elements.map(|elements| observer.start(elements * samples)));
    }
    for (_, observing, elements) in watched_values(graph) {
        observing.set(Some(observer.start(elements * samples)));
    }
    progress.start("calibrating", samples);
    let (mut watch, mut fingerprints) = (SampleWatch::default(), Fingerprints::default());
    let mut see = |batch: Batch| -> Result<Batch, CalibrationError> {
        watch.see(&dataset, &batch, graph)?;
        let channels = Channels::of_batch(batch.images.dims());
        let add = |values: &[f32]| {
            let size = (values.len() / batch.labels.len().max(1)).max(1);
            values.chunks_exact(size).for_each(|sample| fingerprints.add(sample, channels));
        };
        with_values(&batch.images, add).map_err(SeeError::from)?;
        Ok(batch)
    };
    // Batches of graphs that take fewer samples at a time are parts of the same ones.
    let parts = (CALIBRATION_BATCH.get() / batch_size.get()).max(1);
    let mut waiting = Vec::new();
    for batch in batches {
        match batch.map_err(CalibrationError::from).and_then(&mut see) {
            Ok(batch) => waiting.push(batch),
            Err(error) => {
                // What fails of earlier samples comes first.
                pass(graph, &waiting, progress)?;
                return Err(error);
            }
        }
        let together = if observer.follows_batches() { parts } else { side_by_side(&waiting[0]) };
        if waiting.len() >= together {
            pass(graph, &waiting, progress)?;
            graph.layers().for_each(ApproxLayer::end_calibration_batch);
            watched_values(graph).for_each(|(_, observing, _)| observing.end_batch());
            waiting.clear();
        }
        if progress.is_stopped() {
            return Err(CalibrationError::Stopped);
        }
    }
    pass(graph, &waiting, progress)?;
    progress.finish();
    let (mut observed, mut infinite) = (BTreeMap::new(), None);
    for layer in graph.layers_mut() {
        // Infinite values in an earlier layer are what made NaN of later ones.
        let seen = layer.finish_observing().map_err(|error| infinite.take().unwrap_or(error))?;
        if !wanted(layer.name()) {
            continue;
        }
        if let Some(seen) = seen.iter().find(|seen| !seen.max_abs.is_finite() && infinite.is_none()) {
            let problem = LayerProblem::from(QuantError::Infinite { low: seen.low, high: seen.high });
            infinite = Some(problem.in_layer(layer.name()));
        }
        observed.insert(layer.name().to_owned(), seen);
    }
    let mut values = BTreeMap::new();
    for (name, observing, _) in watched_values(graph) {
        values.insert(name.to_owned(), observing.finish().map_err(|problem| problem.in_layer(name))?);
    }
    Ok(Seen { layers: observed, values, set: CalibrationSamples { pixel_kind, images: watch.images, fingerprints } })
}

/// How many batches like this one pass through the network side by side: one for each thread while their images are
/// few bytes. The parts that a small batch is run in seldom occupy all threads to its end.
fn side_by_side(batch: &Batch) -> usize {
    /// Images of all of them.
    const BYTES: usize = 16 << 20;
    let bytes = batch.images.elem_count() * size_of::<f32>();
    (BYTES / bytes.max(1)).clamp(1, rayon::current_num_threads())
}

/// Passes batches through the network, whose layers observe them: the order of those that pass together does not
/// matter to what they observe.
/// Fails by the first batch that does.
fn pass(graph: &Graph, batches: &[Batch], progress: &dyn Progress) -> Result<(), RunError> {
    let passes = batches.par_iter().map(|batch| {
        graph.run(std::slice::from_ref(&batch.images), batch.first as u64)?;
        progress.advance(batch.labels.len());
        Ok(())
    });
    passes.collect::<Vec<_>>().into_iter().collect()
}

/// Quantizes layers side by side. Fails by the first layer that does.
fn for_each_layer(
    graph: &mut Graph,
    assignment: &Assignment,
    quantize: impl Fn(&mut dyn ApproxLayer, &LayerConfig) -> Result<(), LayerError> + Sync,
) -> Result<(), CalibrationError> {
    let layers: Vec<_> = graph.layers_mut().zip(assignment.layers()).collect();
    let quantized = layers.into_par_iter().map(|(layer, config)| quantize(layer, config));
    Ok(quantized.collect::<Vec<_>>().into_iter().collect::<Result<(), _>>()?)
}

/// Quantizes every layer by what was observed of its input, as `assignment` says.
///
/// # Errors
/// When a layer was not observed, or cannot be quantized by what was.
pub fn quantize_observed(
    graph: &mut Graph,
    observed: &BTreeMap<String, Operands<Observed>>,
    assignment: &Assignment,
    kernel: &'static dyn Kernel,
) -> Result<(), CalibrationError> {
    quantize_by(graph, &|_| None, observed, assignment, kernel)
}

/// Quantizes layers by the parameters that are `known` of them, else by what was observed of them, as `assignment`
/// says. A layer whose mode needs neither may be left out. A multiplier that cannot take known parameters is an error
/// only where its table is looked up.
pub(super) fn quantize_by<'a>(
    graph: &mut Graph,
    known: &(dyn Fn(&str) -> Option<&'a LayerParams> + Sync),
    observed: &BTreeMap<String, Operands<Observed>>,
    assignment: &Assignment,
    kernel: &'static dyn Kernel,
) -> Result<(), CalibrationError> {
    let layers = graph.layers().count();
    let needed = graph.layers().zip(assignment.layers()).filter(|(_, config)| config.mode().is_quantized());
    let missing: Vec<String> = needed
        .map(|(layer, _)| layer.name())
        .filter(|name| known(name).is_none() && !observed.contains_key(*name))
        .map(str::to_owned)
        .collect();
    if !missing.is_empty() {
        return Err(CalibrationError::Missing { missing, layers });
    }
    for_each_layer(graph, assignment, |layer, config| {
        let coding = config.quantization.coding;
        if let Some(params) = known(layer.name()) {
            let quantized = layer.quantize(params.clone(), coding, config.operand_lut(), kernel);
            return match quantized {
                Err(_) if config.looked_up_lut().is_none() => layer.quantize(params.clone(), coding, None, kernel),
                quantized => quantized,
            };
        }
        let Some(observed) = observed.get(layer.name()) else { return Ok(()) };
        let params = layer.params_for(&config.quantization, config.operand_lut(), observed)?;
        layer.quantize(params, coding, config.operand_lut(), kernel)
    })
}

/// Quantizes the layers by known parameters, as `assignment` says. A layer whose mode needs none may
/// be left out. Returns the names that no layer has.
///
/// # Errors
/// When a layer has no parameters, or cannot be quantized by them.
pub fn quantize(
    graph: &mut Graph,
    file: &ParamsFile,
    assignment: &Assignment,
    kernel: &'static dyn Kernel,
) -> Result<Vec<String>, CalibrationError> {
    let names: Vec<String> = graph.layers().map(|layer| layer.name().to_owned()).collect();
    quantize_by(graph, &|name| file.layers.get(name), &BTreeMap::new(), assignment, kernel)?;
    Ok(file.layers.keys().filter(|&name| !names.contains(name)).cloned().collect())
}

/// The parameters of all quantized layers.
pub fn params(graph: &Graph) -> ParamsFile {
    let layers = graph.layers().filter_map(|layer| Some((layer.name().to_owned(), layer.params()?.clone())));
    ParamsFile { layers: layers.collect(), ..ParamsFile::default() }
}
