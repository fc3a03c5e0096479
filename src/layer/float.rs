//! The unperturbed `f32` arithmetic.

use super::tiles::Arithmetic;
use crate::kernel::{Lanes, Tile, float};
use std::ops::Range;

/// Sums of `f32` products, then the bias.
pub(super) struct Float<'a> {
    /// `[outputs, depth]` of all groups.
    pub weight: &'a [f32],
    /// One for each output of all groups.
    pub bias: Option<&'a [f32]>,
    /// Outputs of one group.
    pub group_outputs: usize,
}

impl Arithmetic for Float<'_> {
    type Operand = f32;
    type Scratch = ();

    fn padding(&self) -> f32 {
        0.0
    }

    fn outputs(&self, group: usize, rows: Range<usize>, tile: &Tile<f32>, (): &mut (), outputs: &mut [Lanes<f32>]) {
        let depth = tile.rows().len();
        let first = group * self.group_outputs + rows.start;
        float::products(&self.weight[first * depth..][..rows.len() * depth], tile, outputs);
        if let Some(bias) = self.bias {
            for (lanes, bias) in outputs.iter_mut().zip(&bias[first..]) {
                lanes.0[..tile.columns()].iter_mut().for_each(|y| *y += bias);
            }
        }
    }
}
