//! Models: a network with weights and what its input looks like, ready to be evaluated.
//!
//! A [`Model`] is shipped with the crate, lies in a model directory, is an architecture of the
//! [`zoo`](crate::zoo) with the tensors of a bare safetensors file, or comes from another program's file.

mod config;
mod detect;
mod error;
mod shipped;
mod task;
#[cfg(test)]
mod tests;
mod weights;

pub use config::{InputConfig, ModelConfig};
pub use detect::{DetectError, detect};
pub use error::ModelError;
pub use shipped::{SHIPPED, Shipped};
pub use task::Task;
pub use weights::{Weights, WeightsError};

use crate::graph::Graph;
use crate::import::{Layout, onnx};
use crate::quant::ParamsFile;
use crate::zoo::Architecture;
use detect::sizes;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Where a model's calibration set lies.
#[derive(Debug, Clone)]
pub enum Calibration {
    /// A safetensors file.
    File(PathBuf),
    /// The bytes of one.
    Embedded(&'static [u8]),
}

/// A file of weights, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WeightsFile {
    /// The file.
    pub path: PathBuf,
    /// Its hash.
    pub blake3: String,
}

/// A network with weights, and what its input looks like.
#[derive(Debug)]
pub struct Model {
    /// Its name in reports: that of its directory, or of its architecture.
    pub name: String,
    /// Its directory, weights file or ONNX file; none for a shipped one.
    pub path: Option<PathBuf>,
    /// Its architecture; `onnx` for what comes from such a file.
    pub architecture: &'static str,
    /// The network, weights bound.
    pub graph: Graph,
    /// Channels, height and width of its input.
    pub input: [usize; 3],
    /// Outputs.
    pub num_classes: usize,
    /// What they mean.
    pub task: Task,
    /// Preprocessing of byte images; nothing is known of a bare weights file's.
    pub preprocess: InputConfig,
    /// Names of the classes, where known.
    pub labels: Vec<String>,
    /// The embedded data set that it is evaluated on when none is given.
    pub dataset: Option<String>,
    /// Its own calibration set.
    pub calibration: Option<Calibration>,
    /// The quantization parameters of those layers that its file has them for, where it is quantized.
    pub params: Option<ParamsFile>,
    /// Hash of the weights file.
    pub blake3: String,
    /// The state dict that replaces tensors of an ONNX file, where one does.
    pub weights: Option<WeightsFile>,
    /// What was done to the weights on the way in.
    pub notes: Vec<String>,
}

