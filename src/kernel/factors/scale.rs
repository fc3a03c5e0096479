//! Scales of terms modulo 2^32.

/// A number of which only the residue modulo 2^32 matters: a power of two times an odd number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    odd: u32,
    twos: u32,
}

impl Scale {
    pub(super) const ONE: Scale = Scale { odd: 1, twos: 0 };

    /// `None` of 0.
    pub(super) fn new(value: i128) -> Option<Self> {
        (value != 0).then(|| Scale { odd: (value >> value.trailing_zeros()) as u32, twos: value.trailing_zeros() })
    }

    /// `None` for a factor of 0.
    pub(super) fn times(self, factor: i128) -> Option<Self> {
        let factor = Scale::new(factor)?;
        Some(Scale { odd: self.odd.wrapping_mul(factor.odd), twos: self.twos + factor.twos })
    }

    /// `None` where the divisor has more factors of two.
    pub(super) fn over(self, divisor: i128) -> Option<Self> {
        let divisor = Scale::new(divisor)?;
        let twos = self.twos.checked_sub(divisor.twos)?;
        Some(Scale { odd: self.odd.wrapping_mul(inverse(divisor.odd)), twos })
    }

    /// Times a power of two.
    pub(super) fn shifted(self, twos: u32) -> Self {
        Scale { twos: self.twos + twos, ..self }
    }

    pub(super) fn negated(self) -> Self {
        Scale { odd: self.odd.wrapping_neg(), ..self }
    }

    /// The factor that makes `divisor` this scale, modulo 2^32; `None` where the divisor has more factors of two.
    pub(super) fn ratio(self, divisor: Self) -> Option<i32> {
        let twos = self.twos.checked_sub(divisor.twos)?;
        Some(Scale { odd: self.odd.wrapping_mul(inverse(divisor.odd)), twos }.value())
    }

    /// How many times it is divisible by two; 0 modulo 2^32 from 32 on.
    pub(super) fn twos(self) -> u32 {
        self.twos
    }

    /// The residue between -2^31 and 2^31 - 1.
    pub(super) fn value(self) -> i32 {
        if self.twos < 32 { (self.odd << self.twos).cast_signed() } else { 0 }
    }
}

/// The number whose product with an odd one is 1 modulo 2^32, by Newton's iteration.
pub(super) fn inverse(odd: u32) -> u32 {
    // Right in the lowest three bits, twice as many in each step.
    let mut inverse = odd;
    for _ in 0..4 {
        inverse = inverse.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn odd_numbers_have_inverses(number in any::<u32>()) {
            let odd = number | 1;
            prop_assert_eq!(inverse(odd).wrapping_mul(odd), 1);
        }

        #[test]
        fn ratios_undo_divisions(a in any::<i32>(), twos in 0..8u32, b in 1..1_000_000i32) {
            let dividend = i128::from(a | 1) << twos;
            let (a, b) = (Scale::new(dividend).unwrap(), Scale::new(b.into()).unwrap());
            match a.ratio(b) {
                Some(ratio) => {
                    prop_assert!(a.twos() >= b.twos());
                    prop_assert_eq!(ratio.wrapping_mul(b.value()), dividend as i32);
                    prop_assert_eq!(a.over(b.value().into()).unwrap().value(), ratio);
                }
                None => prop_assert!(a.twos() < b.twos()),
            }
            prop_assert_eq!(a.negated().value(), a.value().wrapping_neg());
            prop_assert_eq!(a.shifted(3).value(), a.value().wrapping_mul(8));
            prop_assert_eq!(a.times(-6).unwrap().value(), a.value().wrapping_mul(-6));
        }
    }

    #[test]
    fn nothing_is_left_of_multiples_of_the_modulus() {
        assert!(Scale::new(0).is_none() && Scale::ONE.times(0).is_none() && Scale::ONE.over(0).is_none());
        assert_eq!(Scale::new(3 << 32).unwrap().value(), 0);
    }
}
