//! RoBA: operands rounded to powers of two, so that products are shifts.

use super::{BOTH, Family, by_magnitude, gates, leading_one};

/// With `A` and `B` the operands rounded to the nearest powers of two, `A b + B a - A B`: exact but
/// for `(A - a)(B - b)`. Operands half-way between two powers are rounded up, but for 3, which is
/// rounded to 2. Zero gives zero. Signed operands go through as magnitudes (S-RoBA).
pub(super) static ROBA: Family = Family {
    name: "roba",
    summary: "rounding-based approximate multiplier (RoBA)",
    paper: "R. Zendegani, M. Kamal, M. Bahadori, A. Afzali-Kusha, M. Pedram: RoBA multiplier: a rounding-based \
            approximate multiplier for high-speed yet energy-efficient digital signal processing, IEEE Trans. VLSI \
            Systems 25(2), 2017",
    parameters: &[],
    admits: |_, _| true,
    gates: |_, signedness| {
        let unsigned = 2 * (gates::leading_one() + 8) + 3 * gates::shifter(16, 7) + 2 * gates::adder(16);
        unsigned + gates::magnitudes(signedness)
    },
    signedness: BOTH,
    product: |_, signedness, a, b| by_magnitude(signedness, a, b, product),
};

fn product(a: i32, b: i32) -> i32 {
    let (round_a, round_b) = (rounded(a), rounded(b));
    round_a * b + round_b * a - round_a * round_b
}

fn rounded(operand: i32) -> i32 {
    match operand {
        0 => 0,
        3 => 2,
        _ => {
            let below = 1 << leading_one(operand);
            if 2 * operand >= 3 * below { 2 * below } else { below }
        }
    }
}
