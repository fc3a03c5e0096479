//! A network and its data, opened once and evaluated under one assignment after another.
//!
//! [`Session::open`] opens and checks everything that an [`Experiment`] names, before any work starts.
//! [`Session::calibrate`] observes the layers' inputs once; scales for any coding, width or scheme follow
//! from these [`Observations`] without another pass. [`Session::evaluate`] runs the dataset under an
//! [`Assignment`] and returns [`Findings`].
//!
//! ```
//! use approx_eval::data::Batches;
//! use approx_eval::eval::{Experiment, LayerOptions, LutSpec, Rules, Session};
//! use approx_eval::model::Model;
//! use candle_core::{DType, Device, Tensor};
//!
//! let mut session = Session::open(Experiment::new(Model::open("lenet5")?))?;
//! session.calibrate()?;
//! for lut in ["drum-4", "drum-6", "mitchell"] {
//!     let options = LayerOptions { lut: Some(LutSpec::new(lut)), ..LayerOptions::default() };
//!     let assignment = session.assign(&options, &Rules::default())?;
//!     let findings = session.evaluate(&assignment, |_| Ok(()))?;
//!     println!("{lut}: {}", findings.outcome.metrics.value());
//!     // Tensors in memory, as the network takes them.
//!     let batch = (Tensor::zeros((2, 1, 28, 28), DType::F32, &Device::Cpu)?, vec![0, 1]);
//!     session.evaluate_batches(&assignment, Batches::from_tensors([batch])?, |batch| {
//!         println!("{:?}", batch.logits);
//!         Ok(())
//!     })?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod configure;
mod corrected;
mod correction;
mod error;
mod evaluate;
mod experiment;
mod gathered;
mod image_shape;
mod images;
mod inspect;
mod quantize;
mod requantize;
mod response;
mod scales;
#[cfg(test)]
mod tests;
mod trace;
mod traps;

pub use configure::Configuration;
pub(crate) use correction::Walk;
pub use correction::{CalibrationImages, CalibrationOutputs};
pub use error::{OpenError, SessionError};
pub use evaluate::{Findings, LayerFindings, ModeComparison};
pub use experiment::{CalibrationOptions, Experiment, ParamsSource, ParamsSpec, PreprocessOptions};
pub use images::ImagesError;
pub use response::LayerResponse;
pub use scales::Observations;

use super::activations::Activations;
use super::traps::InnerNormalization;
use super::{
    Assignment, LayerDefaults, LayerOptions, LayerStatistics, LutFiles, Luts, Progress, Rules, Silent, prepare,
    prepare_observed,
};
use crate::data::{Dataset, DatasetSpec, Parts, PixelKind, Preprocess, Selection, Split};
use crate::graph::pass::prepare_integers;
use crate::model::Model;
use crate::task::Task;
use images::{arrange, check_images, match_classes};
use scales::{CalibrationSet, Scales};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A network and its data, ready to be evaluated.
pub struct Session {
    experiment: Experiment,
    /// What [`Experiment::layers`] come to.
    defaults: LayerDefaults,
    /// What these and [`Experiment::rules`] come to.
    assignment: Assignment,
    luts: Luts,
    data: DatasetSpec,
    /// Opened already, for the first evaluation.
    dataset: Option<Dataset>,
    dataset_name: String,
    /// Hash of the dataset, once an evaluation has computed it.
    dataset_hash: Option<String>,
    preprocess: Preprocess,
    pixel_kind: PixelKind,
    samples: usize,
    /// What one evaluation after another has in common.
    activations: Activations,
    /// Whether these are fewer than the dataset has, or those that were calibrated on fewer than their set has.
    uses_part: bool,
    /// What the network does to its images before anything else.
    inner: Option<InnerNormalization>,
    parameters: u64,
    scales: Scales,
    /// Whether the calibration set was opened, which checks it.
    has_calibration_data: bool,
    statistics: Option<Arc<LayerStatistics>>,
    progress: Box<dyn Progress>,
    /// Notes on what was opened, whatever is computed on it.
    notes_on_opening: Vec<String>,
    notes: Vec<String>,
}

