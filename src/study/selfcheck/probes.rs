//! Multipliers that bring about every way in which a layer's products can be summed.
//!
//! A user's multiplier is summed in one way on one processor; a fault in another way would show on another processor
//! or for the next multiplier. None of these tables but the first is symmetric.

use crate::kernel::Signedness;
use crate::lut::Lut;

/// Multipliers of 8-bit operands of this signedness.
pub fn probes(signedness: Signedness) -> Vec<Lut> {
    let lut = |name, product: &dyn Fn(i32, i32) -> i32| Lut::from_fn(name, signedness, product);
    vec![
        // Multiplied as exact products are.
        lut("probe of exact products", &|a, b| a * b),
        // One product of mapped operands.
        lut("probe of rounded operands", &|a, b| (a & !3) * (b & !1)),
        // Several such products.
        lut("probe of dropped partial products", &|a, b| a * b - (a & 3) * (b & 1) - (a & 1) * (b & 6)),
        // Exact products, and small errors that are looked up.
        lut("probe of small errors", &|a, b| a * b + (scrambled(a, b) & 15) as i32),
        // Nothing but look-ups, in two planes of bytes, ...
        lut("probe of any products", &|a, b| (scrambled(a, b) & 0xffff) as i32 - 0x8000),
        // ... and in more, with sums that outgrow 32 bits.
        lut("probe of large products", &|a, b| (scrambled(a, b) & 0x7f_ffff) as i32 - 0x40_0000),
    ]
}

/// A number without a pattern for each pair of operands.
fn scrambled(a: i32, b: i32) -> u32 {
    let mixed = (a as u32 & 0xff).wrapping_mul(0x9e37_79b1) ^ (b as u32 & 0xff).wrapping_mul(0x85eb_ca77);
    let mixed = (mixed ^ mixed >> 15).wrapping_mul(0x2c1b_3c6d);
    (mixed ^ mixed >> 12).wrapping_mul(0x297a_2d39) >> 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_cannot_be_exchanged_unnoticed() {
        for signedness in [Signedness::Signed, Signedness::Unsigned] {
            for probe in &probes(signedness)[1..] {
                assert!(!probe.is_symmetric(), "{}", probe.name());
            }
        }
    }
}
