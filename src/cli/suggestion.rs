//! Commands that do what was meant, for what names a network in a way that is not understood.

use crate::model::{ModelError, UnsupportedFormat, WeightsError};
use std::error::Error;
use std::path::Path;

/// What to run in place of what led to `error`.
pub(super) fn suggestion(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(WeightsError::Unsupported { path, kind }) = error.downcast_ref() {
        return Some(of_file(path, *kind));
    }
    match error.downcast_ref()? {
        ModelError::Unsupported { path, kind } => Some(of_file(path, *kind)),
        ModelError::NotAModel { architecture } => {
            Some(format!("run: approx-eval --arch {architecture} --weights FILE.safetensors"))
        }
        ModelError::Weights(error) => suggestion(error),
        _ => None,
    }
}

/// Saves the tensors of a PyTorch checkpoint: those of the state dict in it, or its own.
const SAVE_STATE_DICT: &str = "import sys, torch; from safetensors.torch import save_file; \
    found = torch.load(sys.argv[1], map_location='cpu', weights_only=True); \
    keys = ('state_dict', 'model_state_dict', 'model', 'net', 'params'); \
    state = next((found[key] for key in keys if isinstance(found.get(key), dict)), found); \
    save_file({name: tensor.contiguous().clone() for name, tensor in state.items() if torch.is_tensor(tensor)}, sys.argv[2])";

/// Exports a Keras model.
const EXPORT_KERAS: &str = "import sys, keras; keras.saving.load_model(sys.argv[1]).export(sys.argv[2], format='onnx')";

fn of_file(path: &Path, kind: UnsupportedFormat) -> String {
    let to = |extension: &str| quoted(&path.with_extension(extension));
    let (from, onnx, safetensors) = (quoted(path), to("onnx"), to("safetensors"));
    match kind {
        UnsupportedFormat::Safetensors => {
            format!("run: approx-eval --weights {from}, with --arch NAME if its tensors do not tell the architecture")
        }
        UnsupportedFormat::PyTorch => format!(
            "convert its state dict: python3 -c \"{SAVE_STATE_DICT}\" {from} {safetensors}, \
             then run: approx-eval --arch NAME --weights {safetensors}; if it is a whole module, which torch.load refuses, or \
             of an architecture that 'approx-eval model list' does not show, export the network with torch.onnx.export, then \
             run: approx-eval --model {onnx}"
        ),
        UnsupportedFormat::Keras => {
            format!("export it: python3 -c \"{EXPORT_KERAS}\" {from} {onnx}, then run: approx-eval --model {onnx}")
        }
        UnsupportedFormat::TensorFlow => {
            let around = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let folder = quoted(if path.is_dir() { path } else { around });
            format!(
                "convert it: python3 -m tf2onnx.convert --saved-model {folder} --output {onnx}, then run: \
                 approx-eval --model {onnx}"
            )
        }
        UnsupportedFormat::TfLite => format!("run: approx-eval --model {from}"),
    }
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,".contains(c);
    if !path.is_empty() && path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
