//! Logarithmic multipliers: logarithms linear between powers of two are added.

use super::{Family, UNSIGNED, gates, leading_one, mantissa};

/// With `a = 2^i (1 + x)` and `b = 2^j (1 + y)`, the product is `2^(i + j) (1 + x + y)` where
/// `x + y < 1` and `2^(i + j + 1) (x + y)` elsewhere. Fractions are kept whole, so that the result is
/// an integer. Zero operands give zero.
pub(super) static MITCHELL: Family = Family {
    name: "mitchell",
    summary: "Mitchell's logarithmic multiplier",
    paper: "J. N. Mitchell: Computer multiplication and division using binary logarithms, \
            IRE Trans. Electronic Computers EC-11(4), 1962",
    parameters: &[],
    admits: |_, _| true,
    gates: |_, _| gates::mitchell(),
    signedness: UNSIGNED,
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

/// Mitchell's multiplier plus a constant against its bias, added before the output is scaled: 5/64
/// (for 1/12, the mean of what is missing) where `x + y < 1`, else half of that. Where that would
/// overflow 16 bits it is left out, as in the paper; how the paper keeps the constant's bits in small
/// products is not told, and they are cut off here as the output shifter does.
pub(super) static MBM: Family = Family {
    name: "mbm",
    summary: "minimally biased multiplier (MBM)",
    paper: "H. Saadat, H. Bokhari, S. Parameswaran: Minimally biased multipliers for approximate integer and \
            floating-point multiplication, IEEE Trans. CAD 37(11), 2018",
    parameters: &[],
    admits: |_, _| true,
    gates: |_, _| gates::mitchell() + gates::adder(7) + 4 * gates::MULTIPLEXER,
    signedness: UNSIGNED,
    product: |_, _, a, b| {
        if a == 0 || b == 0 {
            return 0;
        }
        let ((i, x), (j, y)) = (mantissa(a), mantissa(b));
        let sum = x + y;
        let corrected = if sum < 128 { (128 + sum + 10) << (i + j) >> 7 } else { (sum + 5) << (i + j + 1) >> 7 };
        if corrected > 0xffff { product(a, b) } else { corrected }
    },
};
