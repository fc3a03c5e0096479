//! The output of a layer with weights whose sums are kept in accumulators, and what is recorded of them.

use super::arithmetic::Accumulating;
use super::operands::exact_table;
use super::record::{LayerAccumulator, Ways};
use super::transposed;
use super::worst::WorstCase;
use crate::layer::epilogue::Epilogue;
use crate::layer::quantized::Quantized;
use crate::layer::{Call, Flow, InferenceMode, LayerProblem, Window, tiles};

/// The output of a quantized layer in `mode`, quant or approx, over the `window` of `input`, in accumulators.
///
/// # Errors
/// When the layer has no multiplier, or a number of the input is NaN.
pub fn run(
    layer: &Quantized,
    accumulator: &LayerAccumulator,
    mode: InferenceMode,
    window: &Window,
    input: &[f32],
    call: Call,
    epilogue: Epilogue,
) -> Result<Vec<f32>, LayerProblem> {
    let (params, table) = if mode == InferenceMode::Approximate {
        layer.approximate_params().zip(layer.table()).ok_or(LayerProblem::NoMultiplier)?
    } else {
        let params = layer.params();
        (params, exact_table(params.input.range().signedness(), params.weight.range().signedness()))
    };
    let arithmetic = Accumulating::new(params, table, layer.weights(), epilogue, accumulator.setting());
    let output = match window.flow {
        Flow::Forward => tiles::run(&arithmetic, window, input, call.threads),
        Flow::Transposed => transposed::run(&arithmetic, window, input, call.threads),
    }?;
    let ways = Ways { mode, geometry: window.geometry, is_followed: epilogue.after_sums.is_some() };
    accumulator.record(&arithmetic.found(), ways, || worst_case(&arithmetic, window));
    Ok(output)
}

/// The range of sums that no operands leave, after any addition.
fn worst_case(arithmetic: &Accumulating, window: &Window) -> [i64; 2] {
    let mut worst = WorstCase::new(arithmetic.params, arithmetic.table);
    let mut add = |channel: usize, weights: &[u8]| {
        worst.add(weights, arithmetic.after(channel, weights).additions());
    };
    match window.flow {
        Flow::Forward => {
            (0..window.outputs).for_each(|channel| add(channel, arithmetic.weights.row(channel)));
        }
        Flow::Transposed => transposed::for_each_sum(arithmetic, window, add),
    }
    worst.range
}
