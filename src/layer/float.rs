//! The unperturbed `f32` arithmetic.

use super::LayerProblem;
use super::epilogue::Epilogue;
use super::scatter::Scatter;
use super::tiles::{Arithmetic, Workspace, Workspaces};
use crate::kernel::{Lanes, Plane, Tile, float};
use std::cell::Cell;
use std::ops::Range;

/// Sums of `f32` products, then the epilogue.
pub(super) struct Float<'a> {
    /// `[outputs, depth]` of all groups.
    pub weight: &'a [f32],
    /// What happens to the sums.
    pub epilogue: Epilogue<'a>,
}

/// Rows of one matrix product: enough for the tile to be read often where it was packed once.
const ROWS: usize = 64;

thread_local! {
    static WORKSPACE: Cell<Workspace<f32, Vec<f32>, f32>> = Cell::default();
}

impl Arithmetic for Float<'_> {
    type Operand = f32;
    type Scratch = Vec<f32>;
    type Sum = f32;

    const ROW_BLOCK: Option<usize> = Some(ROWS);

    fn workspaces() -> &'static Workspaces<f32, Vec<f32>, f32> {
        &WORKSPACE
    }

    fn operands<'a>(&self, numbers: &'a [f32], _: &'a mut Vec<f32>) -> Result<&'a [f32], LayerProblem> {
        Ok(numbers)
    }

    fn padding(&self) -> f32 {
        0.0
    }

    fn outputs(&self, channels: Range<usize>, tile: &Tile<f32>, _: &mut Vec<f32>, outputs: &mut [Lanes<f32>]) {
        let depth = tile.rows().len();
        // Products of the same shape however rows are split, since bits depend on it.
        let weight = &self.weight[channels.start * depth..channels.end * depth];
        for (weight, outputs) in weight.chunks(ROWS * depth).zip(outputs.chunks_mut(ROWS)) {
            float::products(weight, tile, outputs);
        }
        for (channel, lanes) in channels.zip(outputs) {
            self.epilogue.apply(channel, &mut lanes.0[..tile.columns()]);
        }
    }

    fn can_slide(&self, _: usize) -> bool {
        true
    }

    fn slide(&self, channels: Range<usize>, plane: &Plane<f32>, scratch: &mut Vec<f32>, outputs: &mut [f32]) {
        let geometry = plane.geometry();
        let (depth, positions, width) = (geometry.depth(), geometry.positions(), geometry.output[1]);
        scratch.resize(plane.positions(), 0.0);
        for (channel, outputs) in channels.zip(outputs.chunks_exact_mut(positions)) {
            float::slide(&self.weight[channel * depth..][..depth], plane, scratch);
            for (oy, line) in outputs.chunks_exact_mut(width).enumerate() {
                line.copy_from_slice(plane.output_row(scratch, oy));
            }
            self.epilogue.apply(channel, outputs);
        }
    }
}

impl Scatter for Float<'_> {
    fn sums(&self, rows: Range<usize>, tile: &Tile<f32>, _: &mut Vec<f32>, sums: &mut [Lanes<f32>]) {
        let depth = tile.rows().len();
        float::products(&self.weight[rows.start * depth..rows.end * depth], tile, sums);
    }

    fn finish(&self, channel: usize, sums: &[f32], _: &mut Vec<f32>, outputs: &mut [f32]) {
        outputs.copy_from_slice(sums);
        self.epilogue.apply(channel, outputs);
    }
}