impl Session {
    /// Opens and checks all that `experiment` names.
    ///
    /// # Errors
    /// Names the file, layer or setting, what was found and what was expected.
    pub fn open(mut experiment: Experiment) -> Result<Self, OpenError> {
        let mut luts = Luts::with_files(std::mem::take(&mut experiment.lut_files));
        let scales = Scales::known(&mut experiment)?;
        experiment.scheme.unsigned_integers |= scales.are_unsigned();
        let defaults = LayerDefaults::open(&experiment.layers, &experiment.scheme, &mut luts);
        let defaults = defaults.map_err(OpenError::Options)?;
        let Experiment { layers, rules, .. } = &experiment;
        configure::check_multiplier(layers, rules)?;
        let data = match (&experiment.data, &experiment.model.dataset) {
            (Some(data), _) => data.clone(),
            (None, Some(name)) => DatasetSpec::Embedded(name.clone()),
            (None, None) => return Err(OpenError::NoData(experiment.model.name)),
        };
        let mut dataset = data.open(Split::Test)?;
        let preprocess = arrange(&mut dataset, &experiment.preprocess, &experiment.model)?;
        experiment
            .fit(preprocess.output_shape(dataset.image_shape(), dataset.pixel_kind()).map_err(ImagesError::from)?)?;
        let class_note = match_classes(&mut dataset, &mut experiment.model)?;
        check_images(&dataset, &preprocess, &experiment.model)?;
        let parameters = experiment.model.graph.trainable_parameters();
        let statistics = experiment.prepare()?;
        let Experiment { model, layers, rules, scheme, .. } = &experiment;
        let assignment = Assignment::resolve(&model.graph, layers, rules, scheme, &mut luts)?;
        // A calibration set that was given is checked even where it is not used.
        let gaps = scales.gaps(&model.graph, &assignment);
        if !gaps.is_empty() && !scales.can_calibrate(&experiment) {
            return Err(scales.lacking(gaps, &assignment));
        }
        let is_used = assignment.derives_noise() || !gaps.is_empty();
        let calibration = is_used || experiment.calibration.data.is_some();
        let calibration = calibration.then(|| CalibrationSet::open(&experiment)).transpose()?;
        let has_calibration_data = calibration.is_some();
        let samples = experiment.evaluated().count(dataset.len());
        check_samples(&dataset, experiment.evaluated(), model.task)?;
        let mut notes_on_opening = model.notes.clone();
        notes_on_opening.extend(class_note);
        notes_on_opening.extend(experiment.preprocess.notes(&dataset, &model.preprocess, &preprocess));
        let inner = InnerNormalization::find(&model.graph);
        let calibration = calibration.filter(|_| is_used);
        let found = traps::on_opening(&experiment, &dataset, &preprocess, inner.as_ref(), calibration.as_ref());
        notes_on_opening.extend(found.into_iter().inspect(|note| tracing::warn!("{note}")));
        let mut notes = notes_on_opening.clone();
        notes.extend(configure::notes(&experiment, &scales, &assignment));
        Ok(Session {
            defaults,
            assignment,
            luts,
            data,
            dataset_name: dataset.name().to_owned(),
            dataset_hash: None,
            activations: Activations::default(),
            uses_part: samples < dataset.len(),
            pixel_kind: dataset.pixel_kind(),
            dataset: Some(dataset),
            preprocess,
            samples,
            inner,
            parameters,
            scales,
            has_calibration_data,
            statistics,
            progress: Box::new(Silent),
            notes_on_opening,
            notes,
            experiment,
        })
    }

    /// The same session, whose loops `progress` follows.
    #[must_use]
    pub fn with_progress(self, progress: impl Progress + 'static) -> Self {
        Session { progress: Box::new(progress), ..self }
    }

    /// Reads the samples of the evaluations that follow in `parts`, one after the other.
    pub fn read_in_parts(&mut self, parts: Parts) {
        self.experiment.parts = Some(parts);
        self.activations = Activations::default();
    }

    /// Who follows its loops.
    pub fn progress(&self) -> &dyn Progress {
        &*self.progress
    }

    /// What was asked for. Its model is prepared: folded, and its layers approximate ones.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The network.
    pub fn model(&self) -> &Model {
        &self.experiment.model
    }

    /// The assignment of the experiment's own options and rules.
    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// What the experiment's options of all layers come to, without rules.
    pub fn defaults(&self) -> &LayerDefaults {
        &self.defaults
    }

