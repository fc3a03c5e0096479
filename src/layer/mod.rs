//! Approximate layers: linear and convolution layers that can run in all four modes.
//!
//! [`ApproxLayer`] follows the layer model of the torchapprox library; [`ApproxLinear`],
//! [`ApproxConv1d`], [`ApproxConv2d`], [`ApproxConvTranspose1d`] and [`ApproxConvTranspose2d`]
//! implement it. They are candle [`Module`]s, made from candle's own layers by `from_super`, so that a
//! hand-written network swaps its layers in place:
//!
//! ```
//! use approx_eval::layer::{ApproxConv2d, ApproxLayer, ApproxLinear, InferenceMode};
//! use approx_eval::lut::{Coding, Lut};
//! use approx_eval::kernel::{self, Signedness};
//! use approx_eval::quant::{Observer, QuantConfig};
//! use candle_core::{DType, Device, Module, Tensor};
//! use candle_nn::{Conv2dConfig, VarBuilder, VarMap, conv2d, linear};
//!
//! // A network as candle has it, ...
//! let vars = VarMap::new();
//! let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
//! let conv = conv2d(1, 4, 3, Conv2dConfig { padding: 1, ..Default::default() }, vb.pp("conv"))?;
//! let head = linear(4 * 8 * 8, 10, vb.pp("head"))?;
//!
//! // ... with its layers swapped.
//! let mut conv = ApproxConv2d::from_super(&conv)?;
//! let mut head = ApproxLinear::from_super(&head)?;
//! let network = |conv: &ApproxConv2d, head: &ApproxLinear, x: &Tensor| {
//!     head.forward(&conv.forward(x)?.relu()?.flatten_from(1)?)
//! };
//!
//! // Calibrate on some inputs: layers in baseline mode observe what they are given.
//! let images = Tensor::rand(0f32, 1f32, (2, 1, 8, 8), &Device::Cpu)?;
//! conv.begin_calibration(Observer::MinMax.start(images.elem_count()));
//! head.begin_calibration(Observer::MinMax.start(2 * 256));
//! network(&conv, &head, &images)?;
//!
//! // A multiplier that drops the lowest bit of each operand.
//! let lut = Lut::from_fn("no-low-bits", Signedness::Unsigned, |a, b| (a & !1) * (b & !1));
//! let config = QuantConfig::new(Coding::SignMagnitude);
//! for layer in [&mut conv as &mut dyn ApproxLayer, &mut head] {
//!     layer.finish_calibration(&config, Some(&lut), kernel::best())?;
//!     layer.set_mode(InferenceMode::Approximate);
//! }
//! assert_eq!(network(&conv, &head, &images)?.dims(), [2, 10]);
//! assert_eq!((conv.fan_in(), conv.opcount(&[1, 1, 8, 8])?), (9, 8 * 8 * 4 * 9));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod conv;
mod conv_transpose;
mod convolution;
mod error;
mod float;
mod integer;
mod linear;
mod mode;
mod noise;
mod scatter;
mod state;
mod tasks;
#[cfg(test)]
mod tests;
mod tiles;
mod window;

pub use conv::{ApproxConv, ApproxConv1d, ApproxConv2d, ConvAttributes};
pub use conv_transpose::{ApproxConvTranspose, ApproxConvTranspose1d, ApproxConvTranspose2d, ConvTransposeAttributes};
pub use convolution::Convolution;
pub use error::{LayerError, LayerProblem};
pub use linear::ApproxLinear;
pub use mode::{InferenceMode, MODES};
pub use state::LayerState;
pub(crate) use state::with_values;
pub use window::{Window, linear_window};

use crate::kernel::Kernel;
use crate::kernel::convert::Clip;
use crate::lut::{Coding, Lut};
use crate::quant::{Calibrator, LayerParams, Observed, QuantConfig};
use candle_core::{Device, Module, Tensor};
use float::Float;
use integer::{Integer, Quantized};
use scatter::Scatter;
use std::fmt::Debug;

