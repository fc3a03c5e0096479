//! Noise that models a multiplier: additive Gaussian noise as a surrogate for emulation (Trommer,
//! Waschneck, Kumar: "Combining gradients and probabilities for heterogeneous approximation of neural
//! networks", 2022), its parameters those of the errors that the multiplier makes.
//!
//! Over a calibration set, layers multiply by the multiplier; each layer's output, before the bias, is
//! held against that of exact products for the same input. With `e` the difference, over all elements of
//! all samples, `mean` is the mean of `e`, and `stdev` the sample standard deviation of `e` over that of
//! the exact output. Nothing is assumed of how operands are distributed or depend on each other. What
//! noise then leaves out is that the multiplier's errors follow the operands.

use super::{Arithmetic, Assignment, CalibrationError, LayerNoise, LayerStatistics, NoiseSource, Progress, set_modes};
use crate::data::Batches;
use crate::graph::Graph;
use std::sync::Arc;

/// `assignment` with the noise of every layer whose noise models a multiplier, measured over `batches` of
/// calibration data: the layers are quantized and `statistics` observes them. The other layers compute
/// what they were assigned.
///
/// # Errors
/// When data or network fail.
pub fn derive_noise(
    graph: &mut Graph,
    batches: Batches,
    assignment: &Assignment,
    statistics: &LayerStatistics,
    progress: &dyn Progress,
) -> Result<Assignment, CalibrationError> {
    let mut emulated = assignment.clone();
    for layer in emulated.layers_mut() {
        if let Some(lut) = layer.noise_lut().map(Arc::clone) {
            layer.arithmetic = Arithmetic::Approx(lut);
        }
    }
    set_modes(graph, &emulated, 0)?;
    progress.start("measuring", batches.samples());
    for batch in batches {
        let batch = batch?;
        graph.run(&[batch.images], batch.first as u64)?;
        progress.advance(batch.labels.len());
    }
    progress.finish();
    let mut derived = assignment.clone();
    for (layer, error) in derived.layers_mut().iter_mut().zip(statistics.take()) {
        if layer.noise_lut().is_some() {
            let noise = error.map(|error| LayerNoise { stdev: error.relative_std.unwrap_or(0.0), mean: error.mean });
            *layer = layer.with_arithmetic(Arithmetic::Noise(NoiseSource::Given(noise.unwrap_or_default())));
        }
    }
    Ok(derived)
}
