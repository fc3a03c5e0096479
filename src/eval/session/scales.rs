//! Scales and zero points of a session's layers: known already, or from observations of their inputs.

use super::images::check_images;
use super::{Experiment, OpenError, ParamsSource, ParamsSpec, Session, SessionError};
use crate::data::{Batches, Dataset, Preprocess, Split};
use crate::eval::{
    Assignment, CALIBRATION_BATCH, CalibrationError, calibration_data, derive_noise, observe, params, quantize,
    quantize_observed,
};
use crate::quant::{Observed, Observer, ParamsFile};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a calibration set showed of every layer's input. Scales for any coding, width or scheme follow
/// from it without another pass over the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Observations {
    /// What was observed, by layer name.
    pub layers: BTreeMap<String, Observed>,
    /// The range observer.
    pub observer: Observer,
    /// Samples seen.
    pub samples: usize,
    /// Hash of the calibration set.
    pub blake3: String,
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
    dataset: Dataset,
    preprocess: Preprocess,
}

impl CalibrationSet {
    /// The one that was given, else the model's own.
    pub fn open(experiment: &Experiment) -> Result<Self, OpenError> {
        let Experiment { model, preprocess, calibration, .. } = experiment;
        if let Some(data) = &calibration.data {
            let of_calibration = |error: OpenError| OpenError::Calibration(Box::new(error));
            let dataset = data.open(Split::Train).map_err(|error| of_calibration(error.into()))?;
            let preprocess = preprocess.resolve(&dataset, &model.preprocess);
            check_images(&dataset, &preprocess, model).map_err(|error| of_calibration(error.into()))?;
            return Ok(CalibrationSet { dataset, preprocess });
        }
        let dataset = calibration_data(model)?;
        let preprocess = preprocess.resolve_own(&dataset, &model.preprocess);
        Ok(CalibrationSet { dataset, preprocess })
    }
}

impl Session {
    /// Observes the layers' inputs over the calibration set, unless that was done or parameters are known;
    /// evaluations that need scales do so by themselves. Returns what was observed.
    ///
    /// # Errors
    /// When there is no calibration set, it cannot be read, or the network fails on it.
    pub fn calibrate(&mut self) -> Result<Option<&Observations>, SessionError> {
        if self.scales.is_none() {
            let CalibrationSet { dataset, preprocess } = CalibrationSet::open(&self.experiment)?;
            let blake3 = dataset.origin().blake3()?.to_hex().to_string();
            let Experiment { model, scheme, calibration, .. } = &mut self.experiment;
            let (observer, limit) = (scheme.observer, calibration.samples);
            let (layers, samples) = observe(model, dataset, preprocess, limit, observer, &*self.progress)?;
            self.scales = Some(Scales::Observed(Observations { layers, observer, samples, blake3 }));
        }
        Ok(self.observations())
    }

    /// What calibration observed, if it took place.
    pub fn observations(&self) -> Option<&Observations> {
        match &self.scales {
            Some(Scales::Observed(observations)) => Some(observations),
            _ => None,
        }
    }

    /// Where scales come from, with the file or folder and its hash, once they are known.
    pub fn params_source(&self) -> Option<(ParamsSource, Option<PathBuf>, &str)> {
        Some(match self.scales.as_ref()? {
            Scales::Known { file, source, path } => (*source, path.clone(), &file.blake3),
            Scales::Observed(Observations { blake3, .. }) => match &self.experiment.calibration.data {
                Some(data) => (ParamsSource::CalibData, data.as_path().map(PathBuf::from), blake3),
                None => (ParamsSource::Model, None, blake3),
            },
        })
    }

    /// The quantization parameters of all layers under `assignment`.
    ///
    /// # Errors
    /// When layers cannot be calibrated or quantized.
    pub fn params(&mut self, assignment: &Assignment) -> Result<ParamsFile, SessionError> {
        self.quantize(assignment)?;
        Ok(params(&self.model().graph))
    }

    /// Quantizes the layers as `assignment` has them.
    pub(super) fn quantize(&mut self, assignment: &Assignment) -> Result<(), SessionError> {
        self.calibrate()?;
        let Experiment { model, kernel, .. } = &mut self.experiment;
        match &self.scales {
            Some(Scales::Known { file, source, path }) => {
                let unused = quantize(&mut model.graph, file, assignment, *kernel).map_err(|error| {
                    let from = path
                        .as_ref()
                        .map_or_else(|| "quantization parameters".to_owned(), |path| path.display().to_string());
                    SessionError::Params { from, source_kind: *source, source: Box::new(error) }
                })?;
                if !unused.is_empty() {
                    let note = format!("parameters of layers that the network does not have: {}", unused.join(", "));
                    if !self.notes.contains(&note) {
                        tracing::warn!("{note}");
                        self.notes.push(note);
                    }
                }
            }
            Some(Scales::Observed(observations)) => {
                quantize_observed(&mut model.graph, &observations.layers, assignment, *kernel)?;
            }
            None => unreachable!("calibration leaves observations"),
        }
        Ok(())
    }

    /// `assignment` with the noise that multipliers' errors amount to, measured on the calibration set, in
    /// place of these multipliers. The layers are quantized.
    pub(super) fn derive_noise(&mut self, assignment: &Assignment) -> Result<Assignment, SessionError> {
        if !assignment.derives_noise() {
            return Ok(assignment.clone());
        }
        let Some(statistics) = &self.statistics else { return Err(SessionError::NotObserved) };
        let CalibrationSet { dataset, preprocess } = CalibrationSet::open(&self.experiment)?;
        let Experiment { model, calibration, .. } = &mut self.experiment;
        let batch_size = model.graph.batch_size(CALIBRATION_BATCH);
        let batches =
            Batches::start(dataset, preprocess, batch_size, calibration.samples).map_err(CalibrationError::from)?;
        statistics.resume();
        Ok(derive_noise(&mut model.graph, batches, assignment, statistics, &*self.progress)?)
    }
}
