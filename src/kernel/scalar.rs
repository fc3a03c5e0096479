//! The portable kernel: four weights' rows at a time over all lanes of a tile.
//!
//! Rows of a weight's 256 terms stay in the first-level cache while a tile's lanes are looked up in
//! them; four at a time share one pass over the sums.

use super::{EffectiveTable, Kernel, Lanes, PackedWeights, Tile, WeightMatrix};
use std::ops::Range;

/// Runs anywhere.
pub struct Scalar;

impl Kernel for Scalar {
    fn name(&self) -> &'static str {
        "scalar"
    }

    fn is_supported(&self) -> bool {
        true
    }

    fn pack(&self, table: &EffectiveTable, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        let bytes = (0..weights.rows()).flat_map(|row| weights.row(row)).copied().collect();
        Box::new(ScalarWeights { table: table.clone(), bytes, depth: weights.depth() })
    }
}

struct ScalarWeights {
    table: EffectiveTable,
    bytes: Vec<u8>,
    depth: usize,
}

impl PackedWeights for ScalarWeights {
    fn sums(&self, tile: &Tile, rows: Range<usize>, depth: Range<usize>, sums: &mut [Lanes<i32>]) {
        let columns = tile.columns();
        let activations = &tile.rows()[depth.clone()];
        for (row, sums) in rows.clone().zip(&mut sums[..rows.len()]) {
            let weights = &self.bytes[row * self.depth..][..self.depth][depth.clone()];
            let sums = &mut sums.0[..columns];
            sums.fill(0);
            let (fours, rest) = weights.as_chunks::<4>();
            let (four_lanes, rest_lanes) = activations.as_chunks::<4>();
            for (w, [a0, a1, a2, a3]) in fours.iter().zip(four_lanes) {
                let [t0, t1, t2, t3] = w.map(|w| self.table.row(w));
                for (n, sum) in sums.iter_mut().enumerate() {
                    let term = |table: &[i32; 256], lanes: &Lanes<u8>| table[usize::from(lanes.0[n])];
                    *sum += (term(t0, a0) + term(t1, a1)) + (term(t2, a2) + term(t3, a3));
                }
            }
            for (&w, lanes) in rest.iter().zip(rest_lanes) {
                let table = self.table.row(w);
                for (sum, &a) in sums.iter_mut().zip(&lanes.0) {
                    *sum += table[usize::from(a)];
                }
            }
        }
    }
}
