//! The interfaces of approximate layers: of every one, and of those with weights.

use super::accumulator::LayerAccumulator;
use super::observing::Observing;
use super::sealed::{LayerCore, WeightedCore};
use super::{
    Accumulator, AccumulatorFindings, Call, InferenceMode, LayerError, LayerParts, LayerProblem, Requantization,
};
use crate::kernel::Kernel;
use crate::lut::{Coding, Lut};
use crate::quant::{Calibrator, LayerParams, Observed, Operands, QuantConfig};
use candle_core::{Module, Tensor};
use std::fmt::Debug;

/// How products are summed in accumulators.
pub(super) const IN_ACCUMULATORS: &str = "one product after the other, in an accumulator";

/// A layer that can run in all four modes: a linear or convolution layer ([`WeightedLayer`]), or a product of
/// two activations ([`ApproxMatMul`](super::ApproxMatMul)).
///
/// The trait is sealed: the layers of this crate are its only implementations.
pub trait ApproxLayer: LayerCore + Debug + Send + Sync {
    /// The kind of layer as reports name it: `linear`, `conv2d`, ...
    fn kind(&self) -> &'static str;

    /// The layer as one with weights; `None` for a product of two activations.
    fn as_weighted(&self) -> Option<&dyn WeightedLayer> {
        None
    }

    /// The same, mutable.
    fn as_weighted_mut(&mut self) -> Option<&mut dyn WeightedLayer> {
        None
    }

    /// The layer's name, which errors and reports use.
    fn name(&self) -> &str {
        &self.settings().name
    }

    /// The same layer once more, in baseline mode and not quantized: with its weights and what follows its sums, if it
    /// has such, but without noise or an accumulator.
    ///
    /// # Errors
    /// When the weight cannot be read.
    fn anew(&self) -> Result<Box<dyn ApproxLayer>, LayerError>;

    /// Names the layer.
    fn set_name(&mut self, name: &str) {
        name.clone_into(&mut self.settings_mut().name);
    }

    /// What the layer computes.
    fn mode(&self) -> InferenceMode {
        self.settings().mode
    }

    /// Sets what the layer computes.
    fn set_mode(&mut self, mode: InferenceMode) {
        self.settings_mut().mode = mode;
    }

    /// Standard deviation of the noise, relative to that of the layer's output over a batch.
    fn stdev(&self) -> f64 {
        self.settings().noise.stdev
    }

    /// Sets the noise's relative standard deviation.
    ///
    /// # Errors
    /// When it is negative or not finite.
    fn set_stdev(&mut self, stdev: f64) -> Result<(), LayerError> {
        let settings = self.settings_mut();
        settings.noise.set_stdev(stdev).map_err(|problem| problem.in_layer(&settings.name))
    }

    /// Mean of the noise, in units of the output.
    fn mean(&self) -> f64 {
        self.settings().noise.mean
    }

    /// Sets the noise's mean.
    ///
    /// # Errors
    /// When it is not finite.
    fn set_mean(&mut self, mean: f64) -> Result<(), LayerError> {
        let settings = self.settings_mut();
        settings.noise.set_mean(mean).map_err(|problem| problem.in_layer(&settings.name))
    }

    /// Sets the standard deviation of noise that is drawn once for each output channel, relative as that of
    /// [`set_stdev`](ApproxLayer::set_stdev). Products of two activations have no channels.
    ///
    /// # Errors
    /// When it is negative or not finite.
    fn set_channel_stdev(&mut self, stdev: f64) -> Result<(), LayerError> {
        let settings = self.settings_mut();
        settings.noise.set_channel_stdev(stdev).map_err(|problem| problem.in_layer(&settings.name))
    }

    /// Seeds the noise; `layer_index`, the layer's index in its network, makes its draws independent of
    /// those of other layers.
    fn set_seed(&mut self, seed: u64, layer_index: u64) {
        let noise = &mut self.settings_mut().noise;
        (noise.seed, noise.layer_index) = (seed, layer_index);
    }

