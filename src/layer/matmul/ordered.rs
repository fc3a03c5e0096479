//! The unperturbed product: sums in `f64` in order of depth, rounded once, with the same bits for any threads,
//! batch size and processor.

use super::blocks;
use crate::kernel::{LANES, OrderedSums, Tile, fill_pointwise_tile};
use crate::layer::LayerProblem;
use candle_core::Tensor;
use std::cell::Cell;

/// What a thread keeps from block to block.
type Memory = (Tile<f32>, OrderedSums);

thread_local! {
    static MEMORY: Cell<Memory> = Cell::default();
}

/// The product of `a` and `b` over their last two axes.
///
/// # Errors
/// When they do not fit each other.
pub(crate) fn ordered_matmul(a: &Tensor, b: &Tensor) -> Result<Tensor, LayerProblem> {
    blocks::product(a, b, &MEMORY, |shape, (tile, sums), a, b, output| {
        let columns = shape.columns;
        for start in (0..columns).step_by(LANES) {
            let columns_of_tile = start..(start + LANES).min(columns);
            fill_pointwise_tile(b, b.len(), [shape.depth, columns], columns_of_tile.clone(), tile);
            sums.products(a, tile, |row, sums| {
                let output = &mut output[row * columns..][columns_of_tile.clone()];
                output.iter_mut().zip(sums).for_each(|(y, &sum)| *y = sum as f32);
            });
        }
        Ok(())
    })
}
