//! The product table of an 8x8-bit multiplier.

use crate::kernel::Signedness;

/// The complete product table of a multiplier: `lut[a][b]`, with `a` the first operand (the
/// activation) and `b` the second (the weight).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lut {
    name: String,
    signedness: Signedness,
    /// In numeric order of both operands, first operand major.
    products: Box<[i32]>,
}

impl Lut {
    /// Tabulates `product(a, b)` over all operand values.
    pub fn from_fn(name: &str, signedness: Signedness, mut product: impl FnMut(i32, i32) -> i32) -> Self {
        let range = operands(signedness);
        let products = range.clone().flat_map(|a| range.clone().map(move |b| (a, b)));
        Lut { name: name.to_owned(), signedness, products: products.map(|(a, b)| product(a, b)).collect() }
    }

    /// The name that reports use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether operands are signed (-128 to 127) or unsigned (0 to 255).
    pub fn signedness(&self) -> Signedness {
        self.signedness
    }

    /// The product of operand values `a` and `b`.
    ///
    /// # Panics
    /// When an operand is outside the multiplier's range.
    pub fn product(&self, a: i32, b: i32) -> i32 {
        let first = *operands(self.signedness).start();
        let index = |operand: i32| usize::try_from(operand - first).ok().filter(|&i| i < 256);
        let (Some(a), Some(b)) = (index(a), index(b)) else { panic!("operands {a} and {b} of {:?}", self.signedness) };
        self.products[a << 8 | b]
    }

    /// The same multiplier with its operands exchanged.
    #[must_use]
    pub fn transposed(&self) -> Lut {
        Lut::from_fn(&self.name, self.signedness, |a, b| self.product(b, a))
    }
}

/// The values that an operand can have.
fn operands(signedness: Signedness) -> std::ops::RangeInclusive<i32> {
    match signedness {
        Signedness::Signed => -128..=127,
        Signedness::Unsigned => 0..=255,
    }
}
