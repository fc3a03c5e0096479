//! A layer's integers, from operands to outputs, for those who build the hardware: golden vectors.
//!
//! They are computed one product after the other, by the formulas of the modes alone: no kernel, no packed weights and no
//! tiles are part of it, so that they also say whether those are right. The order of a sum's additions is that of an
//! [accumulator](super::Accumulator), which they go through where the layer has one.

mod sums;

use super::accumulator::LayerAccumulator;
use super::epilogue::Epilogue;
use super::values::with_values;
use super::{Accumulator, Call, InferenceMode, LayerError, LayerProblem, WeightedLayer, Window};
use crate::kernel::{Clip, EffectiveTable, FixedPoint, Requantize};
use crate::quant::{Grid, IntRange, LayerParams};
use candle_core::Tensor;
use std::sync::Arc;
use sums::Sums;

/// The integers of a layer with weights in mode quant or approx, over some samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LayerVectors {
    /// Scales, zero points and ranges of input and weights.
    pub params: LayerParams,
    /// The terms that were summed, by the bytes of both operands; `None` for exact products.
    pub table: Option<Arc<EffectiveTable>>,
    /// The layer over the input.
    pub window: Window,
    /// Dimensions of the input.
    pub input_shape: Vec<usize>,
    /// The input's integers.
    pub input: Vec<i32>,
    /// Dimensions of the weight, output channels first.
    pub weight_shape: Vec<usize>,
    /// The weight's integers.
    pub weight: Vec<i32>,
    /// What the sum of each output channel's activations, less their zero points, is multiplied by and added, in mode
    /// approx of a layer that is corrected so.
    pub activation_factors: Option<Vec<i32>>,
    /// What is added for each output channel.
    pub bias: VectorBias,
    /// What the sums were kept in; `None` keeps them whole.
    pub accumulator: Option<Accumulator>,
    /// The sums of all outputs: products, zero-point terms, and the bias where that is an integer.
    pub sums: Vec<i64>,
    /// What became of the sums.
    pub outputs: VectorOutputs,
}

/// The bias of a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum VectorBias {
    /// There is none.
    None,
    /// In steps of the sums, which include it.
    Integers(Vec<i64>),
    /// Added to the scaled sums.
    Numbers(Vec<f32>),
}

/// The outputs of a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum VectorOutputs {
    /// Integers, by a multiplication of the sums in integers.
    Integers {
        /// The outputs.
        values: Vec<i32>,
        /// What they stand for.
        grid: Grid,
        /// Rounding, zero point and bounds.
        rule: Requantize,
        /// The multiplier of each output channel.
        multipliers: Vec<FixedPoint>,
    },
    /// Real numbers, by the scales of input and weights.
    Numbers {
        /// The outputs.
        values: Vec<f32>,
        /// The range that they are clamped to.
        clip: Clip,
    },
}

/// The integers of `layer` over `input`, in its mode, whose outputs are clamped to `clip`: `None` in modes base and noise.
///
/// # Errors
/// When the input does not fit the layer or has NaN values, or the layer is not quantized.
pub(crate) fn layer_vectors(
    layer: &dyn WeightedLayer,
    input: &Tensor,
    clip: Clip,
) -> Result<Option<LayerVectors>, LayerError> {
    let window = layer.window(input.dims())?;
    compute(layer, window, input, clip).map_err(|problem| problem.in_layer(layer.name()))
}

