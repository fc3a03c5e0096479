//! DRUM: a small exact multiplier over the leading bits, the last of them set to 1 against bias.

use super::segment::segment_gates;
use super::{BOTH, Family, Parameter, by_magnitude, gates, leading_one};

/// Operands of `k` bits or fewer are exact; of longer ones, the `k` bits from the leading one on are
/// kept, the lowest of them set to 1: the expected value of what is cut off. Signed operands go
/// through as magnitudes.
pub(super) static DRUM: Family = Family {
    name: "drum",
    summary: "dynamic range unbiased multiplier (DRUM)",
    paper: "S. Hashemi, R. I. Bahar, S. Reda: DRUM: a dynamic range unbiased multiplier for approximate \
            applications, ICCAD 2015",
    parameters: &[Parameter { prefix: "", meaning: "bits kept", least: 3, greatest: 7 }],
    admits: |_, _| true,
    gates: |values, signedness| {
        segment_gates(values[0]) + gates::array(values[0], values[0]) + gates::magnitudes(signedness)
    },
    signedness: BOTH,
    product: |values, signedness, a, b| by_magnitude(signedness, a, b, |a, b| product(values[0], a, b)),
};

fn product(kept: u32, a: i32, b: i32) -> i32 {
    segment(kept, a) * segment(kept, b)
}

fn segment(kept: u32, operand: i32) -> i32 {
    if operand < 1 << kept {
        return operand;
    }
    let cut = leading_one(operand) + 1 - kept;
    (operand >> cut | 1) << cut
}
