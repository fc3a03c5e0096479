//! Giving a session's layers their scales, and noise that models a multiplier its parameters.

use super::scales::{CalibrationSet, Observations, Scales};
use super::{Experiment, ParamsSource, Session, SessionError};
use crate::data::Batches;
use crate::eval::calibrate::observe_seen;
use crate::eval::{
    Assignment, CALIBRATION_BATCH, CalibrationError, LayerConfig, derive_noise, params, quantize, quantize_observed,
};
use crate::graph::Graph;
use crate::layer::ApproxLayer;
use crate::lut::Coding;
use crate::quant::ParamsFile;
use std::path::PathBuf;

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
            let (selection, observer) = (self.experiment.calibrated(), self.experiment.scheme.observer);
            self.uses_part |= selection.count(dataset.len()) < dataset.len();
            let model = &mut self.experiment.model;
            let (layers, set) = observe_seen(model, dataset, preprocess, selection, observer, &*self.progress)?;
            let samples = set.images.samples;
            self.scales = Some(Scales::Observed(Observations { layers, observer, samples, blake3, set }));
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
        let graph = &self.model().graph;
        let layers = graph.layers().zip(assignment.layers());
        let codings =
            layers.filter_map(|(layer, config)| Some((layer.name().to_owned(), self.coding_of(layer, config)?)));
        Ok(ParamsFile { codings: codings.collect(), ..params(graph) })
    }

    /// The coding that the integers of a layer are of. Without a multiplier it is that of known parameters, which
    /// are used as they are: `None` where nothing says it.
    pub(super) fn coding_of(&self, layer: &dyn ApproxLayer, config: &LayerConfig) -> Option<Coding> {
        match &self.scales {
            Some(Scales::Known { file, .. }) if config.operand_lut().is_none() => {
                file.codings.get(layer.name()).copied()
            }
            _ => Some(config.quantization.coding),
        }
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
                let unused = (!unused.is_empty())
                    .then(|| format!("parameters of layers that the network does not have: {}", unused.join(", ")));
                let other = other_codings(file, &model.graph, assignment);
                for note in unused.into_iter().chain(other) {
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
        let selection = self.experiment.calibrated();
        self.uses_part |= selection.count(dataset.len()) < dataset.len();
        let model = &mut self.experiment.model;
        let batch_size = model.graph.batch_size(CALIBRATION_BATCH);
        let batches = Batches::start(dataset, preprocess, batch_size, selection).map_err(CalibrationError::from)?;
        statistics.resume();
        Ok(derive_noise(&mut model.graph, batches, assignment, statistics, &*self.progress)?)
    }
}

/// A note on layers whose parameters were found for another coding than that of their multiplier: its ranges
/// are other ones, so that accuracy is not what calibration would give.
fn other_codings(file: &ParamsFile, graph: &Graph, assignment: &Assignment) -> Option<String> {
    let layers = graph.layers().zip(assignment.layers());
    let used = layers.filter(|(_, config)| config.mode().is_quantized() && config.operand_lut().is_some());
    let differing = used.filter_map(|(layer, config)| {
        let (found, used) = (*file.codings.get(layer.name())?, config.quantization.coding);
        (found != used).then_some((found, used))
    });
    let differing: Vec<(Coding, Coding)> = differing.collect();
    let (found, used) = differing.first()?;
    let layers = if differing.len() == 1 { "layer" } else { "layers" };
    Some(format!(
        "quantization parameters of {} {layers} were found under coding {found} and are used under {used}, whose ranges \
         may be others: calibrate under {used}",
        differing.len()
    ))
}
