//! Products and operands as accumulators read them.

use crate::kernel::{EffectiveTable, Signedness};
use std::sync::OnceLock;

/// Exact products of operands of that signedness.
pub fn exact_table(activation: Signedness, weight: Signedness) -> &'static EffectiveTable {
    static TABLES: [OnceLock<EffectiveTable>; 4] = [const { OnceLock::new() }; 4];
    let index = |signedness| usize::from(signedness == Signedness::Unsigned);
    TABLES[2 * index(activation) + index(weight)].get_or_init(|| EffectiveTable::exact(activation, weight))
}

/// The integers of bytes, summed.
pub fn sum(bytes: impl IntoIterator<Item = u8>, signedness: Signedness) -> i64 {
    bytes.into_iter().map(|byte| i64::from(signedness.value(byte))).sum()
}

/// Overwrites `sums`, one a lane, with those of the activations of each lane.
pub fn sum_activations(activations: &[&[u8]], signedness: Signedness, sums: &mut [i64]) {
    sums.fill(0);
    for row in activations {
        for (sum, &byte) in sums.iter_mut().zip(*row) {
            *sum += i64::from(signedness.value(byte));
        }
    }
}
