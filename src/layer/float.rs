//! The unperturbed `f32` arithmetic of transposed convolutions.

use super::LayerProblem;
use super::epilogue::Epilogue;
use super::scatter::Scatter;
use super::tiles::{Arithmetic, Workspace, Workspaces};
use crate::kernel::{Lanes, Tile, float};
use std::cell::Cell;
use std::ops::Range;

/// Sums of `f32` products, then the epilogue.
pub(super) struct Float<'a> {
    /// `[outputs, depth]` of all groups.
    pub weight: &'a [f32],
    /// What happens to the sums.
    pub epilogue: Epilogue<'a>,
}

thread_local! {
    static WORKSPACE: Cell<Workspace<f32, Vec<f32>, f32>> = Cell::default();
}

impl Arithmetic for Float<'_> {
    type Operand = f32;
    type Scratch = Vec<f32>;
    type Sum = f32;

    fn workspaces() -> &'static Workspaces<f32, Vec<f32>, f32> {
        &WORKSPACE
    }

    fn operands<'a>(&self, numbers: &'a [f32], _: &'a mut Vec<f32>) -> Result<&'a [f32], LayerProblem> {
        Ok(numbers)
    }

    fn padding(&self) -> f32 {
        0.0
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
