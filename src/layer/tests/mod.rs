//! Layers against an independent computation: nested loops over the definition, one product at a
//! time, in `i64` and `f64`, sharing nothing with the layers but the parameters.

mod accumulator;
mod case;
mod matmul;
mod ordered;
mod packing;
mod requantized;
mod transposed;
mod vectors;
mod weights;

use self::case::Case;
use super::*;
use crate::cases::for_each_case;
use crate::kernel::{self, KERNELS, Signedness};
use crate::lut::{Bits, Coding, Lut};
use crate::quant::{ActivationParams, IntRange, LayerParams, Observer, QuantConfig, WeightParams};
use candle_core::{DType, Device, Module, Tensor};
use proptest::prelude::*;

/// The integers that `coding` takes, of 8 bits.
fn range(coding: Coding) -> IntRange {
    match coding {
        Coding::Signed => IntRange::new(-128, 127),
        Coding::SignMagnitude => IntRange::new(-127, 127),
        Coding::Affine => IntRange::new(0, 255),
    }
    .unwrap()
}

/// Parameters with those zero points, and another scale for each output channel.
fn params(coding: Coding, input: i32, weight: &[i32]) -> LayerParams {
    let scales = (0..weight.len()).map(|o| 0.008 + o as f32 * 0.0003).collect();
    LayerParams::new(
        ActivationParams::new(0.0123, input, range(coding)).unwrap(),
        WeightParams::new(scales, weight.to_vec(), range(coding)).unwrap(),
    )
}

impl Case<ConvAttributes<2>> {
    fn weight(&self) -> Vec<f32> {
        let [kh, kw] = self.kernel;
        numbers(self.values ^ 0xabcd, self.outputs * self.channels / self.attributes.groups * kh * kw)
    }

    fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.channels / self.attributes.groups, self.kernel[0], self.kernel[1]]
    }

    fn layer(&self) -> ApproxConv2d {
        let weight = Tensor::from_vec(self.weight(), &self.weight_shape(), &Device::Cpu).unwrap();
        let bias = Tensor::new(self.bias(), &Device::Cpu).unwrap();
        ApproxConv2d::new("conv", self.attributes, &weight, Some(&bias)).unwrap()
    }

    fn quantized(&self, lut: Option<&Lut>) -> ApproxConv2d {
        let mut layer = self.layer();
        layer.quantize(self.params(), self.coding, lut, kernel::best()).unwrap();
        layer
    }

    /// Calls `tap(x or padding, w)` for every product of output `(n, o, oy, ox)`.
    fn taps(&self, [n, o, oy, ox]: [usize; 4], mut tap: impl FnMut(Option<f32>, f32)) {
        let (input, weight) = (self.input(), self.weight());
        let a = &self.attributes;
        let per_group = self.channels / a.groups;
        let group = o / (self.outputs / a.groups);
        let [kh, kw] = self.kernel;
        for c in 0..per_group {
            for ky in 0..kh {
                for kx in 0..kw {
                    let y = (oy * a.stride[0] + ky * a.dilation[0]) as isize - a.padding[0][0] as isize;
                    let x = (ox * a.stride[1] + kx * a.dilation[1]) as isize - a.padding[1][0] as isize;
                    let inside = (0..self.size[0] as isize).contains(&y) && (0..self.size[1] as isize).contains(&x);
                    let channel = n * self.channels + group * per_group + c;
                    let value =
                        inside.then(|| input[(channel * self.size[0] + y as usize) * self.size[1] + x as usize]);
                    tap(value, weight[((o * per_group + c) * kh + ky) * kw + kx]);
                }
            }
        }
    }

    /// Every output, by `element(position)`.
    fn outputs(&self, mut element: impl FnMut([usize; 4]) -> f32) -> Vec<f32> {
        let out = |axis: usize| {
            let [before, after] = self.attributes.padding[axis];
            let span = self.attributes.dilation[axis] * (self.kernel[axis] - 1) + 1;
            (self.size[axis] + before + after - span) / self.attributes.stride[axis] + 1
        };
        let mut outputs = Vec::new();
        for n in 0..self.batch {
            for o in 0..self.outputs {
                for oy in 0..out(0) {
                    for ox in 0..out(1) {
                        outputs.push(element([n, o, oy, ox]));
                    }
                }
            }
        }
        outputs
    }

    /// The integer layer by its definition, with `term(x_q, w_q)` for each product.
    fn integer_reference(&self, term: impl Fn(i64, i64) -> i64, bias: bool) -> Vec<f32> {
        let params = self.params();
        let (z_x, s_x) = (i64::from(self.zero_points.0), params.input.scale());
        let (low, high) = (i64::from(self.range().q_min()), i64::from(self.range().q_max()));
        let quantize = |x: f32, s: f32, z: i64| (f64::from(x / s).round_ties_even() as i64 + z).clamp(low, high);
        self.outputs(|at| {
            let (z_w, s_w) = (i64::from(self.zero_points.1[at[1]]), params.weight.scale(at[1]));
            let mut acc = 0;
            self.taps(at, |x, w| {
                let x_q = x.map_or(z_x, |x| quantize(x, s_x, z_x));
                let w_q = quantize(w, s_w, z_w);
                acc += term(x_q, w_q) - z_w * x_q - z_x * w_q + z_x * z_w;
            });
            let y = (acc as f64 * (f64::from(s_x) * f64::from(s_w))) as f32;
            if bias { y + self.bias()[at[1]] } else { y }
        })
    }

    /// The exact integer layer, in the form without correction terms.
    fn quant_reference(&self) -> Vec<f32> {
        let z_x = i64::from(self.zero_points.0);
        let mut plain = self.clone();
        plain.zero_points.1.iter_mut().for_each(|z| *z = 0);
        let params = self.params();
        let (low, high) = (i64::from(self.range().q_min()), i64::from(self.range().q_max()));
        self.outputs(|at| {
            let (z_w, s_w) = (i64::from(self.zero_points.1[at[1]]), params.weight.scale(at[1]));
            let s_x = params.input.scale();
            let mut acc = 0;
            self.taps(at, |x, w| {
                // Padding is the quantized zero: it contributes nothing.
                let x_q = x.map_or(z_x, |x| (f64::from(x / s_x).round_ties_even() as i64 + z_x).clamp(low, high));
                let w_q = (f64::from(w / s_w).round_ties_even() as i64 + z_w).clamp(low, high);
                acc += (x_q - z_x) * (w_q - z_w);
            });
            (acc as f64 * (f64::from(s_x) * f64::from(s_w))) as f32
        })
    }
}

/// Numbers in about -2 to 2, a function of the seed.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 4.0
        })
        .collect()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn case() -> impl Strategy<Value = Case<ConvAttributes<2>>> {
    let coding = prop_oneof![Just(Coding::Signed), Just(Coding::SignMagnitude), Just(Coding::Affine)];
    let pairs = |low: usize, high: usize| [low..=high, low..=high];
    (
        (1usize..=3, 1usize..=3, 1usize..=3, 1usize..=3, any::<u64>()),
        (pairs(1, 3), pairs(1, 3), pairs(1, 2), [[0usize..=2, 0usize..=2], [0usize..=2, 0usize..=2]], pairs(0, 9)),
        coding,
        (any::<u8>(), prop::collection::vec(any::<u8>(), 9)),
    )
        .prop_map(
            |((batch, groups, c_in, c_out, values), (kernel, stride, dilation, padding, extra), coding, z)| {
                let span = |axis: usize| dilation[axis] * (kernel[axis] - 1) + 1;
                // At least one position: the unpadded input holds the kernel, or padding does.
                let size = [0, 1]
                    .map(|axis| (span(axis) + extra[axis]).saturating_sub(padding[axis][0] + padding[axis][1]).max(1));
                let zero_point = |byte: u8| match coding {
                    Coding::SignMagnitude => 0,
                    Coding::Signed => i32::from(byte.cast_signed()),
                    Coding::Affine => i32::from(byte),
                };
                let outputs = groups * c_out;
                Case {
                    batch,
                    channels: groups * c_in,
                    outputs,
                    size,
                    kernel,
                    attributes: ConvAttributes { stride, padding, dilation, groups },
                    coding,
                    zero_points: (zero_point(z.0), z.1[..outputs].iter().map(|&z| zero_point(z)).collect()),
                    values,
                }
            },
        )
}

