//! One output's sum: its products, then its zero-point terms, then its bias.

use crate::layer::{AccOverflow, Accumulator};
use crate::lut::{Coding, Lut};

/// Where products come from.
#[derive(Debug, Clone, Copy)]
pub enum Products<'a> {
    /// They are exact.
    Exact,
    /// They are this multiplier's, whose operands integers become as a coding says.
    Lut(&'a Lut, Coding),
}

/// The signed term of two integers under a coding; `None` where the multiplier has no product for them.
pub fn term(lut: &Lut, coding: Coding, x: i32, w: i32) -> Option<i32> {
    match coding {
        Coding::Signed | Coding::Affine => lut.get(x, w),
        Coding::SignMagnitude => {
            let magnitude = lut.get(if x < 0 { -x } else { x }, if w < 0 { -w } else { w })?;
            // Zero counts as positive.
            Some(if (x < 0) == (w < 0) { magnitude } else { -magnitude })
        }
    }
}

/// A sum that grows term by term, in an accumulator where there is one.
#[derive(Debug)]
pub struct Sum {
    accumulator: Option<Accumulator>,
    value: i128,
}

impl Sum {
    /// Nothing yet.
    pub fn new(accumulator: Option<Accumulator>) -> Self {
        Sum { accumulator, value: 0 }
    }

    /// Adds a term.
    pub fn add(&mut self, term: i64) {
        self.value += i128::from(term);
        let Some((overflow, range)) = self.accumulator.and_then(|of| Some((of.overflow, of.range()?))) else { return };
        let [low, high] = range.map(i128::from);
        if overflow == AccOverflow::Saturate {
            self.value = self.value.clamp(low, high);
            return;
        }
        // Bits above the accumulator's are lost.
        self.value = (self.value - low).rem_euclid(high - low + 1) + low;
    }

    /// The sum of all terms.
    pub fn total(&self) -> i64 {
        self.value as i64
    }
}

/// What decides the sum of one output besides its operands.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    pub products: Products<'a>,
    /// The zero points of both operands, those of an activation factor taken off the weight's.
    pub zero_points: [i64; 2],
    pub accumulator: Option<Accumulator>,
}

impl Terms<'_> {
    /// The sum over `pairs` of integers, and `bias`. `None` where the multiplier lacks a product.
    pub fn sum(&self, pairs: &[[i32; 2]], bias: i64) -> Option<i64> {
        let mut sum = Sum::new(self.accumulator);
        let (mut sum_x, mut sum_w) = (0i64, 0i64);
        for &[x, w] in pairs {
            sum.add(match self.products {
                Products::Exact => i64::from(x) * i64::from(w),
                Products::Lut(lut, coding) => term(lut, coding, x, w)?.into(),
            });
            sum_x += i64::from(x);
            sum_w += i64::from(w);
        }
        let [z_x, z_w] = self.zero_points;
        sum.add(-z_w * sum_x);
        sum.add(-z_x * sum_w);
        sum.add(pairs.len() as i64 * z_x * z_w);
        sum.add(bias);
        Some(sum.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Signedness;

    #[test]
    fn signs_go_to_the_product() {
        let lut = Lut::from_fn("l", Signedness::Unsigned, |a, b| 3 * a + 7 * b + 1);
        let found = [(-5, -2), (-5, 2), (-5, 0), (0, -1)].map(|(x, w)| term(&lut, Coding::SignMagnitude, x, w));
        assert_eq!(found, [Some(30), Some(-30), Some(-16), Some(-8)]);
        assert_eq!(term(&lut, Coding::Affine, 5, 2), Some(30));
        assert_eq!(term(&lut, Coding::Affine, -5, 2), None);
    }

    /// 3 * 4 + 5 * 6 = 42; (3 - 1)(4 - 2) + (5 - 1)(6 - 2) = 20.
    #[test]
    fn sums_by_hand() {
        let terms = |accumulator| Terms { products: Products::Exact, zero_points: [1, 2], accumulator };
        let pairs = [[3, 4], [5, 6]];
        assert_eq!(terms(None).sum(&pairs, 0), Some(20));
        assert_eq!(terms(None).sum(&pairs, -7), Some(13));
        let of = |overflow| Some(Accumulator { bits: 6u32.try_into().unwrap(), overflow });
        // 12, 42 is 31, 31 - 16 = 15, 15 - 10 = 5, 5 + 4 = 9.
        assert_eq!(terms(of(AccOverflow::Saturate)).sum(&pairs, 0), Some(9));
        assert_eq!(terms(of(AccOverflow::Wrap)).sum(&pairs, 0), Some(20));
    }
}
