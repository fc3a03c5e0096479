//! Sums that are found, against the tables that they are to sum to.

mod planted;
mod published;
mod ways;

use super::*;
use crate::kernel::{EffectiveTable, Signedness};
use std::ops::RangeInclusive;

const SIGNS: [Signedness; 2] = [Signedness::Signed, Signedness::Unsigned];

fn all_bytes() -> Vec<u8> {
    (0..=255).collect()
}

/// Numbers that look random, from a seed.
struct Numbers(u64);

impl Numbers {
    fn within(&mut self, range: RangeInclusive<i32>) -> i32 {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        let width = i64::from(*range.end()) - i64::from(*range.start()) + 1;
        (i64::from(*range.start()) + (self.0 >> 33) as i64 % width) as i32
    }

    fn many(&mut self, range: RangeInclusive<i32>) -> Vec<i32> {
        (0..256).map(|_| self.within(range.clone())).collect()
    }
}

/// Asserts that the products are the table's terms at all given operands, one after the other as the sums are made.
#[track_caller]
fn assert_sums<A: Operand, W: Operand>(
    sum: &Lowered<A, W>,
    table: &EffectiveTable,
    weights: &[u8],
    activations: &[u8],
) {
    for &w in weights {
        for &a in activations {
            let (mut whole, at) = (0i64, |byte: u8| usize::from(byte));
            for term in &sum.terms {
                let product = i64::from(term.activations[at(a)].value()) * i64::from(term.weights[at(w)].value());
                whole = i64::from(((whole + product) * i64::from(term.factor)) as i32);
            }
            let found = (whole + i64::from(sum.offsets[at(w)])) as i32;
            assert_eq!(found, table.term(a, w), "activation byte {a}, weight byte {w}");
        }
    }
}

/// How many products of bytes and of words are found, both compared with the table.
#[track_caller]
fn counts(table: &EffectiveTable, weights: &[u8], activations: &[u8]) -> [Option<usize>; 2] {
    let bytes = Lowered::<u8, i8>::find(table, weights, activations, 8);
    let words = Lowered::<i16, i16>::find(table, weights, activations, 8);
    if let Some(sum) = &bytes {
        assert_sums(sum, table, weights, activations);
    }
    if let Some(sum) = &words {
        assert_sums(sum, table, weights, activations);
    }
    [bytes.map(|sum| sum.terms.len()), words.map(|sum| sum.terms.len())]
}
