//! Giving a session's layers their scales, and noise that models a multiplier its parameters.

use super::scales::{CalibrationSet, Observations, Scales};
use super::{Experiment, ParamsSource, Session, SessionError};
use crate::data::Batches;
use crate::eval::calibrate::{Seen, observe_seen, quantize_by};
use crate::eval::noise::{derive_noise, gather_operands};
use crate::eval::{
    Arithmetic, Assignment, CALIBRATION_BATCH, CalibrationError, LayerConfig, LayerNoise, NoiseMethod,
    OperandStatistics, params, set_accumulators,
};
use crate::graph::Graph;
use crate::graph::pass::set_integers;
use crate::layer::{ApproxLayer, LayerError};
use crate::lut::{Coding, CodingError};
use crate::quant::ParamsFile;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

impl Session {
    /// Observes the inputs of the layers whose parameters are not known over the calibration set, unless that was
    /// done; evaluations that need scales do so by themselves. Returns what was observed.
    ///
    /// # Errors
    /// When there is no calibration set, it cannot be read, or the network fails on it.
    pub fn calibrate(&mut self) -> Result<Option<&Observations>, SessionError> {
        let unknown = self.scales.unknown(&self.experiment.model.graph);
        let lacks_values = self.lacks_grids();
        let is_needed = (!unknown.is_empty() || lacks_values) && self.scales.can_calibrate(&self.experiment);
        if is_needed && self.scales.observations.is_none() {
            let CalibrationSet { dataset, preprocess } = CalibrationSet::open(&self.experiment)?;
            let blake3 = dataset.origin().blake3()?.to_hex().to_string();
            let (selection, observer) = (self.experiment.calibrated(), self.experiment.scheme.observer);
            self.uses_part |= selection.count(dataset.len()) < dataset.len();
            let model = &mut self.experiment.model;
            set_integers(&mut model.graph, None).map_err(SessionError::integers)?;
            let wanted = |name: &str| unknown.contains(name);
            let Seen { layers, values, set } =
                observe_seen(model, dataset, preprocess, selection, observer, &wanted, &*self.progress)?;
            let samples = set.images.samples;
            self.scales.observations = Some(Observations { layers, values, observer, samples, blake3, set });
        }
        Ok(self.observations())
    }

    /// What calibration observed, if it took place.
    pub fn observations(&self) -> Option<&Observations> {
        self.scales.observations.as_ref()
    }

    /// Where scales come from, with the file or folder and its hash, once they are known: those of layers without
    /// known parameters may be [calibrated](Session::calibration_source) beside them.
    pub fn params_source(&self) -> Option<(ParamsSource, Option<PathBuf>, &str)> {
        let known = self.scales.files().iter().find(|known| !known.file.layers.is_empty());
        let known = known.map(|known| (known.source, known.path.clone(), known.file.blake3.as_str()));
        known.or_else(|| self.calibration_source())
    }

    /// What layers were calibrated on, with the file or folder and its hash, once they were.
    pub fn calibration_source(&self) -> Option<(ParamsSource, Option<PathBuf>, &str)> {
        let Observations { blake3, .. } = self.observations()?;
        Some(match &self.experiment.calibration.data {
            Some(data) => (ParamsSource::CalibData, data.as_path().map(PathBuf::from), blake3),
            None => (ParamsSource::Model, None, blake3),
        })
    }

    /// Where the scales of the layer called `name` come from, once they are known.
    pub(super) fn source_of(&self, name: &str) -> Option<ParamsSource> {
        let known = self.scales.of(name).map(|(known, _)| known.source);
        known.or_else(|| self.calibration_source().map(|(source, ..)| source))
    }

