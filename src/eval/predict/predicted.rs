//! What is predicted of a layer.

use crate::eval::LayerNoise;
use serde::{Deserialize, Serialize};

/// The error that a multiplier is predicted to add to a layer's output.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PredictedError {
    /// The noise that models it: deviation and mean over all elements of the output, as those that
    /// [are measured](crate::eval::derive_noise).
    pub noise: LayerNoise,
    /// The parts of the deviation, all relative to the standard deviation of the exact output.
    pub parts: ErrorParts,
}

/// What a layer's error consists of, relative to the standard deviation of the layer's exact output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorParts {
    /// Mean over all elements.
    pub mean: f64,
    /// Slope of the least squares fit of the error over the exact output: -0.1 shrinks outputs by a tenth.
    pub gain: f64,
    /// Standard deviation over channels of what is left of the channels' means.
    pub channels: f64,
    /// Standard deviation over samples of what is left of the means of a channel's positions.
    pub samples: f64,
    /// Standard deviation over positions of what is left.
    pub scatter: f64,
}
