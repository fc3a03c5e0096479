//! The interface of every approximate layer.

use super::quantized::Quantized;
use super::sealed::LayerCore;
use super::watch::{InputWatch, SeenInputs};
use super::{Call, InferenceMode, LayerError, LayerProblem, with_values};
use crate::kernel::Kernel;
use crate::lut::{Coding, Lut};
use crate::quant::{Calibrator, LayerParams, Observed, QuantConfig};
use candle_core::{Module, Tensor};
use std::fmt::Debug;

/// A linear or convolution layer that can run in all four modes.
///
/// Inputs are `f32` tensors with the batch first. The `*_fwd` functions return the output before the
/// bias; [`Module::forward`] runs the layer's mode and adds it. The trait is sealed: the layers of
/// this crate are its only implementations.
pub trait ApproxLayer: LayerCore + Module + Debug + Send + Sync {
    /// The kind of layer as reports name it: `linear`, `conv2d`, ...
    fn kind(&self) -> &'static str;

    /// The layer's name, which errors and reports use.
    fn name(&self) -> &str {
        &self.state().name
    }

    /// Names the layer.
    fn set_name(&mut self, name: &str) {
        name.clone_into(&mut self.state_mut().name);
    }

    /// The weight, output channels first.
    fn weight(&self) -> &Tensor {
        &self.state().weight
    }

    /// Dimensions of the weight that the layer was made from, which some kinds keep in another order.
    fn weight_shape(&self) -> &[usize] {
        self.weight().dims()
    }

    /// The bias, one number per output channel.
    fn bias(&self) -> Option<&[f32]> {
        self.state().bias.as_deref()
    }

    /// What the layer computes.
    fn mode(&self) -> InferenceMode {
        self.state().mode
    }

    /// Sets what the layer computes.
    fn set_mode(&mut self, mode: InferenceMode) {
        self.state_mut().mode = mode;
    }

    /// Standard deviation of the noise, relative to that of the layer's output over a batch.
    fn stdev(&self) -> f64 {
        self.state().noise.stdev
    }

    /// Sets the noise's relative standard deviation.
    ///
    /// # Errors
    /// When it is negative or not finite.
    fn set_stdev(&mut self, stdev: f64) -> Result<(), LayerError> {
        let state = self.state_mut();
        state.noise.set_stdev(stdev).map_err(|problem| problem.in_layer(&state.name))
    }

    /// Mean of the noise, in units of the output.
    fn mean(&self) -> f64 {
        self.state().noise.mean
    }

    /// Sets the noise's mean.
    ///
    /// # Errors
    /// When it is not finite.
    fn set_mean(&mut self, mean: f64) -> Result<(), LayerError> {
        let state = self.state_mut();
        state.noise.set_mean(mean).map_err(|problem| problem.in_layer(&state.name))
    }

    /// Seeds the noise; `layer_index`, the layer's index in its network, makes its draws independent of
    /// those of other layers.
    fn set_seed(&mut self, seed: u64, layer_index: u64) {
        let noise = &mut self.state_mut().noise;
        (noise.seed, noise.layer_index) = (seed, layer_index);
    }

    /// Products summed into one output element; the largest number where outputs differ.
    fn fan_in(&self) -> usize {
        self.weight().elem_count() / self.state().outputs()
    }

    /// Multiplications of one sample's forward pass, for an input of dimensions `input`.
    ///
    /// # Errors
    /// When the input does not fit the layer.
    fn opcount(&self, input: &[usize]) -> Result<u64, LayerError> {
        Ok(self.window(input)?.opcount())
    }

    /// Starts observing the inputs of baseline passes.
    fn begin_calibration(&mut self, calibrator: Calibrator) {
        self.state_mut().set_calibrator(Some(calibrator));
    }

    /// Stops observing and returns the observations.
    ///
    /// # Errors
    /// When nothing was observed, or values were not finite.
    fn finish_observing(&mut self) -> Result<Observed, LayerError> {
        let calibrator = self.state_mut().set_calibrator(None);
        let observed = || {
            let calibrator = calibrator.ok_or(LayerProblem::NothingObserved)?;
            if calibrator.has_nan() {
                return Err(LayerProblem::NaN);
            }
            if let Some([seen, announced]) = calibrator.miscounted().filter(|&[seen, _]| seen > 0) {
                return Err(LayerProblem::Miscounted { seen, announced });
            }
            calibrator.finish().ok_or(LayerProblem::NothingObserved)
        };
        observed().map_err(|problem| problem.in_layer(self.name()))
    }