    /// The assignment of other options and rules; multipliers are opened once a session.
    ///
    /// # Errors
    /// Names the pattern that matches nothing, or the layer whose options cannot be resolved.
    pub fn assign(&mut self, options: &LayerOptions, rules: &Rules) -> Result<Assignment, super::AssignError> {
        let Experiment { model, scheme, .. } = &self.experiment;
        Assignment::resolve(&model.graph, options, rules, scheme, &mut self.luts)
    }

    /// Takes other multipliers' files in memory in place of [`Experiment::lut_files`], for the options and rules that
    /// follow: a search tries one table after another.
    pub fn replace_lut_files(&mut self, files: LutFiles) {
        self.luts.replace_files(files);
    }

    /// Samples that an evaluation runs over.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The seed by which samples were drawn, where evaluations or calibrations so far used fewer than there are.
    pub fn draw_seed(&self) -> Option<u64> {
        self.experiment.shuffle.filter(|_| self.uses_part)
    }

    /// Samples of a batch: those asked for, unless the network takes them one by one.
    pub fn batch_size(&self) -> NonZeroUsize {
        self.model().graph.batch_size(self.experiment.batch_size)
    }

    /// The dataset's name.
    pub fn dataset_name(&self) -> &str {
        &self.dataset_name
    }

    /// What the dataset's pixels are before preprocessing.
    pub fn pixel_kind(&self) -> PixelKind {
        self.pixel_kind
    }

    /// How the dataset is preprocessed.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// Trainable parameters of the network, before folding.
    pub fn parameters(&self) -> u64 {
        self.parameters
    }

    /// What a reader of a report should know.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds a note, unless it is there; a warning is logged, too.
    fn note(&mut self, note: String, is_warning: bool) {
        if self.notes.contains(&note) {
            return;
        }
        if is_warning {
            tracing::warn!("{note}");
        }
        self.notes.push(note);
    }
}

impl Experiment {
    /// Fits the network to `images` (channels, height, width) of another size than it usually takes, where
    /// it is a bare state dict that allows that or takes windows of recordings, and to the task asked for.
    fn fit(&mut self, images: [usize; 3]) -> Result<(), OpenError> {
        let mut model = std::mem::replace(&mut self.model, Model::new("", crate::graph::Graph::new(), [0; 3], 0));
        let is_bare = matches!(model.source, crate::model::ModelSource::StateDict(_));
        if is_bare || model.task.follows_image_size() {
            model = model.fit(images);
        }
        self.model = model;
        let model = &mut self.model;
        if let Some(task) = self.task {
            model.set_task(task, || "task".to_owned())?;
        } else if let Some(other) = model.suggested_task() {
            model.notes.push(format!("evaluated for {}; the network could also be one for {other}", model.task));
        }
        if let Some(threshold) = self.threshold {
            model.set_threshold(threshold, || "threshold".to_owned())?;
        }
        Ok(())
    }

    /// Swaps the layers, to be observed where that is needed.
    fn prepare(&mut self) -> Result<Option<Arc<LayerStatistics>>, OpenError> {
        let (is_observed, fold) = (self.observes_layers(), self.fold_batch_norm);
        let statistics = if is_observed {
            Some(prepare_observed(&mut self.model, fold, LayerStatistics::new)?)
        } else {
            prepare(&mut self.model, fold)?;
            None
        };
        if let Some(correction) = &self.model.correction {
            let name = || self.model.name.clone();
            if !fold {
                return Err(OpenError::FoldedCorrection(name()));
            }
            let applied = correction.apply(&mut self.model.graph);
            applied.map_err(|source| OpenError::Correction { model: name(), source })?;
        }
        if self.makes_integers() {
            prepare_integers(&mut self.model.graph);
        }
        Ok(statistics)
    }
}

/// Fails where the samples of a dataset that are evaluated are too few for the task.
fn check_samples(dataset: &Dataset, evaluated: Selection, task: Task) -> Result<(), OpenError> {
    let all = dataset.len();
    let labels = evaluated.labels(dataset.labels());
    task.check_labels(&labels).map_err(|source| {
        let (dataset, samples) = (dataset.name().to_owned(), labels.len());
        let which = if evaluated.seed().is_some() { "drawn" } else { "first" };
        OpenError::Samples { dataset, which, samples, all, source }
    })
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Session { experiment, dataset_name, samples, .. } = self;
        f.debug_struct("Session")
            .field("experiment", experiment)
            .field("dataset", dataset_name)
            .field("samples", samples)
            .finish_non_exhaustive()
    }
}
