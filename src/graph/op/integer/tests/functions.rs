//! Functions of every integer, quantization and softmax.

use super::*;
use crate::graph::op::Softmax;

/// Integers of which the interpreter's outputs are known, as of int8.
const INPUTS: [i32; 18] = [-128, -127, -100, -75, -50, -33, -20, -8, -3, 0, 1, 5, 17, 40, 64, 90, 126, 127];

type Outputs = [i32; 18];

/// What ai-edge-litert 2.3.0's reference kernels compute, by `tests/conformance/tflite/networks.py`; as uint8, integers
/// and zero points are 128 more, which changes no others.
/// Scale and zero point.
type Steps = (f32, i32);

#[test]
fn outputs_are_those_of_the_interpreter() {
    let function = |name: &str, input: Grid, output: Grid| match name {
        "QUANTIZE" => IntegerFunction::rescale(input, output),
        "RELU6" => {
            let output = clipped(&output, crate::kernel::Clip { low: 0.0, high: 6.0 }).unwrap();
            IntegerFunction::clip(input, output)
        }
        "LEAKY_RELU 0.3" => IntegerFunction::leaky_relu(input, output, 0.3),
        "LEAKY_RELU -0.3" => IntegerFunction::leaky_relu(input, output, -0.3),
        "LOGISTIC" => IntegerFunction::sigmoid(input, output),
        _ => IntegerFunction::hard_swish(input, output),
    };
    let cases: [(&str, Steps, Steps, Outputs); 9] = [
        ("QUANTIZE", (0.0625, -7), (0.3, 5), [-20, -20, -14, -9, -4, -1, 2, 5, 6, 7, 7, 8, 10, 15, 20, 25, 33, 33]),
        (
            "RELU6",
            (0.061, -7),
            (0.03, -100),
            [-100, -100, -100, -100, -100, -100, -100, -100, -92, -86, -84, -76, -51, -4, 44, 97, 100, 100],
        ),
        (
            "LEAKY_RELU 0.3",
            (0.0625, 3),
            (0.125, 0),
            [-20, -20, -16, -12, -8, -6, -4, -2, -1, -1, 0, 1, 7, 19, 31, 44, 62, 62],
        ),
        ("LEAKY_RELU -0.3", (0.0625, 3), (0.125, 0), [20, 20, 16, 12, 8, 6, 4, 2, 1, 1, 0, 1, 7, 19, 31, 44, 62, 62]),
        (
            "LOGISTIC",
            (0.047, -7),
            (1.0 / 256.0, -128),
            [-127, -127, -125, -118, -98, -70, -38, -3, 12, 21, 24, 35, 65, 103, 119, 125, 127, 127],
        ),
        (
            "HARD_SWISH",
            (0.047, -7),
            (0.031, -116),
            [-116, -116, -116, -116, -127, -128, -124, -117, -113, -110, -109, -105, -91, -54, -8, 31, 86, 87],
        ),
        (
            "HARD_SWISH",
            (0.61, -7),
            (0.6, -120),
            [-120, -120, -120, -120, -120, -120, -120, -120, -116, -113, -112, -108, -96, -72, -48, -21, 15, 16],
        ),
        (
            "HARD_SWISH",
            (0.0013, 10),
            (0.0011, -1),
            [-78, -77, -63, -49, -36, -26, -18, -12, -9, -7, -6, -4, 3, 17, 32, 48, 71, 72],
        ),
        // Shifted by more bits than there are.
        (
            "HARD_SWISH",
            (0.007_812_5, 10),
            (5.0, -1),
            [-2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, 0, 0, 0, 0, 0, 0],
        ),
    ];
    for_each_case(cases, |(name, (s_x, z_x), (s_y, z_y), expected)| {
        let input = int8(s_x, z_x);
        let op = function(name, input, int8(s_y, z_y)).unwrap();
        assert_eq!(run_flat(&op, &[(&input, &INPUTS)]), expected);
        let (input, inputs) = (uint8(s_x, z_x + 128), INPUTS.map(|q| q + 128));
        let op = function(name, input, uint8(s_y, z_y + 128)).unwrap();
        assert_eq!(run_flat(&op, &[(&input, &inputs)]), expected.map(|q| q + 128));
    });
}

/// By hand: thirds of 1 and -2 are 0.33 and -0.67; 12 and -13 of quarters are halves of 6 and -6.5.
#[test]
fn joined_integers_are_rounded_once_in_floating_point() {
    let (input, output) = (uint8(0.25, 12), uint8(0.5, 3));
    let op = IntegerFunction::joined(input, output).unwrap();
    let found = run_flat(&op, &[(&input, &[12, 13, 14, 15, 11, 10, 9, 0, 255])]);
    // -0.5 goes to -1, as 0.5 to 1.
    assert_eq!(found, [3, 4, 4, 5, 2, 2, 1, 0, 125]);
    let same = uint8(0.5, 3);
    assert_eq!(run_flat(&IntegerFunction::joined(same, output).unwrap(), &[(&same, &[0, 77, 255])]), [0, 77, 255]);
}

/// By hand: halves of either sign go away from zero, where half to even has 0, 2, -2.
#[test]
fn real_numbers_are_quantized_half_away_from_zero() {
    let op = Quantize(int8(0.5, 10));
    let x = [0.25, 1.25, -1.25, -0.25, 0.2, -0.2, 1e9, -1e9, f32::INFINITY, 0.0];
    let x = Tensor::from_vec(x.to_vec(), (1, x.len()), &Device::Cpu).unwrap();
    let outputs = values(&op.run(&[&x], &RunContext::default()).unwrap()[0]);
    let integers: Vec<i32> = outputs.iter().map(|&y| op.0.quantize(y)).collect();
    assert_eq!(integers, [11, 13, 7, 9, 10, 10, 127, -128, 127, 10]);
    assert!(outputs.iter().all(|y| *y != 0.0 || y.is_sign_positive()));
}

