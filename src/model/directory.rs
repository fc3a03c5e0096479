//! Model directories: `config.json`, `model.safetensors` and, for some, `calibration.safetensors`; of another program's
//! network its file, and of a corrected one what its correction changes.

use super::config::NetworkFile;
use super::{
    Calibration, Model, ModelConfig, ModelError, ModelSource, ModelSpec, Weights, corrected, onnx, state_dict, tflite,
    weights,
};
use crate::input;
use crate::zoo::Architecture;
use std::path::{Component, Path};

/// Bytes of the largest `config.json` that is read: a million names of classes.
const LARGEST_CONFIG: u64 = 64 << 20;

/// Opens the directory `folder`.
pub(super) fn open(folder: &Path, spec: &ModelSpec) -> Result<Model, ModelError> {
    if spec.weights.is_some() {
        return Err(ModelError::OwnWeights { name: folder.display().to_string() });
    }
    let path = folder.join("config.json");
    let config =
        input::read(&path, LARGEST_CONFIG).map_err(|source| ModelError::Read { path: path.clone(), source })?;
    let config = parse(&path, &config)?;
    let canonical = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = canonical.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
    let correction = config.correction.clone();
    let mut model = match config.network.clone() {
        Some(network) => of_network(&name, folder, config, &network)?,
        None => of_weights(&name, folder, config, weights::read(&folder.join("model.safetensors"))?)?,
    };
    if let Some(correction) = correction {
        let (correction, blake3) = corrected::read(folder, correction, &model.blake3)?;
        (model.correction, model.blake3) = (Some(correction), blake3);
    }
    let path = folder.join("calibration.safetensors");
    let calibration = path.is_file().then_some(Calibration::File(path));
    Ok(Model { source: ModelSource::Directory(folder.to_owned()), calibration, ..model })
}

fn parse(path: &Path, config: &[u8]) -> Result<ModelConfig, ModelError> {
    ModelConfig::parse(config).map_err(|source| ModelError::Config { path: path.to_owned(), source })
}

/// The model of a directory called `name` with these files' contents; errors place them in `folder`.
pub(super) fn from_parts(name: &str, folder: &Path, config: &[u8], weights: Vec<u8>) -> Result<Model, ModelError> {
    of_weights(name, folder, parse(&folder.join("config.json"), config)?, weights)
}

/// An architecture with the bytes of its weights.
fn of_weights(name: &str, folder: &Path, config: ModelConfig, weights: Vec<u8>) -> Result<Model, ModelError> {
    let config_path = folder.join("config.json");
    let architecture = Architecture::find(&config.architecture)
        .map_err(|source| ModelError::Architecture { what: config_path.display().to_string(), source })?;
    let path = folder.join("model.safetensors");
    let weights = Weights::from_bytes(&path, weights)?.without_prefix();
    let model = state_dict::bind(name, architecture, &path, weights, config.input.shape, config.num_classes)?;
    configured(model, &config_path, config)
}

/// Another program's file in the directory.
fn of_network(name: &str, folder: &Path, config: ModelConfig, network: &NetworkFile) -> Result<Model, ModelError> {
    let config_path = folder.join("config.json");
    let is_inside = |file: &String| Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    if let Some(file) = [&network.file].into_iter().chain(&network.weights).find(|file| !is_inside(file)) {
        let reason = format!("network: '{file}', expected a file in the directory");
        return Err(ModelError::Correction { path: config_path, reason });
    }
    let path = folder.join(&network.file);
    let spec = ModelSpec {
        weights: network.weights.as_ref().map(|weights| folder.join(weights)),
        layout: network.layout,
        input: config.input.shape,
        output: network.output.clone(),
        ..ModelSpec::default()
    };
    let model = if tflite::recognize(&path) { tflite::open(&path, &spec)? } else { onnx::open(&path, &spec)? };
    configured(Model { name: name.to_owned(), ..model }, &config_path, config)
}

/// The model with all that its configuration says of it.
fn configured(mut model: Model, config_path: &Path, config: ModelConfig) -> Result<Model, ModelError> {
    let invalid = |source| ModelError::Config { path: config_path.to_owned(), source };
    config.check_channels(model.input[0]).map_err(invalid)?;
    if let Some(task) = config.task {
        model.set_task(task, || config_path.display().to_string())?;
    }
    if let Some(threshold) = config.threshold {
        model.set_threshold(threshold, || format!("{}: threshold", config_path.display()))?;
    }
    let (labels, classes) = (config.labels.len(), model.task.label_count(model.outputs));
    if labels > 0 && labels != classes && model.task.class_column().is_some() {
        return Err(ModelError::Labels { path: config_path.to_owned(), labels, num_classes: classes });
    }
    model.preprocess = config.input;
    model.labels = config.labels;
    model.dataset = config.dataset;
    Ok(model)
}
