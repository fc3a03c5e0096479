//! Why a network cannot be corrected.

use crate::eval::SessionError;
use crate::quant::ParamsError;

/// Why a network cannot be corrected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorrectError {
    /// No layer has a multiplier.
    #[error("no layer with weights is in mode approx: name the multiplier to correct the network for")]
    NoMultiplier,
    /// The network is corrected already.
    #[error("{0} is corrected already: correct the network that it was made from")]
    Corrected(String),
    /// Batch normalization is not folded.
    #[error(
        "corrections are of layers with their batch normalization folded in: do without the option that keeps it apart"
    )]
    NotFolded,
    /// Too few calibration samples to fit on some and judge by others.
    #[error("{0} calibration samples, expected at least 4: three quarters are fitted on, the last quarter is held out")]
    Samples(usize),
    /// The network or its data failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A layer's scales cannot be changed.
    #[error("layer '{layer}': corrected scales")]
    Params {
        /// The layer.
        layer: String,
        /// Why.
        #[source]
        source: ParamsError,
    },
}

impl CorrectError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            CorrectError::NoMultiplier => &["lut", "set"],
            CorrectError::Corrected(_) => &["model"],
            CorrectError::NotFolded => &["no_fold_bn"],
            CorrectError::Samples(_) => &["calib_data", "calib_samples"],
            CorrectError::Session(error) => error.keys(),
            CorrectError::Params { .. } => &[],
        }
    }
}
