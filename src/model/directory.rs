//! Model directories: `config.json`, `model.safetensors` and, for some, `calibration.safetensors`.

use super::{Calibration, Model, ModelConfig, ModelError, ModelSource, ModelSpec, Weights, state_dict, weights};
use crate::input;
use crate::zoo::Architecture;
use std::path::Path;

/// Bytes of the largest `config.json` that is read: a million names of classes.
const LARGEST_CONFIG: u64 = 64 << 20;

/// Opens the directory `folder`.
pub(super) fn open(folder: &Path, spec: &ModelSpec) -> Result<Model, ModelError> {
    if spec.weights.is_some() {
        return Err(ModelError::OwnWeights { name: folder.display().to_string() });
    }
    let read = |file: &str| {
        let path = folder.join(file);
        input::read(&path, LARGEST_CONFIG).map_err(|source| ModelError::Read { path, source })
    };
    let canonical = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = canonical.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
    let (config, weights) = (read("config.json")?, weights::read(&folder.join("model.safetensors"))?);
    let model = from_parts(&name, folder, &config, weights)?;
    let path = folder.join("calibration.safetensors");
    let calibration = path.is_file().then_some(Calibration::File(path));
    Ok(Model { source: ModelSource::Directory(folder.to_owned()), calibration, ..model })
}

/// The model of a directory called `name` with these files' contents; errors place them in `folder`.
pub(super) fn from_parts(name: &str, folder: &Path, config: &[u8], weights: Vec<u8>) -> Result<Model, ModelError> {
    let config_path = folder.join("config.json");
    let config =
        ModelConfig::parse(config).map_err(|source| ModelError::Config { path: config_path.clone(), source })?;
    let architecture = Architecture::find(&config.architecture)
        .map_err(|source| ModelError::Architecture { what: config_path.display().to_string(), source })?;
    let path = folder.join("model.safetensors");
    let weights = Weights::from_bytes(&path, weights)?.without_prefix();
    let mut model = state_dict::bind(name, architecture, &path, weights, config.input.shape, config.num_classes)?;
    config.check_channels(model.input[0]).map_err(|source| ModelError::Config { path: config_path.clone(), source })?;
    if let Some(task) = config.task {
        model.set_task(task, || config_path.display().to_string())?;
    }
    if let Some(threshold) = config.threshold {
        model.set_threshold(threshold, || format!("{}: threshold", config_path.display()))?;
    }
    let (labels, classes) = (config.labels.len(), model.task.label_count(model.outputs));
    if labels > 0 && labels != classes && model.task.class_column().is_some() {
        return Err(ModelError::Labels { path: config_path, labels, num_classes: classes });
    }
    model.preprocess = config.input;
    model.labels = config.labels;
    model.dataset = config.dataset;
    Ok(model)
}