    /// Sets what sums of quantized operands are kept in, in modes quant and approx, and forgets what was found of it.
    /// `None` makes them exact, and summed in any order.
    fn set_accumulator(&mut self, accumulator: Option<Accumulator>) {
        self.settings_mut().accumulator = accumulator.map(LayerAccumulator::new);
    }

    /// What the layer's accumulators went through since they were set, or the layer was quantized; `None` where none
    /// was used.
    fn accumulator_findings(&self) -> Option<AccumulatorFindings> {
        self.settings().accumulator.as_ref()?.findings()
    }

    /// Starts observing the operands that are activations in baseline passes.
    fn begin_calibration(&mut self, calibrators: Operands<Calibrator>) {
        self.prepare_to_observe();
        let observing = self.observing();
        observing.input.set(Some(calibrators.input));
        if let Some(second) = observing.second {
            second.set(calibrators.second);
        }
    }

    /// What is observed next is of another calibration batch, which a moving average tells from the last.
    fn end_calibration_batch(&self) {
        self.observing().iter().for_each(|observing| observing.end_batch());
    }

    /// Stops observing and returns the observations.
    ///
    /// # Errors
    /// When nothing was observed, or values were not finite.
    fn finish_observing(&mut self) -> Result<Operands<Observed>, LayerError> {
        let observing = self.observing();
        let finished = observing.map(Observing::finish);
        let observed = || Ok(Operands { input: finished.input?, second: finished.second.transpose()? });
        observed().map_err(|problem: LayerProblem| problem.in_layer(self.name()))
    }

    /// The quantization parameters of the layer under `config`, for operands with these observations; `lut` is
    /// the multiplier that they are to be operands of.
    ///
    /// # Errors
    /// When a weight or an observed value is not finite.
    fn params_for(
        &self,
        config: &QuantConfig,
        lut: Option<&Lut>,
        observed: &Operands<Observed>,
    ) -> Result<LayerParams, LayerError> {
        self.find_params(config, lut, observed).map_err(|problem| problem.in_layer(self.name()))
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
        self.quantize(self.params_for(config, lut, &observed)?, config.coding, lut, kernel)
    }

    /// Quantizes the layer by known parameters, shifted by half of their range where they lie outside that of
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
        self.settings_mut().reset_accumulator();
        self.quantize_by(params, coding, lut, kernel).map_err(|problem| problem.in_layer(self.name()))
    }

    /// The quantization parameters in use.
    fn params(&self) -> Option<&LayerParams> {
        self.quantization().map(|(params, _)| params)
    }

    /// How the products of its mode are summed, in words; `None` where they are not quantized. The table is
    /// decomposed again for it.
    fn describe_sums(&self) -> Option<String> {
        let mode = self.mode();
        if !mode.is_quantized() {
            return None;
        }
        if self.settings().uses_accumulator() {
            return Some(IN_ACCUMULATORS.to_owned());
        }
        let quantized = self.as_weighted()?.state().quantized.as_ref()?;
        Some(quantized.describe(mode == InferenceMode::Approximate))
    }

    /// How far the integers of both operands had to be shifted, with their zero points, into the range of the
    /// multiplier's coding; `None` where the layer was quantized without a multiplier.
    fn shifts(&self) -> Option<[i32; 2]> {
        self.quantization().and_then(|(_, shifts)| shifts)
    }
}

/// A linear or convolution layer that can run in all four modes.
///
/// Inputs are `f32` tensors with the batch first. The `*_fwd` functions return the output before the
/// bias; [`Module::forward`] runs the layer's mode and adds it. The trait is sealed, as [`ApproxLayer`] is.
pub trait WeightedLayer: ApproxLayer + WeightedCore + Module {
    /// The weight, output channels first. Where a layer has run in baseline mode, it is read back from how that has it
    /// in memory.
    fn weight(&self) -> Tensor {
        self.state().weights.tensor()
    }

