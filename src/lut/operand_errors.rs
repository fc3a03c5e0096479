//! The errors of a multiplier over the operands that a layer multiplies.
//!
//! Error metrics over all pairs of operands say little of a layer that uses few of them: with operands of 4 bits an
//! 8x8 table is used in one corner, where it may be exact, or all zeros.

use super::{Coding, Lut, Operand};
use crate::kernel::Signedness;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Errors over pairs of operands, each weighted by how often it occurs, in units of the product unless said
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OperandErrors {
    /// Mean absolute error of a product.
    pub mae: f64,
    /// Mean error of a product: negative when terms are too small on average.
    pub bias: f64,
    /// Normalized mean error distance, a fraction: `mae` over the largest absolute exact product of the multiplier.
    pub nmed: f64,
    /// The same over `2^(a + b) - 1` for operands of a and b bits, as some publications define it.
    pub nmed_full_scale: f64,
    /// Fraction of the table's products that no pair of operands uses.
    pub unused: f64,
    /// Products that were counted.
    pub products: u64,
}

/// A product of a table, and what it does to a layer: how often it is used, and how wrong it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EntryUse {
    /// The operands that the table is looked up with, activation and weight.
    pub operands: [i32; 2],
    /// Their exact product.
    pub exact: i64,
    /// The table's product.
    pub product: i64,
    /// Products of the layer that are this one.
    pub uses: u64,
    /// What it contributes to the sum of absolute errors of all products, a fraction.
    pub share: f64,
}

/// Visits the pairs of operands that occur among `counts[weight * 256 + activation]` pairs of bytes, read as
/// `activation` and `weight`: operands, the table's term and the count.
fn for_each_pair(
    lut: &Lut,
    coding: Coding,
    [activation, weight]: [Signedness; 2],
    counts: &[u64],
    mut visit: impl FnMut([i32; 2], i64, u64),
) {
    for w in 0..=255u8 {
        let row = &counts[usize::from(w) * 256..][..256];
        for (a, &count) in (0..=255u8).zip(row).filter(|(_, count)| **count > 0) {
            let (x, y) = (activation.value(a), weight.value(w));
            // Quantizers keep to what the table has products for.
            if let Some(term) = coding.term(lut, x, y) {
                visit([x, y], i64::from(term), count);
            }
        }
    }
}

impl EntryUse {
    /// The `most` products of `lut` under `coding` that contribute most to the sum of absolute errors over the pairs of
    /// bytes of `counts`, as [`OperandErrors::compute`] takes them, the costliest first. Exact ones are left out.
    pub fn costliest(lut: &Lut, coding: Coding, kinds: [Signedness; 2], counts: &[u64], most: usize) -> Vec<EntryUse> {
        if coding.check(lut).is_err() {
            return Vec::new();
        }
        // Signs apart, one product of a table stands for several pairs.
        let mut uses: BTreeMap<[i32; 2], (u64, u128)> = BTreeMap::new();
        let mut total = 0u128;
        for_each_pair(lut, coding, kinds, counts, |[x, y], term, count| {
            let error = term - i64::from(x) * i64::from(y);
            if error != 0 {
                let cost = u128::from(error.unsigned_abs()) * u128::from(count);
                let (row, column) = coding.table_operands(x, y);
                let (used, so_far) = uses.entry([row, column]).or_default();
                *used += count;
                *so_far += cost;
                total += cost;
            }
        });
        let mut ranked: Vec<([i32; 2], (u64, u128))> = uses.into_iter().collect();
        ranked.sort_by_key(|(operands, (_, cost))| (Reverse(*cost), *operands));
        ranked.truncate(most);
        let entry = |(operands, (uses, cost)): ([i32; 2], (u64, u128))| {
            let [row, column] = operands;
            let product = i64::from(lut.get(row, column)?);
            let share = cost as f64 / total as f64;
            Some(EntryUse { operands, exact: i64::from(row) * i64::from(column), product, uses, share })
        };
        ranked.into_iter().filter_map(entry).collect()
    }
}

