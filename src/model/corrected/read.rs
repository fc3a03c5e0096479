//! Reading what a correction changes.

use super::{BIAS, CorrectionConfig, FACTOR, ModelCorrection, QPARAMS, TENSORS, WEIGHT};
use crate::input;
use crate::layer::LayerParts;
use crate::model::ModelError;
use crate::quant::ParamsFile;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of the largest file of tensors.
const LARGEST: u64 = 64 << 30;

/// The correction in `folder`, and its hash with that of the network that it is of.
pub(in crate::model) fn read(
    folder: &Path,
    config: CorrectionConfig,
    network_blake3: &str,
) -> Result<(ModelCorrection, String), ModelError> {
    let path = folder.join(TENSORS);
    let failed = |reason: String| ModelError::Correction { path: path.clone(), reason };
    if config.schema != 1 {
        let reason = format!("schema {} of the correction, expected 1", config.schema);
        return Err(ModelError::Correction { path: folder.join("config.json"), reason });
    }
    let bytes = input::read(&path, LARGEST).map_err(|source| ModelError::Read { path: path.clone(), source })?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| failed(format!("not a safetensors file: {error}")))?;
    let mut layers: BTreeMap<String, LayerParts> = BTreeMap::new();
    let mut shapes = BTreeMap::new();
    for (name, tensor) in file.tensors() {
        let wrong = |expected: &str| failed(format!("tensor '{name}' is of {:?}, expected {expected}", tensor.dtype()));
        if let Some(layer) = name.strip_suffix(WEIGHT) {
            shapes.insert(layer.to_owned(), tensor.shape().to_vec());
            layers.entry(layer.to_owned()).or_default().weight = floats(&tensor).ok_or_else(|| wrong("F32"))?;
        } else if let Some(layer) = name.strip_suffix(BIAS) {
            layers.entry(layer.to_owned()).or_default().bias = Some(floats(&tensor).ok_or_else(|| wrong("F32"))?);
        } else if let Some(layer) = name.strip_suffix(FACTOR) {
            let factors = Some(integers(&tensor).ok_or_else(|| wrong("I32"))?);
            layers.entry(layer.to_owned()).or_default().activation_factors = factors;
        } else {
            return Err(failed(format!("tensor '{name}', expected names that end in {WEIGHT}, {BIAS} or {FACTOR}")));
        }
    }
    for (name, parts) in &layers {
        let mut numbers = parts.weight.iter().chain(parts.bias.iter().flatten());
        if parts.weight.is_empty() || numbers.any(|number| !number.is_finite()) {
            return Err(failed(format!("layer '{name}' lacks its weight, or has numbers that are not finite")));
        }
    }
    let params_path = folder.join(QPARAMS);
    let params = ParamsFile::read(&params_path).map_err(|source| ModelError::Qparams(Box::new(source)))?;
    let mut hasher = blake3::Hasher::new();
    for part in [network_blake3, blake3::hash(&bytes).to_hex().as_str(), &params.blake3] {
        hasher.update(part.as_bytes());
    }
    let correction = ModelCorrection { config, layers, shapes, params, params_path };
    Ok((correction, hasher.finalize().to_hex().to_string()))
}

fn floats(tensor: &TensorView) -> Option<Vec<f32>> {
    let (numbers, rest) = tensor.data().as_chunks();
    (tensor.dtype() == Dtype::F32 && rest.is_empty()).then(|| numbers.iter().map(|&b| f32::from_le_bytes(b)).collect())
}

fn integers(tensor: &TensorView) -> Option<Vec<i32>> {
    let (numbers, rest) = tensor.data().as_chunks();
    (tensor.dtype() == Dtype::I32 && rest.is_empty()).then(|| numbers.iter().map(|&b| i32::from_le_bytes(b)).collect())
}