    /// The quantization parameters of all layers under `assignment`.
    ///
    /// # Errors
    /// When layers cannot be calibrated or quantized.
    pub fn params(&mut self, assignment: &Assignment) -> Result<ParamsFile, SessionError> {
        self.calibrate()?;
        self.quantize(assignment)?;
        let graph = &self.model().graph;
        let layers = graph.layers().zip(assignment.layers());
        let codings =
            layers.filter_map(|(layer, config)| Some((layer.name().to_owned(), self.coding_of(layer, config)?)));
        Ok(ParamsFile { codings: codings.collect(), values: self.value_grids()?, ..params(graph) })
    }

    /// The coding that the integers of a quantized layer are of. Without a multiplier it is that of known parameters,
    /// which are used as they are: `None` where nothing says it.
    pub(super) fn coding_of(&self, layer: &dyn ApproxLayer, config: &LayerConfig) -> Option<Coding> {
        match self.scales.of(layer.name()) {
            Some(_) if layer.shifts().is_none() => self.scales.coding_of(layer.name()),
            _ => Some(config.quantization.coding),
        }
    }

    /// Quantizes the layers as `assignment` has them.
    pub(super) fn quantize(&mut self, assignment: &Assignment) -> Result<(), SessionError> {
        if !self.scales.gaps(&self.experiment.model.graph, assignment).is_empty() || self.lacks_grids() {
            self.calibrate()?;
        }
        let Experiment { model, kernel, .. } = &mut self.experiment;
        let (scales, nothing) = (&self.scales, BTreeMap::new());
        let observed = scales.observations.as_ref().map_or(&nothing, |observations| &observations.layers);
        let known = |name: &str| scales.of(name).map(|(_, params)| params);
        quantize_by(&mut model.graph, &known, observed, assignment, *kernel).map_err(|error| {
            let file = match &error {
                CalibrationError::Layer(LayerError { layer, .. }) => scales.of(layer).map(|(known, _)| known),
                CalibrationError::Missing { .. } => scales.files().first(),
                _ => None,
            };
            match file {
                Some(file) => {
                    let (from, source_kind) = (file.name(), file.source);
                    SessionError::Params { from, source_kind, source: Box::new(error) }
                }
                None => SessionError::Calibration(error),
            }
        })?;
        let warnings = [
            unused(scales, &model.graph),
            scales.replaced(&model.graph),
            other_codings(scales, &model.graph, assignment),
        ];
        let calibrated = calibrated(scales, &model.graph, assignment);
        warnings.into_iter().flatten().for_each(|note| self.note(note, true));
        calibrated.into_iter().for_each(|note| self.note(note, false));
        Ok(())
    }

    /// `assignment` with the noise that multipliers' errors amount to, found on the calibration set, in
    /// place of these multipliers. The layers are quantized.
    pub(super) fn derive_noise(&mut self, assignment: &Assignment) -> Result<Assignment, SessionError> {
        if !assignment.derives_noise() {
            return Ok(assignment.clone());
        }
        let is_measured = assignment.derives_noise_by(NoiseMethod::Measured);
        if is_measured && self.statistics.is_none() {
            return Err(SessionError::NotObserved);
        }
        let batches = self.calibration_batches()?;
        if let Some(statistics) = &self.statistics {
            if is_measured { statistics.resume() } else { statistics.pause() }
        }
        let Experiment { model, kernel, .. } = &mut self.experiment;
        let statistics = self.statistics.as_deref();
        Ok(derive_noise(&mut model.graph, batches, assignment, statistics, *kernel, &*self.progress)?)
    }

    /// The operands of the layers that `assignment` makes approximate, gathered on the calibration set, from which
    /// the errors of any multiplier under the same quantization are predicted.
    ///
    /// # Errors
    /// When there is no calibration set, it cannot be read, or the layers cannot be quantized.
    pub fn operand_statistics(&mut self, assignment: &Assignment) -> Result<OperandStatistics, SessionError> {
        self.quantize(assignment)?;
        set_accumulators(&mut self.experiment.model.graph, None);
        self.requantize(assignment)?;
        let batches = self.calibration_batches()?;
        if let Some(statistics) = &self.statistics {
            statistics.pause();
        }
        let Experiment { model, kernel, .. } = &mut self.experiment;
        Ok(gather_operands(&mut model.graph, batches, assignment, *kernel, &*self.progress)?)
    }

