//! Sums of fp32 products that have the same bits on every processor: in `f64`, in order of depth.
//!
//! Scales follow from what the layers' inputs are in the fp32 network, and integers from scales. A matrix
//! product as fast as can be rounds in an order that depends on the instruction set and on the shape of
//! its blocks. Here, every sum adds one product after another: a product of two `f32` is exact in `f64`,
//! so that a fused multiplication and addition rounds as the two do, and neither vectors nor blocks nor
//! threads change a bit.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::levels::for_simd_levels;
use super::{LANES, Plane, Tile};
use std::ops::Range;

/// Rows whose sums are kept at a time.
const ROWS: usize = 64;
/// Products added to each of them before the next rows take their turn: their panels of the tile stay in
/// the second-level cache.
const DEPTH: usize = 128;

/// Memory that is kept from tile to tile.
#[derive(Debug, Default)]
pub struct OrderedSums {
    /// The tile's operands, `[panel][depth][column of the panel]`.
    panels: Vec<f64>,
    /// A block of rows of the weights, `[depth][row of the block]`.
    weights: Vec<f64>,
    /// `[row][column of the tile]`.
    sums: Vec<f64>,
}

impl OrderedSums {
    /// Calls `finish(o, sums)` with `sum over k of weights[o][k] * tile[k]` for each row `o` of the
    /// row-major `weights`, a sum for each column of `tile`.
    ///
    /// # Panics
    /// When `weights` is not a whole number of rows of the tile's depth.
    pub fn products(&mut self, weights: &[f32], tile: &Tile<f32>, finish: impl FnMut(usize, &[f64])) {
        self.products_by(Self::add, weights, tile, finish);
    }

    /// [`products`](Self::products) by an implementation of the loops over a block.
    fn products_by(
        &mut self,
        add: impl Fn(&mut Self, &Block),
        weights: &[f32],
        tile: &Tile<f32>,
        mut finish: impl FnMut(usize, &[f64]),
    ) {
        let depth = tile.rows().len();
        assert!(weights.len().is_multiple_of(depth.max(1)), "{} weights in rows of {depth}", weights.len());
        for (i, weights) in weights.chunks(ROWS * depth.max(1)).enumerate() {
            let rows = weights.len() / depth.max(1);
            self.sums.clear();
            self.sums.resize(rows.next_multiple_of(MOST_ROWS) * LANES, 0.0);
            for start in (0..depth).step_by(DEPTH) {
                let block = Block { weights, tile, depth: start..(start + DEPTH).min(depth) };
                add(self, &block);
            }
            for (row, sums) in self.sums.chunks_exact(LANES).take(rows).enumerate() {
                finish(i * ROWS + row, &sums[..tile.columns()]);
            }
        }
    }

    /// Adds the products of a block in the widest vectors that the processor has.
    fn add(&mut self, block: &Block) {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return self.add_by(x86::avx512, block);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return self.add_by(x86::avx2, block);
            }
        }
        self.add_by(generic, block);
    }

    /// Adds the products of a block to the sums, `R` rows and `C` columns at a time.
    fn add_by<const R: usize, const C: usize>(&mut self, add: Add<R, C>, block: &Block) {
        let OrderedSums { panels, weights, sums } = self;
        let (depth, all) = (block.depth.len(), block.tile.rows().len());
        panels.clear();
        for first in (0..block.tile.columns()).step_by(C) {
            for row in &block.tile.rows()[block.depth.clone()] {
                panels.extend(row.0[first..][..C].iter().map(|&x| f64::from(x)));
            }
        }
        let rows = block.weights.len() / all;
        for first in (0..rows).step_by(R) {
            weights.clear();
            weights.resize(depth * R, 0.0);
            for (r, row) in block.weights.chunks_exact(all).skip(first).take(R).enumerate() {
                let row = &row[block.depth.clone()];
                weights.iter_mut().skip(r).step_by(R).zip(row).for_each(|(to, &from)| *to = f64::from(from));
            }
            for (i, panel) in panels.chunks_exact(depth * C).enumerate() {
                let sums = &mut sums[first * LANES + i * C..][..(R - 1) * LANES + C];
                add(weights.as_chunks().0, panel.as_chunks().0, sums);
            }
        }
    }
}

/// Part of the products of some rows of weights with a tile.
struct Block<'a> {
    weights: &'a [f32],
    tile: &'a Tile<f32>,
    depth: Range<usize>,
}

/// Adds the products of `R` rows of weights and `C` columns of a tile, `R` or `C` numbers for each step of
/// depth, to the first `C` of each `LANES` sums: as many sums as the registers hold.
type Add<const R: usize, const C: usize> = fn(weights: &[[f64; R]], panel: &[[f64; C]], sums: &mut [f64]);

/// The most rows that an implementation computes side by side.
const MOST_ROWS: usize = 8;

