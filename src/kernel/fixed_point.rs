//! Multiplication of integer sums by real factors in integers, as accelerators without floating point do it.

use crate::registry::{Named, Registry, by_name};

/// How a product by a [`FixedPoint`] is rounded to an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// Once, halves up: `(acc * M + 2^(n - 1)) >> n`, as `TFLite` does with `TFLITE_SINGLE_ROUNDING`.
    Once,
    /// Twice, as gemmlowp and `TFLite`'s reference kernels do: the upper half of twice the product by a saturating
    /// rounding doubling high multiply (halves up), then a rounding shift to the right (halves away from zero).
    Twice,
    /// Toward zero: `sign(acc) * ((abs(acc) * M) >> n)`.
    Truncate,
    /// Twice, by a factor whose product of two scales is one of `f32`, as `TFLite`'s reference kernels of layers of
    /// unsigned integers do. It is a file's, not asked for.
    TwiceOfSingle,
    /// Once, halves away from zero, in `f64` without fixed point, as `TFLite`'s fully connected layers do. It is a
    /// file's, not asked for.
    Real,
}

impl Rounding {
    /// The factor from steps of the products of two scales to those of an output, in the precision that the rule has.
    pub fn factor(self, [input, weight]: [f32; 2], output: f32) -> FixedPoint {
        let step = match self {
            Rounding::TwiceOfSingle => f64::from(input * weight),
            _ => f64::from(input) * f64::from(weight),
        };
        FixedPoint::new(step / f64::from(output))
    }
}

/// Every rounding that can be asked for.
pub static ROUNDINGS: Registry<Rounding> =
    Registry::new("requantization", &[Rounding::Once, Rounding::Twice, Rounding::Truncate]);

by_name!(Rounding, ROUNDINGS);

impl Named for Rounding {
    fn name(&self) -> &'static str {
        match self {
            Rounding::Once => "once",
            Rounding::Twice => "twice",
            Rounding::Truncate => "truncate",
            Rounding::TwiceOfSingle => "twice-of-single",
            Rounding::Real => "real",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Rounding::Once => "Multiply and shift, rounded once",
            Rounding::Twice => "Rounded twice, as TensorFlow Lite's reference kernels do",
            Rounding::Truncate => "Multiply and shift, truncated toward zero",
            Rounding::TwiceOfSingle => "Rounded twice, by a multiplier of single precision",
            Rounding::Real => "Multiply in floating point, rounded once",
        }
    }
}

/// A positive factor `mantissa * 2^(exponent - 31)` whose mantissa has 31 bits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FixedPoint {
    mantissa: i32,
    exponent: i32,
    /// What it stands for, before it was rounded.
    factor: f64,
}

/// The exponents between which products by 64-bit integers are exact in 128 bits; others are limited to these.
const EXPONENTS: [i32; 2] = [-31, 30];

impl FixedPoint {
    /// `factor`, rounded to 31 bits, halves up, as `TFLite`'s `QuantizeMultiplier` does: by `frexp`, and 0 where it is
    /// below `2^-32`.
    pub fn new(factor: f64) -> Self {
        if !(factor > 0.0 && factor.is_finite()) {
            return FixedPoint::default();
        }
        let (fraction, mut exponent) = libm::frexp(factor);
        let mut mantissa = (fraction * f64::from(1u32 << 31)).round() as i64;
        if mantissa == 1 << 31 {
            mantissa /= 2;
            exponent += 1;
        }
        let [least, most] = EXPONENTS;
        if exponent < least {
            return FixedPoint { factor, ..FixedPoint::default() };
        }
        if exponent > most {
            return FixedPoint { mantissa: i32::MAX, exponent: most, factor };
        }
        FixedPoint { mantissa: mantissa as i32, exponent, factor }
    }

    /// The factor over `count`, as `TFLite`'s MEAN divides it: the mantissa, shifted left by as many bits as `count` has
    /// after its first, in whole numbers, toward zero. It may have fewer bits than others have.
    #[must_use]
    pub fn over(self, count: u64) -> Self {
        let count = count.max(1);
        let [least, _] = EXPONENTS;
        let shift = count.ilog2().min(32).min((self.exponent - least) as u32);
        let mantissa = ((u64::from(self.mantissa.unsigned_abs()) << shift) / count) as i32;
        FixedPoint { mantissa, exponent: self.exponent - shift as i32, factor: self.factor / count as f64 }
    }

    /// The mantissa `M`, from `2^30` on, or 0.
    pub fn mantissa(self) -> i32 {
        self.mantissa
    }

    /// The factor is `M * 2^(exponent - 31)`.
    pub fn exponent(self) -> i32 {
        self.exponent
    }

