//! Noise that was asked for and that no layer has.

use crate::eval::{Assignment, LayerOptions};
use crate::layer::InferenceMode;

/// A note on the deviation and mean of all layers, where no layer of `assignment` is in the mode that adds them.
pub(in crate::eval) fn unused(options: &LayerOptions, assignment: &Assignment) -> Option<String> {
    let is_given = options.noise_std.is_some() || options.noise_mean.is_some();
    let is_used = assignment.layers().iter().any(|layer| layer.mode() == InferenceMode::Noise);
    (is_given && !is_used).then(|| {
        "no noise is added, though its deviation or mean is given: no layer is in mode noise, which adds it".to_owned()
    })
}
