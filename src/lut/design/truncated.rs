//! Truncation: the least significant columns of partial products are not formed.

use super::{Family, Parameter, UNSIGNED, gates};

const PAPER: &str = "M. J. Schulte, E. E. Swartzlander: Truncated multiplication with correction constant, \
                     VLSI Signal Processing VI, 1993";

const COLUMNS: &[Parameter] = &[Parameter { prefix: "", meaning: "columns left out", least: 1, greatest: 14 }];

/// Partial products of weight below `2^k` are left out, and nothing stands in for them.
pub(super) static TRUNCATED: Family = Family {
    name: "truncated",
    summary: "truncated array multiplier without correction",
    paper: PAPER,
    parameters: COLUMNS,
    admits: |_, _| true,
    gates: |values, _| gates::partial_array(|row, column| row + column >= values[0]),
    signedness: UNSIGNED,
    product: |values, _, a, b| product(values[0], a, b),
};

/// The same with a constant added: the mean of what is left out under uniform operands, rounded to
/// the lowest column that is kept. The paper rounds the result as well; here it keeps all its columns.
pub(super) static CORRECTED: Family = Family {
    name: "truncated-corrected",
    summary: "truncated array multiplier with constant correction",
    paper: PAPER,
    parameters: COLUMNS,
    admits: |_, _| true,
    gates: |values, _| {
        let added = 3 * correction(values[0]).count_ones();
        gates::partial_array(|row, column| row + column >= values[0]) + added
    },
    signedness: UNSIGNED,
    product: |values, _, a, b| product(values[0], a, b) + correction(values[0]),
};

fn product(columns: u32, a: i32, b: i32) -> i32 {
    (0..8).filter(|row| b >> row & 1 == 1).map(|row| kept(a << row, columns)).sum()
}

/// The bits of `row` of weight `2^columns` and up.
fn kept(row: i32, columns: u32) -> i32 {
    row >> columns << columns
}

/// Each partial product is 1 for a quarter of the operand pairs.
fn correction(columns: u32) -> i32 {
    let all_ones = (1 << 8) - 1;
    let left_out = all_ones * all_ones - product(columns, all_ones, all_ones);
    kept(left_out / 4 + (1 << (columns - 1)), columns)
}
