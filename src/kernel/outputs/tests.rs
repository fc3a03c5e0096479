use super::*;
use proptest::prelude::*;

/// Numbers at the ends of all that there are, and some of all magnitudes.
fn real() -> impl Strategy<Value = f32> {
    let ends = [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45];
    prop_oneof![4 => -1e3f32..1e3, 1 => any::<f32>(), 1 => prop::sample::select(ends.to_vec())]
}

fn scale() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 1e-6..1e-2f64, 1 => (-30f64..30.0).prop_map(|power| 10f64.powf(power)), 1 => Just(2f64.powi(-149))]
}

fn integer() -> impl Strategy<Value = i32> {
    prop_oneof![4 => -100_000..100_000, 1 => any::<i32>(), 1 => prop::sample::select(vec![i32::MIN, i32::MAX, 0, -1])]
}

fn clip() -> impl Strategy<Value = Clip> {
    let known = [Clip::default(), Clip::RELU, Clip { low: 0.0, high: 6.0 }, Clip { low: -0.0, high: 0.0 }];
    prop_oneof![3 => prop::sample::select(known.to_vec()), 1 => (real(), real()).prop_map(|(low, high)| Clip { low, high })]
}

/// Repeats `values` to `len` of them, from another one on each time.
fn repeated<T: Copy>(values: &[T], len: usize) -> Vec<T> {
    (0..len).map(|i| values[(i + i / values.len()) % values.len()]).collect()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    // Which NaN it is may differ.
    numbers.iter().map(|number| if number.is_nan() { f32::NAN.to_bits() } else { number.to_bits() }).collect()
}

proptest! {
    #![proptest_config(crate::cases::property(600))]

    /// All numbers are those of the formula, of outputs of all counts, and nothing else is overwritten.
    #[test]
    fn numbers_are_those_of_the_formula(
        count in 1usize..200, extra in [0usize..40, 0usize..40], rows in 0usize..6, clip in clip(), is_short in any::<bool>(),
        sums in prop::collection::vec(integer(), 1..300), constants in prop::collection::vec(integer(), 1..50),
        scales in prop::collection::vec(scale(), 1..50), biases in prop::collection::vec(real(), 1..50),
    ) {
        let [width, stride] = extra.map(|extra| count + extra);
        // The last row may end after the outputs, as that of some outputs of many does.
        let len = if is_short && rows > 0 { (rows - 1) * stride + count } else { rows * stride };
        let sums = repeated(&sums, rows * width);
        let (constants, scales, biases) = (repeated(&constants, count), repeated(&scales, count), repeated(&biases, count));
        let outputs = Outputs { constants: &constants, scales: &scales, biases: &biases, clip };
        let untouched = -123.25f32;
        let mut expected = vec![untouched; len];
        for row in 0..rows {
            for i in 0..count {
                let acc = f64::from(sums[row * width + i].wrapping_add(constants[i]));
                let y = (acc * scales[i]) as f32 + biases[i];
                let y = if y < clip.low { clip.low } else { y };
                expected[row * stride + i] = if y > clip.high { clip.high } else { y };
            }
        }
        for dequantize in [dequantize_outputs, dequantize_plainly] {
            let mut found = vec![untouched; len];
            dequantize(&outputs, &sums, width, &mut found, stride);
            prop_assert_eq!(bits(&found), bits(&expected));
        }
    }

    #[test]
    fn biases_are_added_and_sums_clamped(
        count in 1usize..70, extra in [0usize..20, 0usize..20], rows in 0usize..4, clip in clip(),
        sums in prop::collection::vec(real(), 1..300), biases in prop::collection::vec(real(), 1..50),
    ) {
        let [width, stride] = extra.map(|extra| count + extra);
        let (sums, biases) = (repeated(&sums, rows * width), repeated(&biases, count));
        let mut found = vec![7.5f32; rows * stride];
        let mut expected = found.clone();
        for row in 0..rows {
            for i in 0..count {
                expected[row * stride + i] = clip.apply(sums[row * width + i] + biases[i]);
            }
        }
        add_biases(&biases, clip, &sums, width, &mut found, stride);
        prop_assert_eq!(bits(&found), bits(&expected));
    }
}