/// An asymmetric multiplier whose product of zeros is not zero.
fn crooked(signedness: Signedness) -> Lut {
    Lut::from_fn("crooked", signedness, |a, b| a * b + 3 * a - 5 * b + (a & 7) * (b & 3) + 64)
}

fn crooked_term(coding: Coding, x: i64, w: i64) -> i64 {
    let product = |a: i64, b: i64| a * b + 3 * a - 5 * b + (a & 7) * (b & 3) + 64;
    match coding {
        Coding::Signed | Coding::Affine => product(x, w),
        Coding::SignMagnitude => {
            let sign = |v: i64| if v < 0 { -1 } else { 1 };
            sign(x) * sign(w) * product(x.abs(), w.abs())
        }
    }
}

proptest! {
    #![proptest_config(crate::cases::property(300))]

    #[test]
    fn an_exact_table_gives_quant_bit_for_bit(case in case()) {
        let exact = Lut::from_fn("exact", case.coding.table_signedness(), |a, b| a * b);
        let layer = case.quantized(Some(&exact));
        let quant = values(&layer.quant_fwd(&case.input_tensor()).unwrap());
        prop_assert_eq!(&values(&layer.approx_fwd(&case.input_tensor()).unwrap()), &quant);
        prop_assert_eq!(quant, case.quant_reference());
    }

    #[test]
    fn an_asymmetric_table_meets_its_operands_in_order(case in case()) {
        let mut layer = case.quantized(Some(&crooked(case.coding.table_signedness())));
        let term = |x, w| crooked_term(case.coding, x, w);
        let before_bias = values(&layer.approx_fwd(&case.input_tensor()).unwrap());
        prop_assert_eq!(before_bias, case.integer_reference(term, false));
        layer.set_mode(InferenceMode::Approximate);
        let output = values(&layer.forward(&case.input_tensor()).unwrap());
        prop_assert_eq!(output, case.integer_reference(term, true));
    }

    #[test]
    fn noise_of_nothing_gives_quant(case in case()) {
        let mut layer = case.quantized(None);
        layer.set_mode(InferenceMode::Quantized);
        let quant = values(&layer.forward(&case.input_tensor()).unwrap());
        layer.set_mode(InferenceMode::Noise);
        prop_assert_eq!(values(&layer.forward(&case.input_tensor()).unwrap()), quant);
    }

    #[test]
    fn baseline_is_the_real_sum(case in case()) {
        let output = values(&case.layer().baseline_fwd(&case.input_tensor()).unwrap());
        let reference = case.outputs(|at| {
            let mut sum = 0f64;
            case.taps(at, |x, w| sum += f64::from(x.unwrap_or(0.0)) * f64::from(w));
            sum as f32
        });
        prop_assert_eq!(output.len(), reference.len());
        for (found, expected) in output.iter().zip(&reference) {
            prop_assert!((found - expected).abs() <= 1e-4, "{} {}", found, expected);
        }
    }
}

