//! The arithmetic of layers with weights whose sums are kept in accumulators.

use super::found::Found;
use super::operands::{sum, sum_activations};
use super::setting::Accumulator;
use super::sums::{Addition, Additions, Sums};
use crate::kernel::{EffectiveTable, LANES, Lanes, Plane, Tile, WeightMatrix};
use crate::layer::LayerProblem;
use crate::layer::epilogue::Epilogue;
use crate::layer::integer::numbers_of_totals;
use crate::layer::tiles::{Arithmetic, TileArithmetic, Workspace, Workspaces};
use crate::quant::LayerParams;
use std::cell::Cell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Sums in accumulators, scaling and epilogue.
pub(super) struct Accumulating<'a> {
    pub params: &'a LayerParams,
    pub table: &'a EffectiveTable,
    /// A row an output channel; of a transposed convolution one a tap of each.
    pub weights: WeightMatrix<'a>,
    epilogue: Epilogue<'a>,
    accumulator: Accumulator,
    found: Mutex<Found>,
}

/// Memory that a thread keeps from tile to tile.
#[derive(Default)]
pub(super) struct Scratch {
    activation_sums: Vec<i64>,
    sums: Vec<i64>,
}

/// What is added after the products of a channel: the zero-point terms, and the bias of a layer whose sums have one.
pub(super) struct After([Addition; 4], usize);

impl After {
    pub fn additions(&self) -> &[Addition] {
        &self.0[..self.1]
    }
}

impl<'a> Accumulating<'a> {
    pub fn new(
        params: &'a LayerParams,
        table: &'a EffectiveTable,
        weights: WeightMatrix<'a>,
        epilogue: Epilogue<'a>,
        accumulator: Accumulator,
    ) -> Self {
        Accumulating { params, table, weights, epilogue, accumulator, found: Mutex::default() }
    }

    /// What the accumulators of all outputs so far went through.
    pub fn found(&self) -> Found {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes after the products of `channel` by these weights.
    pub fn after(&self, channel: usize, weights: &[u8]) -> After {
        let LayerParams { input, weight, .. } = self.params;
        let (z_x, z_w) = (i64::from(input.zero_point()), i64::from(weight.zero_point(channel)));
        let weight_sum = sum(weights.iter().copied(), weight.range().signedness());
        let bias = self.epilogue.after_sums.map(|after| after.bias(channel));
        let additions = [
            Addition::Activations(-z_w),
            Addition::Constant(-z_x * weight_sum),
            Addition::Constant(weights.len() as i64 * z_x * z_w),
            Addition::Constant(bias.unwrap_or(0)),
        ];
        After(additions, 3 + usize::from(bias.is_some()))
    }

    /// Computes some lanes of output channels, of the products of `activations` by the weights that `weights` gives of
    /// each, and passes their numbers to `write`.
    pub fn channels(
        &self,
        channels: Range<usize>,
        lanes: usize,
        activations: &[&[u8]],
        scratch: &mut Scratch,
        mut weights: impl FnMut(usize, &mut Vec<u8>),
        mut write: impl FnMut(usize, &[f32]),
    ) {
        let LayerParams { input, weight, .. } = self.params;
        let Scratch { activation_sums, sums } = scratch;
        activation_sums.clear();
        activation_sums.resize(lanes, 0);
        if channels.clone().any(|channel| weight.zero_point(channel) != 0) {
            sum_activations(activations, input.range().signedness(), activation_sums);
        }
        sums.resize(lanes, 0);
        let mut accumulators = Sums::new(self.accumulator);
        let (mut bytes, mut terms, mut numbers) = (Vec::new(), Vec::new(), [0f32; LANES]);
        for channel in channels {
            bytes.clear();
            weights(channel, &mut bytes);
            terms.clear();
            terms.extend(bytes.iter().map(|&byte| self.table.row(byte)));
            let after = self.after(channel, &bytes);
            let additions = Additions { terms: &terms, activations, after: after.additions(), activation_sums };
            accumulators.compute(&additions, sums);
            numbers_of_totals(self.params, &self.epilogue, channel, sums, &mut numbers[..lanes]);
            write(channel, &numbers[..lanes]);
        }
        self.found.lock().unwrap_or_else(PoisonError::into_inner).merge(&accumulators.found);
    }
}

thread_local! {
    static WORKSPACE: Cell<Workspace<u8, Scratch, i64>> = Cell::default();
}

impl Arithmetic for Accumulating<'_> {
    type Operand = u8;
    type Scratch = Scratch;
    type Sum = i64;

    fn workspaces() -> &'static Workspaces<u8, Scratch, i64> {
        &WORKSPACE
    }

    fn operands<'a>(&self, numbers: &'a [f32], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], LayerProblem> {
        buffer.resize(numbers.len(), 0);
        if self.params.input.quantize_slice(numbers, buffer) { Err(LayerProblem::NaN) } else { Ok(buffer) }
    }

    /// The quantized zero, which is multiplied like other operands.
    fn padding(&self) -> u8 {
        self.params.input.zero_point() as u8
    }
}

impl TileArithmetic for Accumulating<'_> {
    fn outputs(&self, channels: Range<usize>, tile: &Tile, scratch: &mut Scratch, outputs: &mut [Lanes<f32>]) {
        let lanes = tile.columns();
        let activations: Vec<&[u8]> = tile.rows().iter().map(|row| &row.0[..lanes]).collect();
        let (first, weights) = (channels.start, self.weights);
        self.channels(
            channels,
            lanes,
            &activations,
            scratch,
            |channel, bytes| bytes.extend_from_slice(weights.row(channel)),
            |channel, numbers| outputs[channel - first].0[..lanes].copy_from_slice(numbers),
        );
    }

    fn slide(&self, channels: Range<usize>, plane: &Plane, scratch: &mut Scratch, outputs: &mut [f32]) {
        let geometry = plane.geometry();
        let ([height, width], positions) = (geometry.output, geometry.positions());
        let (first, weights) = (channels.start, self.weights);
        for (y, start) in (0..height).flat_map(|y| (0..width).step_by(LANES).map(move |x| (y, x))) {
            let lanes = LANES.min(width - start);
            let at = plane.position(y, start);
            let activations: Vec<&[u8]> = (0..geometry.depth()).map(|k| &plane.from_tap(k)[at..at + lanes]).collect();
            self.channels(
                channels.clone(),
                lanes,
                &activations,
                scratch,
                |channel, bytes| bytes.extend_from_slice(weights.row(channel)),
                |channel, numbers| {
                    let at = (channel - first) * positions + y * width + start;
                    outputs[at..at + lanes].copy_from_slice(numbers);
                },
            );
        }
    }
}
