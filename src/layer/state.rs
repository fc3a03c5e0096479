//! The state of every layer with weights: all that is not geometry.

use super::images::ImageLayer;
use super::observing::Observing;
use super::quantized::Quantized;
use super::settings::Settings;
use super::weights::Weights;
use super::{InferenceMode, LayerError, LayerProblem, Window};
use candle_core::{DType, Device, Tensor};
use std::sync::{Arc, OnceLock};

/// Weights, settings and quantization of one layer.
#[derive(Debug)]
pub struct LayerState {
    pub(super) settings: Settings,
    pub(super) weights: Weights,
    pub(super) bias: Option<Vec<f32>>,
    /// Rows of the weight per output channel, each summed on its own.
    pub(super) rows_per_output: usize,
    pub(super) quantized: Option<Quantized>,
    /// Of the input.
    pub(super) observing: Observing,
    laid_out: LaidOut,
}

/// A layer laid out for each mode, once that is needed.
#[derive(Debug, Default)]
struct LaidOut {
    baseline: Modes,
    quantized: Modes,
    approximate: Modes,
}

/// Without bias and with it.
type Modes = [OnceLock<Arc<ImageLayer>>; 2];

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
                weights: Weights::new(weight),
                bias,
                rows_per_output: 1,
                quantized: None,
                observing: Observing::default(),
                laid_out: LaidOut::default(),
            })
        };
        build().map_err(|problem| problem.in_layer(name))
    }

    /// The layer over channels-last images in `mode`, whose kernel and groups are those of `window`, with its bias or
    /// without. Noise is not part of it.
    ///
    /// # Errors
    /// When the layer lacks what the mode needs.
    pub(super) fn image_layer(
        &self,
        window: &Window,
        mode: InferenceMode,
        has_bias: bool,
    ) -> Result<Arc<ImageLayer>, LayerProblem> {
        let bias = self.bias.as_deref().filter(|_| has_bias);
        let modes = match mode {
            InferenceMode::Baseline => &self.laid_out.baseline,
            InferenceMode::Quantized | InferenceMode::Noise => &self.laid_out.quantized,
            InferenceMode::Approximate => &self.laid_out.approximate,
        };
        let cell = &modes[usize::from(bias.is_some())];
        if let Some(layer) = cell.get() {
            return Ok(Arc::clone(layer));
        }
        let layer = if mode == InferenceMode::Baseline {
            self.weights.with_values(|weight| ImageLayer::baseline(weight, window, bias))?
        } else {
            let quantized = self.quantized.as_ref().ok_or(LayerProblem::NotQuantized(mode))?;
            ImageLayer::quantized(quantized, window, mode == InferenceMode::Approximate, bias)?
        };
        let layer = Arc::new(layer);
        let layer = Arc::clone(cell.get_or_init(|| layer));
        if mode == InferenceMode::Baseline {
            self.weights.leave_to(&layer);
        }
        Ok(layer)
    }

    /// Takes the weight back from the layer laid out for baseline mode, which is laid out anew when it is next needed.
    pub(super) fn take_weight_back(&mut self) {
        self.weights.take_back();
        self.laid_out.baseline = Modes::default();
    }

    /// Quantizes the layer. What is laid out stays as long as weights and tables do.
    pub(super) fn set_quantized(&mut self, quantized: Quantized) {
        let before = self.quantized.as_ref();
        let [keeps_weights, keeps_table] = before.map_or([false; 2], |before| quantized.keeps(before));
        if !keeps_weights {
            self.laid_out.quantized = Modes::default();
        }
        if !(keeps_weights && keeps_table) {
            self.laid_out.approximate = Modes::default();
        }
        self.quantized = Some(quantized);
    }

    /// Output channels.
    pub(crate) fn outputs(&self) -> usize {
        self.weights.dims()[0]
    }
}
