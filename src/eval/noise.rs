//! Noise that models a multiplier: additive Gaussian noise as a surrogate for emulation (Trommer,
//! Waschneck, Kumar: "Combining gradients and probabilities for heterogeneous approximation of neural
//! networks", 2022), its parameters those of the errors that the multiplier makes.
//!
//! Where it is measured, layers multiply by the multiplier over a calibration set; each layer's output, before the bias, is
//! held against that of exact products for the same input. With `e` the difference, over all elements of
//! all samples, `mean` is the mean of `e`, and `stdev` the sample standard deviation of `e` over that of
//! the exact output. Nothing is assumed of how operands are distributed or depend on each other. Where it is
//! [predicted](super::OperandStatistics), layers multiply exactly, and both follow from the table and their operands.
//! What noise leaves out is that the multiplier's errors follow the operands.

use super::predict::OperandSampler;
use super::{
    Arithmetic, Assignment, CalibrationError, LayerConfig, LayerNoise, LayerStatistics, NoiseMethod, NoiseSource,
    OperandStatistics, Progress, set_modes,
};
use crate::data::Batches;
use crate::graph::{Graph, InputObserver};
use crate::kernel::Kernel;
use crate::layer::{ApproxLayer, LayerProblem};
use crate::lut::Coding;
use std::sync::Arc;

/// `assignment` with the noise of every layer whose noise models a multiplier, found over `batches` of calibration data:
/// the layers are quantized. Where noise is measured, `statistics` observes the layers; `kernel` sums predicted errors.
/// The other layers compute what they were assigned.
///
/// # Errors
/// When data or network fail.
pub fn derive_noise(
    graph: &mut Graph,
    batches: Batches,
    assignment: &Assignment,
    statistics: Option<&LayerStatistics>,
    kernel: &'static dyn Kernel,
    progress: &dyn Progress,
) -> Result<Assignment, CalibrationError> {
    let mut emulated = assignment.clone();
    for layer in emulated.layers_mut() {
        match layer.derived_noise().map(|(lut, method)| (Arc::clone(lut), method)) {
            Some((lut, NoiseMethod::Measured)) => layer.arithmetic = Arithmetic::Approx(lut),
            Some((_, NoiseMethod::Predicted)) => *layer = layer.with_arithmetic(Arithmetic::Quant),
            None => {}
        }
    }
    set_modes(graph, &emulated, 0)?;
    let is_predicted = |layer: &LayerConfig| matches!(layer.derived_noise(), Some((_, NoiseMethod::Predicted)));
    let sampler = OperandSampler::new(layers_of(graph, assignment, is_predicted), batches.samples());
    let is_measured = assignment.derives_noise_by(NoiseMethod::Measured);
    pass(graph, batches, if is_measured { "measuring" } else { "predicting" }, &sampler, progress)?;
    let measured = statistics.filter(|_| is_measured).map(LayerStatistics::take).unwrap_or_default();
    let operands = sampler.finish(with_codings(graph, assignment), kernel);
    let mut derived = assignment.clone();
    for (index, layer) in derived.layers_mut().iter_mut().enumerate() {
        let Some((lut, method)) = layer.derived_noise() else { continue };
        let noise = match method {
            NoiseMethod::Measured => measured
                .get(index)
                .copied()
                .flatten()
                .map(|error| LayerNoise { stdev: error.relative_std.unwrap_or(0.0), mean: error.mean }),
            NoiseMethod::Predicted => operands
                .predict_layer(index, lut)
                .map_err(|error| LayerProblem::from(error).in_layer(name_of(graph, index)))?
                .map(|error| error.noise),
        };
        *layer = layer.with_arithmetic(Arithmetic::Noise(NoiseSource::Given(noise.unwrap_or_default())));
    }
    Ok(derived)
}

/// Gathers the operands of the layers that `assignment` makes approximate over `batches` of calibration data, all of
/// them exact: the layers are quantized. The other layers compute what they were assigned.
///
/// # Errors
/// When data or network fail.
pub fn gather_operands(
    graph: &mut Graph,
    batches: Batches,
    assignment: &Assignment,
    kernel: &'static dyn Kernel,
    progress: &dyn Progress,
) -> Result<OperandStatistics, CalibrationError> {
    set_modes(graph, &assignment.with_exact_products(), 0)?;
    let layers = layers_of(graph, assignment, LayerConfig::is_approximate);
    let sampler = OperandSampler::new(layers, batches.samples());
    pass(graph, batches, "gathering", &sampler, progress)?;
    Ok(sampler.finish(with_codings(graph, assignment), kernel))
}

/// Runs the network over `batches` while `sampler` observes.
fn pass(
    graph: &Graph,
    batches: Batches,
    what: &'static str,
    sampler: &OperandSampler,
    progress: &dyn Progress,
) -> Result<(), CalibrationError> {
    let observers = Some(sampler as &dyn InputObserver).filter(|_| !sampler.is_empty());
    progress.start(what, batches.samples());
    for batch in batches {
        let batch = batch?;
        graph.run_observed(&[batch.images], batch.first as u64, observers.as_slice())?;
        progress.advance(batch.labels.len());
        if progress.is_stopped() {
            return Err(CalibrationError::Stopped);
        }
    }
    progress.finish();
    Ok(())
}

/// The layers whose configuration is `wanted`.
fn layers_of<'a>(
    graph: &'a Graph,
    assignment: &'a Assignment,
    wanted: impl Fn(&LayerConfig) -> bool,
) -> impl Iterator<Item = &'a dyn ApproxLayer> {
    graph.layers().zip(assignment.layers()).filter(move |(_, config)| wanted(config)).map(|(layer, _)| layer)
}

/// All layers, with the coding of each.
fn with_codings<'a>(
    graph: &'a Graph,
    assignment: &'a Assignment,
) -> impl Iterator<Item = (&'a dyn ApproxLayer, Coding)> {
    graph.layers().zip(assignment.layers()).map(|(layer, config)| (layer, config.quantization.coding))
}

fn name_of(graph: &Graph, index: usize) -> &str {
    graph.layers().nth(index).map_or("", |layer| layer.name())
}
