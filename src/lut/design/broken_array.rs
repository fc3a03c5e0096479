//! The broken-array multiplier: cells of the carry-save array are left out by row and by column.

use super::{BOTH, Family, Parameter, gates};
use crate::kernel::Signedness;

/// The array has a row of cells for each bit of the second operand and, in row `i`, a cell of weight
/// `2^(i + j)` for each bit `j` of the first. Cells above the horizontal break (rows below `HBL`) and
/// right of the vertical one (weights below `2^VBL`) are left out.
///
/// The paper breaks an array of adder cells, whose first row has none; rows are counted here from the
/// first row of partial products, as later descriptions and libraries do. Cells that work on signs are
/// never left out of signed multipliers.
pub(super) static BROKEN_ARRAY: Family = Family {
    name: "broken-array",
    summary: "broken-array multiplier (BAM)",
    paper: "H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas: Bio-inspired imprecise computational blocks for \
            efficient VLSI implementation of soft-computing applications, IEEE Trans. Circuits and Systems I 57(4), 2010",
    parameters: &[
        Parameter { prefix: "h", meaning: "horizontal break level", least: 0, greatest: 7 },
        Parameter { prefix: "v", meaning: "vertical break level", least: 0, greatest: 14 },
    ],
    admits: |_, _| true,
    gates: |values, signedness| gates::partial_array(|row, column| is_kept(values, signedness, row, column)),
    signedness: BOTH,
    product: |values, signedness, a, b| {
        let cells = (0..8).flat_map(|row| (0..8).map(move |column| (row, column)));
        let left_out = cells.filter(|&(row, column)| !is_kept(values, signedness, row, column));
        a * b - left_out.map(|(row, column)| (a >> column & b >> row & 1) << (row + column)).sum::<i32>()
    },
};

/// Whether the cell of bit `row` of the second operand and bit `column` of the first is there.
fn is_kept(values: &[u32], signedness: Signedness, row: u32, column: u32) -> bool {
    let is_of_sign = signedness == Signedness::Signed && (row == 7 || column == 7);
    is_of_sign || (row >= values[0] && row + column >= values[1])
}

/// The array has a row of cells for each bit of the first operand. Rows below `h` are left out whole, cells on signs too, so
/// that the operand is rounded down; of the others' cells, those of weights below `2^v` are left out, but none on signs. With
/// `v` at most `h` it is operand truncation.
///
/// Three members are circuits of EvoApproxLib to the last product: `mul8s_1KR6` (h1-v3), `1KRC` (h1-v4) and `1KVL` (h2-v5).
pub(super) static BROKEN_ROWS: Family = Family {
    name: "broken-rows",
    summary: "broken-array multiplier of a truncated operand",
    paper: "V. Mrazek, Z. Vasicek, L. Sekanina, H. Jiang, J. Han: Scalable construction of approximate multipliers with \
            formally guaranteed worst case error, IEEE Trans. VLSI Systems 26(11), 2018 (the library's circuits)",
    parameters: &[
        Parameter { prefix: "h", meaning: "rows left out", least: 1, greatest: 6 },
        Parameter { prefix: "v", meaning: "vertical break level", least: 2, greatest: 12 },
    ],
    admits: |values, _| values[1] > values[0],
    gates: |values, _| {
        gates::partial_array(|row, column| row >= values[0] && (row == 7 || column == 7 || row + column >= values[1]))
    },
    signedness: &[Signedness::Signed],
    product: |values, _, a, b| {
        let (h, v) = (values[0], values[1]);
        let left_out =
            (h..7).flat_map(|row| (0..7).map(move |column| (row, column))).filter(|(row, column)| row + column < v);
        (a >> h << h) * b - left_out.map(|(row, column)| (a >> row & b >> column & 1) << (row + column)).sum::<i32>()
    },
};