    /// Dimensions of the weight that the layer was made from, which some kinds keep in another order.
    fn weight_shape(&self) -> &[usize] {
        self.state().weights.dims()
    }

    /// Makes the outputs of modes quant and approx integers of a grid: sums are scaled by a multiplication in integers,
    /// with the bias, rounded to steps of the sums, among them. `None` makes them real numbers again.
    fn set_requantization(&mut self, requantization: Option<Requantization>) {
        self.settings_mut().reset_accumulator();
        self.state_mut().set_requantization(requantization);
    }

    /// How sums become integers of the output in modes quant and approx, where they do.
    fn requantization(&self) -> Option<Requantization> {
        self.state().requantization()
    }

    /// The bias, one number per output channel.
    fn bias(&self) -> Option<&[f32]> {
        self.state().bias.as_deref()
    }

    /// The integers that sums of activations are multiplied by and added in mode approx, one per output channel.
    fn activation_factors(&self) -> Option<&[i32]> {
        self.state().activation_factors.as_deref()
    }

    /// Weight, bias and activation factors.
    ///
    /// # Errors
    /// When the weight cannot be read.
    fn parts(&self) -> Result<LayerParts, LayerError> {
        self.state().parts().map_err(|problem| problem.in_layer(self.name()))
    }

    /// Exchanges weight, bias and activation factors. The layer has to be quantized again.
    ///
    /// # Errors
    /// When they are not of the layer's dimensions.
    fn set_parts(&mut self, parts: &LayerParts) -> Result<(), LayerError> {
        self.state_mut().set_parts(parts)
    }

    /// A layer of the same kind and geometry with other parts, in baseline mode.
    ///
    /// # Errors
    /// When they are not of the layer's dimensions.
    fn with_parts(&self, parts: &LayerParts) -> Result<Box<dyn WeightedLayer>, LayerError>;

    /// The layer [anew](ApproxLayer::anew), as one with weights.
    ///
    /// # Errors
    /// When the weight cannot be read.
    fn weighted_anew(&self) -> Result<Box<dyn WeightedLayer>, LayerError> {
        let mut layer = self.with_parts(&self.parts()?)?;
        layer.set_requantization(self.requantization());
        Ok(layer)
    }

    /// Products summed into one output element; the largest number where outputs differ.
    fn fan_in(&self) -> usize {
        self.state().weights.dims()[1..].iter().product()
    }

    /// Multiplications of one sample's forward pass, for an input of dimensions `input`.
    ///
    /// # Errors
    /// When the input does not fit the layer.
    fn opcount(&self, input: &[usize]) -> Result<u64, LayerError> {
        Ok(self.window(input)?.opcount())
    }

    /// The unperturbed `f32` output, before the bias.
    ///
    /// # Errors
    /// When the input does not fit the layer.
    fn baseline_fwd(&self, x: &Tensor) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Baseline, &[x], Call::default())
    }

    /// The output of quantized operands and exact products, before the bias.
    ///
    /// # Errors
    /// When the input does not fit the layer or has NaN values, or the layer is not quantized.
    fn quant_fwd(&self, x: &Tensor) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Quantized, &[x], Call::default())
    }

    /// The output of quantized operands and the multiplier's products, before the bias.
    ///
    /// # Errors
    /// As [`quant_fwd`](WeightedLayer::quant_fwd), or when the layer has no multiplier.
    fn approx_fwd(&self, x: &Tensor) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Approximate, &[x], Call::default())
    }

    /// The quantized output with noise, before the bias. The first sample of `x` is sample
    /// `first_sample` of the data set, which determines its draws.
    ///
    /// # Errors
    /// As [`quant_fwd`](WeightedLayer::quant_fwd).
    fn noise_fwd(&self, x: &Tensor, first_sample: u64) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Noise, &[x], Call { first_sample, ..Call::default() })
    }
}