/// Rows and what the interpreter of ai-edge-litert 2.3.0 makes of them, of `beta` and the scale.
#[test]
fn softmax_is_that_of_the_interpreter() {
    let cases: [(f32, f32, [i32; 8], [i32; 8]); 4] = [
        (1.0, 0.11, [-21, -14, 33, 7, 9, 6, 15, 8], [-128, -127, 56, -117, -115, -119, -103, -116]),
        (2.0, 0.31, [17, -21, -11, -5, 4, 15, 11, -35], [67, -128, -128, -128, -128, -72, -123, -128]),
        (1.0, 0.003, [-17, -6, -6, -15, -37, -25, -40, -35], [-95, -94, -94, -95, -97, -96, -98, -97]),
        (0.5, 20.0, [-3, -7, -22, 33, -25, -9, -25, -11], [-128, -128, -128, 127, -128, -128, -128, -128]),
    ];
    for_each_case(cases, |(beta, scale, x, expected)| {
        let input = int8(scale, -7);
        let op = IntegerSoftmax::new(1, beta, input, int8(1.0 / 256.0, -128)).unwrap();
        assert_eq!(run_flat(&op, &[(&input, &x)]), expected);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// All 256 integers by the rule in exact arithmetic.
    #[test]
    fn factors_are_multiplied_as_gemmlowp_does(input in grid(), output in grid(), slope in -2f32..2.0) {
        let integers: Vec<i32> = (input.q_min()..=input.q_max()).collect();
        let steps = || integers.iter().map(|q| i64::from(q - input.zero_point()));
        let ratio = f64::from(input.scale()) / f64::from(output.scale());
        let expected: Vec<i32> = steps().map(|steps| clamped(&output, twice(steps, ratio))).collect();
        let op = IntegerFunction::rescale(input, output).unwrap();
        prop_assert_eq!(run_flat(&op, &[(&input, &integers)]), expected);

        let ratio = f64::from(input.scale() / output.scale());
        let expected: Vec<i32> = steps().map(|steps| clamped(&output, twice(steps, ratio))).collect();
        let op = IntegerFunction::clip(input, output).unwrap();
        prop_assert_eq!(run_flat(&op, &[(&input, &integers)]), expected);

        let scaled = f64::from(input.scale() * slope / output.scale());
        let leaky = |steps: i64| if steps < 0 { scaled.signum() as i64 * twice(steps, scaled.abs()) } else { twice(steps, ratio) };
        let expected: Vec<i32> = steps().map(|steps| clamped(&output, leaky(steps))).collect();
        let op = IntegerFunction::leaky_relu(input, output, slope).unwrap();
        prop_assert_eq!(run_flat(&op, &[(&input, &integers)]), expected);
    }

    /// The integer next to the real function's, but for what 16 bits lose of a hard swish.
    #[test]
    fn functions_are_close_to_those_of_real_numbers(input in grid(), zero_point in -128i32..=127) {
        let integers: Vec<i32> = (input.q_min()..=input.q_max()).collect();
        let close = |op: &dyn Operator, output: Grid, function: &dyn Fn(f64) -> f64, most: f64| {
            for (&q, found) in integers.iter().zip(run_flat(op, &[(&input, &integers)])) {
                let exact = function(f64::from(input.number(q))) / f64::from(output.scale());
                let exact = (exact + f64::from(output.zero_point())).clamp(output.q_min().into(), output.q_max().into());
                assert!((f64::from(found) - exact).abs() <= most, "{op:?}: {q} to {found}, expected {exact}");
            }
        };
        let output = int8(1.0 / 256.0, -128);
        close(&IntegerFunction::sigmoid(input, output).unwrap(), output, &|x| 1.0 / (1.0 + (-x).exp()), 0.501);
        let output = int8(input.scale() * 1.1, zero_point);
        let hard_swish = |x: f64| x * (x / 6.0 + 0.5).clamp(0.0, 1.0);
        close(&IntegerFunction::hard_swish(input, output).unwrap(), output, &hard_swish, 1.0);
        close(&IntegerFunction::rescale(input, output).unwrap(), output, &|x| x, 0.5001);
        close(&IntegerFunction::joined(input, output).unwrap(), output, &|x| x, 0.501);
    }

    /// Within a step of 1 / 256 of the real softmax, along any axis.
    #[test]
    fn softmax_is_close_to_that_of_real_numbers(
        input in grid(), beta in 0.25f32..2.0, axis in 1usize..4, places in integers(2 * 3 * 5 * 4),
    ) {
        let integers: Vec<i32> = places.iter().map(|&place| at(&input, place)).collect();
        let x = tensor(&input, &integers, &[2, 3, 5, 4]);
        let output = uint8(1.0 / 256.0, 0);
        let (found, _) = run(&IntegerSoftmax::new(axis, beta, input, output).unwrap(), &[(&input, &x)]);
        let scaled = (x * f64::from(beta)).unwrap();
        let softmax = Softmax { axis, log: false }.run(&[&scaled], &RunContext::default()).unwrap();
        for (found, real) in found.into_iter().zip(values(&softmax[0])) {
            let expected = f64::from(real) * 256.0;
            prop_assert!((f64::from(found) - expected.min(255.0)).abs() <= 0.51, "{} of {}", found, expected);
        }
    }
}
