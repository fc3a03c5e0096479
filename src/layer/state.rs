//! The state of every approximate layer: all that is not geometry.

use super::noise::Noise;
use super::quantized::Quantized;
use super::watch::InputWatch;
use super::{InferenceMode, LayerError, LayerProblem};
use crate::quant::Calibrator;
use candle_core::{CpuStorage, DType, Device, Storage, Tensor};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Weights, mode, noise and quantization of one layer.
#[derive(Debug)]
pub struct LayerState {
    pub(super) name: String,
    pub(super) weight: Tensor,
    pub(super) bias: Option<Vec<f32>>,
    /// Rows of the weight per output channel, each summed on its own.
    pub(super) rows_per_output: usize,
    pub(super) mode: InferenceMode,
    pub(super) noise: Noise,
    pub(super) quantized: Option<Quantized>,
    /// Present while the layer is being calibrated.
    calibrator: Mutex<Option<Calibrator>>,
    /// Present while its inputs are being watched.
    pub(super) watch: Option<InputWatch>,
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
                Some(bias) => return Err(LayerProblem::Bias { found: bias.dims().to_vec(), outputs }),
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
                watch: None,
            })
        };
        build().map_err(|problem| problem.in_layer(name))
    }

    /// Output channels.
    pub(super) fn outputs(&self) -> usize {
        self.weight.dims()[0]
    }

    /// Shows the values of an input to the calibrator, where there is one.
    pub(super) fn observe(&self, values: &[f32]) {
        if let Some(calibrator) = self.calibrator().as_mut() {
            calibrator.observe(values);
        }
    }

    /// Shows an input to the watch, where there is one that wants to see it.
    pub(super) fn watch(&self, mode: InferenceMode, input: &Tensor) -> candle_core::Result<()> {
        let Some(watch) = self.watch.as_ref().filter(|watch| watch.is_open()) else { return Ok(()) };
        let quantized = self.quantized.as_ref().filter(|_| mode.is_quantized());
        let params = quantized.map(|quantized| &quantized.params().input);
        with_values(input, |values| watch.see(values, params))
    }

    /// Whether inputs are being observed.
    pub(super) fn is_calibrating(&self) -> bool {
        self.calibrator().is_some()
    }

    /// Replaces the calibrator; returns the one before.
    pub(super) fn set_calibrator(&mut self, calibrator: Option<Calibrator>) -> Option<Calibrator> {
        std::mem::replace(&mut self.calibrator(), calibrator)
    }

    /// The calibrator. A panic leaves it valid, so that a poisoned lock is no error.
    fn calibrator(&self) -> MutexGuard<'_, Option<Calibrator>> {
        self.calibrator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls `body` with the values of an `f32` tensor, contiguous in memory.
pub(crate) fn with_values<R>(tensor: &Tensor, body: impl FnOnce(&[f32]) -> R) -> candle_core::Result<R> {
    let tensor = tensor.to_device(&Device::Cpu)?.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => Ok(body(&values[layout.start_offset()..][..tensor.elem_count()])),
        _ => candle_core::bail!("{:?} tensor, expected f32", tensor.dtype()),
    }
}