    /// Starts watching inputs, in any mode; `counts_range` says whether also how they fill the range that they are
    /// quantized to, which takes a pass over each.
    fn watch_inputs(&mut self, counts_range: bool) {
        self.state_mut().watch = Some(InputWatch::new(counts_range));
    }

    /// Stops watching inputs; returns what was seen, if they were watched.
    fn finish_watching(&mut self) -> Option<SeenInputs> {
        self.state_mut().watch.take().map(InputWatch::finish)
    }

    /// The quantization parameters of the layer under `config`, for an input with these observations.
    ///
    /// # Errors
    /// When a weight or an observed value is not finite.
    fn params_for(&self, config: &QuantConfig, observed: &Observed) -> Result<LayerParams, LayerError> {
        let params = || {
            let outputs = self.state().outputs();
            let weight = with_values(self.weight(), |weight| config.weight(weight, outputs))??;
            Ok(LayerParams { input: config.activation(observed)?, weight })
        };
        params().map_err(|problem: LayerProblem| problem.in_layer(self.name()))
    }

    /// Stops observing and quantizes the layer by the observations; `lut` is the multiplier of
    /// approximate mode, `kernel` sums its products.
    ///
    /// # Errors
    /// When nothing was observed, values were not finite, or the multiplier does not fit the coding.
    fn finish_calibration(
        &mut self,
        config: &QuantConfig,
        lut: Option<&Lut>,
        kernel: &'static dyn Kernel,
    ) -> Result<(), LayerError> {
        let observed = self.finish_observing()?;
        self.quantize(self.params_for(config, &observed)?, config.coding, lut, kernel)
    }

    /// Quantizes the layer by known parameters, shifted by 128 where they lie outside the range of
    /// the multiplier's coding. Sums are computed by `kernel`. Weights that were quantized by the same
    /// parameters before stay as they are, so that another multiplier costs the packing of its table.
    ///
    /// # Errors
    /// When the parameters do not fit the layer or the coding, a weight is NaN or infinite, or the
    /// multiplier does not fit the coding.
    fn quantize(
        &mut self,
        params: LayerParams,
        coding: Coding,
        lut: Option<&Lut>,
        kernel: &'static dyn Kernel,
    ) -> Result<(), LayerError> {
        let state = self.state();
        let rows = [state.outputs(), state.rows_per_output];
        let before = state.quantized.as_ref();
        let quantized =
            with_values(&state.weight, |weight| Quantized::new(params, coding, lut, kernel, weight, rows, before))
                .map_err(LayerProblem::from)
                .flatten()
                .map_err(|problem| problem.in_layer(&state.name))?;
        self.state_mut().quantized = Some(quantized);
        Ok(())
    }

    /// The quantization parameters in use.
    fn params(&self) -> Option<&LayerParams> {
        self.state().quantized.as_ref().map(Quantized::params)
    }

    /// Whether the parameters had to be shifted into the coding's range.
    fn is_shifted(&self) -> bool {
        self.state().quantized.as_ref().is_some_and(Quantized::is_shifted)
    }

    /// The unperturbed `f32` output, before the bias.
    ///
    /// # Errors
    /// When the input does not fit the layer.
    fn baseline_fwd(&self, x: &Tensor) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Baseline, x, Call::default())
    }

    /// The output of quantized operands and exact products, before the bias.
    ///
    /// # Errors
    /// When the input does not fit the layer or has NaN values, or the layer is not quantized.
    fn quant_fwd(&self, x: &Tensor) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Quantized, x, Call::default())
    }

    /// The output of quantized operands and the multiplier's products, before the bias.
    ///
    /// # Errors
    /// As [`quant_fwd`](ApproxLayer::quant_fwd), or when the layer has no multiplier.
    fn approx_fwd(&self, x: &Tensor) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Approximate, x, Call::default())
    }

    /// The quantized output with noise, before the bias. The first sample of `x` is sample
    /// `first_sample` of the data set, which determines its draws.
    ///
    /// # Errors
    /// As [`quant_fwd`](ApproxLayer::quant_fwd).
    fn noise_fwd(&self, x: &Tensor, first_sample: u64) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Noise, x, Call { first_sample, ..Call::default() })
    }
}