impl Model {
    /// Opens a model directory, an ONNX file, or the shipped network of that name. A directory that
    /// exists wins.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn open(name: &str) -> Result<Self, ModelError> {
        let folder = Path::new(name);
        if folder.is_dir() {
            return Self::from_directory(folder);
        }
        if Self::is_onnx(name) {
            return Self::from_onnx(folder, Layout::Auto, None);
        }
        let shipped = SHIPPED.find(name).map_err(ModelError::Unknown)?;
        let folder = Path::new("models").join(name);
        let calibration = || Some(Calibration::Embedded(shipped.calibration));
        let model = Self::from_parts(name, &folder, shipped.config, shipped.weights.to_vec(), calibration)?;
        Ok(Model { path: None, ..model })
    }

    /// Whether a model of this name is an ONNX file.
    pub fn is_onnx(name: &str) -> bool {
        let path = Path::new(name);
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) && !path.is_dir()
    }

    /// The network of an ONNX file, which images meet in `layout`, with tensors of the state dict
    /// `weights` in place of its own.
    ///
    /// # Errors
    /// Names the file, and the node or tensor that is wrong with it or not supported.
    pub fn from_onnx(path: &Path, layout: Layout, weights: Option<&Path>) -> Result<Self, ModelError> {
        let read = |path: &Path| Weights::read(path).map(|weights| (path.to_owned(), weights));
        let weights = weights.map(read).transpose()?;
        let file =
            weights.as_ref().map(|(path, weights)| WeightsFile { path: path.clone(), blake3: weights.blake3.clone() });
        let (tensors, mut notes) = weights.map(|(_, weights)| (weights.tensors, weights.notes)).unzip();
        let network = onnx::import(path, layout, tensors)?;
        let mut all = network.notes;
        all.extend(notes.take().unwrap_or_default());
        let task = if network.reconstructs_input { Task::AnomalyDetection } else { Task::Classification };
        Ok(Model {
            name: path.file_stem().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned()),
            path: Some(path.to_owned()),
            architecture: "onnx",
            graph: network.graph,
            input: network.input,
            num_classes: network.outputs,
            task,
            preprocess: InputConfig::default(),
            labels: Vec::new(),
            dataset: None,
            calibration: None,
            params: network.params,
            blake3: network.blake3,
            weights: file,
            notes: all,
        })
    }

    fn from_directory(folder: &Path) -> Result<Self, ModelError> {
        let read = |file: &str| {
            let path = folder.join(file);
            std::fs::read(&path).map_err(|source| ModelError::Read { path, source })
        };
        let canonical = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let name = canonical.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
        let (config, weights) = (read("config.json")?, weights::read(&folder.join("model.safetensors"))?);
        Self::from_parts(&name, folder, &config, weights, || {
            let path = folder.join("calibration.safetensors");
            path.is_file().then_some(Calibration::File(path))
        })
    }

    fn from_parts(
        name: &str,
        folder: &Path,
        config: &[u8],
        weights: Vec<u8>,
        calibration: impl FnOnce() -> Option<Calibration>,
    ) -> Result<Self, ModelError> {
        let path = folder.join("config.json");
        let config = ModelConfig::parse(config).map_err(|source| ModelError::Config { path: path.clone(), source })?;
        let architecture = Architecture::find(&config.architecture)
            .map_err(|source| ModelError::Architecture { what: path.display().to_string(), source })?;
        let path = folder.join("model.safetensors");
        let weights = Weights::from_bytes(&path, weights)?;
        let mut model = Self::build(name, architecture, &path, weights, config.input.shape, config.num_classes)?;
        let path = || folder.join("config.json");
        if let Some(task) = config.task {
            model.set_task(task, || path().display().to_string())?;
        }
        let (labels, num_classes) = (config.labels.len(), model.num_classes);
        if labels > 0 && labels != num_classes && model.task == Task::Classification {
            return Err(ModelError::Labels { path: path(), labels, num_classes });
        }
        model.path = Some(folder.to_owned());
        model.preprocess = config.input;
        model.labels = config.labels;
        model.dataset = config.dataset;
        model.calibration = calibration();
        Ok(model)
    }

    /// An architecture of the zoo with the state dict of a safetensors file.
    ///
    /// # Errors
    /// Names the option or file and what is wrong with it.
    pub fn from_weights(architecture: &str, path: &Path) -> Result<Self, ModelError> {
        let architecture = Architecture::find(architecture)
            .map_err(|source| ModelError::Architecture { what: "--arch".to_owned(), source })?;
        let weights = Weights::read(path)?;
        Self::build(architecture.name, architecture, path, weights, None, None)
    }

    /// The state dict of a safetensors file, whose architecture it tells.
    ///
    /// # Errors
    /// Names the file, and what is wrong with it or which architectures come near.
    pub fn detect(path: &Path) -> Result<Self, ModelError> {
        let mut weights = Weights::read(path)?;
        let architecture = detect(&weights).map_err(|source| ModelError::Detect { path: path.to_owned(), source })?;
        weights
            .notes
            .push(format!("architecture {} recognised by the names and shapes of its weights", architecture.name));
        Self::build(architecture.name, architecture, path, weights, None, None)
    }

    /// The same network for images of another height and width, where its weights do not depend on
    /// them; else as it was.
    #[must_use]
    pub fn fit(mut self, [_, height, width]: [usize; 3]) -> Self {
        let input = [self.input[0], height, width];
        let weights = Weights { tensors: self.graph.bound(), notes: Vec::new(), blake3: self.blake3.clone() };
        if input != self.input
            && let Ok(architecture) = Architecture::find(self.architecture)
            && let (_, classes) = sizes(architecture, &weights)
            && let Ok(mut graph) = architecture.build(input, classes, Some(&weights.tensors))
            && graph.bind(weights.tensors).is_ok()
        {
            self.notes.push(format!("{} takes the images' {height} x {width}", self.name));
            self.num_classes = outputs(&graph).unwrap_or(self.num_classes);
            (self.graph, self.input) = (graph, input);
        }
        self
    }

    /// Says what the network is for, as `what` asks.
    ///
    /// # Errors
    /// When an anomaly detector does not make as many numbers of an image as it has.
    pub fn set_task(&mut self, task: Task, what: impl FnOnce() -> String) -> Result<(), ModelError> {
        let (input, outputs) = (self.input, self.num_classes);
        if task == Task::AnomalyDetection && Task::of(input, outputs) != task {
            return Err(ModelError::Task { what: what(), input, outputs });
        }
        self.task = task;
        Ok(())
    }

    /// Whether it is taken for a classifier, but makes as many numbers of an image as it has.
    pub fn may_give_images_back(&self) -> bool {
        self.task == Task::Classification && Task::of(self.input, self.num_classes) == Task::AnomalyDetection
    }

    fn build(
        name: &str,
        architecture: &'static Architecture,
        path: &Path,
        weights: Weights,
        input: Option<[usize; 3]>,
        num_classes: Option<usize>,
    ) -> Result<Self, ModelError> {
        let (own_input, own_classes) = sizes(architecture, &weights);
        let (input, num_classes) = (input.unwrap_or(own_input), num_classes.unwrap_or(own_classes));
        let mut graph = architecture
            .build(input, num_classes, Some(&weights.tensors))
            .map_err(|source| ModelError::Graph { path: path.to_owned(), input, source: source.into() })?;
        let num_classes = outputs(&graph).unwrap_or(num_classes);
        let Weights { tensors, notes, blake3 } = weights;
        graph.bind(tensors).map_err(|source| ModelError::Bind {
            path: path.to_owned(),
            architecture: architecture.name,
            source: source.into(),
        })?;
        Ok(Model {
            name: name.to_owned(),
            path: Some(path.to_owned()),
            architecture: architecture.name,
            graph,
            input,
            num_classes,
            task: Task::of(input, num_classes),
            preprocess: InputConfig::default(),
            labels: Vec::new(),
            dataset: None,
            calibration: None,
            params: None,
            blake3,
            weights: None,
            notes,
        })
    }
}

/// Numbers that a network makes of a sample, where they are known.
fn outputs(graph: &Graph) -> Option<usize> {
    match graph.outputs() {
        &[output] => graph.ty(output).sizes(1).get(1).copied(),
        _ => None,
    }
}
