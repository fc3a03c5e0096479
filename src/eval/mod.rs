//! One evaluation: a network, prepared for a mode, run over a data set.
//!
//! [`prepare`] swaps the layers in; [`calibrate`] or [`quantize`] gives them their scales;
//! [`evaluate`] runs the batches and counts. Each takes validated settings and knows nothing of
//! options or output formats.

mod accuracy;
mod assign;
mod calibrate;
mod gate;
mod progress;
mod run;
#[cfg(test)]
mod tests;

pub use accuracy::{Accuracy, Scores, wilson_interval};
pub use assign::{
    AssignError, Assignment, LayerNoise, LayerSetting, LutSpec, Luts, Pattern, PatternError, Rule, RuleError, Rules,
    RulesError, Scheme, SettingError, Settings, SettingsError,
};
pub use calibrate::{CalibrationError, calibrate, calibration_data, params, quantize};
pub use gate::{Gate, GateKind};
pub use progress::{Progress, Silent};
pub use run::{EvalError, Outcome, evaluate, set_modes};

use crate::graph::RunError;
use crate::graph::pass::{fold_batch_norm, fuse_relu, swap_layers};
use crate::zoo::Model;

/// Makes a network's layers approximate ones in baseline mode, after folding its batch
/// normalisation unless told not to.
///
/// # Errors
/// When a layer's tensors do not suit it.
pub fn prepare(model: &mut Model, fold: bool) -> Result<(), RunError> {
    if fold {
        fold_batch_norm(&mut model.graph)?;
    }
    swap_layers(&mut model.graph)?;
    fuse_relu(&mut model.graph);
    Ok(())
}
