//! The fp32 product of a tile, for layers that run unquantized: the gemm crate, which candle's own
//! matrix products use, behind a safe interface.

use super::levels::for_simd_levels;
use super::{LANES, Lanes, Plane, Tile};

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

/// Overwrites `sums` with `sum over k of weights[k] * tap k` at all positions of `plane`.
///
/// # Panics
/// When `weights` are not the plane's taps, or `sums` not its positions.
pub fn slide(weights: &[f32], plane: &Plane<f32>, sums: &mut [f32]) {
    assert_eq!((weights.len(), sums.len()), (plane.geometry().depth(), plane.positions()));
    sums.fill(0.0);
    for (k, &weight) in weights.iter().enumerate() {
        add_scaled(sums, weight, plane.from_tap(k));
    }
}

for_simd_levels! {
    fn add_scaled(sums: &mut [f32], weight: f32, values: &[f32]) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += weight * value;
        }
    }
}
