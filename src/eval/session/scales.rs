//! Scales and zero points of a session's layers: known already, or from observations of their inputs.
//!
//! A network that is quantized already brings the parameters of its layers. They stay as they are, layer by layer;
//! calibration fills the gaps: layers that its file leaves in floating point.

use super::images::{arrange, check_images};
use super::{Experiment, OpenError, ParamsSource, ParamsSpec};
use crate::data::{Dataset, Preprocess, Split};
use crate::eval::sample_watch::CalibrationSamples;
use crate::eval::{Assignment, CalibrationError, calibration_data};
use crate::graph::Graph;
use crate::layer::ApproxLayer;
use crate::lut::Coding;
use crate::quant::{LayerParams, Observed, Observer, Operands, ParamsFile};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What a calibration set showed of every layer's input, and of both factors of products of two activations, but not
/// of layers whose parameters are known. Scales for any coding, width or scheme follow from it without another pass
/// over the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Observations {
    /// What was observed, by layer name.
    pub layers: BTreeMap<String, Operands<Observed>>,
    /// What was observed of values between layers, by their names, where the network is to run on integers.
    pub values: BTreeMap<String, Observed>,
    /// The range observer.
    pub observer: Observer,
    /// Samples seen.
    pub samples: usize,
    /// Hash of the calibration set.
    pub blake3: String,
    /// Its samples.
    pub(super) set: CalibrationSamples,
}

/// Where a session's scales come from, layer by layer.
#[derive(Debug)]
pub(super) struct Scales {
    /// Parameters that are known before anything is calibrated, those that win first.
    known: Vec<Known>,
    /// What was observed of the other layers.
    pub observations: Option<Observations>,
}

/// Known parameters.
#[derive(Debug)]
pub(super) struct Known {
    pub file: ParamsFile,
    pub source: ParamsSource,
    pub path: Option<PathBuf>,
}

impl Known {
    /// Their file, or what they are, for messages.
    pub fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "quantization parameters".to_owned(), |path| path.display().to_string())
    }

    /// Whose they are, for notes.
    pub fn owner(&self) -> &'static str {
        match self.source {
            ParamsSource::ModelFile => "the model's own file",
            _ => "the given quantization parameters",
        }
    }
}

impl Scales {
    /// The error of layers `missing` from those that are known, which `assignment` quantizes.
    pub fn lacking(&self, missing: Vec<String>, assignment: &Assignment) -> OpenError {
        let from = self.files().first().map(Known::name).unwrap_or_default();
        let source = CalibrationError::Missing { missing, layers: assignment.layers().len() };
        OpenError::Scales { from, source: Box::new(source) }
    }

    /// Those that are known before anything is calibrated: given ones, and those that a network that is quantized
    /// already brings.
    pub fn known(experiment: &mut Experiment) -> Result<Self, OpenError> {
        let source = ParamsSource::Qparams;
        let given = match &experiment.calibration.params {
            Some(ParamsSpec::Path(path)) => {
                Some(Known { file: ParamsFile::read(path)?, source, path: Some(path.clone()) })
            }
            Some(ParamsSpec::Memory(file)) => Some(Known { file: file.clone(), source, path: None }),
            None => None,
        };
        let path = experiment.model.source.path().map(PathBuf::from);
        let mut own = experiment.model.params.take().map(|file| Known { file, source: ParamsSource::ModelFile, path });
        // Those by which corrected weights are the integers that are meant, unless others are asked for.
        let is_asked = given.is_some() || experiment.calibration.data.is_some();
        if let Some(correction) = experiment.model.correction.as_ref().filter(|_| !is_asked) {
            let mut file = correction.params.clone();
            for (name, params) in own.take().into_iter().flat_map(|own| own.file.layers) {
                file.layers.entry(name).or_insert(params);
            }
            own = Some(Known { file, source: ParamsSource::ModelFile, path: Some(correction.params_path.clone()) });
        }
        Ok(Scales { known: given.into_iter().chain(own).collect(), observations: None })
    }

    /// Takes parameters in place of all others.
    pub fn fix(&mut self, known: Known) {
        self.known = vec![known];
    }

    /// Those that win, to be changed.
    pub fn first_mut(&mut self) -> Option<&mut ParamsFile> {
        self.known.first_mut().map(|known| &mut known.file)
    }

    /// All that are known.
    pub fn files(&self) -> &[Known] {
        &self.known
    }

