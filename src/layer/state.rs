//! What every approximate layer holds beside its geometry.

use super::integer::Quantized;
use super::noise::Noise;
use super::{InferenceMode, LayerError, LayerProblem};
use crate::quant::Calibrator;
use candle_core::{CpuStorage, DType, Device, Storage, Tensor};
use std::sync::Mutex;

/// Weights, mode, noise and quantization of one layer.
#[derive(Debug)]
pub struct LayerState {
    pub(super) name: String,
    pub(super) weight: Tensor,
    pub(super) bias: Option<Vec<f32>>,
    /// Rows of the weight, each summed for itself, that an output channel has.
    pub(super) rows_per_output: usize,
    pub(super) mode: InferenceMode,
    pub(super) noise: Noise,
    pub(super) quantized: Option<Quantized>,
    /// Present while the layer is being calibrated.
    pub(super) calibrator: Mutex<Option<Calibrator>>,
}

impl LayerState {
    /// The state of a layer in baseline mode. The weight's first axis is the output.
    pub(super) fn new(name: &str, weight: &Tensor, bias: Option<&Tensor>) -> Result<Self, LayerError> {
        let build = || -> Result<Self, LayerProblem> {
            let plain = |tensor: &Tensor| tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.detach().contiguous();
            let weight = plain(weight)?;
            let outputs = weight.dims().first().copied().unwrap_or(0);
            let bias = match bias {
                None => None,
                Some(bias) if bias.dims() == [outputs] => Some(plain(bias)?.to_vec1()?),
                Some(bias) => {
                    let expected = format!("a bias of shape [{outputs}]");
                    return Err(LayerProblem::Weight { found: bias.dims().to_vec(), expected });
                }
            };
            Ok(LayerState {
                name: name.to_owned(),
                weight,
                bias,
                rows_per_output: 1,
                mode: InferenceMode::Baseline,
                noise: Noise::default(),
                quantized: None,
                calibrator: Mutex::new(None),
            })
        };
        build().map_err(|problem| problem.of(name))
    }

    /// Output channels.
    pub(super) fn outputs(&self) -> usize {
        self.weight.dims()[0]
    }
}

/// Calls `body` with the numbers of an `f32` tensor, made contiguous in memory.
pub(crate) fn with_values<R>(tensor: &Tensor, body: impl FnOnce(&[f32]) -> R) -> candle_core::Result<R> {
    let tensor = tensor.to_device(&Device::Cpu)?.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => Ok(body(&values[layout.start_offset()..][..tensor.elem_count()])),
        _ => candle_core::bail!("{:?} tensor, expected f32", tensor.dtype()),
    }
}
