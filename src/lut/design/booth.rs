//! Radix-4 Booth multipliers with approximate encoders in the low columns.

use super::{Family, Parameter, gates};
use crate::kernel::Signedness;

const PAPER: &str = "W. Liu, L. Qian, C. Wang, H. Jiang, J. Han, F. Lombardi: Design of approximate radix-4 Booth \
                     multipliers for error-tolerant computing, IEEE Trans. Computers 66(8), 2017";

const COLUMNS: &[Parameter] = &[Parameter { prefix: "", meaning: "approximate columns", least: 1, greatest: 15 }];

/// Bits of partial products are `(b1 xor b0) (b2 xor a_j)`, with `b2 b1 b0` the digit's bits: right
/// for the digits 0, 1 and -1, and no bits at all for 2 and -2. 4 of 32 entries differ from exact ones.
///
/// Of the paper's two changes to a Booth multiplier, the encoder is taken; the array of rows with
/// their sign corrections and its sum are exact.
pub(super) static R4ABM1: Family = Family {
    name: "r4abm1",
    summary: "approximate radix-4 Booth multiplier with encoder R4ABE1",
    paper: PAPER,
    parameters: COLUMNS,
    admits: |_, _| true,
    gates: |values, _| booth_gates(values[0], 3),
    signedness: &[Signedness::Signed],
    product: |values, _, a, b| product(values[0], a, b, |[b2, b1, b0], a_j| (b1 ^ b0) & (b2 ^ a_j)),
};

/// Bits of partial products are `b2 xor a_j`: 8 of 32 entries differ from exact ones.
pub(super) static R4ABM2: Family = Family {
    name: "r4abm2",
    summary: "approximate radix-4 Booth multiplier with encoder R4ABE2",
    paper: PAPER,
    parameters: COLUMNS,
    admits: |_, _| true,
    gates: |values, _| booth_gates(values[0], 2),
    signedness: &[Signedness::Signed],
    product: |values, _, a, b| product(values[0], a, b, |[b2, _, _], a_j| b2 ^ a_j),
};

/// The gates of the digits' encoders, of 4 rows of 9 bits at 5 gates each, or `bit` where they are
/// approximate, and of the sum of these, the signs' completions and a constant.
fn booth_gates(approximate: u32, bit: u32) -> u32 {
    let is_approximate = |cell: &u32| 2 * (cell / 9) + cell % 9 < approximate;
    let bits: u32 = (0..36).map(|cell| if is_approximate(&cell) { bit } else { 5 }).sum();
    4 * 7 + bits + gates::sum(36 + 4 + 4, 16)
}

/// Adds the four rows of digits of `b`, bits in columns below `approximate` by the given encoder.
fn product(approximate: u32, a: i32, b: i32, encoder: fn([i32; 3], i32) -> i32) -> i32 {
    let bit = |operand: i32, position: u32| operand >> position & 1;
    let row = |i: u32| {
        let below = if i == 0 { 0 } else { bit(b, 2 * i - 1) };
        let digit @ [b2, b1, b0] = [bit(b, 2 * i + 1), bit(b, 2 * i), below];
        let exact = |j: u32| {
            let previous = if j == 0 { 0 } else { bit(a, j - 1) };
            let (one, two) = (b1 ^ b0, (b1 ^ b2) & (b1 ^ b0 ^ 1));
            one & (b2 ^ bit(a, j)) | two & (b2 ^ previous)
        };
        let row_bit = |j: u32| if 2 * i + j < approximate { encoder(digit, bit(a, j)) } else { exact(j) };
        // Bits 0 to 8, the last of weight -2^8: the sign of up to twice the operand.
        let bits = (0..8).map(|j| row_bit(j) << j).sum::<i32>() - (row_bit(8) << 8);
        // Rows of negative digits are inverted; this completes the two's complement.
        let negative = b2 & (1 ^ (b1 & b0));
        (bits + negative) << (2 * i)
    };
    (0..4).map(row).sum()
}