    /// The product with `acc`, rounded to an integer, and saturated to 64 bits.
    #[inline]
    pub fn apply(self, acc: i64, rounding: Rounding) -> i64 {
        if let Ok(acc) = i32::try_from(acc)
            && self.exponent <= 0
        {
            return self.apply_narrow(acc, rounding);
        }
        let (mantissa, shift) = (i128::from(self.mantissa), (31 - self.exponent) as u32);
        let wide = i128::from(acc);
        let rounded = match rounding {
            Rounding::Once => (wide * mantissa + (1 << (shift - 1))) >> shift,
            Rounding::Real => return self.apply_real(acc),
            Rounding::Twice | Rounding::TwiceOfSingle => {
                let [left, right] = [self.exponent.max(0) as u32, (-self.exponent).max(0) as u32];
                let high = ((wide << left) * mantissa + (1 << 30)) >> 31;
                shift_away(high, right)
            }
            Rounding::Truncate => wide.signum() * ((wide.abs() * mantissa) >> shift),
        };
        rounded.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// The product in `f64`, rounded half away from zero.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    fn apply_real(self, acc: i64) -> i64 {
        (acc as f64 * self.factor).round() as i64
    }

    /// [`apply`](Self::apply) for 32 bits and factors below 1: products fit 64 bits.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    fn apply_narrow(self, acc: i32, rounding: Rounding) -> i64 {
        let (product, shift) = (i64::from(acc) * i64::from(self.mantissa), 31 - self.exponent);
        match rounding {
            Rounding::Once => (product + (1 << (shift - 1))) >> shift,
            Rounding::Real => self.apply_real(acc.into()),
            Rounding::Twice | Rounding::TwiceOfSingle => {
                let high = (product + (1 << 30)) >> 31;
                let right = -self.exponent;
                let (mask, is_negative) = ((1i64 << right) - 1, i64::from(high < 0));
                (high >> right) + i64::from((high & mask) > (mask >> 1) + is_negative)
            }
            Rounding::Truncate => {
                let magnitude = product.abs() >> shift;
                if acc < 0 { -magnitude } else { magnitude }
            }
        }
    }
}

/// `x / 2^shift`, halves away from zero.
fn shift_away(x: i128, shift: u32) -> i128 {
    let mask = (1i128 << shift) - 1;
    (x >> shift) + i128::from((x & mask) > (mask >> 1) + i128::from(x < 0))
}

/// How the integer sums of a layer become integers of its output, and these the numbers that they represent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Requantize {
    /// How products are rounded.
    pub rounding: Rounding,
    /// Added after rounding.
    pub zero_point: i32,
    /// The smallest integer.
    pub low: i32,
    /// The largest integer.
    pub high: i32,
    /// The real number that one integer step represents.
    pub scale: f32,
}

