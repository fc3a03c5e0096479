//! The forward pass of every layer over tensors: which arithmetic a mode runs, and what follows its sums.

use super::accumulator;
use super::epilogue::Epilogue;
use super::float::Float;
use super::images::{Finish, Form, ImageBuffer, Numbers, Place, Targets, planar_images, write_images};
use super::integer::Integer;
use super::ordered::{self, Ordered};
use super::scatter;
use super::state::LayerState;
use super::values::with_values;
use super::{Call, Flow, InferenceMode, LayerError, LayerProblem, Window, tiles};
use crate::kernel::ImageLayout;
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
    let run = || {
        let output = with_values(x, |input| {
            if mode == InferenceMode::Baseline {
                let is_ordered = call.is_ordered || state.observing.is_active();
                state.observing.observe(input);
                if is_ordered {
                    return ordered(state, window, input, call, epilogue);
                }
            }
            // Noise comes between the sums and the bias.
            let before = if mode == InferenceMode::Noise { Epilogue::default() } else { epilogue };
            let mut output = match (state.settings.accumulator_of(mode, call), window.flow) {
                (Some(accumulator), _) => {
                    let layer = state.quantized.as_ref().ok_or(LayerProblem::NotQuantized(mode))?;
                    accumulator::run(layer, accumulator, mode, window, input, call, before)?
                }
                (None, Flow::Forward) => gathered(state, window, mode, input, call, before)?,
                (None, Flow::Transposed) => scattered(state, window, mode, input, call, before)?,
            };
            if mode == InferenceMode::Noise {
                let noise = &state.settings.noise;
                noise.shift_channels(&mut output, [window.outputs, window.geometry.positions()]);
                noise.perturb(&mut output, window.samples, call.first_sample);
                let channels = output.chunks_exact_mut(window.geometry.positions()).enumerate();
                channels.for_each(|(i, outputs)| epilogue.apply(i % window.outputs, outputs));
            }
            Ok(output)
        })??;
        Ok(Tensor::from_vec(output, window.output_shape.as_slice(), &Device::Cpu)?)
    };
    run().map_err(|problem: LayerProblem| problem.in_layer(&state.settings.name))
}

/// Sums in the order of the weight's elements.
fn ordered(
    state: &LayerState,
    window: &Window,
    input: &[f32],
    call: Call,
    epilogue: Epilogue,
) -> Result<Vec<f32>, LayerProblem> {
    state.weights.with_values(|weight| {
        let arithmetic = Ordered { weight, epilogue };
        match window.flow {
            Flow::Forward => tiles::run(&arithmetic, window, input, call.threads),
            Flow::Transposed => ordered::transposed(&arithmetic, window, input, call.threads),
        }
    })?
}

/// A transposed convolution.
fn scattered(
    state: &LayerState,
    window: &Window,
    mode: InferenceMode,
    input: &[f32],
    call: Call,
    epilogue: Epilogue,
) -> Result<Vec<f32>, LayerProblem> {
    let quantized = || state.quantized.as_ref().ok_or(LayerProblem::NotQuantized(mode));
    match mode {
        InferenceMode::Baseline => {
            let run = |weight: &[f32]| scatter::run(&Float { weight, epilogue }, window, input, call.threads);
            state.weights.with_values(run)?
        }
        InferenceMode::Quantized | InferenceMode::Noise => {
            scatter::run(&Integer::exact(quantized()?, epilogue), window, input, call.threads)
        }
        InferenceMode::Approximate => {
            let arithmetic = Integer::approximate(quantized()?, epilogue).ok_or(LayerProblem::NoMultiplier)?;
            scatter::run(&arithmetic, window, input, call.threads)
        }
    }
}

/// A convolution or linear layer.
fn gathered(
    state: &LayerState,
    window: &Window,
    mode: InferenceMode,
    input: &[f32],
    call: Call,
    epilogue: Epilogue,
) -> Result<Vec<f32>, LayerProblem> {
    let layer = state.image_layer(window, mode, epilogue.bias.is_some() || epilogue.after_sums.is_some())?;
    let Window { images: count, outputs, geometry, .. } = window;
    let elements = layer.form().elements(window.channels());
    let layout = ImageLayout { size: geometry.input, elements, border: layer.border(geometry) };
    let place = Place { form: layer.form(), layout, count: *count };
    let mut images = ImageBuffer::of(layer.form());
    images.reset(place);
    let targets = Targets(vec![images.target(place)]);
    write_images(Numbers::Planar(input), geometry.input, window.channels(), *count, targets, call.threads)
        .map_err(|_| LayerProblem::NaN)?;
    let layout = ImageLayout::plain(geometry.output, *outputs);
    let of_output = Place { form: &Form::Reals, layout, count: *count };
    let mut output = ImageBuffer::of(&Form::Reals);
    output.reset(of_output);
    let finish = Finish { clip: epilogue.clip, residual: None };
    let targets = Targets(vec![output.target(of_output)]);
    layer.run(geometry, images.input(place), *count, finish, targets, call.threads).map_err(|_| LayerProblem::NaN)?;
    Ok(planar_images(output.reals(of_output), *count, true, call.threads))
}
