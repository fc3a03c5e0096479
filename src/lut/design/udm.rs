//! The underdesigned multiplier: 2x2 blocks that give 3 * 3 = 7, in a tree of exact additions.

use super::{Family, UNSIGNED, gates};

/// An operand of `2 n` bits is split into halves; the four half products are added exactly, down to
/// blocks of 2 bits, of which the one case of three bits' product fits them by being 7.
pub(super) static UDM: Family = Family {
    name: "udm",
    summary: "underdesigned multiplier of 2x2 blocks (UDM)",
    paper: "P. Kulkarni, P. Gupta, M. Ercegovac: Trading accuracy for power with an underdesigned multiplier \
            architecture, VLSI Design 2011",
    parameters: &[],
    admits: |_, _| true,
    gates: |_, _| 16 * 5 + gates::sum(48, 16),
    signedness: UNSIGNED,
    product: |_, _, a, b| product(8, a, b),
};

fn product(bits: u32, a: i32, b: i32) -> i32 {
    if bits == 2 {
        return if (a, b) == (3, 3) { 7 } else { a * b };
    }
    let half = bits / 2;
    let split = |operand: i32| (operand >> half, operand & ((1 << half) - 1));
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let part = |a, b| product(half, a, b);
    (part(a_high, b_high) << bits) + ((part(a_high, b_low) + part(a_low, b_high)) << half) + part(a_low, b_low)
}