    /// The parameters that are known of the layer called `name`, and whose they are.
    pub fn of(&self, name: &str) -> Option<(&Known, &LayerParams)> {
        self.known.iter().find_map(|known| Some((known, known.file.layers.get(name)?)))
    }

    /// The coding that they were found for, where that is known.
    pub fn coding_of(&self, name: &str) -> Option<Coding> {
        self.of(name)?.0.file.codings.get(name).copied()
    }

    /// Whether a network brings integers of its own, no operand of any layer negative.
    pub fn are_unsigned(&self) -> bool {
        let own = self.known.iter().find(|known| known.source == ParamsSource::ModelFile);
        let mut names = own.into_iter().flat_map(|own| own.file.layers.keys()).peekable();
        let is_unsigned =
            |params: &LayerParams| params.input.range().q_min() >= 0 && params.weight.range().q_min() >= 0;
        names.peek().is_some() && names.all(|name| self.of(name).is_some_and(|(_, params)| is_unsigned(params)))
    }

    /// The layers that nothing is known of.
    pub fn unknown(&self, graph: &Graph) -> BTreeSet<String> {
        let names = graph.layers().map(ApproxLayer::name);
        names.filter(|name| self.of(name).is_none()).map(str::to_owned).collect()
    }

    /// Those of them that `assignment` quantizes, in graph order.
    pub fn gaps(&self, graph: &Graph, assignment: &Assignment) -> Vec<String> {
        let quantized = graph.layers().zip(assignment.layers()).filter(|(_, config)| config.mode().is_quantized());
        quantized.map(|(layer, _)| layer.name()).filter(|name| self.of(name).is_none()).map(str::to_owned).collect()
    }

    /// Whether layers that nothing is known of can be calibrated: on a set that was given, or on the model's own where
    /// no parameters were.
    pub fn can_calibrate(&self, experiment: &Experiment) -> bool {
        let is_given = experiment.calibration.params.is_some();
        let own = &experiment.model.calibration;
        // A network without any parameters fails for want of data, not of parameters.
        self.known.is_empty() || experiment.calibration.data.is_some() || (own.is_some() && !is_given)
    }

    /// A note on the settings that only calibration uses, where some were given and layers of `assignment` do without.
    pub fn unused_settings(&self, experiment: &Experiment, assignment: &Assignment) -> Option<String> {
        let graph = &experiment.model.graph;
        let quantized = || graph.layers().zip(assignment.layers()).filter(|(_, config)| config.mode().is_quantized());
        let owner = quantized().find_map(|(layer, _)| Some(self.of(layer.name())?.0))?;
        let (all, gaps) = (quantized().count(), self.gaps(graph, assignment).len());
        let mut keys = experiment.calibration_keys();
        if gaps > 0 {
            keys.retain(|key| *key != "calib_samples");
        } else if owner.source == ParamsSource::ModelFile && !assignment.derives_noise() {
            keys.extend(experiment.calibration.data.as_ref().map(|_| "calib_data"));
        }
        (!keys.is_empty()).then(|| {
            let which =
                if gaps > 0 { format!("scales of {} of {all} layers", all - gaps) } else { "scales".to_owned() };
            let note = format!("{which} are those of {}, which {} did not change", owner.owner(), keys.join(", "));
            tracing::warn!("{note}");
            note
        })
    }

    /// A note on layers of given parameters that are other ones than the network's own, whose nodes round too.
    pub fn replaced(&self, graph: &Graph) -> Option<String> {
        let [given, own] = self.known.as_slice() else { return None };
        let names = graph.layers().map(ApproxLayer::name);
        let differ = |name: &&str| {
            let (given, own) = (given.file.layers.get(*name), own.file.layers.get(*name));
            given.zip(own).is_some_and(|(given, own)| given != own)
        };
        let replaced: Vec<&str> = names.filter(differ).collect();
        (!replaced.is_empty()).then(|| {
            format!(
                "{} has other quantization parameters than the model's own file for '{}': inputs are rounded twice",
                given.name(),
                replaced.join("', '")
            )
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
            let resolved = arrange(&mut dataset, preprocess, model).map_err(OpenError::CalibrationImages)?;
            check_images(&dataset, &resolved, model).map_err(OpenError::CalibrationImages)?;
            return Ok(CalibrationSet { dataset, preprocess: resolved });
        }
        let dataset = calibration_data(model)?;
        let preprocess = preprocess.resolve_own(&dataset, &model.preprocess);
        Ok(CalibrationSet { dataset, preprocess })
    }
}
