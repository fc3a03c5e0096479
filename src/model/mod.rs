//! Models: a network with weights and what its input looks like, ready to be evaluated.
//!
//! A [`Model`] is shipped with the crate, lies in a model directory, is an architecture of the
//! [`zoo`](crate::zoo) with the tensors of a bare safetensors file, or comes from another program's file.
//! [`ModelSpec`] names one as users do and opens it; [`FORMATS`] is the registry of what a path can be.

mod config;
mod corrected;
mod detect;
mod directory;
mod error;
mod fake_quant;
mod format;
#[cfg(any(feature = "onnx", feature = "tflite"))]
mod imported;
mod onnx;
mod shipped;
mod source;
mod spec;
mod state_dict;
#[cfg(test)]
mod tests;
mod tflite;
mod unsupported;
mod weights;

pub use config::{InputConfig, ModelConfig, NetworkFile};
pub use corrected::{
    CorrectedLayerConfig, CorrectedNetwork, CorrectedTensors, CorrectionConfig, CorrectionData, CorrectionError,
    CorrectionSource, CorrectionTool, LutId, ModelCorrection, WriteModelError, write as write_corrected,
};
pub use detect::{DetectError, detect};
pub use error::ModelError;
pub use format::{FORMATS, ModelFormat};
pub use shipped::{SHIPPED, Shipped};
pub use source::{Calibration, ModelSource, WeightsFile};
pub use spec::ModelSpec;
pub use unsupported::UnsupportedFormat;
pub use weights::{Weights, WeightsError};

use crate::graph::Graph;
use crate::graph::pass::Roundings;
use crate::quant::{Grid, ParamsFile};
use crate::task::{Outputs, Task};

/// A network with weights, and what its input looks like.
#[derive(Debug)]
pub struct Model {
    /// Its name in reports: that of its directory, or of its architecture.
    pub name: String,
    /// Where it came from.
    pub source: ModelSource,
    /// Its architecture, by name; the format's name for what comes from another program's file.
    pub architecture: &'static str,
    /// The network, weights bound.
    pub graph: Graph,
    /// Channels, height and width of its input.
    pub input: [usize; 3],
    /// Whether the caller stated its input, which is then not fitted to images of another size.
    pub has_stated_input: bool,
    /// Other dimensions, which its file states and data may have: `[height, width, channels]` where channels are
    /// last, else those of the same numbers in the same order.
    pub own_shape: Option<Vec<usize>>,
    /// Whether channels are last in its file.
    pub channels_last: bool,
    /// The integers that its file takes, where it takes no real numbers: bytes of data are these, and other numbers are
    /// rounded to them by its graph.
    pub input_grid: Option<Grid>,
    /// Numbers that it computes for each sample: the classes of a classifier.
    pub outputs: usize,
    /// What they mean.
    pub task: Task,
    /// The score above which a binary classifier's samples are of class 1, where it was stated.
    pub threshold: Option<f64>,
    /// Preprocessing of byte images; empty where nothing is known of it.
    pub preprocess: InputConfig,
    /// Names of the classes, where known.
    pub labels: Vec<String>,
    /// The embedded dataset that it is evaluated on by default.
    pub dataset: Option<String>,
    /// Its own calibration set.
    pub calibration: Option<Calibration>,
    /// Quantization parameters of its layers, where its file is quantized already.
    pub params: Option<ParamsFile>,
    /// The correction of its layers for a multiplier, where its directory brings one.
    pub correction: Option<ModelCorrection>,
    /// How its layers round, where its file is of integer arithmetic.
    pub roundings: Option<Roundings>,
    /// Hash of the weights file.
    pub blake3: String,
    /// What was done to the weights when they were read.
    pub notes: Vec<String>,
}

impl Model {
    /// A model of a network that the caller built, its weights bound: `outputs` numbers for each image of
    /// `input` (channels, height, width).
    pub fn new(name: &str, graph: Graph, input: [usize; 3], outputs: usize) -> Self {
        Model {
            name: name.to_owned(),
            source: ModelSource::Memory,
            architecture: "custom",
            graph,
            input,
            has_stated_input: false,
            own_shape: None,
            channels_last: false,
            input_grid: None,
            outputs,
            task: Task::suggested_by(input, outputs),
            threshold: None,
            preprocess: InputConfig::default(),
            labels: Vec::new(),
            dataset: None,
            calibration: None,
            params: None,
            correction: None,
            roundings: None,
            blake3: String::new(),
            notes: Vec::new(),
        }
    }

    /// Opens a model directory, a file of a known format, or the shipped network of that name. A path
    /// that exists wins.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn open(name: &str) -> Result<Self, ModelError> {
        ModelSpec { model: Some(name.to_owned()), ..ModelSpec::default() }.open()
    }

    /// Sets what the network is for; `what` names the file or setting that says so, for errors.
    ///
    /// # Errors
    /// When the network's outputs do not fit the task.
    pub fn set_task(&mut self, task: Task, what: impl FnOnce() -> String) -> Result<(), ModelError> {
        task.check_network(self.input, self.outputs).map_err(|reason| ModelError::Task { what: what(), reason })?;
        self.task = task;
        Ok(())
    }

    /// Sets the score above which samples are of class 1; `what` names the file or setting that says so, for
    /// errors.
    ///
    /// # Errors
    /// When the network is not a binary classifier, or the threshold is not finite.
    pub fn set_threshold(&mut self, threshold: f64, what: impl FnOnce() -> String) -> Result<(), ModelError> {
        if self.task.default_threshold(false).is_none() || !threshold.is_finite() {
            let (what, model, task) = (what(), self.name.clone(), self.task);
            return Err(ModelError::Threshold { what, found: threshold, model, task });
        }
        self.threshold = Some(threshold);
        Ok(())
    }

    /// What tasks go by: the number of outputs, and the threshold that was stated, or the task's own for
    /// outputs that are probabilities or not.
    pub fn task_outputs(&self) -> Outputs {
        let own = || self.task.default_threshold(self.graph.outputs_probabilities());
        Outputs { count: self.outputs, threshold: self.threshold.or_else(own).unwrap_or_default() }
    }

    /// The task that the form of the network suggests, where it is not the one that it has.
    pub fn suggested_task(&self) -> Option<Task> {
        Some(Task::suggested_by(self.input, self.outputs)).filter(|task| *task != self.task && *task != Task::default())
    }
}
