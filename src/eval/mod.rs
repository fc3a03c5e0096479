//! One evaluation: a network, prepared for a mode, run over a data set.
//!
//! [`prepare`] swaps the layers in; [`calibrate`] or [`quantize`] gives them their scales;
//! [`derive_noise`] gives noise modes theirs; [`set_modes`] says what each computes; [`evaluate`] runs
//! the batches and counts. Each takes validated settings and knows nothing of
//! options or output formats.

mod assign;
mod calibrate;
mod gate;
mod layer_statistics;
mod noise;
mod progress;
mod run;
#[cfg(test)]
mod tests;

pub use assign::{
    AssignError, Assignment, LayerNoise, LayerSetting, LutSpec, Luts, Pattern, PatternError, Rule, RuleError, Rules,
    RulesError, Scheme, SettingError, Settings, SettingsError,
};
pub use calibrate::{CALIBRATION_BATCH, CalibrationError, calibrate, calibration_data, params, quantize};
pub use gate::{GATES, Gate, GateKind};
pub use layer_statistics::{LayerStatistics, OutputError};
pub use noise::derive_noise;
pub use progress::{Progress, Silent};
pub use run::{BatchOutputs, EvalError, Outcome, evaluate, set_modes};

use crate::graph::RunError;
use crate::graph::pass::{LayerObserver, fold_batch_norm, fuse_clips, observe_layers, swap_layers};
use crate::model::Model;
use std::sync::Arc;

/// Makes a network's layers approximate ones in baseline mode, after folding its batch
/// normalisation unless told not to.
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
