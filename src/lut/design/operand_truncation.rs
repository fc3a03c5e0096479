//! Operand truncation: the lowest bits of the operands are not multiplied.

use super::{BOTH, Family, Parameter, gates};

/// The lowest `a` bits of the first operand and the lowest `b` bits of the second are taken as zeros:
/// `2^(a + b) (first >> a) (second >> b)`, the shifts being arithmetic, so that signed operands are rounded down.
///
/// Six of the signed members are circuits of EvoApproxLib to the last product: `mul8s_1KR8` (a1-b0), `1KTY` (a3-b0),
/// `1KR3` (a6-b0), `1L2H` (a1-b1), `1L2D` (a2-b2) and `1L1G` (a3-b3), whose figures the
/// [catalogue](crate::lut::catalogue) has.
pub(super) static OPERAND_TRUNCATION: Family = Family {
    name: "operand-truncation",
    summary: "array multiplier of truncated operands",
    paper: "V. Mrazek, Z. Vasicek, L. Sekanina, H. Jiang, J. Han: Scalable construction of approximate multipliers with \
            formally guaranteed worst case error, IEEE Trans. VLSI Systems 26(11), 2018 (the library's circuits)",
    parameters: &[
        Parameter { prefix: "a", meaning: "bits of the first operand cut off", least: 0, greatest: 7 },
        Parameter { prefix: "b", meaning: "bits of the second operand cut off", least: 0, greatest: 7 },
    ],
    admits: |values, _| values[0] + values[1] > 0,
    gates: |values, _| gates::partial_array(|row, column| column >= values[0] && row >= values[1]),
    signedness: BOTH,
    product: |values, _, a, b| ((a >> values[0]) * (b >> values[1])) << (values[0] + values[1]),
};
