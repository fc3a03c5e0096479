//! The forward pass of every layer: which arithmetic a mode runs, and what follows its sums.

use super::epilogue::Epilogue;
use super::float::Float;
use super::integer::Integer;
use super::ordered::{self, Ordered};
use super::scatter::{self, Scatter};
use super::state::LayerState;
use super::values::with_values;
use super::{Call, Flow, InferenceMode, LayerError, LayerProblem, Window, tiles};
use candle_core::{Device, Tensor};

/// The output of a layer in `mode`, over the `window` of input `x`: the one place that knows what each mode
/// computes.
///
/// # Errors
/// When the layer lacks what the mode needs, or the input has no operands.
pub(super) fn run(
    state: &LayerState,
    window: &Window,
    mode: InferenceMode,
    x: &Tensor,
    call: Call,
    epilogue: Epilogue,
) -> Result<Tensor, LayerError> {
    let quantized = || state.quantized.as_ref().ok_or(LayerProblem::NotQuantized(mode));
    let run = || {
        let output = match mode {
            InferenceMode::Baseline => with_values(x, |input| {
                let is_ordered = call.is_ordered || state.observing.is_active();
                state.observing.observe(input);
                with_values(&state.weight, |weight| match (is_ordered, window.flow) {
                    (false, _) => compute(&Float { weight, epilogue }, window, input, call.threads),
                    (true, Flow::Forward) => tiles::run(&Ordered { weight, epilogue }, window, input, call.threads),
                    (true, Flow::Transposed) => {
                        ordered::transposed(&Ordered { weight, epilogue }, window, input, call.threads)
                    }
                })
            })??,
            InferenceMode::Quantized => integer(&Integer::exact(quantized()?, epilogue), window, x, call.threads),
            InferenceMode::Approximate => {
                let arithmetic = Integer::approximate(quantized()?, epilogue).ok_or(LayerProblem::NoMultiplier)?;
                integer(&arithmetic, window, x, call.threads)
            }
            // Noise comes between the sums and the bias.
            InferenceMode::Noise => {
                let exact = Integer::exact(quantized()?, Epilogue::default());
                integer(&exact, window, x, call.threads).map(|mut output| {
                    state.settings.noise.perturb(&mut output, window.samples, call.first_sample);
                    let channels = output.chunks_exact_mut(window.geometry.positions()).enumerate();
                    channels.for_each(|(i, outputs)| epilogue.apply(i % window.outputs, outputs));
                    output
                })
            }
        }?;
        Ok(Tensor::from_vec(output, window.output_shape.as_slice(), &Device::Cpu)?)
    };
    run().map_err(|problem: LayerProblem| problem.in_layer(&state.settings.name))
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
