//! The forward pass of every layer: which arithmetic a mode runs, and what follows its sums.

use super::float::Float;
use super::integer::Integer;
use super::scatter::{self, Scatter};
use super::sealed::LayerCore;
use super::state::with_values;
use super::{Flow, InferenceMode, LayerError, LayerProblem, Window, tiles};
use crate::kernel::Clip;
use candle_core::{Device, Tensor};

/// How a layer is called.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Index in the data set of the batch's first sample, which determines the draws of noise.
    pub first_sample: u64,
    /// The range that outputs are clamped to, in the same pass over them.
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
pub(super) struct Epilogue<'a> {
    /// Added first, one number per output channel.
    pub bias: Option<&'a [f32]>,
    /// The range that outputs are then clamped to.
    pub clip: Clip,
}

impl Epilogue<'_> {
    /// Applies it to outputs of `channel`.
    pub fn apply(&self, channel: usize, outputs: &mut [f32]) {
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

/// The output of `layer` in `mode`: the one place that knows what each mode computes.
///
/// # Errors
/// When the input does not fit the layer, or the layer lacks what the mode needs.
pub(super) fn run<L: LayerCore + ?Sized>(
    layer: &L,
    mode: InferenceMode,
    x: &Tensor,
    call: Call,
    epilogue: Epilogue,
) -> Result<Tensor, LayerError> {
    let state = layer.state();
    let quantized = || state.quantized.as_ref().ok_or(LayerProblem::NotQuantized(mode));
    let run = || {
        let window = layer.window(x.dims()).map_err(|error| error.problem)?;
        let output = match mode {
            InferenceMode::Baseline => with_values(x, |input| {
                state.observe(input);
                with_values(&state.weight, |weight| compute(&Float { weight, epilogue }, &window, input, call.threads))
            })??,
            InferenceMode::Quantized => integer(&quantized()?.exact(epilogue), &window, x, call.threads),
            InferenceMode::Approximate => {
                let arithmetic = quantized()?.approximate(epilogue).ok_or(LayerProblem::NoMultiplier)?;
                integer(&arithmetic, &window, x, call.threads)
            }
            // Noise comes between the sums and the bias.
            InferenceMode::Noise => {
                let exact = quantized()?.exact(Epilogue::default());
                integer(&exact, &window, x, call.threads).map(|mut output| {
                    state.noise.perturb(&mut output, window.samples, call.first_sample);
                    let channels = output.chunks_exact_mut(window.geometry.positions()).enumerate();
                    channels.for_each(|(i, outputs)| epilogue.apply(i % window.outputs, outputs));
                    output
                })
            }
        }?;
        Ok(Tensor::from_vec(output, window.output_shape.as_slice(), &Device::Cpu)?)
    };
    run().map_err(|problem: LayerProblem| problem.in_layer(&state.name))
}

/// The output of integer arithmetic over a tensor.
fn integer(arithmetic: &Integer, window: &Window, x: &Tensor, threads: usize) -> Result<Vec<f32>, LayerProblem> {
    with_values(x, |input| compute(arithmetic, window, input, threads))?
}

/// The output of `window` over `input`, in the loop for the direction of its flow.
fn compute<A: Scatter>(
    arithmetic: &A,
    window: &Window,
    input: &[f32],
    threads: usize,
) -> Result<Vec<f32>, LayerProblem> {
    match window.flow {
        Flow::Forward => tiles::run(arithmetic, window, input, threads),
        Flow::Transposed => scatter::run(arithmetic, window, input, threads),
    }
}