fn compute(
    layer: &dyn WeightedLayer,
    window: Window,
    x: &Tensor,
    clip: Clip,
) -> Result<Option<LayerVectors>, LayerProblem> {
    let state = layer.state();
    let mode = state.settings.effective_mode();
    if !matches!(mode, InferenceMode::Quantized | InferenceMode::Approximate) {
        return Ok(None);
    }
    let quantized = state.quantized.as_ref().ok_or(LayerProblem::NotQuantized(mode))?;
    let table = match mode {
        InferenceMode::Approximate => Some(quantized.shared_table().ok_or(LayerProblem::NoMultiplier)?),
        _ => None,
    };
    let params = quantized.params();
    let epilogue = state.epilogue(mode, clip);
    let bytes = with_values(x, |values| {
        let mut bytes = vec![0; values.len()];
        if params.input.quantize_slice(values, &mut bytes) { Err(LayerProblem::NaN) } else { Ok(bytes) }
    })??;
    let accumulator = state.settings.accumulator_of(mode, Call::default()).map(LayerAccumulator::setting);
    let bias = VectorBias::of(&epilogue, window.outputs);
    let weights = quantized.weights().bytes();
    let added: &[i64] = match &bias {
        VectorBias::Integers(bias) => bias,
        VectorBias::None | VectorBias::Numbers(_) => &[],
    };
    // As the sums of the multiplier's products see them.
    let in_sums = quantized.approximate_params().filter(|_| table.is_some()).unwrap_or(params);
    let sums = Sums { window: &window, params: in_sums, table: table.as_deref(), weights, bias: added, accumulator };
    let sums = sums.of_input(&bytes);
    let outputs = VectorOutputs::of(&sums, params, &window, &epilogue);
    let integers =
        |bytes: &[u8], range: IntRange| bytes.iter().map(|&byte| range.signedness().value(byte)).collect::<Vec<i32>>();
    let activation_factors = state.activation_factors.clone().filter(|_| table.is_some());
    Ok(Some(LayerVectors {
        table,
        activation_factors,
        input_shape: x.dims().to_vec(),
        input: integers(&bytes, params.input.range()),
        weight_shape: state.weights.dims().to_vec(),
        weight: integers(weights, params.weight.range()),
        params: params.clone(),
        window,
        bias,
        accumulator,
        sums,
        outputs,
    }))
}

impl VectorBias {
    /// What an epilogue adds for each of the output channels.
    fn of(epilogue: &Epilogue, outputs: usize) -> Self {
        match (epilogue.after_sums, epilogue.bias) {
            (_, None) => VectorBias::None,
            (Some(after), Some(_)) => VectorBias::Integers((0..outputs).map(|output| after.bias(output)).collect()),
            (None, Some(bias)) => VectorBias::Numbers(bias.to_vec()),
        }
    }
}

impl VectorOutputs {
    /// What an epilogue makes of sums.
    fn of(sums: &[i64], params: &LayerParams, window: &Window, epilogue: &Epilogue) -> Self {
        let clip = epilogue.clip;
        let of_channels = sums.chunks(window.geometry.positions().max(1)).enumerate();
        let of_channels = of_channels.map(|(i, sums)| (i % window.outputs, sums));
        let requantize = epilogue.after_sums.and_then(|after| after.requantize(clip).zip(after.grid()));
        if let Some(((rule, multipliers), grid)) = requantize {
            let integer = |channel: usize, sum: i64| {
                let steps = multipliers[channel].apply(sum, rule.rounding);
                let q = i128::from(steps) + i128::from(rule.zero_point);
                q.clamp(rule.low.into(), rule.high.into()) as i32
            };
            let of_channel =
                |(channel, sums): (usize, &[i64])| sums.iter().map(|&sum| integer(channel, sum)).collect::<Vec<_>>();
            let values = of_channels.flat_map(of_channel).collect();
            VectorOutputs::Integers { values, grid, rule, multipliers: multipliers.to_vec() }
        } else {
            let bias = epilogue.bias.filter(|_| epilogue.after_sums.is_none());
            let of_channel = |(channel, sums): (usize, &[i64])| {
                let scale = f64::from(params.input.scale()) * f64::from(params.weight.scale(channel));
                let number = |&sum: &i64| {
                    let y = (sum as f64 * scale) as f32;
                    clip.apply(bias.map_or(y, |bias| y + bias[channel]))
                };
                sums.iter().map(number).collect::<Vec<_>>()
            };
            VectorOutputs::Numbers { values: of_channels.flat_map(of_channel).collect(), clip }
        }
    }
}
