//! Models from ONNX files, behind the cargo feature `onnx`.

use super::{Model, ModelError, ModelSpec};
use std::path::Path;

/// Whether `path` is an ONNX file, by its extension.
pub(super) fn recognize(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) && !path.is_dir()
}

#[cfg(not(feature = "onnx"))]
pub(super) fn open(path: &Path, _: &ModelSpec) -> Result<Model, ModelError> {
    Err(ModelError::Feature { path: path.to_owned(), format: "ONNX", feature: "onnx" })
}

/// The network of an ONNX file, with tensors of the state dict of `spec` in place of its own.
#[cfg(feature = "onnx")]
pub(super) fn open(path: &Path, spec: &ModelSpec) -> Result<Model, ModelError> {
    use super::{ModelSource, Weights, WeightsFile};
    use crate::import::onnx;
    use crate::task::Task;

    let read = |path: &Path| Weights::read(path).map(|weights| (path.to_owned(), weights));
    let weights = spec.weights.as_deref().map(read).transpose()?;
    let file =
        weights.as_ref().map(|(path, weights)| WeightsFile { path: path.clone(), blake3: weights.blake3.clone() });
    let (tensors, weight_notes) = weights.map(|(_, weights)| (weights.tensors, weights.notes)).unzip();
    let options =
        onnx::ImportOptions { layout: spec.layout, images: spec.input, output: spec.output.clone(), weights: tensors };
    let network = onnx::import(path, options)?;
    let mut notes = network.notes;
    notes.extend(weight_notes.unwrap_or_default());
    let name = path.file_stem().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
    Ok(Model {
        source: ModelSource::Onnx {
            path: path.to_owned(),
            layout: spec.layout,
            output: spec.output.clone(),
            weights: file,
        },
        architecture: "onnx",
        task: match network.outputs {
            _ if network.reconstructs_input => Task::AnomalyDetection,
            1 => Task::BinaryClassification,
            _ => Task::Classification,
        },
        own_shape: network.own_shape,
        channels_last: network.channels_last,
        input_grid: network.input_grid,
        params: network.params,
        blake3: network.blake3,
        notes,
        ..Model::new(&name, network.graph, network.input, network.outputs)
    })
}