/// A linear layer on a batch of sequences is the matrix product of every position.
#[test]
fn linear_layers_take_any_rank() {
    let (weight, input) = (numbers(1, 5 * 7), numbers(2, 2 * 3 * 7));
    let weight_tensor = Tensor::from_vec(weight.clone(), (5, 7), &Device::Cpu).unwrap();
    let mut layer = ApproxLinear::new("fc", &weight_tensor, None).unwrap();
    let range = IntRange::new(-127, 127).unwrap();
    let params = LayerParams::new(
        ActivationParams::new(0.02, 0, range).unwrap(),
        WeightParams::new(vec![0.02], vec![0], range).unwrap(),
    );
    layer.quantize(params, Coding::Signed, Some(&crooked(Signedness::Signed)), kernel::best()).unwrap();
    layer.set_mode(InferenceMode::Approximate);
    let quantize = |x: f32| f64::from(x / 0.02).round_ties_even().clamp(-127.0, 127.0) as i64;
    let mut expected = Vec::new();
    for row in input.chunks(7) {
        for weights in weight.chunks(7) {
            let products = row.iter().zip(weights);
            let sum: i64 = products.map(|(&x, &w)| crooked_term(Coding::Signed, quantize(x), quantize(w))).sum();
            expected.push((sum as f64 * (f64::from(0.02f32) * f64::from(0.02f32))) as f32);
        }
    }
    let sequences = Tensor::from_vec(input.clone(), (2, 3, 7), &Device::Cpu).unwrap();
    let output = layer.forward(&sequences).unwrap();
    assert_eq!(output.dims(), [2, 3, 5]);
    assert_eq!(values(&output), expected);
    let flat = Tensor::from_vec(input, (6, 7), &Device::Cpu).unwrap();
    assert_eq!(values(&layer.forward(&flat).unwrap()), expected);
}

/// Sums past 2^31 and past the 2^24 where `f32` counts stop: products of 255 * 255, so many that an `i32` holds all
/// but one of them, and 60,000; by every kernel.
#[test]
fn wide_sums_are_exact() {
    let range = IntRange::new(0, 255).unwrap();
    let scale = 1.0 / 255.0;
    let params = LayerParams::new(
        ActivationParams::new(scale, 0, range).unwrap(),
        WeightParams::new(vec![scale], vec![0], range).unwrap(),
    );
    let lut = Lut::from_fn("exact-but-one", Signedness::Unsigned, |a, b| a * b + i32::from(a == 1));
    let kernels = || KERNELS.iter().copied().filter(|kernel| kernel.is_supported());
    for (kernel, depth) in kernels().flat_map(|kernel| [33_026, 60_000].map(|depth| (kernel, depth))) {
        let ones = |rows: usize| Tensor::ones((rows, depth), DType::F32, &Device::Cpu).unwrap();
        let mut layer = ApproxLinear::new("fc", &ones(1), None).unwrap();
        layer.quantize(params.clone(), Coding::Affine, Some(&lut), kernel).unwrap();
        let sum = depth as i64 * 255 * 255;
        assert!(sum > i64::from(i32::MAX));
        let expected = (sum as f64 * (f64::from(scale) * f64::from(scale))) as f32;
        for output in [layer.quant_fwd(&ones(2)), layer.approx_fwd(&ones(2))] {
            assert_eq!(values(&output.unwrap()), [expected; 2], "{depth} products by {}", kernel.name());
        }
    }
}

/// The same where the depth is split between channels of a large kernel, and where it cannot be.
#[test]
fn wide_sums_of_large_kernels_are_exact() {
    let range = IntRange::new(0, 255).unwrap();
    let scale = 1.0 / 255.0;
    let params = LayerParams::new(
        ActivationParams::new(scale, 0, range).unwrap(),
        WeightParams::new(vec![scale], vec![0], range).unwrap(),
    );
    let kernels = || KERNELS.iter().copied().filter(|kernel| kernel.is_supported());
    for (kernel, (channels, size)) in kernels().flat_map(|kernel| [(408, 9), (4, 130)].map(|case| (kernel, case))) {
        let ones = Tensor::ones((1, channels, size, size), DType::F32, &Device::Cpu).unwrap();
        let mut layer = ApproxConv2d::new("conv", ConvAttributes::default(), &ones, None).unwrap();
        layer.quantize(params.clone(), Coding::Affine, None, kernel).unwrap();
        let sum = (channels * size * size) as i64 * 255 * 255;
        assert!(sum > i64::from(i32::MAX));
        let expected = (sum as f64 * (f64::from(scale) * f64::from(scale))) as f32;
        let output = layer.quant_fwd(&ones).unwrap();
        assert_eq!(values(&output), [expected], "{channels} x {size} x {size} products by {}", kernel.name());
    }
}

