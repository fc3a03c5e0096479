//! Unit-gate counts: what a design's circuit is made of, roughly.
//!
//! A two-input and, or, nand or nor counts 1, an xor 2, a multiplexer 3, a half adder 3, a full adder
//! 7; inverters and wires are free (A. Tyagi: A reduced-area scheme for carry-select adders, IEEE
//! Trans. Computers 42(10), 1993). Counts follow the designs' block diagrams with ripple-carry adders
//! and logarithmic shifters; synthesis finds better circuits for all of them, the exact one included.

use crate::kernel::Signedness;

/// A half adder.
const HALF_ADDER: u32 = 3;
/// A full adder.
pub(super) const FULL_ADDER: u32 = 7;
/// A two-to-one multiplexer of one bit.
pub(super) const MULTIPLEXER: u32 = 3;

/// The sum of `dots` bits, spread over the columns of a `width`-bit result. Each full adder takes
/// a bit away; half of the columns start with a half adder. For the 64 partial products of 8 bits this
/// is the array multiplier's 48 full and 8 half adders.
pub(super) fn sum(dots: u32, width: u32) -> u32 {
    let half_adders = (width / 2).min(dots.saturating_sub(width / 2));
    FULL_ADDER * dots.saturating_sub(width) + HALF_ADDER * half_adders
}

/// An array multiplier: its partial products and their sum.
pub(super) fn array(rows: u32, columns: u32) -> u32 {
    rows * columns + sum(rows * columns, rows + columns)
}

/// The array of those of 8x8 partial products that `is_kept` tells by row and column.
pub(super) fn partial_array(is_kept: impl Fn(u32, u32) -> bool) -> u32 {
    let kept: Vec<u32> = (0..64).filter(|cell| is_kept(cell / 8, cell % 8)).map(|cell| cell / 8 + cell % 8).collect();
    let dots = u32::try_from(kept.len()).expect("at most 64 cells");
    dots + kept.iter().min().map_or(0, |lowest| sum(dots, 16 - lowest))
}

/// A ripple-carry adder.
pub(super) fn adder(bits: u32) -> u32 {
    FULL_ADDER * bits
}

/// The position of the leading one of 8 bits: a chain that masks lower ones, and an encoder.
pub(super) fn leading_one() -> u32 {
    3 * 8
}

/// A shifter of `bits` bits by up to `most` positions.
pub(super) fn shifter(bits: u32, most: u32) -> u32 {
    let levels = u32::BITS - most.leading_zeros();
    MULTIPLEXER * bits * levels
}

/// Two operands as leading one and fraction of `bits` bits.
pub(super) fn mantissas(bits: u32) -> u32 {
    2 * (leading_one() + shifter(bits, 7))
}

/// What Mitchell's multiplier has: both mantissas of 7 bits, the addition of logarithms, and the
/// antilogarithm's shifter.
pub(super) fn mitchell() -> u32 {
    mantissas(7) + adder(10) + shifter(16, 15)
}

/// What takes signed operands to magnitudes and the product back: an exclusive or and a half adder
/// for each of their bits. Nothing for unsigned ones.
pub(super) fn magnitudes(signedness: Signedness) -> u32 {
    if signedness == Signedness::Signed { (8 + 8 + 16) * (2 + HALF_ADDER) } else { 0 }
}
