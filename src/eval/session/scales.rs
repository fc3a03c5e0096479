//! Scales and zero points of a session's layers: known already, or from observations of their inputs.

use super::images::{arrange, check_images};
use super::{Experiment, OpenError, ParamsSource, ParamsSpec};
use crate::data::{Dataset, Preprocess, Split};
use crate::eval::calibration_data;
use crate::eval::sample_watch::CalibrationSamples;
use crate::quant::{Observed, Observer, Operands, ParamsFile};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a calibration set showed of every layer's input, and of both factors of products of two activations. Scales for any coding, width or scheme follow
/// from it without another pass over the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Observations {
    /// What was observed, by layer name.
    pub layers: BTreeMap<String, Operands<Observed>>,
    /// The range observer.
    pub observer: Observer,
    /// Samples seen.
    pub samples: usize,
    /// Hash of the calibration set.
    pub blake3: String,
    /// Its samples.
    pub(super) set: CalibrationSamples,
}

/// Where a session's scales come from.
#[derive(Debug)]
pub(super) enum Scales {
    /// They are known.
    Known { file: ParamsFile, source: ParamsSource, path: Option<PathBuf> },
    /// They follow from what was observed.
    Observed(Observations),
}

impl Scales {
    /// Those that are known before anything is calibrated: a network that is quantized already brings its
    /// own, unless calibration data are given.
    pub fn known(experiment: &mut Experiment) -> Result<Option<Self>, OpenError> {
        let own = experiment.model.params.take();
        let (file, source, path) = match &experiment.calibration.params {
            Some(ParamsSpec::Path(path)) => (ParamsFile::read(path)?, ParamsSource::Qparams, Some(path.clone())),
            Some(ParamsSpec::Memory(file)) => (file.clone(), ParamsSource::Qparams, None),
            None => match own.filter(|_| experiment.calibration.data.is_none()) {
                Some(file) => {
                    let path = experiment.model.source.path().map(PathBuf::from);
                    (file, ParamsSource::ModelFile, path)
                }
                None => return Ok(None),
            },
        };
        Ok(Some(Scales::Known { file, source, path }))
    }

    /// A note on the settings that only calibration uses, where some were given and nothing is calibrated.
    pub fn unused_settings(&self, experiment: &Experiment) -> Option<String> {
        let keys = experiment.calibration_keys();
        let Scales::Known { source, .. } = self else { return None };
        let from = match source {
            ParamsSource::ModelFile => "the model's own file",
            _ => "the given quantization parameters",
        };
        (!keys.is_empty()).then(|| {
            let note = format!("scales are those of {from}, which {} did not change", keys.join(", "));
            tracing::warn!("{note}");
            note
        })
    }
}

/// A calibration set, and how it is preprocessed.
#[derive(Debug)]
pub(super) struct CalibrationSet {
    pub dataset: Dataset,
    pub preprocess: Preprocess,
}

impl CalibrationSet {
    /// The one that was given, else the model's own.
    pub fn open(experiment: &Experiment) -> Result<Self, OpenError> {
        let Experiment { model, preprocess, calibration, .. } = experiment;
        if let Some(data) = &calibration.data {
            let mut dataset = data.open(Split::Train).map_err(OpenError::CalibrationData)?;
            let mut resolved = preprocess.resolve(&dataset, &model.preprocess);
            arrange(&mut dataset, &mut resolved, preprocess, model).map_err(OpenError::CalibrationImages)?;
            check_images(&dataset, &resolved, model).map_err(OpenError::CalibrationImages)?;
            return Ok(CalibrationSet { dataset, preprocess: resolved });
        }
        let dataset = calibration_data(model)?;
        let preprocess = preprocess.resolve_own(&dataset, &model.preprocess);
        Ok(CalibrationSet { dataset, preprocess })
    }
}
