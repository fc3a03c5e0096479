//! Partial product perforation: some rows of the array are not formed.

use super::{BOTH, Family, Parameter, gates};
use crate::kernel::Signedness;

/// The `k` rows of partial products from row `j` on, those of bits `j` to `j + k - 1` of the second
/// operand, are left out, without the paper's optional correction. The row of a signed operand's sign
/// stays.
pub(super) static PERFORATED: Family = Family {
    name: "perforated",
    summary: "partial product perforation",
    paper: "G. Zervakis, K. Tsoumanis, S. Xydis, D. Soudris, K. Pekmestzi: Design-efficient approximate \
            multiplication circuits through partial product perforation, IEEE Trans. VLSI Systems 24(10), 2016",
    parameters: &[
        Parameter { prefix: "j", meaning: "first row left out", least: 0, greatest: 7 },
        Parameter { prefix: "k", meaning: "rows left out", least: 1, greatest: 7 },
    ],
    admits: |values, signedness| values[0] + values[1] <= if signedness == Signedness::Signed { 7 } else { 8 },
    gates: |values, _| gates::partial_array(|row, _| !(values[0]..values[0] + values[1]).contains(&row)),
    signedness: BOTH,
    product: |values, _, a, b| a * (b & !(((1 << values[1]) - 1) << values[0])),
};
