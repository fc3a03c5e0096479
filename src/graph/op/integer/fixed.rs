//! Fixed-point numbers of 16 and 32 bits, as gemmlowp's `fixedpoint.h` defines their arithmetic. Q`a.b` has `a` bits
//! before the point beside the sign, and `b` after it.

/// Twice the product, its upper half: `a * b / 2^31`, halves up, saturated.
pub(super) fn high_mul(a: i32, b: i32) -> i32 {
    let product = i64::from(a) * i64::from(b);
    ((product + (1 << 30)) >> 31).min(i32::MAX.into()) as i32
}

/// `x / 2^shift`, half away from zero.
pub(super) fn shift_away(x: i32, shift: u32) -> i32 {
    let divisor = 1i64 << shift;
    let magnitude = (i64::from(x).abs() + divisor / 2) / divisor;
    (if x < 0 { -magnitude } else { magnitude }) as i32
}

/// `x * 2^shift`, saturated.
fn shift_left(x: i32, shift: u32) -> i32 {
    (i64::from(x) << shift).clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

/// `exp(-1/8)` in Q0.31.
const EXP_MINUS_EIGHTH: i32 = 1_895_147_668;
/// One third in Q0.31.
const THIRD: i32 = 715_827_883;
/// `exp(-2^i)` in Q0.31 for `i` from -2 on.
const EXP_MINUS_POWERS: [i32; 7] = [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];

/// `e^x` in Q0.31 of a number in Q5.26 that is not positive.
///
/// The number is a multiple of one quarter less a rest in `[-1/4, 0)`, of whose exponential this is the series about
/// -1/8 to its fourth power; the exponentials of powers of two make up the multiple.
pub(super) fn exp_of_negative(x: i32) -> i32 {
    const QUARTER: i32 = 1 << 24;
    if x == 0 {
        return i32::MAX;
    }
    let rest = (x & (QUARTER - 1)) - QUARTER;
    let t = shift_left(rest, 5) + (1 << 28);
    let square = high_mul(t, t);
    let (cube, fourth) = (high_mul(square, t), high_mul(square, square));
    let tail = shift_away(high_mul(shift_away(fourth, 2) + cube, THIRD) + square, 1);
    let mut result = EXP_MINUS_EIGHTH + high_mul(EXP_MINUS_EIGHTH, t + tail);
    for (i, &factor) in EXP_MINUS_POWERS.iter().enumerate() {
        if (rest - x) & (QUARTER << i) != 0 {
            result = high_mul(result, factor);
        }
    }
    result
}

/// `1 / x` of a positive number in Q12.19, as a number in Q0.31 and how many bits to shift it to the right.
pub(super) fn reciprocal(x: i32) -> (i32, u32) {
    let zeros = x.leading_zeros();
    // The number without its first bit, as the fraction `a` of `1 + a`.
    let fraction = ((x as u32) << zeros).wrapping_sub(1 << 31).cast_signed();
    // Half of `1 + a`, half away from zero, as 1 is `2^31 - 1`.
    let half = ((i64::from(fraction) + i64::from(i32::MAX) + 1) / 2) as i32;
    // Newton's method from 48/17 - 32/17 * half, in Q2.29.
    let mut result = 1_515_870_810 + high_mul(half, -1_010_580_540);
    for _ in 0..3 {
        let error = (1 << 29) - high_mul(half, result);
        result += shift_left(high_mul(result, error), 2);
    }
    (shift_left(result, 1), 12 - zeros.min(12))
}

/// `a * b / 2^15` of 16 bits, halves up, saturated.
pub(super) fn high_mul_16(a: i16, b: i16) -> i16 {
    let product = i32::from(a) * i32::from(b);
    ((product + (1 << 14)) >> 15).min(i16::MAX.into()) as i16
}

/// `a * b / 2^15` of 16 bits, toward zero, saturated.
pub(super) fn high_mul_toward_zero_16(a: i16, b: i16) -> i16 {
    (i32::from(a) * i32::from(b) / (1 << 15)).min(i16::MAX.into()) as i16
}

/// `x / 2^shift` of 16 bits, half away from zero. From 16 bits on it is 1 or -1, as the mask of what is shifted out does
/// not fit.
pub(super) fn shift_away_16(x: i16, shift: u32) -> i16 {
    if shift > 15 {
        return if x < 0 { -1 } else { 1 };
    }
    shift_away(x.into(), shift) as i16
}

/// `x * 2^shift` of 16 bits, saturated.
pub(super) fn shift_left_16(x: i16, shift: u32) -> i16 {
    let shifted = i64::from(x) << shift.min(32);
    shifted.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}
