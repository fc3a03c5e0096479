//! The state of every layer with weights: all that is not geometry.

use super::after_sums::{AfterSums, Requantization};
use super::epilogue::Epilogue;
use super::images::ImageLayer;
use super::observing::Observing;
use super::quantized::Quantized;
use super::settings::Settings;
use super::weights::Weights;
use super::{InferenceMode, LayerError, LayerParts, LayerProblem, Window};
use crate::kernel::Clip;
use candle_core::{DType, Device, Tensor};
use std::sync::{Arc, OnceLock};

/// Weights, settings and quantization of one layer.
#[derive(Debug)]
pub struct LayerState {
    pub(super) settings: Settings,
    pub(super) weights: Weights,
    pub(super) bias: Option<Vec<f32>>,
    /// What the sum of an output channel's activations is multiplied by and added to its sum of a multiplier's products.
    pub(super) activation_factors: Option<Vec<i32>>,
    /// Rows of the weight per output channel, each summed on its own.
    pub(super) rows_per_output: usize,
    pub(super) quantized: Option<Quantized>,
    requantization: Option<Requantization>,
    /// What follows the sums of quantized operands, if integers do.
    after_sums: Option<Arc<AfterSums>>,
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

/// Whether integers can follow the sums of a mode: noise is added to real numbers.
fn is_followed(mode: InferenceMode) -> bool {
    matches!(mode, InferenceMode::Quantized | InferenceMode::Approximate)
}

/// Without what follows the sums, and with it.
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
                activation_factors: None,
                rows_per_output: 1,
                quantized: None,
                requantization: None,
                after_sums: None,
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
        let after_sums = self.after_sums.as_ref().filter(|_| has_bias && is_followed(mode));
        let cell = &modes[usize::from(bias.is_some() || after_sums.is_some())];
        if let Some(layer) = cell.get() {
            return Ok(Arc::clone(layer));
        }
        let layer = if mode == InferenceMode::Baseline {
            self.weights.with_values(|weight| ImageLayer::baseline(weight, window, bias))?
        } else {
            let quantized = self.quantized.as_ref().ok_or(LayerProblem::NotQuantized(mode))?;
            ImageLayer::quantized(quantized, window, mode == InferenceMode::Approximate, bias, after_sums)?
        };
        let layer = Arc::new(layer);
        let layer = Arc::clone(cell.get_or_init(|| layer));
        if mode == InferenceMode::Baseline {
            self.weights.leave_to(&layer);
        }
        Ok(layer)
    }

    /// The state of a layer of the same kind and name in baseline mode, with this weight, of the same dimensions, and
    /// what else its outputs are made of.
    pub(super) fn with_parts(&self, parts: &LayerParts) -> Result<Self, LayerError> {
        self.try_with_parts(parts).map_err(|problem| problem.in_layer(&self.settings.name))
    }

    fn try_with_parts(&self, parts: &LayerParts) -> Result<Self, LayerProblem> {
        let LayerParts { weight, bias, activation_factors } = parts;
        let dims = self.weights.dims();
        if weight.len() != dims.iter().product::<usize>() {
            let expected = format!("{dims:?}");
            return Err(LayerProblem::Weight { found: vec![weight.len()], expected });
        }
        let outputs = self.outputs();
        if let Some(bias) = bias.as_ref().filter(|bias| bias.len() != outputs) {
            return Err(LayerProblem::Bias { found: vec![bias.len()], outputs });
        }
        if let Some(factors) = activation_factors.as_ref().filter(|factors| factors.len() != outputs) {
            return Err(LayerProblem::ActivationFactors { found: factors.len(), outputs });
        }
        Ok(LayerState {
            settings: Settings::new(&self.settings.name),
            weights: Weights::new(Tensor::from_slice(weight, dims, &Device::Cpu)?),
            bias: bias.clone(),
            activation_factors: activation_factors.clone(),
            rows_per_output: self.rows_per_output,
            quantized: None,
            requantization: None,
            after_sums: None,
            observing: Observing::default(),
            laid_out: LaidOut::default(),
        })
    }

    /// Exchanges what the outputs are made of. The layer is to be quantized again; its settings stay.
    pub(super) fn set_parts(&mut self, parts: &LayerParts) -> Result<(), LayerError> {
        let mut state = self.with_parts(parts)?;
        std::mem::swap(&mut state.settings, &mut self.settings);
        state.requantization = self.requantization;
        *self = state;
        Ok(())
    }

    /// What the outputs are made of.
    pub(super) fn parts(&self) -> Result<LayerParts, LayerProblem> {
        let weight = self.weights.with_values(<[f32]>::to_vec)?;
        Ok(LayerParts { weight, bias: self.bias.clone(), activation_factors: self.activation_factors.clone() })
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
        self.follow_sums();
    }

    /// Sets how sums become integers of the output, in place of real numbers.
    pub(super) fn set_requantization(&mut self, requantization: Option<Requantization>) {
        self.requantization = requantization;
        self.follow_sums();
    }

    /// How sums become integers of the output, where they do.
    pub(super) fn requantization(&self) -> Option<Requantization> {
        self.requantization
    }

    /// Finds anew what follows the sums.
    fn follow_sums(&mut self) {
        let params = self.quantized.as_ref().map(Quantized::params);
        let after_sums = params
            .and_then(|params| AfterSums::new(params, self.outputs(), self.bias.as_deref(), self.requantization))
            .map(Arc::new);
        if after_sums != self.after_sums {
            self.laid_out.quantized = Modes::default();
            self.laid_out.approximate = Modes::default();
            self.after_sums = after_sums;
        }
    }

    /// Whether integers follow the sums of `mode`.
    pub(crate) fn is_followed_by_integers(&self, mode: InferenceMode) -> bool {
        self.after_sums.is_some() && is_followed(mode)
    }

    /// What follows the layer's sums in `mode`, with its bias or without, clamped to `clip`.
    pub(super) fn epilogue(&self, mode: InferenceMode, clip: Clip) -> Epilogue<'_> {
        let after_sums = self.after_sums.as_deref().filter(|_| is_followed(mode));
        Epilogue { bias: self.bias.as_deref(), after_sums, clip }
    }

    /// Output channels.
    pub(crate) fn outputs(&self) -> usize {
        self.weights.dims()[0]
    }
}
