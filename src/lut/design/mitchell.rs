//! Mitchell's logarithmic multiplier: logarithms linear between powers of two are added.

use super::{Family, leading_one};
use crate::kernel::Signedness;

/// With `a = 2^i (1 + x)` and `b = 2^j (1 + y)`, the product is `2^(i + j) (1 + x + y)` where
/// `x + y < 1` and `2^(i + j + 1) (x + y)` elsewhere. Fractions are kept whole, so that the result is
/// an integer. Zero operands give zero.
pub(super) static MITCHELL: Family = Family {
    name: "mitchell",
    summary: "Mitchell's logarithmic multiplier",
    paper: "J. N. Mitchell: Computer multiplication and division using binary logarithms, \
            IRE Trans. Electronic Computers EC-11(4), 1962",
    parameters: &[],
    signedness: &[Signedness::Unsigned],
    product: |_, _, a, b| product(a, b),
};

fn product(a: i32, b: i32) -> i32 {
    if a == 0 || b == 0 {
        return 0;
    }
    let (i, j) = (leading_one(a), leading_one(b));
    let one = 1 << (i + j);
    // x + y, in units of 2^-(i + j).
    let fractions = ((a - (1 << i)) << j) + ((b - (1 << j)) << i);
    if fractions < one { one + fractions } else { 2 * fractions }
}
