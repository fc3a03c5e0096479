//! SDLC: clusters of rows compressed by or gates, shorter in clusters of greater significance.

use super::{Family, Parameter, UNSIGNED, gates};

/// The rows of partial products, one for each bit of the first operand, form clusters of `d` rows. In a cluster, the
/// bits of a column become one by an or gate; of the columns with more than one bit, cluster `j`, counted from 0, keeps the `j`
/// highest as they are. What is left is added exactly.
///
/// That clusters of three and four rows are shortened as those of two is the reading here.
pub(super) static SDLC: Family = Family {
    name: "sdlc",
    summary: "bit significance-driven logic compression (SDLC)",
    paper: "I. Qiqieh, R. Shafik, G. Tarawneh, D. Sokolov, A. Yakovlev: Energy-efficient approximate multiplier design using \
            bit significance-driven logic compression, DATE 2017",
    parameters: &[Parameter { prefix: "", meaning: "rows of a cluster", least: 2, greatest: 4 }],
    admits: |_, _| true,
    gates: |values, _| {
        let (mut ors, mut dots) = (0, 0);
        for (column, bits, is_compressed) in columns(values[0], 0xff, 0xff) {
            debug_assert!(column < 15);
            let bits = bits.count_ones();
            (ors, dots) = if is_compressed { (ors + bits - 1, dots + 1) } else { (ors, dots + bits) };
        }
        64 + ors + gates::sum(dots, 16)
    },
    signedness: UNSIGNED,
    product: |values, _, a, b| {
        let weighted = |(column, bits, is_compressed): (u32, u32, bool)| {
            let ones = bits.count_ones();
            (if is_compressed { ones.min(1) } else { ones }) << column
        };
        columns(values[0], a, b).map(weighted).sum::<u32>() as i32
    },
};

/// The columns of every cluster of `depth` rows: their places, their bits, one after another, and whether these become one.
fn columns(depth: u32, a: i32, b: i32) -> impl Iterator<Item = (u32, u32, bool)> {
    (0..8u32.div_ceil(depth)).flat_map(move |cluster| {
        let (first, end) = (cluster * depth, (cluster * depth + depth).min(8));
        // Columns `first + 1` to `end + 5` have more than one bit.
        let kept = end + 6 - cluster;
        (first..end + 7).map(move |column| {
            let rows = (first..end).filter(|row| (*row..row + 8).contains(&column));
            let bits = rows.map(|row| ((a >> row & b >> (column - row) & 1) as u32) << (row - first)).sum();
            (column, bits, column < kept)
        })
    })
}