    /// The errors of the multipliers in `assignment`, in graph order, predicted where layers' errors are measured and
    /// there is a calibration set.
    pub(super) fn predict_errors(&mut self, assignment: &Assignment) -> Result<Vec<Option<LayerNoise>>, SessionError> {
        let is_approximate =
            |config: &LayerConfig| matches!(&config.arithmetic, Arithmetic::Approx(lut) if !lut.is_exact());
        let is_possible = self.experiment.calibration.data.is_some() || self.model().calibration.is_some();
        if !self.experiment.layer_errors || !is_possible || !assignment.layers().iter().any(is_approximate) {
            return Ok(Vec::new());
        }
        let operands = self.operand_statistics(assignment)?;
        let of_layer = |(index, config): (usize, &LayerConfig)| {
            let Arithmetic::Approx(lut) = &config.arithmetic else { return Ok(None) };
            Ok(operands.predict_layer(index, lut)?.map(|error| error.noise))
        };
        let predicted: Result<_, CodingError> = assignment.layers().iter().enumerate().map(of_layer).collect();
        // Layers are quantized for multipliers that their coding takes.
        Ok(predicted.unwrap_or_default())
    }

    /// The calibration set, in batches of its own size.
    pub(super) fn calibration_batches(&mut self) -> Result<Batches, SessionError> {
        let CalibrationSet { dataset, preprocess } = CalibrationSet::open(&self.experiment)?;
        let selection = self.experiment.calibrated();
        self.uses_part |= selection.count(dataset.len()) < dataset.len();
        let batch_size = self.experiment.model.graph.batch_size(CALIBRATION_BATCH);
        Ok(Batches::start(dataset, preprocess, batch_size, selection).map_err(CalibrationError::from)?)
    }
}

/// A note on parameters of layers that the network does not have.
fn unused(scales: &Scales, graph: &Graph) -> Option<String> {
    let names: BTreeSet<&str> = graph.layers().map(ApproxLayer::name).collect();
    let known = scales.files().iter().flat_map(|known| known.file.layers.keys());
    let unused: BTreeSet<&str> = known.map(String::as_str).filter(|name| !names.contains(name)).collect();
    let unused: Vec<&str> = unused.into_iter().collect();
    (!unused.is_empty()).then(|| format!("parameters of layers that the network does not have: {}", unused.join(", ")))
}

/// A note on layers that were calibrated, where others have known parameters.
fn calibrated(scales: &Scales, graph: &Graph, assignment: &Assignment) -> Option<String> {
    let gaps = scales.gaps(graph, assignment);
    let quantized = assignment.layers().iter().filter(|config| config.mode().is_quantized()).count();
    let known = scales.files().iter().find(|known| !known.file.layers.is_empty())?;
    (!gaps.is_empty() && gaps.len() < quantized).then(|| {
        let were = if gaps.len() == 1 { "was" } else { "were" };
        format!(
            "scales of {} of {quantized} quantized layers are those of {}; '{}' {were} calibrated",
            quantized - gaps.len(),
            known.owner(),
            gaps.join("', '")
        )
    })
}

/// A note on layers whose parameters were found for another coding than that of their multiplier: its ranges are other
/// ones, so that accuracy is not what calibration would give.
fn other_codings(scales: &Scales, graph: &Graph, assignment: &Assignment) -> Option<String> {
    let layers = graph.layers().zip(assignment.layers());
    let differing = layers.filter(|(_, config)| config.mode().is_quantized()).filter_map(|(layer, config)| {
        layer.shifts()?;
        let (found, used) = (scales.coding_of(layer.name())?, config.quantization.coding);
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