/// A linear or convolution layer that can run in all four modes.
///
/// Inputs are `f32` tensors with the batch first. The `*_fwd` functions give the output before the
/// bias; [`Module::forward`] and [`forward_as`](ApproxLayer::forward_as) dispatch on the mode and
/// add it.
pub trait ApproxLayer: Module + Debug + Send + Sync {
    /// What kind of layer it is, as reports name it: `linear`, `conv2d`, ...
    fn kind(&self) -> &'static str;

    /// Weights, mode, noise and quantization.
    fn state(&self) -> &LayerState;

    /// The same, to change.
    fn state_mut(&mut self) -> &mut LayerState;

    /// The layer applied to an input of dimensions `input`.
    ///
    /// # Errors
    /// When the input does not suit the layer.
    fn window(&self, input: &[usize]) -> Result<Window, LayerError>;

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

    /// Dimensions of the weight that the layer was made of, which for some kinds are in another order.
    fn weight_shape(&self) -> &[usize] {
        self.weight().dims()
    }

    /// The bias, one number an output channel.
    fn bias(&self) -> Option<&[f32]> {
        self.state().bias.as_deref()
    }

    /// What the layer computes.
    fn mode(&self) -> InferenceMode {
        self.state().mode
    }

    /// Chooses what the layer computes.
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
        state.noise.set_stdev(stdev).map_err(|problem| problem.of(&state.name))
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
        state.noise.set_mean(mean).map_err(|problem| problem.of(&state.name))
    }

    /// Seeds the noise; `layer_index`, the layer's place in its network, keeps its draws apart from
    /// those of other layers.
    fn set_seed(&mut self, seed: u64, layer_index: u64) {
        let noise = &mut self.state_mut().noise;
        (noise.seed, noise.layer_index) = (seed, layer_index);
    }

    /// Products summed into one output element, the most where numbers differ.
    fn fan_in(&self) -> usize {
        self.weight().elem_count() / self.state().outputs()
    }

    /// Multiplications of one sample's forward pass, for an input of dimensions `input`.
    ///
    /// # Errors
    /// When the input does not suit the layer.
    fn opcount(&self, input: &[usize]) -> Result<u64, LayerError> {
        Ok(self.window(input)?.opcount())
    }

    /// Starts to observe the inputs of baseline passes.
    fn begin_calibration(&mut self, calibrator: Calibrator) {
        self.state_mut().calibrator = std::sync::Mutex::new(Some(calibrator));
    }

    /// Stops observing, and returns what was seen.
    ///
    /// # Errors
    /// When nothing was observed, or values were not finite.
    fn finish_observing(&mut self) -> Result<Observed, LayerError> {
        let calibrator = self.state_mut().calibrator.get_mut().ok().and_then(Option::take);
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
        observed().map_err(|problem| problem.of(self.name()))
    }

    /// The quantization parameters that `config` gives the layer's weights, and an input of which `observed`
    /// was seen.
    ///
    /// # Errors
    /// When a weight or an observed value is not finite.
    fn params_for(&self, config: &QuantConfig, observed: &Observed) -> Result<LayerParams, LayerError> {
        let params = || {
            let outputs = self.state().outputs();
            let weight = with_values(self.weight(), |weight| config.weight(weight, outputs))??;
            Ok(LayerParams { input: config.activation(observed)?, weight })
        };
        params().map_err(|problem: LayerProblem| problem.of(self.name()))
    }

    /// Stops observing, and quantizes the layer by what was seen; `lut` is what approximate mode
    /// multiplies by, `kernel` what sums its products.
    ///
    /// # Errors
    /// When nothing was observed, values were not finite, or the multiplier does not suit the coding.
    fn finish_calibration(
        &mut self,
        config: &QuantConfig,
        lut: Option<&Lut>,
        kernel: &dyn Kernel,
    ) -> Result<(), LayerError> {
        let observed = self.finish_observing()?;
        self.quantize(self.params_for(config, &observed)?, config.coding, lut, kernel)
    }

    /// Quantizes the layer by known parameters, shifted by 128 where they lie outside the range of
    /// the multiplier's coding. Sums are computed by `kernel`.
    ///
    /// # Errors
    /// When the parameters do not suit the layer or the coding, a weight is NaN or infinite, or the
    /// multiplier does not suit the coding.
    fn quantize(
        &mut self,
        params: LayerParams,
        coding: Coding,
        lut: Option<&Lut>,
        kernel: &dyn Kernel,
    ) -> Result<(), LayerError> {
        let rows = [self.state().outputs(), self.state().rows_per_output];
        let quantized = with_values(self.weight(), |weight| Quantized::new(params, coding, lut, kernel, weight, rows))
            .map_err(LayerProblem::from)
            .flatten()
            .map_err(|problem| problem.of(self.name()))?;
        self.state_mut().quantized = Some(quantized);
        Ok(())
    }

    /// The quantization parameters in use.
    fn params(&self) -> Option<&LayerParams> {
        self.state().quantized.as_ref().map(Quantized::params)
    }

    /// Whether the parameters given had to be shifted into the coding's range.
    fn is_shifted(&self) -> bool {
        self.state().quantized.as_ref().is_some_and(Quantized::is_shifted)
    }

    /// The unperturbed `f32` output, before the bias.
    ///
    /// # Errors
    /// When the input does not suit the layer.
    fn baseline_fwd(&self, x: &Tensor) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Baseline, x, Call::default())
    }

    /// The output of quantized operands and exact products, before the bias.
    ///
    /// # Errors
    /// When the input does not suit the layer or has NaN values, or the layer is not quantized.
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

    /// The quantized output with noise, before the bias; the first sample of `x` is sample
    /// `first_sample` of the data set, which decides its draws.
    ///
    /// # Errors
    /// As [`quant_fwd`](ApproxLayer::quant_fwd).
    fn noise_fwd(&self, x: &Tensor, first_sample: u64) -> Result<Tensor, LayerError> {
        self.unbiased_fwd(InferenceMode::Noise, x, Call { first_sample, ..Call::default() })
    }

    /// The output in `mode` before the bias, whole whatever the call's clip.
    ///
    /// # Errors
    /// As the `*_fwd` function of the mode.
    fn unbiased_fwd(&self, mode: InferenceMode, x: &Tensor, call: Call) -> Result<Tensor, LayerError> {
        let Call { first_sample, threads, .. } = call;
        match mode {
            InferenceMode::Baseline => baseline(self, x, threads, Epilogue::default()),
            _ => integer(self, mode, x, threads, Epilogue::default(), |output, window| {
                if mode == InferenceMode::Noise {
                    self.state().noise.perturb(output, window.samples, first_sample);
                }
            }),
        }
    }

    /// The output in the layer's mode, with the bias, as `call` asks for it. [`Module::forward`] is
    /// the same for a plain call.
    ///
    /// # Errors
    /// As the `*_fwd` function of the mode.
    fn forward_as(&self, x: &Tensor, call: Call) -> Result<Tensor, LayerError> {
        let epilogue = Epilogue { bias: self.bias(), clip: call.clip };
        match self.mode() {
            InferenceMode::Baseline => baseline(self, x, call.threads, epilogue),
            mode @ (InferenceMode::Quantized | InferenceMode::Approximate) => {
                integer(self, mode, x, call.threads, epilogue, |_, _| ())
            }
            // Noise comes between the sums and the bias.
            mode @ InferenceMode::Noise => {
                integer(self, mode, x, call.threads, Epilogue::default(), |output, window| {
                    self.state().noise.perturb(output, window.samples, call.first_sample);
                    let planes = output.chunks_exact_mut(window.geometry.positions());
                    planes.enumerate().for_each(|(i, plane)| epilogue.apply(i % window.outputs, plane));
                })
            }
        }
    }

    /// Whether a sample's output depends on that sample alone: not under noise, whose deviation is
    /// the batch's, nor while the layer is being calibrated in batches.
    fn is_samplewise(&self) -> bool {
        let calibrates = self.state().calibrator.lock().is_ok_and(|calibrator| calibrator.is_some());
        self.mode() != InferenceMode::Noise && !calibrates
    }
}

