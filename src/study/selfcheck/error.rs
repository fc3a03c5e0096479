//! Why a check could not be made, as opposed to one that failed.

use crate::eval::SessionError;
use crate::graph::RunError;
use crate::lut::OpenError;

/// Why a network cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelfcheckError {
    /// The network or its data fail.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The network fails on the samples.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A multiplier cannot be read again.
    #[error("LUT '{lut}' cannot be read again")]
    Lut {
        /// As it was given.
        lut: String,
        /// Why.
        #[source]
        source: Box<OpenError>,
    },
    /// candle reports a problem.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// Threads cannot be started.
    #[error("cannot start threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

impl SelfcheckError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            SelfcheckError::Session(error) => error.keys(),
            SelfcheckError::Lut { .. } => &["lut"],
            SelfcheckError::Run(_) | SelfcheckError::Candle(_) | SelfcheckError::Threads(_) => &[],
        }
    }
}
