//! Writing a corrected network: the files of the one that it was made from, and what changes.

use super::{BIAS, CorrectionConfig, FACTOR, QPARAMS, TENSORS, WEIGHT};
use crate::input;
use crate::layer::LayerParts;
use crate::model::config::NetworkFile;
use crate::model::{Calibration, InputConfig, Model, ModelSource, SHIPPED};
use crate::output::{FolderError, OutputFolder};
use crate::quant::ParamsFile;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};
use serde_json::{Map, Value, json};
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of the largest file that is copied.
const LARGEST: u64 = 64 << 30;

/// The folder of another program's file in a model directory.
const NETWORK: &str = "network";

/// Why a corrected network cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteModelError {
    /// A file of the network that it is made from can no longer be read.
    #[error("{}: cannot copy the network's file", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// That file has changed since it was opened.
    #[error("{}: the network's file has changed since it was read", .0.display())]
    Changed(PathBuf),
    /// The network is of the caller's memory, which no file has.
    #[error("the network '{0}' was made in memory: there is no file of it to write beside its correction")]
    Memory(String),
    /// Its configuration cannot be read.
    #[error("{}: not a model's configuration", .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Tensors cannot be encoded.
    #[error("cannot encode the corrected tensors")]
    Tensors(#[from] SafeTensorError),
    /// The folder cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// The numbers of a corrected layer.
#[derive(Debug, Clone, Copy)]
pub struct CorrectedTensors<'a> {
    /// The layer's name.
    pub name: &'a str,
    /// Dimensions of the weight, output channels first.
    pub dims: &'a [usize],
    /// The numbers.
    pub parts: &'a LayerParts,
}

/// A network, and what a correction changes of it.
#[derive(Debug, Clone, Copy)]
pub struct CorrectedNetwork<'a> {
    /// The network that was corrected; its graph is not looked at.
    pub model: &'a Model,
    /// Its preprocessing of byte images, as it was used.
    pub input: &'a InputConfig,
    /// What was corrected for what.
    pub correction: &'a CorrectionConfig,
    /// The layers that were.
    pub layers: &'a [CorrectedTensors<'a>],
    /// Scales and zero points of all layers.
    pub params: &'a ParamsFile,
}

/// Writes a corrected network into a folder.
///
/// # Errors
/// When files of the network that it is made from cannot be read or have changed, or the folder cannot be written.
pub fn write(folder: &OutputFolder, network: &CorrectedNetwork) -> Result<(), WriteModelError> {
    let mut config = Map::new();
    copy_network(folder, network.model, &mut config)?;
    describe(network.model, network.input, &mut config);
    config.insert("correction".to_owned(), json!(network.correction));
    let mut text = serde_json::to_vec_pretty(&config).expect("numbers and names are JSON");
    text.push(b'\n');
    folder.write("config.json", &text)?;
    folder.write(QPARAMS, network.params.to_json().as_bytes())?;
    folder.write(TENSORS, &tensors(network.layers)?)?;
    Ok(())
}

/// What `config.json` says of the network, beside what its own says.
fn describe(model: &Model, input: &InputConfig, config: &mut Map<String, Value>) {
    config.insert("architecture".to_owned(), json!(model.architecture));
    config.insert("input".to_owned(), json!(InputConfig { shape: Some(model.input), ..input.clone() }));
    config.insert("task".to_owned(), json!(model.task));
    let optional = [
        ("threshold", model.threshold.map(Value::from)),
        ("dataset", model.dataset.as_ref().map(|name| json!(name))),
        ("labels", (!model.labels.is_empty()).then(|| json!(model.labels))),
    ];
    config.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
}

