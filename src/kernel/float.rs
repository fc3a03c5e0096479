//! The fp32 product of a tile, for layers that run unquantized: the gemm crate, which candle's own
//! matrix products use, behind a safe interface.

use super::{LANES, Lanes, Tile};

/// Overwrites `sums[o]` with `sum over k of weights[o][k] * tile[k]`, `weights` being row-major.
///
/// # Panics
/// When `weights` is not one row of the tile's depth for each of `sums`.
pub fn products(weights: &[f32], tile: &Tile<f32>, sums: &mut [Lanes<f32>]) {
    let (rows, depth, columns) = (sums.len(), tile.rows().len(), tile.columns());
    assert_eq!(weights.len(), rows * depth);
    let stride = LANES.cast_signed();
    // SAFETY: every pointer and stride stays inside its slice: `weights` holds `rows * depth`
    // numbers; `Lanes<f32>` is `LANES` numbers with no padding, so that `sums` is `rows` and the
    // tile `depth` rows of stride `LANES`, of which `columns <= LANES` are touched.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            sums.as_mut_ptr().cast::<f32>(),
            1,
            stride,
            false,
            weights.as_ptr(),
            1,
            depth.cast_signed(),
            tile.rows().as_ptr().cast::<f32>(),
            1,
            stride,
            0.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
