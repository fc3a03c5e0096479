//! The error-tolerant multiplier: low halves make a run of ones instead of a product.

use super::{Family, UNSIGNED, gates};

/// Operands split into halves of 4 bits. When both high halves are 0 the low halves are multiplied
/// exactly. Else the product is that of the high halves, in the upper 8 bits, and the lower 8 bits
/// come from scanning the low halves downwards: from the first position where either has a one, all
/// bits are ones; above, zeros.
///
/// The paper scans half as many positions as there are bits to fill. Position `i` stands here for
/// product bits `2 i` and `2 i + 1`: the run of ones then is as long as the largest product of low
/// halves with that leading position.
pub(super) static ETM: Family = Family {
    name: "etm",
    summary: "error-tolerant multiplier (ETM)",
    paper: "K. Y. Kyaw, W. L. Goh, K. S. Yeo: Low-power high-speed multiplier for error-tolerant application, \
            EDSSC 2010",
    parameters: &[],
    admits: |_, _| true,
    gates: |_, _| gates::array(4, 4) + 8 + 7 + (8 + 8) * gates::MULTIPLEXER,
    signedness: UNSIGNED,
    product: |_, _, a, b| {
        let ((a_high, a_low), (b_high, b_low)) = ((a >> 4, a & 15), (b >> 4, b & 15));
        if a_high | b_high == 0 {
            return a_low * b_low;
        }
        let ones = (a_low | b_low).checked_ilog2().map_or(0, |first| (1 << (2 * first + 2)) - 1);
        (a_high * b_high) << 8 | ones
    },
};
