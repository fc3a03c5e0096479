//! Evaluations: a network, prepared for a mode, run over a dataset.
//!
//! A [`Session`] opens what an [`Experiment`] names and evaluates it under one [`Assignment`] after
//! another. Its steps are functions of their own: [`prepare`] swaps the layers in; [`observe`] and
//! [`quantize_observed`], or [`quantize`], find their scales; [`derive_noise`] measures the noise that
//! models a multiplier; [`set_modes`] says what each layer computes; [`evaluate`] runs the batches and
//! counts. None of them knows command-line options or output formats.

mod activations;
mod assign;
mod calibrate;
mod gate;
mod input_watch;
mod layer_statistics;
mod moments;
mod nan;
mod noise;
mod operands;
mod predict;
mod progress;
mod run;
mod sample_watch;
mod session;
#[cfg(test)]
mod tests;
mod traps;
mod vectors;

pub use assign::{
    Arithmetic, AssignError, Assignment, LayerConfig, LayerDefaults, LayerNoise, LayerOptions, LayerOptionsError,
    LutFiles, LutSpec, Luts, NoiseLutSpec, NoiseMethod, NoiseSource, Pattern, PatternError, ResolveError, Rule,
    RuleError, Rules, RulesError, Scheme,
};
pub use calibrate::{
    CALIBRATION_BATCH, CalibrationError, calibration_data, observe, params, quantize, quantize_observed,
};
pub use gate::{GATES, Gate, GateKind};
pub use layer_statistics::{LayerStatistics, OutputError};
pub use moments::{Beside, ChannelMoments, Quantity};
pub use nan::NanSample;
pub use noise::{derive_noise, gather_operands};
pub use operands::{CountedOperands, OperandCounter};
pub use predict::{ErrorParts, OperandStatistics, PredictedError};
pub use progress::{Progress, Silent};
pub use run::{BatchOutputs, EvalError, Outcome, evaluate, set_accumulators, set_modes};
pub(crate) use session::Walk;
pub use session::{
    CalibrationImages, CalibrationOptions, CalibrationOutputs, Configuration, Experiment, Findings, ImagesError,
    LayerFindings, LayerResponse, ModeComparison, Observations, OpenError, ParamsSource, ParamsSpec, PreprocessOptions,
    Session, SessionError,
};
pub use traps::far_below_fp32;

use crate::graph::RunError;
use crate::graph::pass::{LayerObserver, fold_batch_norm, fuse_clips, observe_layers, swap_layers};
use crate::model::Model;
use std::sync::Arc;

/// Makes a network's layers approximate ones in baseline mode, after folding its batch
/// normalization unless told not to.
///
/// # Errors
/// When a layer's tensors do not suit it.
pub fn prepare(model: &mut Model, fold: bool) -> Result<(), RunError> {
    swap(model, fold)?;
    fuse_clips(&mut model.graph);
    Ok(())
}

/// The same for a network whose layers are to be seen by what `observer` makes for their number;
/// nothing is fused with them.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_observed<O: LayerObserver + 'static>(
    model: &mut Model,
    fold: bool,
    observer: impl FnOnce(usize) -> O,
) -> Result<Arc<O>, RunError> {
    swap(model, fold)?;
    let observer = Arc::new(observer(model.graph.layers().count()));
    let shared: Arc<dyn LayerObserver> = observer.clone();
    observe_layers(&mut model.graph, &shared);
    Ok(observer)
}

fn swap(model: &mut Model, fold: bool) -> Result<(), RunError> {
    if fold {
        fold_batch_norm(&mut model.graph)?;
    }
    swap_layers(&mut model.graph)
}