#[test]
fn results_do_not_depend_on_threads_or_batch() {
    let case = Case {
        batch: 5,
        channels: 4,
        outputs: 6,
        size: [9, 11],
        kernel: [3, 3],
        attributes: ConvAttributes { padding: [[1, 1]; 2], groups: 2, ..Default::default() },
        coding: Coding::Affine,
        zero_points: (17, vec![128; 6]),
        values: 5,
    };
    let layer = case.quantized(Some(&crooked(Signedness::Unsigned)));
    let input = case.input_tensor();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| values(&layer.approx_fwd(&input).unwrap()))
    };
    let whole = on(1);
    assert_eq!(on(3), whole);
    let one_by_one: Vec<f32> =
        (0..5).flat_map(|i| values(&layer.approx_fwd(&input.narrow(0, i, 1).unwrap()).unwrap())).collect();
    assert_eq!(one_by_one, whole);
}

#[test]
fn candle_layers_are_taken_as_they_are() {
    let config = candle_nn::Conv2dConfig { padding: 1, stride: 2, groups: 2, ..Default::default() };
    let weight = Tensor::from_vec(numbers(3, 4 * 2 * 9), (4, 2, 3, 3), &Device::Cpu).unwrap();
    let bias = Tensor::from_vec(numbers(4, 4), 4, &Device::Cpu).unwrap();
    let input = Tensor::from_vec(numbers(5, 2 * 4 * 49), (2, 4, 7, 7), &Device::Cpu).unwrap();
    let theirs = candle_nn::Conv2d::new(weight, Some(bias), config);
    let ours = ApproxConv2d::from_super(&theirs).unwrap();
    let difference = (theirs.forward(&input).unwrap() - ours.forward(&input).unwrap()).unwrap();
    assert!(values(&difference).iter().all(|d| d.abs() < 1e-5));
    assert_eq!((ours.fan_in(), ours.opcount(&[2, 4, 7, 7]).unwrap()), (18, 4 * 4 * 4 * 18));

    let config = candle_nn::Conv1dConfig { padding: 2, dilation: 2, ..Default::default() };
    let weight = Tensor::from_vec(numbers(6, 3 * 2 * 3), (3, 2, 3), &Device::Cpu).unwrap();
    let theirs = candle_nn::Conv1d::new(weight, None, config);
    let ours = ApproxConv1d::from_super(&theirs).unwrap();
    let input = Tensor::from_vec(numbers(7, 2 * 2 * 10), (2, 2, 10), &Device::Cpu).unwrap();
    let difference = (theirs.forward(&input).unwrap() - ours.forward(&input).unwrap()).unwrap();
    assert!(values(&difference).iter().all(|d| d.abs() < 1e-5));
}

#[test]
fn errors_name_the_layer() {
    let weight = Tensor::ones((2, 3), DType::F32, &Device::Cpu).unwrap();
    let mut layer = ApproxLinear::new("head.fc", &weight, None).unwrap();
    let good = Tensor::ones((1, 3), DType::F32, &Device::Cpu).unwrap();
    let chain = |error: LayerError| {
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {source}")
    };
    let error =
        chain(layer.forward_as(&Tensor::ones((1, 4), DType::F32, &Device::Cpu).unwrap(), Call::default()).unwrap_err());
    assert_eq!(error, "layer 'head.fc': input of shape [1, 4], expected [.., 3]");
    layer.set_mode(InferenceMode::Approximate);
    assert!(chain(layer.forward_as(&good, Call::default()).unwrap_err()).contains("quantization parameters"));
    let range = IntRange::new(-127, 127).unwrap();
    let params = LayerParams::new(
        ActivationParams::new(1.0, 0, range).unwrap(),
        WeightParams::new(vec![1.0], vec![0], range).unwrap(),
    );
    layer.quantize(params.clone(), Coding::Signed, None, kernel::best()).unwrap();
    assert!(chain(layer.forward_as(&good, Call::default()).unwrap_err()).contains("needs a multiplier"));
    let nan = Tensor::new(&[[0.0, f32::NAN, 1.0]], &Device::Cpu).unwrap();
    assert!(chain(layer.quant_fwd(&nan).unwrap_err()).contains("NaN"));
    let infinite = Tensor::new(&[[0.0, f32::INFINITY, f32::NEG_INFINITY]], &Device::Cpu).unwrap();
    assert_eq!(values(&layer.quant_fwd(&infinite).unwrap()), [0.0, 0.0], "127 and -127 cancel");

    let bad = Tensor::new(&[[0.0, f32::INFINITY, 1.0]], &Device::Cpu).unwrap();
    let mut layer = ApproxLinear::new("bad", &bad, None).unwrap();
    let error = layer.quantize(params, Coding::Signed, None, kernel::best()).unwrap_err();
    assert_eq!(error.to_string(), "layer 'bad'");
}

