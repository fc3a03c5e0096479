//! Numbers to integers, and integers to others.

use crate::kernel::Rounding;
use crate::layer::Requantization;
use std::ops::RangeInclusive;

/// `x` rounded to a whole number, halves to the even one.
pub fn half_even(x: f64) -> f64 {
    let below = x.floor();
    let rest = x - below;
    let is_odd = (below / 2.0).floor() * 2.0 != below;
    if rest > 0.5 || (rest == 0.5 && is_odd) { below + 1.0 } else { below }
}

/// `clamp(round_half_even(x / scale) + zero_point)`, with one division of `f32`.
pub fn quantize(x: f32, scale: f32, zero_point: i32, range: &RangeInclusive<i32>) -> i32 {
    let steps = f64::from(x / scale);
    if steps.is_infinite() {
        return if steps > 0.0 { *range.end() } else { *range.start() };
    }
    let q = half_even(steps) + f64::from(zero_point);
    q.clamp(f64::from(*range.start()), f64::from(*range.end())) as i32
}

/// The number that a sum becomes where integers follow sums: the sum times `s_x s_w / s_y` in fixed point, rounded as
/// the rule says, plus the zero point, within the output's range and what `clip` leaves of it, as a number again.
pub fn requantize(sum: i64, [input, weight]: [f32; 2], to: &Requantization, clip: [f32; 2]) -> f32 {
    let grid = to.output;
    let step = if to.rounding == Rounding::TwiceOfSingle {
        f64::from(input * weight)
    } else {
        f64::from(input) * f64::from(weight)
    };
    let steps = rounded_product(sum, step / f64::from(grid.scale()), to.rounding);
    let range = grid.q_min()..=grid.q_max();
    let [low, high] = clip.map(|end| quantize(end, grid.scale(), grid.zero_point(), &range));
    let q = (steps + i128::from(grid.zero_point())).clamp(low.into(), high.into()) as i32;
    (q - grid.zero_point()) as f32 * grid.scale()
}

/// `sum * factor`, rounded to a whole number.
fn rounded_product(sum: i64, factor: f64, rounding: Rounding) -> i128 {
    if rounding == Rounding::Real {
        let product = sum as f64 * factor;
        let away = (product.abs() + 0.5).floor();
        // Half a step added to the largest number below a half would round it up.
        let away = if away - product.abs() > 0.5 { away - 1.0 } else { away };
        return away.copysign(product) as i128;
    }
    let (mantissa, exponent) = mantissa(factor);
    let (wide, shift) = (i128::from(sum), 31 - exponent);
    match rounding {
        Rounding::Once => (wide * mantissa + (1 << (shift - 1))).div_euclid(1 << shift),
        Rounding::Truncate => wide * mantissa / (1 << shift),
        _ => {
            let [left, right] = [exponent.max(0), (-exponent).max(0)];
            let high = ((wide << left) * mantissa + (1 << 30)).div_euclid(1 << 31);
            let half = if right == 0 { 0 } else { 1i128 << (right - 1) };
            high.signum() * ((high.abs() + half) >> right)
        }
    }
}

/// `factor` as `M * 2^(e - 31)` with `M` of 31 bits, halves up; 0 where it is below `2^-32`.
fn mantissa(factor: f64) -> (i128, i32) {
    let mut exponent = 0;
    let mut fraction = factor;
    while fraction >= 1.0 {
        fraction /= 2.0;
        exponent += 1;
    }
    while fraction > 0.0 && fraction < 0.5 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let mut mantissa = (fraction * 2f64.powi(31) + 0.5).floor() as i128;
    if mantissa == 1 << 31 {
        (mantissa, exponent) = (1 << 30, exponent + 1);
    }
    if exponent < -31 { (0, 0) } else { (mantissa, exponent) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::FixedPoint;
    use proptest::prelude::*;

    #[test]
    fn halves_go_to_the_even_number() {
        let cases =
            [(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (-0.5, 0.0), (-1.5, -2.0), (2.4, 2.0), (-2.6, -3.0), (7.0, 7.0)];
        for (x, expected) in cases {
            assert_eq!(half_even(x), expected, "{x}");
        }
        assert_eq!(quantize(f32::INFINITY, 1.0, 3, &(-127..=127)), 127);
        assert_eq!(quantize(2.5, 1.0, 3, &(-127..=127)), 5);
        assert_eq!(quantize(-1e30, 1.0, 3, &(0..=255)), 0);
    }

    proptest! {
        /// What is written out here is what the program computes.
        #[test]
        fn products_round_as_the_rules_say(sum in -1i64 << 40..1i64 << 40, factor in 1e-9f64..1e3) {
            for rounding in [Rounding::Once, Rounding::Twice, Rounding::Truncate, Rounding::Real] {
                let expected = FixedPoint::new(factor).apply(sum, rounding);
                prop_assert_eq!(rounded_product(sum, factor, rounding), i128::from(expected), "{:?}", rounding);
            }
        }
    }
}
