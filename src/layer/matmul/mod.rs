//! The approximate product of two activations, as of queries and keys, or of attention weights and values.
//!
//! Both factors are quantized as activations are, each by one scale and zero point that were observed; in
//! [`LayerParams`] they are called `input` and `weight`. Every product is looked up as `lut[first][second]`, in
//! the order of the factors.
//!
//! ```
//! use approx_eval::kernel::{self, Signedness};
//! use approx_eval::layer::{ApproxLayer, ApproxMatMul, InferenceMode};
//! use approx_eval::lut::{Coding, Lut};
//! use approx_eval::quant::{ActivationParams, IntRange, LayerParams};
//! use candle_core::{Device, Tensor};
//!
//! // Integers as they are, and a multiplier that drops the lowest bit of the first factor.
//! let integers = ActivationParams::new(1.0, 0, IntRange::new(-127, 127)?)?;
//! let params = LayerParams::new(integers, integers.as_weight());
//! let lut = Lut::from_fn("even", Signedness::Signed, |a, b| (a & !1) * b);
//! let mut scores = ApproxMatMul::new("attn.qk");
//! scores.set_mode(InferenceMode::Quantized);
//! scores.quantize(params, Coding::Signed, Some(&lut), kernel::best())?;
//!
//! let queries = Tensor::new(&[[[7f32, 2.]]], &Device::Cpu)?;
//! let keys = Tensor::new(&[[[3f32, 4.], [5., -6.]]], &Device::Cpu)?;
//! assert_eq!(scores.forward(&queries, &keys)?.to_vec3::<f32>()?, [[[31., 16.]]]);
//! scores.set_mode(InferenceMode::Approximate);
//! assert_eq!(scores.forward(&queries, &keys)?.to_vec3::<f32>()?, [[[28., 12.]]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blocks;
mod count;
mod ordered;
mod quantized;
mod shape;

pub(crate) use ordered::ordered_matmul;
pub use shape::SampleAxis;

use super::approx_layer::IN_ACCUMULATORS;
use super::observing::Observing;
use super::quantized::Shifts;
use super::sealed::LayerCore;
use super::settings::Settings;
use super::values::with_values;
use super::{ApproxLayer, Call, InferenceMode, LayerError, LayerProblem};
use crate::kernel::Kernel;
use crate::lut::{Bits, Coding, Lut, Operand};
use crate::quant::{LayerParams, Observed, Operands, QuantConfig};
use candle_core::{Device, Tensor};
use count::{count_pairs, read_outputs};
use quantized::QuantizedMatMul;

/// The matrix product over the last two axes of two activations of the same rank, at least 2, whose leading axes
/// are equal or 1.
#[derive(Debug)]
pub struct ApproxMatMul {
    settings: Settings,
    samples: Option<SampleAxis>,
    observing: [Observing; 2],
    quantized: Option<QuantizedMatMul>,
}

impl ApproxMatMul {
    /// A layer in baseline mode, whose samples lie along the first axis.
    pub fn new(name: &str) -> Self {
        let samples = Some(SampleAxis { axis: 0, elements: 1 });
        ApproxMatMul { settings: Settings::new(name), samples, observing: Default::default(), quantized: None }
    }

    /// The same with samples along another axis; `None`: each call is one sample.
    #[must_use]
    pub fn with_samples(self, samples: Option<SampleAxis>) -> Self {
        ApproxMatMul { samples, ..self }
    }

    /// Where its samples lie.
    pub fn samples(&self) -> Option<SampleAxis> {
        self.samples
    }

