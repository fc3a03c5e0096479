//! Multipliers around adders whose lower part is approximate.
//!
//! Such an adder is exact from bit `m` on. Its lower `m` bits and the carry that they send up are
//! made without a carry chain, in one of three ways.

use super::{Family, Parameter, UNSIGNED, gates, mantissa};

/// How the lower part of a sum is made.
#[derive(Clone, Copy)]
enum LowerPart {
    /// Or of the operands' bits; the carry is the and of their highest (lower-part or adder, LOA).
    Or,
    /// All ones; the same carry (set-one adder, SOA).
    SetOne,
    /// The second operand's bits; the carry is the first one's highest (MAA3: approximate mirror
    /// adders whose sum is one input and whose carry the other).
    Copy,
}

/// `a + b` with `lower` bits (at least 1) made without a carry chain.
fn add(part: LowerPart, lower: u32, a: i32, b: i32) -> i32 {
    let (mask, top) = ((1 << lower) - 1, lower - 1);
    let (low, carry) = match part {
        LowerPart::Or => ((a | b) & mask, (a & b) >> top & 1),
        LowerPart::SetOne => (mask, (a & b) >> top & 1),
        LowerPart::Copy => (b & mask, a >> top & 1),
    };
    ((a >> lower) + (b >> lower) + carry) << lower | low
}

/// The gates of an adder of `bits` bits, `lower` of them ors with an and for the carry.
fn or_adder(bits: u32, lower: u32) -> u32 {
    gates::adder(bits - lower) + lower + 1
}

const MAHDIANI: &str = "H. R. Mahdiani, A. Ahmadi, S. M. Fakhraie, C. Lucas: Bio-inspired imprecise computational blocks \
                        for efficient VLSI implementation of soft-computing applications, IEEE Trans. Circuits and \
                        Systems I 57(4), 2010 (the adder)";

/// Four exact products of 4-bit halves; the two middle ones are added by a lower-part or adder, the
/// rest exactly. The paper defines the adder; where it stands is this design's choice, as the middle
/// sum is the one addition that all recursive multipliers share.
pub(super) static RECURSIVE: Family = Family {
    name: "recursive-loa",
    summary: "recursive multiplier of 4x4 blocks with a lower-part or adder (LOA) for the middle sum",
    paper: MAHDIANI,
    parameters: &[Parameter { prefix: "", meaning: "lower bits", least: 1, greatest: 8 }],
    admits: |_, _| true,
    gates: |values, _| 4 * gates::array(4, 4) + or_adder(8, values[0]) + gates::adder(9) + 3 * 3,
    signedness: UNSIGNED,
    product: |values, _, a, b| {
        let ((a_high, a_low), (b_high, b_low)) = ((a >> 4, a & 15), (b >> 4, b & 15));
        let middle = add(LowerPart::Or, values[0], a_high * b_low, a_low * b_high);
        ((a_high * b_high) << 8) + (middle << 4) + a_low * b_low
    },
};

const LIU: &str = "W. Liu, J. Xu, D. Wang, C. Wang, P. Montuschi, F. Lombardi: Design and evaluation of approximate \
                   logarithmic multipliers for low power error-tolerant applications, IEEE Trans. Circuits and \
                   Systems I 65(9), 2018";

const LOWER_BITS: &[Parameter] = &[Parameter { prefix: "", meaning: "lower bits of the adder", least: 1, greatest: 6 }];

/// Mitchell's multiplier with a set-one adder for the logarithms.
pub(super) static ALM_SOA: Family = Family {
    name: "alm-soa",
    summary: "approximate logarithmic multiplier with a set-one adder (ALM-SOA)",
    paper: LIU,
    parameters: LOWER_BITS,
    admits: |_, _| true,
    gates: |values, _| gates::mitchell() + 1 - gates::adder(values[0]),
    signedness: UNSIGNED,
    product: |values, _, a, b| logarithmic(LowerPart::SetOne, values[0], a, b),
};

/// Mitchell's multiplier with a lower-part or adder for the logarithms.
pub(super) static ALM_LOA: Family = Family {
    name: "alm-loa",
    summary: "approximate logarithmic multiplier with a lower-part or adder (ALM-LOA)",
    paper: LIU,
    parameters: LOWER_BITS,
    admits: |_, _| true,
    gates: |values, _| gates::mitchell() + values[0] + 1 - gates::adder(values[0]),
    signedness: UNSIGNED,
    product: |values, _, a, b| logarithmic(LowerPart::Or, values[0], a, b),
};

/// Mitchell's multiplier with approximate mirror adders for the logarithms' lower bits.
pub(super) static ALM_MAA: Family = Family {
    name: "alm-maa",
    summary: "approximate logarithmic multiplier with approximate mirror adders (ALM-MAA3)",
    paper: LIU,
    parameters: LOWER_BITS,
    admits: |_, _| true,
    gates: |values, _| gates::mitchell() - gates::adder(values[0]),
    signedness: UNSIGNED,
    product: |values, _, a, b| logarithmic(LowerPart::Copy, values[0], a, b),
};

/// The antilogarithm of the approximate sum of logarithms with fractions of 7 bits. Fraction bits
/// below the product's units are cut off, as the output shifter does. Zero operands give zero.
fn logarithmic(part: LowerPart, lower: u32, a: i32, b: i32) -> i32 {
    if a == 0 || b == 0 {
        return 0;
    }
    let ((i, x), (j, y)) = (mantissa(a), mantissa(b));
    let log = add(part, lower, (i as i32) << 7 | x, (j as i32) << 7 | y);
    (128 + (log & 127)) << (log >> 7) >> 7
}
