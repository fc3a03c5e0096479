//! What each kind of layer implements, and what only this crate calls.
//!
//! [`LayerCore`] is what every layer does, over any number of inputs. Kinds of layers with weights differ in how
//! the weight slides over an input, which a [`Window`] describes; everything else is the same code over the
//! [`LayerState`]. The traits cannot be named outside the crate, which seals [`ApproxLayer`](super::ApproxLayer)
//! and [`WeightedLayer`](super::WeightedLayer).

use super::epilogue::Epilogue;
use super::forward;
use super::images::ImageLayer;
use super::observing::Observing;
use super::quantized::{Factors, Quantized, Shifts};
use super::settings::Settings;
use super::state::LayerState;
use super::{Call, Flow, InferenceMode, LayerError, LayerProblem, Window};
use crate::kernel::Kernel;
use crate::lut::{Coding, Lut};
use crate::quant::{LayerParams, Observed, Operands, QuantConfig};
use candle_core::Tensor;
use std::sync::Arc;

/// The parts of a layer, and its internal calls.
pub trait LayerCore {
    /// Name, mode and noise.
    fn settings(&self) -> &Settings;

    /// The same, mutable.
    fn settings_mut(&mut self) -> &mut Settings;

    /// Prepares it for passes in the order of the weight's elements.
    fn prepare_to_observe(&mut self) {}

    /// What observes its operands.
    fn observing(&self) -> Operands<&Observing>;

    /// The quantization parameters under `config`, of operands for `lut`, with these observations.
    ///
    /// # Errors
    /// When a weight or an observed value is not finite.
    fn find_params(
        &self,
        config: &QuantConfig,
        lut: Option<&Lut>,
        observed: &Operands<Observed>,
    ) -> Result<LayerParams, LayerProblem>;

    /// Quantizes the layer by known parameters.
    ///
    /// # Errors
    /// When the parameters do not fit the layer or the coding, or the multiplier does not fit the coding.
    fn quantize_by(
        &mut self,
        params: LayerParams,
        coding: Coding,
        lut: Option<&Lut>,
        kernel: &'static dyn Kernel,
    ) -> Result<(), LayerProblem>;

    /// How often each pair of bytes meets in the first of some samples, `[the first `counted`, samples]`, of these
    /// inputs, as `[second][first]`; `None` where the second factor is a weight, or nothing is quantized.
    fn count_pairs(&self, _inputs: &[&Tensor], _counted: [usize; 2]) -> Option<Vec<u64>> {
        None
    }

    /// The pairs of bytes, those of the first input and those of the second, that some outputs for these inputs sum the
    /// products of; `places` says which of so many outputs, counted through one sample after the other. `None` where
    /// the second factor is a weight, or nothing is quantized.
    fn read_outputs(&self, _inputs: &[&Tensor], _places: &dyn Fn(usize) -> Vec<usize>) -> Option<Vec<[Vec<u8>; 2]>> {
        None
    }

    /// The quantization parameters in use, and how far the integers of both operands had to be shifted for the
    /// multiplier, where there is one.
    fn quantization(&self) -> Option<(&LayerParams, Option<Shifts>)>;

    /// The output in `mode` for these inputs before the bias, without the call's clip.
    ///
    /// # Errors
    /// As the `*_fwd` function of the mode.
    fn unbiased_fwd(&self, mode: InferenceMode, inputs: &[&Tensor], call: Call) -> Result<Tensor, LayerError>;

    /// Whether a sample's output depends on that sample alone: not under noise, whose deviation is
    /// the batch's.
    fn is_samplewise(&self) -> bool {
        self.settings().mode.is_samplewise()
    }
}

/// The parts of a layer with weights.
pub trait WeightedCore {
    /// Weights, settings and quantization.
    fn state(&self) -> &LayerState;

    /// The same, mutable.
    fn state_mut(&mut self) -> &mut LayerState;

    /// The quantized weight, row-major, as bytes.
    fn weight_bytes(&self) -> Option<&[u8]> {
        Some(self.state().quantized.as_ref()?.weights().bytes())
    }

    /// The layer applied to an input of dimensions `input`.
    ///
    /// # Errors
    /// When the input does not fit the layer.
    fn window(&self, input: &[usize]) -> Result<Window, LayerError>;

    /// The layer over channels-last images in its mode, with its bias, and its window over an input of dimensions
    /// `input`, where it can run so.
    fn laid_out(&self, input: &[usize]) -> Option<(Arc<ImageLayer>, Window)> {
        let state = self.state();
        // What is observed is computed in the order of the weight's elements.
        let is_observed = state.observing.is_active();
        let mode = state.settings.effective_mode();
        if is_observed || state.settings.uses_accumulator() {
            return None;
        }
        let window = self.window(input).ok().filter(|window| window.flow == Flow::Forward)?;
        Some((state.image_layer(&window, mode, true).ok()?, window))
    }

    /// The output in the layer's mode, with the bias and the call's clip.
    ///
    /// # Errors
    /// As the `*_fwd` function of the mode.
    fn forward_as(&self, x: &Tensor, call: Call) -> Result<Tensor, LayerError> {
        let state = self.state();
        let mode = state.settings.effective_mode();
        forward::run(state, &self.window(x.dims())?, mode, x, call, state.epilogue(mode, call.clip))
    }
}

impl<L: WeightedCore> LayerCore for L {
    fn settings(&self) -> &Settings {
        &self.state().settings
    }

    fn settings_mut(&mut self) -> &mut Settings {
        &mut self.state_mut().settings
    }

    fn prepare_to_observe(&mut self) {
        self.state_mut().take_weight_back();
    }

    fn observing(&self) -> Operands<&Observing> {
        Operands::from(&self.state().observing)
    }

    fn find_params(
        &self,
        config: &QuantConfig,
        _: Option<&Lut>,
        observed: &Operands<Observed>,
    ) -> Result<LayerParams, LayerProblem> {
        let state = self.state();
        let weight = state.weights.with_values(|weight| config.weight(weight, state.outputs()))??;
        Ok(LayerParams::new(config.activation(&observed.input)?, weight))
    }

    fn quantize_by(
        &mut self,
        params: LayerParams,
        coding: Coding,
        lut: Option<&Lut>,
        kernel: &'static dyn Kernel,
    ) -> Result<(), LayerProblem> {
        let state = self.state();
        let rows = [state.outputs(), state.rows_per_output];
        let before = state.quantized.as_ref();
        let of_sums = state.activation_factors.as_deref();
        let quantize = |weight: &[f32]| {
            let factors = Factors { weight, rows, of_sums };
            Quantized::new(params, coding, lut, kernel, factors, before)
        };
        let quantized = state.weights.with_values(quantize)??;
        self.state_mut().set_quantized(quantized);
        Ok(())
    }

    fn quantization(&self) -> Option<(&LayerParams, Option<Shifts>)> {
        self.state().quantized.as_ref().map(|quantized| (quantized.params(), quantized.shifts()))
    }

    fn unbiased_fwd(&self, mode: InferenceMode, inputs: &[&Tensor], call: Call) -> Result<Tensor, LayerError> {
        let &[x] = inputs else {
            let problem = LayerProblem::Inputs { found: inputs.len(), expected: 1 };
            return Err(problem.in_layer(&self.settings().name));
        };
        forward::run(self.state(), &self.window(x.dims())?, mode, x, call, Epilogue::default())
    }
}
