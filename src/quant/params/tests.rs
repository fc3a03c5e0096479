//! Quantization by hand, by its formula, and shifted.

use super::*;
use crate::cases::for_each_case;
use proptest::prelude::*;

fn range(q_min: i32, q_max: i32) -> IntRange {
    IntRange::new(q_min, q_max).unwrap()
}

#[test]
fn halves_round_to_even_and_infinities_clamp() {
    let params = ActivationParams::new(0.5, 0, range(-127, 127)).unwrap();
    let cases = [
        (0.25, 0),
        (0.75, 2),
        (-0.25, 0),
        (-0.75, -2),
        (1.25, 2),
        (63.4, 127),
        (63.75, 127),
        (1e30, 127),
        (f32::INFINITY, 127),
        (f32::NEG_INFINITY, -127),
    ];
    for (x, expected) in cases {
        assert_eq!(i32::from(params.quantize(x).cast_signed()), expected, "{x}");
    }
}

#[test]
fn ranges_outside_a_byte_are_refused() {
    for_each_case([(-128, 128), (-1, 200), (0, 256), (5, 5), (3, 2), (-129, 0)], |(q_min, q_max)| {
        assert_eq!(IntRange::new(q_min, q_max), Err(ParamsError::Range { q_min, q_max }));
    });
}

#[test]
fn scales_and_zero_points_are_checked() {
    for scale in [0.0, -0.0, -1.0, -1e-40, f32::NAN, f32::INFINITY] {
        assert!(ActivationParams::new(scale, 0, range(0, 255)).is_err(), "{scale}");
    }
    assert!(ActivationParams::new(1.0, 256, range(0, 255)).is_err());
    assert!(WeightParams::new(vec![1.0, 1.0], vec![0], range(-127, 127)).is_err());
    let weight = WeightParams::new(vec![1.0, 1.0], vec![0, 0], range(-127, 127)).unwrap();
    assert!(weight.quantize(&[0.0; 6], 3).is_err());
    assert!(weight.quantize(&[0.0, f32::NAN], 2).is_err());
}

/// Scales that are stated may be as small as numbers are: those of dead channels often are.
#[test]
fn the_integers_of_tiny_scales_are_found_again() {
    for_each_case([1e-8f32, 1.2e-38, 1e-40, f32::from_bits(1)], |scale| {
        let params = ActivationParams::new(scale, 3, range(-128, 127)).unwrap();
        let integers = -128..=127;
        let numbers: Vec<f32> = integers.clone().map(|q: i32| (q - 3) as f32 * scale).collect();
        let mut bytes = vec![0; numbers.len()];
        assert!(!params.quantize_slice(&numbers, &mut bytes));
        assert!(bytes.into_iter().map(|byte| i32::from(byte.cast_signed())).eq(integers));
        // Larger numbers than a scale is small.
        assert_eq!([1.0, -1.0, f32::MAX].map(|x| params.quantize(x).cast_signed()), [127, -128, 127]);
    });
}

/// What an 8-bit table takes under sign-magnitude.
const BYTES: std::ops::RangeInclusive<i32> = -255..=255;

#[test]
fn sign_magnitude_refuses_zero_points() {
    let params = ActivationParams::new(1.0, 3, range(0, 255)).unwrap();
    assert_eq!(
        params.for_coding(Coding::SignMagnitude, &BYTES),
        Err(ParamsError::CodingZeroPoint { coding: Coding::SignMagnitude, zero_point: 3 })
    );
    let mixed = WeightParams::new(vec![1.0; 2], vec![128, 0], range(0, 255)).unwrap();
    assert_eq!(
        mixed.for_coding(Coding::SignMagnitude, &BYTES),
        Err(ParamsError::CodingZeroPoint { coding: Coding::SignMagnitude, zero_point: 128 })
    );
}

/// Unsigned integers around 128 are signed ones around 0.
#[test]
fn sign_magnitude_takes_symmetric_zero_points() {
    let input = ActivationParams::new(0.5, 128, range(0, 255)).unwrap();
    let signed = ActivationParams::new(0.5, 0, range(-128, 127)).unwrap();
    assert_eq!(input.for_coding(Coding::SignMagnitude, &BYTES), Ok((signed, -128)));
    let weight = WeightParams::new(vec![0.5, 2.0], vec![128; 2], range(0, 255)).unwrap();
    let signed = WeightParams::new(vec![0.5, 2.0], vec![0; 2], range(-128, 127)).unwrap();
    assert_eq!(weight.for_coding(Coding::SignMagnitude, &BYTES), Ok((signed, -128)));
    // TensorFlow Lite's activations after ReLU, of 8 and of 4 bits.
    let input = ActivationParams::new(0.5, -128, range(-128, 127)).unwrap();
    let unsigned = ActivationParams::new(0.5, 0, range(0, 255)).unwrap();
    assert_eq!(input.for_coding(Coding::SignMagnitude, &BYTES), Ok((unsigned, 128)));
    let input = ActivationParams::new(0.5, -8, range(-8, 7)).unwrap();
    let unsigned = ActivationParams::new(0.5, 0, range(0, 15)).unwrap();
    assert_eq!(input.for_coding(Coding::SignMagnitude, &(-15..=15)), Ok((unsigned, 8)));
}

proptest! {
    /// Shifting into a coding's range moves byte and zero point alike, so that no value changes.
    #[test]
    fn shifts_keep_the_value(x in -50f32..50.0, scale in 0.01f32..2.0, zero_point in -128i32..=255) {
        let (coding, takes) = if zero_point < 0 { (Coding::Affine, 0..=255) } else { (Coding::Signed, -128..=127) };
        let from = if zero_point < 0 { range(-128, 127) } else { range(0, 255) };
        let before = ActivationParams::new(scale, zero_point, from).unwrap();
        let (after, shifted) = before.for_coding(coding, &takes).unwrap();
        prop_assert_eq!(shifted.abs(), 128);
        let value = |p: &ActivationParams| p.range().signedness().value(p.quantize(x)) - p.zero_point();
        prop_assert_eq!(value(&before), value(&after));
    }

    /// Quantizing is the formula in real arithmetic, computed here in f64 from the f32 quotient.
    #[test]
    fn quantize_is_the_formula(x in any::<f32>(), scale in 1e-6f32..1e6, zero_point in 0i32..=255) {
        prop_assume!(!x.is_nan());
        let params = ActivationParams::new(scale, zero_point, range(0, 255)).unwrap();
        let quotient = f64::from(x / scale);
        let rounded = quotient.round_ties_even() + f64::from(zero_point);
        prop_assert_eq!(f64::from(params.quantize(x)), rounded.clamp(0.0, 255.0));
    }
}
