//! The sums as their definition states them, one product at a time: what kernels are tested against.

use super::{EffectiveTable, WeightMatrix};

/// `sums[o][n]` of activations given as `depth` rows of any width, in `i64`.
pub fn sums(table: &EffectiveTable, weights: WeightMatrix, activations: &[Vec<u8>]) -> Vec<Vec<i64>> {
    let columns = activations.first().map_or(0, Vec::len);
    let mut sums = vec![vec![0i64; columns]; weights.rows()];
    for (row, sums) in sums.iter_mut().enumerate() {
        for (n, sum) in sums.iter_mut().enumerate() {
            for (k, &w) in weights.row(row).iter().enumerate() {
                *sum += i64::from(table.term(activations[k][n], w));
            }
        }
    }
    sums
}
