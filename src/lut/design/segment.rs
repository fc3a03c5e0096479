//! Segment methods: a small exact multiplier over one segment of each operand.

use super::{Family, Parameter, UNSIGNED, gates, leading_one};

const PAPER: &str = "S. Narayanamoorthy, H. A. Moghaddam, Z. Liu, T. Park, N. S. Kim: Energy-efficient approximate \
                     multiplication for digital signal processing and classification applications, IEEE Trans. VLSI \
                     Systems 23(6), 2015";

/// The segment of `m` bits starts at the leading one; what is below is cut off.
pub(super) static DSM: Family = Family {
    name: "dsm",
    summary: "dynamic segment method (DSM)",
    paper: PAPER,
    parameters: &[Parameter { prefix: "", meaning: "bits of a segment", least: 3, greatest: 7 }],
    admits: |_, _| true,
    gates: |values, _| segment_gates(values[0]) + gates::array(values[0], values[0]),
    signedness: UNSIGNED,
    product: |values, _, a, b| {
        let m = values[0];
        let start = |operand: i32| if operand == 0 { 0 } else { (leading_one(operand) + 1).saturating_sub(m) };
        segment(a, start(a)) * segment(b, start(b))
    },
};

/// The segment of `m` bits is the upper one when that has a one, else the lower one.
pub(super) static SSM: Family = Family {
    name: "ssm",
    summary: "static segment method (SSM)",
    paper: PAPER,
    parameters: &[Parameter { prefix: "", meaning: "bits of a segment", least: 4, greatest: 7 }],
    admits: |_, _| true,
    gates: |values, _| {
        let m = values[0];
        2 * (8 - m) + gates::array(m, m) + (2 * m + 2 * 16) * gates::MULTIPLEXER
    },
    signedness: UNSIGNED,
    product: |values, _, a, b| {
        let m = values[0];
        let start = |operand: i32| if operand >> m == 0 { 0 } else { 8 - m };
        segment(a, start(a)) * segment(b, start(b))
    },
};

/// Segments of 4 bits that start at bit 4, 2 or 0, the lowest that holds the leading one.
pub(super) static ESSM: Family = Family {
    name: "essm",
    summary: "enhanced static segment method (ESSM)",
    paper: PAPER,
    parameters: &[],
    admits: |_, _| true,
    gates: |_, _| 2 * 3 + gates::array(4, 4) + 2 * gates::shifter(4, 2) + gates::shifter(16, 4),
    signedness: UNSIGNED,
    product: |_, _, a, b| {
        let start = |operand: i32| match operand {
            64.. => 4,
            16..64 => 2,
            _ => 0,
        };
        segment(a, start(a)) * segment(b, start(b))
    },
};

/// The gates that select segments of `m` bits at the leading ones and put their product in its place.
pub(super) fn segment_gates(m: u32) -> u32 {
    2 * (gates::leading_one() + gates::shifter(m, 8 - m)) + gates::shifter(16, 2 * (8 - m))
}

/// `operand` without its bits below `start`.
fn segment(operand: i32, start: u32) -> i32 {
    operand >> start << start
}
