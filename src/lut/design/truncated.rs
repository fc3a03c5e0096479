//! Truncation: the least significant columns of partial products are not formed.

use super::{Family, Parameter};
use crate::kernel::Signedness;

/// Partial products of weight below `2^k` are left out, and nothing stands in for them.
pub(super) static TRUNCATED: Family = Family {
    name: "truncated",
    summary: "truncated array multiplier without correction",
    paper: "M. J. Schulte, E. E. Swartzlander: Truncated multiplication with correction constant, \
            VLSI Signal Processing VI, 1993 (here without the constant)",
    parameters: &[Parameter { prefix: "", meaning: "columns left out", least: 1, greatest: 14 }],
    signedness: &[Signedness::Unsigned],
    product: |values, _, a, b| product(values[0], a, b),
};

fn product(columns: u32, a: i32, b: i32) -> i32 {
    (0..8).filter(|row| b >> row & 1 == 1).map(|row| kept(a << row, columns)).sum()
}

/// The bits of `row` of weight `2^columns` and up.
fn kept(row: i32, columns: u32) -> i32 {
    row >> columns << columns
}
