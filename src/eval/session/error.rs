//! Why a session cannot be opened, or an evaluation of it fails.

use super::{ImagesError, ParamsSource};
use crate::data::DataError;
use crate::eval::{AssignError, CalibrationError, EvalError, ResolveError};
use crate::graph::{OpError, RunError};
use crate::layer::LayerError;
use crate::model::{CorrectionError, ModelError};
use crate::quant::{ParamsFileError, QuantError};
use crate::task::{ComparisonError, SamplesError};

/// Why a session cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The options of all layers cannot be resolved.
    #[error(transparent)]
    Options(ResolveError),
    /// Those of a layer cannot, or a rule matches none.
    #[error(transparent)]
    Assign(#[from] AssignError),
    /// All layers are to be approximate, without a multiplier.
    #[error("mode approx needs a multiplier: a LUT file, or a name that 'approx-eval lut list' shows")]
    NoMultiplier,
    /// The quantization parameters cannot be read.
    #[error(transparent)]
    Params(#[from] ParamsFileError),
    /// The model cannot be what it is asked to be.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// There is no dataset.
    #[error("model '{0}' has no test set of its own: give a dataset")]
    NoData(String),
    /// A dataset cannot be opened.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network cannot take the dataset's images.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// The calibration set cannot be opened.
    #[error("calibration data")]
    CalibrationData(#[source] DataError),
    /// The network cannot take the calibration set's images.
    #[error("calibration data")]
    CalibrationImages(#[source] ImagesError),
    /// There is nothing to calibrate with.
    #[error(transparent)]
    NoCalibration(#[from] CalibrationError),
    /// Known parameters leave layers out, and there is nothing to calibrate these with.
    #[error("{from}")]
    Scales {
        /// The file of those that are known, or what they are.
        from: String,
        /// What is missing.
        #[source]
        source: Box<CalibrationError>,
    },
    /// The network cannot be prepared.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A network's correction does not fit it.
    #[error("{model}")]
    Correction {
        /// The network's name.
        model: String,
        /// Why.
        #[source]
        source: CorrectionError,
    },
    /// A corrected network whose batch normalization is to be kept apart.
    #[error("'{0}' is corrected with its batch normalization folded in: fold it")]
    FoldedCorrection(String),
    /// The dataset has too few samples of a kind to evaluate the task.
    #[error("{dataset}, the {which} {samples} of {all} samples")]
    Samples {
        /// The dataset's name.
        dataset: String,
        /// Which samples: `first` or `drawn`.
        which: &'static str,
        /// Samples to evaluate.
        samples: usize,
        /// Samples that it has.
        all: usize,
        /// What is missing.
        #[source]
        source: SamplesError,
    },
}

impl OpenError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            OpenError::Options(error) => error.keys(),
            OpenError::Assign(error) => error.keys(),
            OpenError::NoMultiplier => &["lut"],
            OpenError::Params(_) => &["qparams"],
            OpenError::NoData(_) => &["data"],
            OpenError::CalibrationData(_) | OpenError::CalibrationImages(_) => &["calib_data"],
            OpenError::NoCalibration(error) => error.keys(),
            OpenError::Scales { source, .. } => source.keys(),
            OpenError::Model(error) => error.keys(),
            OpenError::Images(error) => error.keys(),
            OpenError::Data(error) if error.keys().is_empty() => &["data"],
            OpenError::Data(error) => error.keys(),
            OpenError::Correction { .. } => &["model"],
            OpenError::FoldedCorrection(_) => &["no_fold_bn"],
            OpenError::Run(_) | OpenError::Samples { .. } => &[],
        }
    }
}

impl From<OpenError> for SessionError {
    fn from(error: OpenError) -> Self {
        SessionError::CalibrationSet(Box::new(error))
    }
}

impl SessionError {
    /// The error of an operator that takes no such integers.
    pub(super) fn integers((node, source): (String, OpError)) -> Self {
        SessionError::Integers { node, source: Box::new(source) }
    }

    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            SessionError::Params { source_kind: ParamsSource::ModelFile, .. } => &["model"],
            SessionError::Params { .. } => &["qparams"],
            SessionError::Calibration(error) => error.keys(),
            SessionError::CalibrationSet(error) => error.keys(),
            SessionError::Data(error) => error.keys(),
            SessionError::Comparison(_) => &["compare"],
            SessionError::CalibrationSize { .. } => &["calib_samples"],
            _ => &[],
        }
    }
}

/// Why a session's evaluation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// A value between layers cannot be rounded to integers.
    #[error("value '{name}'")]
    Value {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: QuantError,
    },
    /// An operator between layers cannot run on integers.
    #[error("node '{node}' cannot run on integers")]
    Integers {
        /// Its name.
        node: String,
        /// Why.
        #[source]
        source: Box<OpError>,
    },
    /// Layers cannot be calibrated or quantized.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// The calibration set cannot be opened again.
    #[error(transparent)]
    CalibrationSet(Box<OpenError>),
    /// Calibration samples do not fit memory.
    #[error("{samples} calibration samples do not fit memory: calibrate on the first {limit} or fewer")]
    CalibrationSize {
        /// How many there are.
        samples: usize,
        /// How many do.
        limit: usize,
    },
    /// Layers cannot be quantized by the parameters that are known.
    #[error("{from}")]
    Params {
        /// Their file, or what they are.
        from: String,
        /// Whose they are.
        source_kind: ParamsSource,
        /// Why.
        #[source]
        source: Box<CalibrationError>,
    },
    /// A layer cannot be set up.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The evaluation failed.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// A dataset can no longer be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Its samples are no longer what the network takes.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// Two evaluations cannot be compared.
    #[error("comparison")]
    Comparison(#[from] ComparisonError),
    /// Noise is to be derived in a session that does not observe layers.
    #[error(
        "noise cannot be derived from a multiplier in this session: open it with layer errors measured, or with \
         such noise among its layer options or rules"
    )]
    NotObserved,
    /// A thread of the program panicked.
    #[error("hashing the dataset panicked")]
    Panicked,
}