    /// The product in the layer's mode.
    ///
    /// # Errors
    /// When the factors do not fit each other or have NaN values, or the layer lacks what its mode needs.
    pub fn forward(&self, a: &Tensor, b: &Tensor) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(self.mode(), &[a, b], Call::default())
    }

    fn run(&self, mode: InferenceMode, inputs: &[&Tensor], call: Call) -> Result<Tensor, LayerProblem> {
        let &[a, b] = inputs else { return Err(LayerProblem::Inputs { found: inputs.len(), expected: 2 }) };
        let quantized = || self.quantized.as_ref().ok_or(LayerProblem::NotQuantized(mode));
        match mode {
            InferenceMode::Baseline => {
                for (observing, factor) in self.observing.iter().zip([a, b]) {
                    if observing.is_active() {
                        with_values(factor, |values| observing.observe(values))?;
                    }
                }
                ordered_matmul(a, b)
            }
            InferenceMode::Noise => self.perturbed(&quantized()?.run(quantized()?.exact(), a, b)?, call),
            InferenceMode::Quantized | InferenceMode::Approximate => {
                let layer = quantized()?;
                let table = match mode {
                    InferenceMode::Approximate => layer.approximate().ok_or(LayerProblem::NoMultiplier)?,
                    _ => layer.exact(),
                };
                match self.settings.accumulator_of(mode, call) {
                    Some(accumulator) => layer.accumulate(table, accumulator, mode, a, b),
                    None => layer.run(table, a, b),
                }
            }
        }
    }

    /// `output` with the layer's noise.
    fn perturbed(&self, output: &Tensor, call: Call) -> Result<Tensor, LayerProblem> {
        let axis = self.samples.map_or(0, |samples| samples.axis);
        let samples = self.samples.map_or(1, |samples| samples.samples(output.dims()));
        // Draws are those of one sample after the other.
        let by_sample = output.transpose(0, axis)?;
        let mut values = by_sample.flatten_all()?.to_vec1::<f32>()?;
        self.settings.noise.perturb(&mut values, samples, call.first_sample);
        Ok(Tensor::from_vec(values, by_sample.dims(), &Device::Cpu)?.transpose(0, axis)?.contiguous()?)
    }
}

impl ApproxLayer for ApproxMatMul {
    fn kind(&self) -> &'static str {
        "matmul"
    }

    fn anew(&self) -> Result<Box<dyn ApproxLayer>, LayerError> {
        Ok(Box::new(ApproxMatMul::new(self.name()).with_samples(self.samples)))
    }

    fn describe_sums(&self) -> Option<String> {
        let quantized = self.quantized.as_ref().filter(|_| self.mode().is_quantized())?;
        Some(if self.settings.uses_accumulator() { IN_ACCUMULATORS.to_owned() } else { quantized.describe() })
    }
}

impl LayerCore for ApproxMatMul {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    fn observing(&self) -> Operands<&Observing> {
        let [first, second] = &self.observing;
        Operands::both(first, second)
    }

    fn find_params(
        &self,
        config: &QuantConfig,
        lut: Option<&Lut>,
        observed: &Operands<Observed>,
    ) -> Result<LayerParams, LayerProblem> {
        let second = observed.second.as_ref().ok_or(LayerProblem::NothingObserved)?;
        let widest = lut.map_or(Bits::EIGHT, |lut| Operand::Weight.select(lut.bits()));
        let weight = config.second_activation(second, widest)?.as_weight();
        Ok(LayerParams::new(config.activation(&observed.input)?, weight))
    }

    fn quantize_by(
        &mut self,
        params: LayerParams,
        coding: Coding,
        lut: Option<&Lut>,
        kernel: &'static dyn Kernel,
    ) -> Result<(), LayerProblem> {
        self.quantized = Some(QuantizedMatMul::new(params, coding, lut, kernel, self.quantized.as_ref())?);
        Ok(())
    }

    fn count_pairs(&self, inputs: &[&Tensor], counted: [usize; 2]) -> Option<Vec<u64>> {
        let &[a, b] = inputs else { return None };
        let params = self.quantized.as_ref()?.params();
        count_pairs([params.input, params.weight.as_activation()?], self.samples, [a, b], counted)
    }

    fn read_outputs(&self, inputs: &[&Tensor], places: &dyn Fn(usize) -> Vec<usize>) -> Option<Vec<[Vec<u8>; 2]>> {
        let &[a, b] = inputs else { return None };
        let params = self.quantized.as_ref()?.params();
        read_outputs([params.input, params.weight.as_activation()?], self.samples, [a, b], places)
    }

    fn quantization(&self) -> Option<(&LayerParams, Option<Shifts>)> {
        self.quantized.as_ref().map(|quantized| (quantized.params(), quantized.shifts()))
    }

    fn unbiased_fwd(&self, mode: InferenceMode, inputs: &[&Tensor], call: Call) -> Result<Tensor, LayerError> {
        self.run(mode, inputs, call).map_err(|problem| problem.in_layer(self.name()))
    }
}
