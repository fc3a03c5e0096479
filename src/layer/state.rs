//! The state of every layer with weights: all that is not geometry.

use super::observing::Observing;
use super::quantized::Quantized;
use super::settings::Settings;
use super::{LayerError, LayerProblem};
use candle_core::{DType, Device, Tensor};

/// Weights, settings and quantization of one layer.
#[derive(Debug)]
pub struct LayerState {
    pub(super) settings: Settings,
    pub(super) weight: Tensor,
    pub(super) bias: Option<Vec<f32>>,
    /// Rows of the weight per output channel, each summed on its own.
    pub(super) rows_per_output: usize,
    pub(super) quantized: Option<Quantized>,
    /// Of the input.
    pub(super) observing: Observing,
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
                settings: Settings::new(name),
                weight,
                bias,
                rows_per_output: 1,
                quantized: None,
                observing: Observing::default(),
            })
        };
        build().map_err(|problem| problem.in_layer(name))
    }

    /// Output channels.
    pub(super) fn outputs(&self) -> usize {
        self.weight.dims()[0]
    }
}