/// The implementation for any processor.
fn generic(weights: &[[f64; 4]], panel: &[[f64; 4]], sums: &mut [f64]) {
    let mut block = [[0f64; 4]; 4];
    for (block, sums) in block.iter_mut().zip(sums.chunks(LANES)) {
        block.copy_from_slice(&sums[..4]);
    }
    for (weights, values) in weights.iter().zip(panel) {
        for (block, weight) in block.iter_mut().zip(weights) {
            block.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    for (block, sums) in block.iter().zip(sums.chunks_mut(LANES)) {
        sums[..4].copy_from_slice(block);
    }
}

for_simd_levels! {
    /// Overwrites `sums` with `sum over k of weights[k] * tap k` at all positions of `plane`.
    ///
    /// # Panics
    /// When `weights` are not the plane's taps, or `sums` not its positions.
    pub fn slide(weights: &[f32], plane: &Plane<f32>, sums: &mut [f64]) {
        const STEP: usize = 64;
        assert_eq!((weights.len(), sums.len()), (plane.geometry().depth(), plane.positions()));
        for (i, sums) in sums.chunks_mut(STEP).enumerate() {
            let mut block = [0f64; STEP];
            for (k, &weight) in weights.iter().enumerate() {
                let weight = f64::from(weight);
                for (sum, &value) in block.iter_mut().zip(plane.tap(k, i * STEP)) {
                    *sum += weight * f64::from(value);
                }
            }
            sums.copy_from_slice(&block[..sums.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ConvGeometry;
    use crate::kernel::Planes;
    use proptest::prelude::*;

    /// Magnitudes differ so much that every other order of a sum has other bits.
    fn number() -> impl Strategy<Value = f32> {
        (-1f32..1.0, -20i32..20).prop_map(|(x, exponent)| x * 2f32.powi(exponent))
    }

    type AddBlock = fn(&mut OrderedSums, &Block);

    /// Every implementation that this processor can run.
    fn implementations() -> Vec<(&'static str, AddBlock)> {
        let mut all: Vec<(_, AddBlock)> = vec![("generic", |sums, block| sums.add_by(generic, block))];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(("AVX2", |sums, block| sums.add_by(x86::avx2, block)));
            }
            if is_x86_feature_detected!("avx512f") {
                all.push(("AVX-512", |sums, block| sums.add_by(x86::avx512, block)));
            }
        }
        all
    }

    proptest! {
        #![proptest_config(crate::cases::property(60))]

        #[test]
        fn sums_take_one_product_after_another(
            (rows, depth, columns) in (1usize..=130, 1usize..=300, 1usize..=LANES),
            seed in prop::collection::vec(number(), 997),
        ) {
            let weights: Vec<f32> = (0..rows * depth).map(|i| seed[i * 31 % 997]).collect();
            let mut tile = Tile::default();
            tile.reset(depth, columns);
            for k in 0..depth {
                tile.row_mut(k).iter_mut().enumerate().for_each(|(n, x)| *x = seed[(k * 17 + n * 7) % 997]);
            }
            let expected = |o: usize, n: usize| {
                let products = (0..depth).map(|k| f64::from(weights[o * depth + k]) * f64::from(tile.rows()[k].0[n]));
                products.fold(0.0, |sum, product| sum + product)
            };
            for (name, add) in implementations() {
                let mut memory = OrderedSums::default();
                let mut seen = 0;
                memory.products_by(add, &weights, &tile, |row, sums| {
                    assert_eq!((row, sums.len()), (seen, columns), "{name}");
                    seen += 1;
                    for (n, &sum) in sums.iter().enumerate() {
                        assert_eq!(sum.to_bits(), expected(row, n).to_bits(), "{name}, row {row}, column {n}");
                    }
                });
                assert_eq!(seen, rows, "{name}");
            }
        }

        #[test]
        fn sliding_takes_one_product_after_another(
            channels in 1usize..=3,
            kernel in [1usize..=4, 1usize..=4],
            more in [0usize..=9, 0usize..=90],
            seed in prop::collection::vec(number(), 997),
        ) {
            let output = more.map(|more| more + 1);
            let input = [0, 1].map(|axis| output[axis] + kernel[axis] - 1);
            let geometry = ConvGeometry { input, output, kernel, ..ConvGeometry::point(channels) };
            let values: Vec<f32> = (0..channels * input[0] * input[1]).map(|i| seed[i * 13 % 997]).collect();
            let weights: Vec<f32> = (0..geometry.depth()).map(|i| seed[i * 31 % 997]).collect();
            let mut planes = Planes::default();
            planes.reset(geometry, 0.0, 1);
            planes.fill(0, &values);
            let plane = planes.plane(0);
            let mut sums = vec![0.0; plane.positions()];
            slide(&weights, &plane, &mut sums);
            for (oy, ox) in (0..output[0]).flat_map(|oy| (0..output[1]).map(move |ox| (oy, ox))) {
                let mut expected = 0f64;
                for (k, &weight) in weights.iter().enumerate() {
                    let (c, ky, kx) = (k / (kernel[0] * kernel[1]), k / kernel[1] % kernel[0], k % kernel[1]);
                    let value = values[(c * input[0] + oy + ky) * input[1] + ox + kx];
                    expected += f64::from(weight) * f64::from(value);
                }
                prop_assert_eq!(plane.output_row(&sums, oy)[ox].to_bits(), expected.to_bits());
            }
        }
    }
}