/// A 4-bit multiplier has no products for 8-bit operands, wherever their parameters come from.
#[test]
fn narrow_multipliers_refuse_wide_operands() {
    let four = Bits::try_from(4).unwrap();
    let range = |q_min, q_max| IntRange::new(q_min, q_max).unwrap();
    let weight = Tensor::ones((2, 3), DType::F32, &Device::Cpu).unwrap();
    let cases = [
        (Coding::SignMagnitude, range(0, 15), range(-15, 15), None),
        (
            Coding::SignMagnitude,
            range(0, 16),
            range(-15, 15),
            Some("activations are quantized to [0, 16], but 'narrow' takes [-15, 15]"),
        ),
        (Coding::SignMagnitude, range(-7, 7), range(-127, 127), Some("weights are quantized to [-127, 127]")),
        (Coding::Signed, range(-8, 7), range(-7, 7), None),
        // Shifted by half of what 4 bits hold.
        (Coding::Signed, range(0, 15), range(-7, 7), None),
        (
            Coding::Signed,
            range(0, 31),
            range(-7, 7),
            Some("activations are quantized to [-16, 15], but 'narrow' takes [-8, 7]"),
        ),
        (Coding::Affine, range(0, 15), range(1, 15), None),
        (Coding::Affine, range(0, 15), range(-7, 7), None),
        (Coding::Affine, range(0, 15), range(-15, 15), Some("weights are quantized to [1, 31]")),
    ];
    for_each_case(cases, |(coding, input, weights, expected)| {
        let lut = Lut::from_fn_sized("narrow", coding.table_signedness(), [four; 2], |a, b| a * b);
        let mut layer = ApproxLinear::new("fc", &weight, None).unwrap();
        let params = LayerParams::new(
            ActivationParams::new(1.0, input.q_min().max(0), input).unwrap(),
            WeightParams::new(vec![1.0], vec![weights.q_min().max(0)], weights).unwrap(),
        );
        let found = layer.quantize(params, coding, Some(&lut), kernel::best());
        let found = found.map_err(|error| error.problem.to_string());
        match expected {
            None => assert_eq!(found, Ok(())),
            Some(part) => assert!(found.as_ref().is_err_and(|error| error.contains(part)), "{found:?} lacks {part}"),
        }
    });
    // A configuration that was not told of the multiplier's width.
    let mut layer = ApproxLinear::new("fc", &weight, None).unwrap();
    layer.begin_calibration(Observer::MinMax.start(3).into());
    layer.forward(&Tensor::ones((1, 3), DType::F32, &Device::Cpu).unwrap()).unwrap();
    let lut = Lut::from_fn_sized("narrow", Signedness::Signed, [four; 2], |a, b| a * b);
    assert!(layer.finish_calibration(&QuantConfig::new(Coding::Signed), Some(&lut), kernel::best()).is_err());
}

#[test]
fn percentiles_need_the_count_of_their_values() {
    let weight = Tensor::ones((2, 3), DType::F32, &Device::Cpu).unwrap();
    let mut layer = ApproxLinear::new("fc", &weight, None).unwrap();
    layer.begin_calibration(Observer::Percentile(99.0).start(5).into());
    layer.forward(&Tensor::ones((1, 3), DType::F32, &Device::Cpu).unwrap()).unwrap();
    let error = layer.finish_calibration(&QuantConfig::new(Coding::Signed), None, kernel::best()).unwrap_err();
    assert!(error.problem.to_string().contains("saw 3 values but was started for 5"), "{}", error.problem);
}
