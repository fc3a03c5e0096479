//! Elementary functions in `f32` that have the same bits on every machine, unlike those of the standard
//! library, and that compilers can vectorize.

/// Adding and subtracting it rounds a small number to an integer, half to even.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts: the first has so few bits that its product with an integer of 8 bits is exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// `e^x`: `2^n e^r` with `abs r <= ln 2 / 2`, by the series of `e^r` to its seventh power, whose
/// remainder is below `r^8 / 8! < 6e-9`.
#[inline]
pub(super) fn exp(x: f32) -> f32 {
    // Beyond these, the result is 0 or infinite.
    let x = x.clamp(-104.0, 89.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let series = 1.0 / 5040.0;
    let series = series * r + 1.0 / 720.0;
    let series = series * r + 1.0 / 120.0;
    let series = series * r + 1.0 / 24.0;
    let series = series * r + 1.0 / 6.0;
    let series = series * r + 0.5;
    let series = series * r * r + r + 1.0;
    // 2^n in two factors, since n goes beyond the exponents of normal numbers.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
    let half = n >> 1;
    let power = |n: i32| f32::from_bits((n.wrapping_add(127) as u32) << 23);
    series * power(half) * power(n - half)
}

/// `1 / (1 + e^-x)`.
#[inline]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `ln(1 + e^x)`, which for large numbers is `x` itself.
#[inline]
pub(super) fn softplus(x: f32) -> f32 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + libm::log1pf(exp(-x.abs()))
}

/// `x / 2 * (1 + erf(x / sqrt(2)))`, in the order of operations that exporters to ONNX write.
#[inline]
pub(super) fn gelu(x: f32) -> f32 {
    x * (libm::erff(x / std::f32::consts::SQRT_2) + 1.0) * 0.5
}

/// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`.
#[inline]
pub(super) fn gelu_tanh(x: f32) -> f32 {
    let inner = (2.0 * std::f32::consts::FRAC_1_PI).sqrt() * (x + 0.044_715 * x * x * x);
    0.5 * x * (1.0 + libm::tanhf(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        for i in -1_040_000..890_000 {
            let x = i as f32 * 1e-4;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            let unit = f64::from(f32::EPSILON) * expected.max(f64::from(f32::MIN_POSITIVE));
            if expected < f64::from(f32::MAX) {
                assert!((found - expected).abs() <= 2.0 * unit, "exp({x}) = {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn limits() {
        assert_eq!((exp(0.0), exp(-0.0), exp(1000.0), exp(f32::INFINITY)), (1.0, 1.0, f32::INFINITY, f32::INFINITY));
        assert_eq!((exp(-1000.0), exp(f32::NEG_INFINITY)), (0.0, 0.0));
        assert_eq!((sigmoid(0.0), sigmoid(200.0), sigmoid(-200.0)), (0.5, 1.0, 0.0));
        assert!([exp(f32::NAN), sigmoid(f32::NAN), gelu(f32::NAN), gelu_tanh(f32::NAN)].iter().all(|y| y.is_nan()));
    }

    /// Values of `x * Phi(x)` and of its approximation, computed to 40 digits.
    #[test]
    fn gelu_of_one() {
        assert!((gelu(1.0) - 0.841_344_7).abs() < 1e-7);
        assert!((gelu(-1.0) + 0.158_655_26).abs() < 1e-7);
        assert!((gelu_tanh(1.0) - 0.841_192).abs() < 1e-6);
    }
}
