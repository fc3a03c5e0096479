//! Giving every layer of a network its quantization parameters.

use super::{Assignment, Progress};
use crate::data::{BatchError, Batches, DataError, Dataset, Preprocess, embedded_safetensors};
use crate::graph::{Graph, RunError};
use crate::kernel::Kernel;
use crate::layer::LayerError;
use crate::model::{Calibration, Model};
use crate::quant::ParamsFile;
use std::num::NonZeroUsize;

/// Samples of a calibration batch, whatever the batch size of the evaluation.
pub const CALIBRATION_BATCH: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not 0");

/// Why a network cannot be calibrated.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// There is nothing to calibrate by.
    #[error("model '{0}' has no calibration set of its own: give one by --calib-data, or parameters by --qparams")]
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
    /// The baseline pass failed.
    #[error("calibration")]
    Run(#[from] RunError),
    /// A layer cannot be quantized.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// Layers that parameters leave out.
    #[error(
        "no quantization parameters for {} of {} layers, '{}': give them by --qparams, or calibrate all by --calib-data",
        .missing.len(), .layers, .missing.join("', '")
    )]
    Missing {
        /// Their names.
        missing: Vec<String>,
        /// Layers of the network.
        layers: usize,
    },
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

/// Observes every layer's input over the first `limit` samples of `dataset`, and quantizes each layer
/// by what was seen, as `assignment` says. Returns the samples seen.
///
/// # Errors
/// When the data cannot be read or a layer cannot be quantized.
pub fn calibrate(
    model: &mut Model,
    dataset: Dataset,
    preprocess: Preprocess,
    limit: Option<usize>,
    assignment: &Assignment,
    kernel: &'static dyn Kernel,
    progress: &dyn Progress,
) -> Result<usize, CalibrationError> {
    let batches = Batches::start(dataset, preprocess, model.graph.batch_size(CALIBRATION_BATCH), limit)?;
    if batches.image_shape() != model.input {
        return Err(CalibrationError::Shape { found: batches.image_shape(), expected: model.input });
    }
    let samples = batches.samples();
    let graph = &mut model.graph;
    let elements = graph.layer_input_elements();
    for ((layer, setting), elements) in graph.layers_mut().zip(assignment.layers()).zip(elements) {
        layer.begin_calibration(setting.config.observer.start(elements * samples));
    }
    progress.start("calibrating", samples);
    for batch in batches {
        let batch = batch?;
        graph.run(&[batch.images], batch.first as u64)?;
        progress.advance(batch.labels.len());
    }
    progress.finish();
    for (layer, setting) in graph.layers_mut().zip(assignment.layers()) {
        layer.finish_calibration(&setting.config, setting.operand_lut(), kernel)?;
    }
    Ok(samples)
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
    let needed = names.iter().zip(assignment.layers()).filter(|(_, setting)| setting.mode.is_quantized());
    let missing = needed.map(|(name, _)| name).filter(|&name| !file.layers.contains_key(name));
    let missing: Vec<String> = missing.cloned().collect();
    if !missing.is_empty() {
        return Err(CalibrationError::Missing { missing, layers: names.len() });
    }
    for (layer, setting) in graph.layers_mut().zip(assignment.layers()) {
        if let Some(params) = file.layers.get(layer.name()) {
            layer.quantize(params.clone(), setting.config.coding, setting.operand_lut(), kernel)?;
        }
    }
    Ok(file.layers.keys().filter(|&name| !names.contains(name)).cloned().collect())
}

/// The parameters of all quantized layers.
pub fn params(graph: &Graph) -> ParamsFile {
    let layers = graph.layers().filter_map(|layer| Some((layer.name().to_owned(), layer.params()?.clone())));
    ParamsFile { layers: layers.collect(), blake3: String::new() }
}