/// Copies the files of a network, and takes over what its configuration says that no field of it holds.
fn copy_network(folder: &OutputFolder, model: &Model, config: &mut Map<String, Value>) -> Result<(), WriteModelError> {
    match &model.source {
        ModelSource::Shipped => {
            let shipped = SHIPPED.get(&model.name).ok_or_else(|| WriteModelError::Memory(model.name.clone()))?;
            take_over(Path::new("config.json"), shipped.config, config)?;
            folder.write("model.safetensors", shipped.weights)?;
        }
        ModelSource::Directory(path) => {
            take_over(&path.join("config.json"), &read(&path.join("config.json"))?, config)?;
            match config.get("network").cloned().map(serde_json::from_value::<NetworkFile>) {
                Some(Ok(network)) => {
                    let files = network.files.iter().chain([&network.file]).chain(&network.weights);
                    for file in files {
                        folder.write(file, &read(&path.join(file))?)?;
                    }
                }
                _ => copy(folder, &path.join("model.safetensors"), "model.safetensors", Some(&model.blake3))?,
            }
        }
        ModelSource::StateDict(path) => copy(folder, path, "model.safetensors", Some(&model.blake3))?,
        ModelSource::Onnx { path, layout, output, weights, external } => {
            let file = format!("{NETWORK}/model.onnx");
            copy(folder, path, &file, external.is_empty().then_some(&model.blake3))?;
            let beside = path.parent().unwrap_or(Path::new(""));
            let mut files = Vec::new();
            for location in external {
                let copied = format!("{NETWORK}/{location}");
                copy(folder, &beside.join(location), &copied, None)?;
                files.push(copied);
            }
            let replaced = weights.as_ref().map(|weights| (weights, format!("{NETWORK}/replaced.safetensors")));
            if let Some((weights, name)) = &replaced {
                copy(folder, &weights.path, name, Some(&weights.blake3))?;
            }
            let (output, weights) = (output.clone(), replaced.map(|(_, name)| name));
            config.insert("network".to_owned(), json!(NetworkFile { file, files, layout: *layout, output, weights }));
        }
        ModelSource::Tflite { path, layout, output } => {
            let file = format!("{NETWORK}/model.tflite");
            copy(folder, path, &file, Some(&model.blake3))?;
            let network =
                NetworkFile { file, files: Vec::new(), layout: *layout, output: output.clone(), weights: None };
            config.insert("network".to_owned(), json!(network));
        }
        ModelSource::Memory => return Err(WriteModelError::Memory(model.name.clone())),
    }
    match &model.calibration {
        Some(Calibration::File(path)) => copy(folder, path, "calibration.safetensors", None)?,
        Some(Calibration::Embedded(bytes)) => folder.write("calibration.safetensors", bytes)?,
        None => (),
    }
    Ok(())
}

/// What a configuration says and is written as it is.
fn take_over(path: &Path, text: &[u8], config: &mut Map<String, Value>) -> Result<(), WriteModelError> {
    let own: Map<String, Value> =
        serde_json::from_slice(text).map_err(|source| WriteModelError::Config { path: path.to_owned(), source })?;
    // What timm says of the input stands in `input`.
    config.extend(own.into_iter().filter(|(key, _)| key != "pretrained_cfg"));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, WriteModelError> {
    input::read(path, LARGEST).map_err(|source| WriteModelError::Read { path: path.to_owned(), source })
}

/// Copies a file, whose hash is known where it is that of the file alone.
fn copy(folder: &OutputFolder, path: &Path, name: &str, blake3: Option<&String>) -> Result<(), WriteModelError> {
    let bytes = read(path)?;
    if blake3.is_some_and(|known| blake3::hash(&bytes).to_hex().as_str() != known) {
        return Err(WriteModelError::Changed(path.to_owned()));
    }
    Ok(folder.write(name, &bytes)?)
}

/// The corrected tensors as a file.
fn tensors(layers: &[CorrectedTensors]) -> Result<Vec<u8>, WriteModelError> {
    let floats = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let integers = |numbers: &[i32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let mut arrays: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for CorrectedTensors { name, dims, parts } in layers {
        arrays.push((format!("{name}{WEIGHT}"), Dtype::F32, dims.to_vec(), floats(&parts.weight)));
        if let Some(bias) = &parts.bias {
            arrays.push((format!("{name}{BIAS}"), Dtype::F32, vec![bias.len()], floats(bias)));
        }
        if let Some(factors) = &parts.activation_factors {
            arrays.push((format!("{name}{FACTOR}"), Dtype::I32, vec![factors.len()], integers(factors)));
        }
    }
    let mut views = Vec::new();
    for (name, dtype, shape, bytes) in &arrays {
        views.push((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?));
    }
    Ok(safetensors::serialize(views, None)?)
}
