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
    use super::{ModelSource, Weights, WeightsFile, imported};
    use crate::import::onnx;

    let read = |path: &Path| Weights::read(path).map(|weights| (path.to_owned(), weights));
    let weights = spec.weights.as_deref().map(read).transpose()?;
    let file =
        weights.as_ref().map(|(path, weights)| WeightsFile { path: path.clone(), blake3: weights.blake3.clone() });
    let (tensors, weight_notes) = weights.map(|(_, weights)| (weights.tensors, weights.notes)).unzip();
    let options =
        onnx::ImportOptions { layout: spec.layout, images: spec.input, output: spec.output.clone(), weights: tensors };
    let mut network = match &spec.contents {
        Some(bytes) => onnx::import_bytes(path, bytes, options),
        None => onnx::import(path, options),
    }?;
    network.notes.extend(weight_notes.unwrap_or_default());
    let source = match &spec.contents {
        Some(_) => ModelSource::Memory,
        None => ModelSource::Onnx {
            path: path.to_owned(),
            layout: spec.layout,
            output: spec.output.clone(),
            weights: file,
            external: network.external.clone(),
        },
    };
    Ok(imported::model(path, "onnx", source, network))
}
