//! Commands that do what was meant, for what names a network in a way that is not understood.

use crate::model::{Foreign, ModelError, WeightsError};
use std::error::Error;
use std::path::Path;

/// What to run in place of what led to `error`.
pub(super) fn instead(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(WeightsError::Foreign { path, kind }) = error.downcast_ref() {
        return Some(of_file(path, *kind));
    }
    match error.downcast_ref()? {
        ModelError::Foreign { path, kind } => Some(of_file(path, *kind)),
        ModelError::NotAModel { architecture } => {
            Some(format!("run: approx-eval --arch {architecture} --weights FILE.safetensors"))
        }
        ModelError::Weights(error) => instead(error),
        _ => None,
    }
}

fn of_file(path: &Path, kind: Foreign) -> String {
    let (from, to) = (path.display(), |extension: &str| path.with_extension(extension).display().to_string());
    let (onnx, safetensors) = (to("onnx"), to("safetensors"));
    match kind {
        Foreign::Safetensors => {
            format!("run: approx-eval --weights {from}, with --arch NAME if its tensors do not tell the architecture")
        }
        Foreign::PyTorch => format!(
            "convert its state dict: python3 -c \"import torch; from safetensors.torch import save_file; \
             state = torch.load('{from}', map_location='cpu', weights_only=True); \
             state = state.get('state_dict', state); \
             save_file({{name: tensor.clone() for name, tensor in state.items()}}, '{safetensors}')\", \
             then run: approx-eval --arch NAME --weights {safetensors}; or, of an architecture that 'approx-eval model list' \
             does not show, export the network with torch.onnx.export, then run: approx-eval --model {onnx}"
        ),
        Foreign::Keras => format!(
            "export it: python3 -c \"import keras; keras.saving.load_model('{from}').export('{onnx}', format='onnx')\", \
             then run: approx-eval --model {onnx}"
        ),
        Foreign::TensorFlow => {
            let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
            let folder = folder.display();
            format!(
                "convert it: python3 -m tf2onnx.convert --saved-model {folder} --output {onnx}, then run: \
                 approx-eval --model {onnx}"
            )
        }
        Foreign::TfLite => format!(
            "convert it: python3 -m tf2onnx.convert --tflite {from} --output {onnx}, then run: approx-eval --model {onnx}"
        ),
    }
}