/// How a layer is called.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Place in the data set of the batch's first sample, which decides the draws of noise.
    pub first_sample: u64,
    /// What the output is brought into, in the same pass over it.
    pub clip: Clip,
    /// Threads that the layer may use.
    pub threads: usize,
}

impl Default for Call {
    /// The first batch, with all threads.
    fn default() -> Self {
        Call { first_sample: 0, clip: Clip::default(), threads: rayon::current_num_threads() }
    }
}

/// What happens to a layer's sums before they leave it.
#[derive(Debug, Clone, Copy, Default)]
struct Epilogue<'a> {
    /// Added first, one number an output channel.
    bias: Option<&'a [f32]>,
    /// What outputs are then brought into.
    clip: Clip,
}

impl Epilogue<'_> {
    /// Applies it to outputs of `channel`.
    fn apply(&self, channel: usize, outputs: &mut [f32]) {
        if let Some(bias) = self.bias {
            for y in &mut *outputs {
                *y += bias[channel];
            }
        }
        if self.clip != Clip::default() {
            for y in outputs {
                *y = self.clip.apply(*y);
            }
        }
    }
}

/// The output of `window` over `input`, in the loop that suits it.
fn run<A: Scatter>(arithmetic: &A, window: &Window, input: &[f32], threads: usize) -> Result<Vec<f32>, LayerProblem> {
    let run = if window.is_transposed { scatter::run } else { tiles::run };
    run(arithmetic, window, input, threads)
}