impl Requantize {
    /// The number of a sum that `factor` scales to steps of the output.
    #[inline]
    pub fn number(&self, factor: FixedPoint, acc: i64) -> f32 {
        let q = factor.apply(acc, self.rounding).saturating_add(i64::from(self.zero_point));
        let q = q.clamp(i64::from(self.low), i64::from(self.high)) as i32;
        (q - self.zero_point) as f32 * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    /// `0.75 * 2^31`, `2^30` for one half and for one.
    #[test]
    fn factors_have_31_bits() {
        let cases = [
            (0.75, [1_610_612_736, 0]),
            (0.5, [1 << 30, 0]),
            (1.0, [1 << 30, 1]),
            (0.25, [1 << 30, -1]),
            // Rounded up to the next power of two.
            (1.0 - 2f64.powi(-40), [1 << 30, 1]),
            (2f64.powi(-40), [0, 0]),
            (0.0, [0, 0]),
        ];
        for_each_case(cases, |(factor, expected)| {
            let found = FixedPoint::new(factor);
            assert_eq!([found.mantissa(), found.exponent()], expected, "{factor}");
        });
    }

    /// By hand: ties of a quarter, and what two roundings make of `0.25 + 0.25`.
    #[test]
    fn ties_round_as_the_rules_say() {
        let cases = [
            (0.5, 1, [1, 1, 0]),
            (0.5, -1, [0, 0, 0]),
            (0.5, 3, [2, 2, 1]),
            (0.5, -3, [-1, -1, -1]),
            (0.25, 2, [1, 1, 0]),
            // The second of two roundings takes halves away from zero.
            (0.25, -2, [0, -1, 0]),
            (0.25, -6, [-1, -2, -1]),
            // The first makes a half of what is not one: 0.2499.. * 2 = 0.4999..
            (0.25 - 2f64.powi(-33), 2, [0, 1, 0]),
            (3.0, 5, [15, 15, 15]),
            (3.0, -5, [-15, -15, -15]),
        ];
        for_each_case(cases, |(factor, acc, expected)| {
            let factor = FixedPoint::new(factor);
            let found = [Rounding::Once, Rounding::Twice, Rounding::Truncate].map(|rule| factor.apply(acc, rule));
            assert_eq!(found, expected, "{factor:?} * {acc}");
        });
    }

    /// By hand: halves of either sign go away from zero, and what is less than one by `2^-40` is no half.
    #[test]
    fn real_products_are_rounded_once() {
        let cases = [(0.5, 1, 1), (0.5, -1, -1), (0.25, -6, -2), (0.25, -5, -1), (0.5 - 2f64.powi(-40), 1, 0)];
        for_each_case(cases, |(factor, acc, expected)| {
            assert_eq!(FixedPoint::new(factor).apply(acc, Rounding::Real), expected);
            assert_eq!(FixedPoint::new(factor * 2f64.powi(-8)).apply(acc << 8, Rounding::Real), expected);
        });
    }

    /// `0.1f32 * 0.3f32` is not the product of `f64`, and its quotient by itself is 1.
    #[test]
    fn factors_have_the_precision_of_the_rule() {
        let (a, b) = (0.1f32, 0.3f32);
        let factor = |rounding: Rounding| rounding.factor([a, b], a * b).factor;
        assert_eq!(factor(Rounding::TwiceOfSingle), 1.0);
        assert_eq!(factor(Rounding::Twice), f64::from(a) * f64::from(b) / f64::from(a * b));
        assert_ne!(factor(Rounding::Twice), 1.0);
    }

    /// As MEAN does by hand: `2^30 * 4 / 7`, and no bits are left after the last exponent.
    #[test]
    fn factors_are_divided_in_whole_numbers() {
        let over = |factor: f64, count| {
            let found = FixedPoint::new(factor).over(count);
            [found.mantissa(), found.exponent()]
        };
        assert_eq!(over(0.5, 7), [613_566_756, -2]);
        assert_eq!(over(0.5, 8), [1 << 30, -3]);
        assert_eq!(over(0.5, 1), [1 << 30, 0]);
        assert_eq!(over(2f64.powi(-32), 4), [1 << 28, -31]);
    }

    /// gemmlowp's two functions as its documentation states them, in exact arithmetic.
    fn twice(acc: i64, factor: FixedPoint) -> i64 {
        let [left, right] = [factor.exponent.max(0), (-factor.exponent).max(0)];
        let product = i128::from(acc) * (1i128 << left) * i128::from(factor.mantissa);
        let nudge = if product >= 0 { 1i128 << 30 } else { 1 - (1i128 << 30) };
        let high = (product + nudge) / (1i128 << 31);
        // Half away from zero.
        let (divisor, magnitude) = (1i128 << right, high.abs());
        let rounded = (magnitude + divisor / 2) / divisor;
        (if high < 0 { -rounded } else { rounded }) as i64
    }

    proptest! {
        #[test]
        fn twice_is_gemmlowp(acc in any::<i32>(), factor in 1e-9f64..100.0) {
            let factor = FixedPoint::new(factor);
            prop_assert_eq!(factor.apply(acc.into(), Rounding::Twice), twice(acc.into(), factor));
        }

        /// Sums of any size are scaled like those of 32 bits.
        #[test]
        fn wide_sums_are_as_narrow_ones(acc in any::<i32>(), exponent in -31i32..=0, mantissa in (1 << 30)..=i32::MAX) {
            let factor = FixedPoint { mantissa, exponent, factor: 0.0 };
            let wide = FixedPoint { mantissa, exponent: exponent + 8, factor: 0.0 };
            for rounding in [Rounding::Once, Rounding::Truncate] {
                // 2^8 times less of 2^8 times as much.
                prop_assert_eq!(
                    factor.apply(i64::from(acc) << 8, rounding),
                    wide.apply(acc.into(), rounding),
                );
            }
        }

        /// Rounding once is within half a unit of the exact product, and truncation within one, toward zero.
        #[test]
        fn products_are_close(acc in any::<i32>(), factor in 1e-6f64..4.0) {
            let fixed = FixedPoint::new(factor);
            let exact = f64::from(acc) * f64::from(fixed.mantissa) * 2f64.powi(fixed.exponent - 31);
            let once = fixed.apply(acc.into(), Rounding::Once) as f64;
            let truncated = fixed.apply(acc.into(), Rounding::Truncate) as f64;
            prop_assert!((once - exact).abs() <= 0.5 + exact.abs() * 1e-15);
            prop_assert!(truncated.abs() <= exact.abs() && (truncated - exact).abs() < 1.0 + exact.abs() * 1e-15);
        }
    }
}
