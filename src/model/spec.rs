//! Models as users name them.

use crate::import::Layout;
use std::path::PathBuf;
use std::sync::Arc;

/// A model as users name it; the default is the first shipped one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelSpec {
    /// A shipped network's name, or a path in one of the [`FORMATS`](super::FORMATS).
    pub model: Option<String>,
    /// The bytes of an ONNX or TensorFlow Lite file in memory, which `model` then only names.
    pub contents: Option<Arc<[u8]>>,
    /// An architecture of the zoo, by name, for `weights`; never beside `model`.
    pub architecture: Option<String>,
    /// A state dict: alone, or for `architecture`, or to replace tensors of an ONNX file.
    pub weights: Option<PathBuf>,
    /// Axis order of an imported network's input.
    pub layout: Layout,
    /// Channels, height and width of the input, where the file leaves them open; a network whose input is
    /// another is refused.
    pub input: Option<[usize; 3]>,
    /// The output of an imported network, where its file has several.
    pub output: Option<String>,
}
