//! The broken-array multiplier: cells of the carry-save array are left out by row and by column.

use super::{Family, Parameter};
use crate::kernel::Signedness;

/// The array has a row of cells for each bit of the second operand and, in row `i`, a cell of weight
/// `2^(i + j)` for each bit `j` of the first. Cells above the horizontal break (rows below `HBL`) and
/// right of the vertical one (weights below `2^VBL`) are left out.
///
/// The paper breaks an array of adder cells, whose first row has none; rows are counted here from the
/// first row of partial products, as later descriptions and libraries do.
pub(super) static BROKEN_ARRAY: Family = Family {
    name: "broken-array",
    summary: "broken-array multiplier (BAM)",
    paper: "H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas: Bio-inspired imprecise computational blocks for \
            efficient VLSI implementation of soft-computing applications, IEEE Trans. Circuits and Systems I 57(4), 2010",
    parameters: &[
        Parameter { prefix: "h", meaning: "horizontal break level", least: 0, greatest: 7 },
        Parameter { prefix: "v", meaning: "vertical break level", least: 0, greatest: 14 },
    ],
    signedness: &[Signedness::Unsigned],
    product: |values, _, a, b| product(values[0], values[1], a, b),
};

fn product(horizontal: u32, vertical: u32, a: i32, b: i32) -> i32 {
    let rows = (horizontal..8).filter(|row| b >> row & 1 == 1);
    rows.map(|row| (a << row) >> vertical << vertical).sum()
}