impl OperandErrors {
    /// The errors of `lut` under `coding` over `counts[weight * 256 + activation]` pairs of bytes, read as
    /// `activation` and `weight`; `None` where there are no pairs.
    pub fn compute(lut: &Lut, coding: Coding, kinds: [Signedness; 2], counts: &[u64]) -> Option<OperandErrors> {
        coding.check(lut).ok()?;
        let [first, second] = Operand::ALL.map(|operand| lut.operand_range(operand));
        let columns = (second.end() - second.start() + 1) as usize;
        let entries = (first.end() - first.start() + 1) as usize * columns;
        let mut is_used = vec![false; entries];
        let (mut products, mut absolute, mut signed) = (0u64, 0u128, 0i128);
        for_each_pair(lut, coding, kinds, counts, |[x, y], term, count| {
            let error = term - i64::from(x) * i64::from(y);
            products += count;
            absolute += u128::from(error.unsigned_abs()) * u128::from(count);
            signed += i128::from(error) * i128::from(count);
            let (row, column) = coding.table_operands(x, y);
            is_used[(row - first.start()) as usize * columns + (column - second.start()) as usize] = true;
        });
        let mae = absolute as f64 / products as f64;
        let largest = |operand: &std::ops::RangeInclusive<i32>| f64::from(operand.start().abs().max(*operand.end()));
        let bits: u32 = lut.bits().iter().map(|bits| bits.get()).sum();
        let unused = is_used.iter().filter(|used| !**used).count();
        (products > 0).then(|| OperandErrors {
            mae,
            bias: signed as f64 / products as f64,
            nmed: mae / (largest(&first) * largest(&second)),
            nmed_full_scale: mae / (f64::from(bits).exp2() - 1.0),
            unused: unused as f64 / entries as f64,
            products,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three products of an unsigned multiplier that is 2 too large where the first operand is odd.
    #[test]
    fn errors_by_hand() {
        let lut = Lut::from_fn("odd", Signedness::Unsigned, |a, b| a * b + 2 * (a & 1));
        let mut counts = vec![0u64; 1 << 16];
        // -3 times 5 three times: -(15 + 2), 2 too small; 4 times 5 once.
        counts[5 << 8 | usize::from((-3i8).cast_unsigned())] = 3;
        counts[5 << 8 | 4] = 1;
        let errors = OperandErrors::compute(&lut, Coding::SignMagnitude, [Signedness::Signed; 2], &counts).unwrap();
        assert_eq!((errors.mae, errors.bias, errors.products), (1.5, -1.5, 4));
        assert!((errors.nmed - 1.5 / 65025.0).abs() < 1e-18 && (errors.nmed_full_scale - 1.5 / 65535.0).abs() < 1e-18);
        assert!((errors.unused - 65534.0 / 65536.0).abs() < 1e-15);
        let none = OperandErrors::compute(&lut, Coding::SignMagnitude, [Signedness::Signed; 2], &vec![0; 1 << 16]);
        assert_eq!(none, None);
    }

    /// Of the same products: the one used three times costs 3 * 2, the other nothing.
    #[test]
    fn costly_entries_by_hand() {
        let lut = Lut::from_fn("odd", Signedness::Unsigned, |a, b| a * b + 2 * (a & 1) + 7 * i32::from(a == 9));
        let mut counts = vec![0u64; 1 << 16];
        let byte = |x: i8| usize::from(x.cast_unsigned());
        counts[5 << 8 | byte(-3)] = 3;
        counts[byte(-5) << 8 | byte(3)] = 2;
        counts[5 << 8 | 4] = 1;
        counts[1 << 8 | 9] = 1;
        let costly = |most| EntryUse::costliest(&lut, Coding::SignMagnitude, [Signedness::Signed; 2], &counts, most);
        let found = costly(5);
        assert_eq!(found.len(), 2);
        let first = EntryUse { operands: [3, 5], exact: 15, product: 17, uses: 5, share: 10.0 / 19.0 };
        let second = EntryUse { operands: [9, 1], exact: 9, product: 18, uses: 1, share: 9.0 / 19.0 };
        assert_eq!(found, [first, second]);
        assert_eq!(costly(1), [first]);
    }

    /// Where every pair occurs once, the errors are the table's own.
    #[test]
    fn all_pairs_give_the_metrics_of_the_table() {
        for name in ["drum-4", "truncated-8", "drum-4-signed"] {
            let lut = crate::lut::design::resolve(name, None).unwrap();
            let (coding, kind) = match lut.signedness() {
                Signedness::Unsigned => (Coding::Affine, Signedness::Unsigned),
                Signedness::Signed => (Coding::Signed, Signedness::Signed),
            };
            let errors = OperandErrors::compute(&lut, coding, [kind; 2], &vec![1; 1 << 16]).unwrap();
            let metrics = crate::lut::ErrorMetrics::compute(&lut);
            assert_eq!((errors.mae, errors.bias, errors.unused), (metrics.mae, metrics.bias, 0.0), "{name}");
            assert!((errors.nmed - metrics.nmed).abs() < 1e-15, "{name}");
        }
    }
}
