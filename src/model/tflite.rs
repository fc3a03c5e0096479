//! Models from TensorFlow Lite files, behind the cargo feature `tflite`.

use super::{Model, ModelError, ModelSpec, UnsupportedFormat};
use std::path::Path;

/// Whether `path` is a TensorFlow Lite file, by its content or its extension.
pub(super) fn recognize(path: &Path) -> bool {
    UnsupportedFormat::recognize(path) == Some(UnsupportedFormat::TfLite)
}

#[cfg(not(feature = "tflite"))]
pub(super) fn open(path: &Path, _: &ModelSpec) -> Result<Model, ModelError> {
    Err(ModelError::Feature { path: path.to_owned(), format: "TensorFlow Lite", feature: "tflite" })
}

/// The network of a TensorFlow Lite file.
#[cfg(feature = "tflite")]
pub(super) fn open(path: &Path, spec: &ModelSpec) -> Result<Model, ModelError> {
    use super::{ModelSource, imported};
    use crate::import::tflite;

    if spec.weights.is_some() {
        return Err(ModelError::OwnWeights { name: path.display().to_string() });
    }
    let options = tflite::ImportOptions { layout: spec.layout, images: spec.input, output: spec.output.clone() };
    let (network, source) = if let Some(bytes) = &spec.contents {
        (tflite::import_bytes(path, bytes, &options)?, ModelSource::Memory)
    } else {
        let (path, layout, output) = (path.to_owned(), spec.layout, spec.output.clone());
        (tflite::import(&path, &options)?, ModelSource::Tflite { path, layout, output })
    };
    Ok(imported::model(path, "tflite", source, network))
}
