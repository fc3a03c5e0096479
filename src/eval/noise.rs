//! Noise in a multiplier's place: additive Gaussian noise as a surrogate for emulation (Trommer,
//! Waschneck, Kumar: "Combining gradients and probabilities for heterogeneous approximation of neural
//! networks", 2022), its parameters those of the errors that the multiplier makes.
//!
//! Over a calibration set, layers multiply by the multiplier; each layer's output, before the bias, is
//! held against that of exact products for the same input. With `e` the difference, over all elements of
//! all samples, `mean` is the mean of `e`, and `stdev` the sample standard deviation of `e` over that of
//! the exact output. Nothing is assumed of how operands are distributed or depend on each other. What
//! noise then leaves out is that the multiplier's errors follow the operands.

use super::{Assignment, CalibrationError, LayerNoise, LayerStatistics, Progress, set_modes};
use crate::data::Batches;
use crate::graph::Graph;
use crate::layer::InferenceMode;

/// Derives the noise of every layer in noise mode that has a multiplier to derive it from, over
/// `batches` of calibration data: the layers are quantized and `statistics` observes them. The other
/// layers compute what they were assigned.
///
/// # Errors
/// When data or network fail.
pub fn derive_noise(
    graph: &mut Graph,
    batches: Batches,
    assignment: &mut Assignment,
    statistics: &LayerStatistics,
    progress: &dyn Progress,
) -> Result<(), CalibrationError> {
    let mut emulated = assignment.clone();
    for layer in emulated.layers_mut().iter_mut().filter(|layer| layer.derives_noise()) {
        layer.mode = InferenceMode::Approximate;
    }
    set_modes(graph, &emulated, 0)?;
    progress.start("measuring", batches.samples());
    for batch in batches {
        let batch = batch?;
        graph.run(&[batch.images], batch.first as u64)?;
        progress.advance(batch.labels.len());
    }
    progress.finish();
    for (layer, error) in assignment.layers_mut().iter_mut().zip(statistics.take()) {
        if let Some(error) = error.filter(|_| layer.derives_noise()) {
            layer.noise = LayerNoise { stdev: error.relative_std.unwrap_or(0.0), mean: error.mean };
        }
    }
    Ok(())
}
