//! The two operands of a multiplier.

use std::fmt;

/// One of a multiplier's operands: `lut[activation][weight]` in every layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// The first.
    Activation,
    /// The second.
    Weight,
}

impl Operand {
    /// Both, in order.
    pub const ALL: [Operand; 2] = [Operand::Activation, Operand::Weight];

    /// The part of a pair, such as [`Lut::bits`](super::Lut::bits), that belongs to this operand.
    pub fn select<T>(self, [activation, weight]: [T; 2]) -> T {
        match self {
            Operand::Activation => activation,
            Operand::Weight => weight,
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.select(["activation", "weight"]))
    }
}
