//! TOSAM: fractions truncated in the sum and rounded in their product.

use super::{Family, Parameter, UNSIGNED, gates, mantissa};

/// With `a = 2^i (1 + x)` and `b = 2^j (1 + y)`, the product is `2^(i + j) (1 + x' + y' + x" y")`:
/// `x'` and `y'` are cut off after `t` bits, `x"` and `y"` after `h` bits, where a 1 is appended. Bits
/// below the product's units are cut off. Zero operands give zero.
pub(super) static TOSAM: Family = Family {
    name: "tosam",
    summary: "truncation- and rounding-based scalable approximate multiplier (TOSAM)",
    paper: "S. Vahdat, M. Kamal, A. Afzali-Kusha, M. Pedram: TOSAM: an energy-efficient truncation- and \
            rounding-based scalable approximate multiplier, IEEE Trans. VLSI Systems 27(5), 2019",
    parameters: &[
        Parameter { prefix: "h", meaning: "fraction bits in the product", least: 0, greatest: 5 },
        Parameter { prefix: "t", meaning: "fraction bits in the sum", least: 2, greatest: 7 },
    ],
    admits: |values, _| values[0] < values[1],
    gates: |values, _| {
        let (h, t) = (values[0], values[1]);
        gates::mantissas(t) + gates::array(h + 1, h + 1) + 2 * gates::adder(t) + gates::shifter(16, 14)
    },
    signedness: UNSIGNED,
    product: |values, _, a, b| product(values[0], values[1], a, b),
};

fn product(h: u32, t: u32, a: i32, b: i32) -> i32 {
    if a == 0 || b == 0 {
        return 0;
    }
    let ((i, x), (j, y)) = (mantissa(a), mantissa(b));
    let truncated = |fraction: i32| fraction >> (7 - t) << (7 - t);
    // In units of 2^-(h + 1).
    let midpoint = |fraction: i32| fraction >> (7 - h) << 1 | 1;
    // In units of 2^-14.
    let sum = (128 + truncated(x) + truncated(y)) << 7;
    let product = (midpoint(x) * midpoint(y)) << (14 - 2 * (h + 1));
    (sum + product) << (i + j) >> 14
}
