//! Where models and their parts come from.

use crate::import::Layout;
use crate::printable::serialize_path;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where a model came from.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelSource {
    /// The crate itself.
    Shipped,
    /// A model directory.
    Directory(PathBuf),
    /// A bare state dict.
    StateDict(PathBuf),
    /// An ONNX file.
    Onnx {
        /// The file.
        path: PathBuf,
        /// How its input's axes were taken.
        layout: Layout,
        /// The output that was asked for.
        output: Option<String>,
        /// The state dict that replaces tensors of the file, where one does.
        weights: Option<WeightsFile>,
        /// Files of external data that the network reads, relative to the file's folder.
        external: Vec<String>,
    },
    /// A TensorFlow Lite file.
    Tflite {
        /// The file.
        path: PathBuf,
        /// How its input's axes were taken.
        layout: Layout,
        /// The output that was asked for.
        output: Option<String>,
    },
    /// The caller's memory.
    Memory,
}

impl ModelSource {
    /// The directory or file.
    pub fn path(&self) -> Option<&Path> {
        match self {
            ModelSource::Directory(path)
            | ModelSource::StateDict(path)
            | ModelSource::Onnx { path, .. }
            | ModelSource::Tflite { path, .. } => Some(path),
            ModelSource::Shipped | ModelSource::Memory => None,
        }
    }

    /// How the axes of its input were taken, where the format leaves that open.
    pub fn layout(&self) -> Option<Layout> {
        match self {
            ModelSource::Onnx { layout, .. } | ModelSource::Tflite { layout, .. } => Some(*layout),
            _ => None,
        }
    }

    /// The output that was asked for, where its file has several.
    pub fn output(&self) -> Option<&str> {
        match self {
            ModelSource::Onnx { output, .. } | ModelSource::Tflite { output, .. } => output.as_deref(),
            _ => None,
        }
    }

    /// The state dict that replaces tensors of its file.
    pub fn weights(&self) -> Option<&WeightsFile> {
        match self {
            ModelSource::Onnx { weights, .. } => weights.as_ref(),
            _ => None,
        }
    }
}

/// Where a model's calibration set lies.
#[derive(Debug, Clone)]
pub enum Calibration {
    /// A safetensors file.
    File(PathBuf),
    /// The bytes of one.
    Embedded(&'static [u8]),
}

/// A file of weights, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsFile {
    /// The file.
    #[serde(serialize_with = "serialize_path")]
    pub path: PathBuf,
    /// Its hash.
    pub blake3: String,
}
