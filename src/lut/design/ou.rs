//! OU: the product of two fractions as the plane nearest to it, cell by cell.

use super::{Family, Parameter, UNSIGNED, gates, mantissa};

/// Fractions in `[1, 2)` are split into `2^l` equal cells; with `p` and `q` the midpoints of the cells
/// of `x` and `y`, their product is `p y + q x - p q`, the plane of least squared error in the cell
/// (`1.5 x + 1.5 y - 2.25` at level 0). The paper's multiplier is for floating point; here it
/// multiplies the fractions of integers, and bits below the product's units are cut off. Zero
/// operands give zero.
pub(super) static OU: Family = Family {
    name: "ou",
    summary: "optimally approximated unbiased multiplier (OU)",
    paper: "C. Chen, S. Yang, W. Qian, M. Imani, X. Yin, C. Zhuo: Optimally approximated and unbiased floating-point \
            multiplier with runtime configurability, ICCAD 2020",
    parameters: &[Parameter { prefix: "", meaning: "level", least: 0, greatest: 3 }],
    admits: |_, _| true,
    gates: |values, _| gates::mantissas(7) + (3 + 2 * values[0]) * gates::adder(9) + gates::shifter(16, 14),
    signedness: UNSIGNED,
    product: |values, _, a, b| product(values[0], a, b),
};

fn product(level: u32, a: i32, b: i32) -> i32 {
    if a == 0 || b == 0 {
        return 0;
    }
    // Fractions with their leading one, in units of 2^-7.
    let ((i, x), (j, y)) = (mantissa(a), mantissa(b));
    let (x, y) = (128 + x, 128 + y);
    let width = 7 - level;
    let midpoint = |fraction: i32| fraction >> width << width | 1 << (width - 1);
    let (p, q) = (midpoint(x), midpoint(y));
    (p * y + q * x - p * q) << (i + j) >> 14
}
