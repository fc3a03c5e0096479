//! The effective table: a multiplier and an operand coding combined into one signed table over bytes.

/// How an operand byte represents an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signedness {
    /// Two's complement, -128 to 127.
    Signed,
    /// 0 to 255.
    Unsigned,
}

impl Signedness {
    /// The integer that `byte` represents.
    pub fn value(self, byte: u8) -> i32 {
        match self {
            Signedness::Signed => i32::from(byte.cast_signed()),
            Signedness::Unsigned => i32::from(byte),
        }
    }

    /// The integers of all bytes.
    pub(super) fn values(self) -> &'static [f64; 256] {
        const fn values(first_negative: usize) -> [f64; 256] {
            let mut values = [0.0; 256];
            let mut byte = 0;
            while byte < values.len() {
                values[byte] = byte as f64 - if byte < first_negative { 0.0 } else { 256.0 };
                byte += 1;
            }
            values
        }
        static SIGNED: [f64; 256] = values(128);
        static UNSIGNED: [f64; 256] = values(256);
        match self {
            Signedness::Signed => &SIGNED,
            Signedness::Unsigned => &UNSIGNED,
        }
    }

    /// The byte of the lowest integer.
    pub(super) fn lowest(self) -> u8 {
        match self {
            Signedness::Signed => 128,
            Signedness::Unsigned => 0,
        }
    }
}

/// Signed terms over (activation byte, weight byte): what kernels sum.
///
/// ```
/// use approx_eval::kernel::{EffectiveTable, Signedness};
///
/// // A multiplier that drops the lowest bit of the activation.
/// let table = EffectiveTable::from_fn(Signedness::Unsigned, Signedness::Signed, |a, w| (a & !1) * w);
/// assert_eq!(table.term(201, (-3i8).cast_unsigned()), -600);
/// assert_eq!((table.max_abs(), table.is_exact()), (254 * 128, false));
/// // So many of its terms fit an i32 whatever the operands.
/// assert_eq!(table.safe_depth(), 66_052);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveTable {
    /// Weight-major: the 256 terms of one weight lie together.
    terms: Box<[i32]>,
    activation: Signedness,
    weight: Signedness,
    max_abs: u32,
    exact: bool,
}

impl EffectiveTable {
    /// Tabulates `term(activation, weight)` over all values of the two operands.
    pub fn from_fn(activation: Signedness, weight: Signedness, mut term: impl FnMut(i32, i32) -> i32) -> Self {
        let mut terms = Vec::with_capacity(1 << 16);
        let mut exact = true;
        for w in 0..=255u8 {
            for a in 0..=255u8 {
                let (a, w) = (activation.value(a), weight.value(w));
                let value = term(a, w);
                exact &= value == a * w;
                terms.push(value);
            }
        }
        let max_abs = terms.iter().map(|t| t.unsigned_abs()).max().unwrap_or(0);
        EffectiveTable { terms: terms.into_boxed_slice(), activation, weight, max_abs, exact }
    }

    /// The table of exact products.
    pub fn exact(activation: Signedness, weight: Signedness) -> Self {
        Self::from_fn(activation, weight, |a, w| a * w)
    }

    /// The same terms with the operands in each other's place.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let terms = (0..1 << 16).map(|i: usize| self.terms[(i & 0xff) << 8 | i >> 8]).collect();
        EffectiveTable { terms, activation: self.weight, weight: self.activation, ..*self }
    }

    /// The term of one pair of operand bytes.
    pub fn term(&self, activation: u8, weight: u8) -> i32 {
        self.terms[usize::from(weight) << 8 | usize::from(activation)]
    }

    /// The terms of one weight over all activation bytes.
    pub fn row(&self, weight: u8) -> &[i32; 256] {
        self.terms[usize::from(weight) << 8..][..256].try_into().expect("a row has 256 terms")
    }

    /// How activation bytes are read.
    pub fn activation(&self) -> Signedness {
        self.activation
    }

    /// How weight bytes are read.
    pub fn weight(&self) -> Signedness {
        self.weight
    }

    /// Whether every term is the exact product, so that an integer matrix product computes the same.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// The largest absolute term.
    pub fn max_abs(&self) -> u32 {
        self.max_abs
    }

    /// The number of terms whose sum fits an `i32` for all operands, at least 1.
    pub fn safe_depth(&self) -> usize {
        i32::MAX.unsigned_abs().checked_div(self.max_abs).map_or(usize::MAX, |depth| depth.max(1) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use Signedness::{Signed, Unsigned};

    #[test]
    fn bytes_represent_their_values() {
        for_each_case([(0, 0, 0), (127, 127, 127), (128, -128, 128), (255, -1, 255)], |(byte, signed, unsigned)| {
            assert_eq!((Signed.value(byte), Unsigned.value(byte)), (signed, unsigned));
            let at = usize::from(byte);
            assert_eq!([Signed, Unsigned].map(|sign| sign.values()[at] as i32), [signed, unsigned]);
        });
    }

    #[test]
    fn terms_are_indexed_by_activation_and_weight() {
        let table = EffectiveTable::from_fn(Unsigned, Signed, |a, w| 1000 * a + w);
        assert_eq!(table.term(200, 255), 199_999);
        assert_eq!(table.term(255, 200), 254_944);
        assert_eq!(table.row(128)[3], 2_872);
        assert_eq!(table.max_abs(), 255_127);
        assert_eq!((table.activation(), table.weight()), (Unsigned, Signed));
        let transposed = table.transposed();
        assert_eq!((transposed.activation(), transposed.weight()), (Signed, Unsigned));
        assert_eq!((transposed.term(255, 200), transposed.max_abs()), (199_999, 255_127));
        assert_eq!(transposed.transposed(), table);
    }

    #[test]
    fn exactness_is_that_of_every_term() {
        for (a, w) in [(Signed, Signed), (Signed, Unsigned), (Unsigned, Signed), (Unsigned, Unsigned)] {
            assert!(EffectiveTable::exact(a, w).is_exact());
            let flawed = EffectiveTable::from_fn(a, w, |a, w| a * w + i32::from((a, w) == (3, 127)));
            assert!(!flawed.is_exact());
        }
    }

    #[test]
    fn safe_depths() {
        // (a term, the most of them that an i32 can sum)
        let cases = [(0, usize::MAX), (1, 2_147_483_647), (65_025, 33_025), (i32::MAX, 1), (i32::MIN, 1)];
        for_each_case(cases, |(term, depth)| {
            assert_eq!(EffectiveTable::from_fn(Signed, Signed, |_, _| term).safe_depth(), depth, "term {term}");
        });
    }
}