/// The baseline pass, observed while the layer is being calibrated.
fn baseline<L: ApproxLayer + ?Sized>(
    layer: &L,
    x: &Tensor,
    threads: usize,
    epilogue: Epilogue,
) -> Result<Tensor, LayerError> {
    let window = layer.window(x.dims())?;
    with_values(x, |input| {
        if let Ok(mut calibrator) = layer.state().calibrator.lock()
            && let Some(calibrator) = calibrator.as_mut()
        {
            calibrator.observe(input);
        }
        with_values(layer.weight(), |weight| {
            let arithmetic = Float { weight, epilogue };
            let output = run(&arithmetic, &window, input, threads)?;
            Ok(Tensor::from_vec(output, window.output_shape.as_slice(), &Device::Cpu)?)
        })?
    })
    .map_err(LayerProblem::from)
    .flatten()
    .map_err(|problem| problem.of(layer.name()))
}

/// An integer pass, `perturb`ed before it becomes a tensor.
fn integer<L: ApproxLayer + ?Sized>(
    layer: &L,
    mode: InferenceMode,
    x: &Tensor,
    threads: usize,
    epilogue: Epilogue,
    perturb: impl FnOnce(&mut [f32], &Window),
) -> Result<Tensor, LayerError> {
    let window = layer.window(x.dims())?;
    let run = || {
        let quantized = layer.state().quantized.as_ref().ok_or(LayerProblem::NotQuantized(mode))?;
        let arithmetic: Integer = match mode {
            InferenceMode::Approximate => quantized.approximate(epilogue).ok_or(LayerProblem::NoMultiplier)?,
            _ => quantized.exact(epilogue),
        };
        let mut output = with_values(x, |input| run(&arithmetic, &window, input, threads))??;
        perturb(&mut output, &window);
        Ok(Tensor::from_vec(output, window.output_shape.as_slice(), &Device::Cpu)?)
    };
    run().map_err(|problem: LayerProblem| problem.of(layer.name()))
}
