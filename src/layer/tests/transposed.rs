//! Transposed convolutions against their definition: every input times every tap, kept where it lands.

use super::{Case, crooked, crooked_term, numbers, values};
use crate::cases::for_each_case;
use crate::kernel;
use crate::layer::{
    ApproxConvTranspose, ApproxConvTranspose1d, ApproxConvTranspose2d, ApproxLayer, ConvTransposeAttributes,
    Convolution, InferenceMode, WeightedCore, WeightedLayer,
};
use crate::lut::{Coding, Lut};
use crate::quant::{Observer, QuantConfig};
use candle_core::{Device, Module, Tensor};
use proptest::prelude::*;

impl Case<ConvTransposeAttributes<2>> {
    pub(super) fn weight(&self) -> Tensor {
        let dims = [self.channels, self.outputs / self.attributes.groups, self.kernel[0], self.kernel[1]];
        Tensor::from_vec(numbers(self.values ^ 0xabcd, dims.iter().product()), &dims, &Device::Cpu).unwrap()
    }

    pub(super) fn layer(&self) -> ApproxConvTranspose2d {
        let bias = Tensor::new(self.bias(), &Device::Cpu).unwrap();
        ApproxConvTranspose::new("up", self.attributes, &self.weight(), Some(&bias)).unwrap()
    }

    fn quantized(&self, lut: &Lut) -> ApproxConvTranspose2d {
        let mut layer = self.layer();
        layer.quantize(self.params(), self.coding, Some(lut), kernel::best()).unwrap();
        layer
    }

    pub(super) fn output_size(&self) -> [usize; 2] {
        let ConvTransposeAttributes { stride, padding, output_padding, dilation, .. } = self.attributes;
        [0, 1].map(|i| {
            let reached = (self.size[i] - 1) * stride[i] + dilation[i] * (self.kernel[i] - 1) + 1;
            reached + output_padding[i] - padding[i][0] - padding[i][1]
        })
    }

    /// Calls `product(x, w, output channel, flat output)` for every product that lands in the output.
    fn products(&self, mut product: impl FnMut(f32, f32, usize, usize)) {
        let (x, w) = (self.input(), values(&self.weight()));
        let ConvTransposeAttributes { stride, padding, dilation, groups, .. } = self.attributes;
        let (group_inputs, group_outputs) = (self.channels / groups, self.outputs / groups);
        let ([height, width], [kh, kw]) = (self.size, self.kernel);
        let [out_height, out_width] = self.output_size();
        for n in 0..self.batch {
            for c in 0..self.channels {
                for (iy, ix) in (0..height).flat_map(|iy| (0..width).map(move |ix| (iy, ix))) {
                    for o in 0..group_outputs {
                        for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                            let oy = (iy * stride[0] + ky * dilation[0]).checked_sub(padding[0][0]);
                            let ox = (ix * stride[1] + kx * dilation[1]).checked_sub(padding[1][0]);
                            let (Some(oy), Some(ox)) = (oy, ox) else { continue };
                            if oy >= out_height || ox >= out_width {
                                continue;
                            }
                            let output = c / group_inputs * group_outputs + o;
                            let at = ((n * self.outputs + output) * out_height + oy) * out_width + ox;
                            let x = x[((n * self.channels + c) * height + iy) * width + ix];
                            product(x, w[((c * group_outputs + o) * kh + ky) * kw + kx], output, at);
                        }
                    }
                }
            }
        }
    }

    pub(super) fn output_elements(&self) -> usize {
        self.batch * self.outputs * self.output_size().iter().product::<usize>()
    }

    /// The output channel of each output.
    pub(super) fn channel(&self, at: usize) -> usize {
        at / self.output_size().iter().product::<usize>() % self.outputs
    }

    /// The integer layer by its definition, with `term(x_q, w_q, z_x, z_w)` for each product.
    fn integer_reference(&self, term: impl Fn(i64, i64, i64, i64) -> i64) -> Vec<f32> {
        let params = self.params();
        let (z_x, s_x) = (i64::from(self.zero_points.0), params.input.scale());
        let (low, high) = (i64::from(self.range().q_min()), i64::from(self.range().q_max()));
        let quantize = |x: f32, s: f32, z: i64| (f64::from(x / s).round_ties_even() as i64 + z).clamp(low, high);
        let mut sums = vec![0i64; self.output_elements()];
        self.products(|x, w, o, at| {
            let z_w = i64::from(self.zero_points.1[o]);
            sums[at] += term(quantize(x, s_x, z_x), quantize(w, params.weight.scale(o), z_w), z_x, z_w);
        });
        let number = |(at, sum): (usize, i64)| {
            let s_w = params.weight.scale(self.channel(at));
            (sum as f64 * (f64::from(s_x) * f64::from(s_w))) as f32
        };
        sums.into_iter().enumerate().map(number).collect()
    }
}

pub(super) fn case() -> impl Strategy<Value = Case<ConvTransposeAttributes<2>>> {
    let coding = prop_oneof![Just(Coding::Signed), Just(Coding::SignMagnitude), Just(Coding::Affine)];
    let pairs = |low: usize, high: usize| [low..=high, low..=high];
    (
        (1usize..=2, 1usize..=3, 1usize..=3, 1usize..=3, any::<u64>()),
        (pairs(1, 4), pairs(1, 4), pairs(1, 3), pairs(0, 3), [[0usize..=4, 0usize..=4], [0usize..=4, 0usize..=4]]),
        (pairs(1, 6), prop::bool::weighted(0.1)),
        coding,
        (any::<u8>(), prop::collection::vec(any::<u8>(), 9)),
    )
        .prop_map(
            |(
                (batch, groups, c_in, c_out, values),
                (kernel, stride, dilation, output_padding, mut padding),
                (mut size, is_large),
                coding,
                z,
            )| {
                if is_large {
                    // Several tiles, the borders of which lie within rows.
                    size = [size[0] + 10, size[1] + 31];
                }
                for axis in 0..2 {
                    let span = dilation[axis] * (kernel[axis] - 1) + 1;
                    let whole = (size[axis] - 1) * stride[axis] + span + output_padding[axis];
                    let [before, after] = padding[axis];
                    let before = before.min(whole - 1);
                    padding[axis] = [before, after.min(whole - 1 - before)];
                }
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
                    attributes: ConvTransposeAttributes { stride, padding, output_padding, dilation, groups },
                    coding,
                    zero_points: (zero_point(z.0), z.1[..outputs].iter().map(|&z| zero_point(z)).collect()),
                    values,
                }
            },
        )
}

proptest! {
    #![proptest_config(crate::cases::property(150))]

    #[test]
    fn an_exact_table_gives_quant_bit_for_bit(case in case()) {
        let layer = case.quantized(&Lut::from_fn("exact", case.coding.table_signedness(), |a, b| a * b));
        let output = layer.quant_fwd(&case.input_tensor()).unwrap();
        prop_assert_eq!(output.dims(), [&[case.batch, case.outputs][..], &case.output_size()].concat());
        let quant = values(&output);
        prop_assert_eq!(&values(&layer.approx_fwd(&case.input_tensor()).unwrap()), &quant);
        // Without zero-point terms.
        prop_assert_eq!(quant, case.integer_reference(|x, w, z_x, z_w| (x - z_x) * (w - z_w)));
    }

    #[test]
    fn any_table_is_asked_for_real_products_alone(case in case()) {
        let mut layer = case.quantized(&crooked(case.coding.table_signedness()));
        let expected = case.integer_reference(|x, w, z_x, z_w| {
            crooked_term(case.coding, x, w) - z_w * x - z_x * w + z_x * z_w
        });
        prop_assert_eq!(values(&layer.approx_fwd(&case.input_tensor()).unwrap()), &*expected);
        layer.set_mode(InferenceMode::Approximate);
        let with_bias: Vec<f32> =
            expected.iter().enumerate().map(|(at, y)| y + case.bias()[case.channel(at)]).collect();
        prop_assert_eq!(values(&layer.forward(&case.input_tensor()).unwrap()), with_bias);
    }

    #[test]
    fn baseline_is_the_real_sum(case in case()) {
        let mut expected: Vec<f64> =
            (0..case.output_elements()).map(|at| f64::from(case.bias()[case.channel(at)])).collect();
        case.products(|x, w, _, at| expected[at] += f64::from(x) * f64::from(w));
        let found = values(&case.layer().forward(&case.input_tensor()).unwrap());
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((f64::from(*found) - expected).abs() <= 1e-4, "{} {}", found, expected);
        }
    }

    #[test]
    fn counts_are_those_of_real_products(case in case()) {
        let mut products = vec![0usize; case.output_elements()];
        case.products(|_, _, _, at| products[at] += 1);
        let layer = case.layer();
        let input = case.input_tensor();
        let window = layer.window(input.dims()).unwrap();
        let total: usize = products.iter().sum();
        prop_assert_eq!(layer.opcount(input.dims()).unwrap(), (total / case.batch) as u64);
        prop_assert_eq!(window.fan_in(), products.into_iter().max().unwrap());
        prop_assert!(window.fan_in() <= layer.fan_in());
    }
}

/// Counts of the layers that segmentation networks and generators upsample by, by hand.
#[test]
fn counts_by_hand() {
    let attributes = |stride, padding, output_padding| ConvTransposeAttributes {
        stride: [stride; 2],
        padding: [[padding; 2]; 2],
        output_padding: [output_padding; 2],
        ..Default::default()
    };
    let cases = [
        // Taps as far apart as strides: one product an output and channel.
        (attributes(2, 0, 0), 2, 8, 16 * 16, 1, 1),
        // A generator's: each output of 16 sees 2 taps, the first and the last see 1.
        (attributes(2, 1, 0), 4, 8, 30 * 30, 4, 4),
        // Odd kernels: 1 tap at even outputs, 2 at odd ones but for the last, which sees 1.
        (attributes(2, 1, 1), 3, 8, 23 * 23, 4, 4),
        // A kernel smaller than the stride leaves gaps without any product.
        (attributes(3, 0, 0), 2, 8, 16 * 16, 1, 1),
        // A small input does not have all taps meet.
        (attributes(1, 0, 0), 5, 2, 10 * 10, 4, 25),
    ];
    for_each_case(cases, |(attributes, kernel, size, products, fan_in, most)| {
        let weight = Tensor::zeros((6, 5, kernel, kernel), candle_core::DType::F32, &Device::Cpu).unwrap();
        let layer = ApproxConvTranspose2d::new("up", attributes, &weight, None).unwrap();
        let input = [3, 6, size, size];
        assert_eq!(layer.opcount(&input).unwrap(), products * 6 * 5, "{attributes:?}, kernel {kernel}");
        assert_eq!(layer.window(&input).unwrap().fan_in(), fan_in * 6, "{attributes:?}, kernel {kernel}");
        assert_eq!(layer.fan_in(), most * 6, "{attributes:?}, kernel {kernel}");
        assert_eq!(layer.weight_shape(), [6, 5, kernel, kernel]);
    });
}

#[test]
fn candle_layers_are_taken_as_they_are() {
    let agree = |theirs: Tensor, ours: Tensor| {
        assert_eq!(theirs.dims(), ours.dims());
        assert!(values(&(theirs - ours).unwrap()).iter().all(|d| d.abs() < 1e-4));
    };
    let tensor =
        |seed, dims: &[usize]| Tensor::from_vec(numbers(seed, dims.iter().product()), dims, &Device::Cpu).unwrap();
    let config = candle_nn::ConvTranspose2dConfig { padding: 1, output_padding: 1, stride: 2, dilation: 2 };
    let theirs = candle_nn::ConvTranspose2d::new(tensor(1, &[4, 3, 3, 2]), Some(tensor(2, &[3])), config);
    let (ours, input) = (ApproxConvTranspose2d::from_super(&theirs).unwrap(), tensor(3, &[2, 4, 5, 6]));
    agree(theirs.forward(&input).unwrap(), ours.forward(&input).unwrap());

    let config = candle_nn::ConvTranspose1dConfig { stride: 3, padding: 2, groups: 2, ..Default::default() };
    let theirs = candle_nn::ConvTranspose1d::new(tensor(4, &[4, 3, 5]), None, config);
    let (ours, input) = (ApproxConvTranspose1d::from_super(&theirs).unwrap(), tensor(5, &[2, 4, 9]));
    assert_eq!((ours.kind(), ours.weight().dims()), ("conv_transpose1d", &[6, 5, 2][..]));
    agree(theirs.forward(&input).unwrap(), ours.forward(&input).unwrap());
}

#[test]
fn results_do_not_depend_on_threads_or_batch() {
    let case = Case {
        batch: 3,
        channels: 4,
        outputs: 34,
        size: [7, 40],
        kernel: [3, 3],
        attributes: ConvTransposeAttributes { stride: [2, 1], padding: [[1, 1]; 2], groups: 2, ..Default::default() },
        coding: Coding::Affine,
        zero_points: (17, vec![128; 34]),
        values: 5,
    };
    let layer = case.quantized(&crooked(case.coding.table_signedness()));
    let input = case.input_tensor();
    let on = |threads: usize| {
        let call = crate::layer::Call { threads, ..Default::default() };
        let mut layer = case.quantized(&crooked(case.coding.table_signedness()));
        layer.set_mode(InferenceMode::Approximate);
        values(&layer.forward_as(&input, call).unwrap())
    };
    assert_eq!(on(1), on(3));
    let whole = values(&layer.approx_fwd(&input).unwrap());
    let one_by_one: Vec<f32> =
        (0..3).flat_map(|i| values(&layer.approx_fwd(&input.narrow(0, i, 1).unwrap()).unwrap())).collect();
    assert_eq!(one_by_one, whole);
}

/// Scales are those of output channels, which the weight has second.
#[test]
fn calibration_scales_output_channels() {
    let weight = Tensor::new(&[[[1f32, -2.0], [0.5, 0.25]], [[3.0, 0.0], [0.0, -0.75]]], &Device::Cpu).unwrap();
    let mut layer = ApproxConvTranspose1d::new("up", ConvTransposeAttributes::default(), &weight, None).unwrap();
    layer.begin_calibration(Observer::MinMax.start(4).into());
    layer.forward(&Tensor::new(&[[[1f32, 2.0], [0.0, -1.0]]], &Device::Cpu).unwrap()).unwrap();
    layer.finish_calibration(&QuantConfig::new(Coding::Signed), None, kernel::best()).unwrap();
    assert_eq!(layer.params().unwrap().weight.scales(), [3.0 / 127.0, 0.75 / 127.0]);
}

#[test]
fn shapes_that_contradict_are_refused() {
    let plain = ConvTransposeAttributes::<2>::default();
    let cases = [
        (plain, [1, 3, 4, 4], [4, 2, 3, 3], "input of shape [1, 3, 4, 4], expected [batch, 4, 2 sizes of at least 1]"),
        (plain, [1, 4, 0, 4], [4, 2, 3, 3], "sizes of at least 1"),
        (plain, [1, 4, 4, 4], [4, 0, 3, 3], "weight of shape [4, 0, 3, 3]"),
        (ConvTransposeAttributes { groups: 3, ..plain }, [1, 4, 4, 4], [4, 2, 3, 3], "in a multiple of 3 groups"),
        (ConvTransposeAttributes { groups: 0, ..plain }, [1, 4, 4, 4], [4, 2, 3, 3], "in a multiple of 0 groups"),
        (ConvTransposeAttributes { stride: [1, 0], ..plain }, [1, 4, 4, 4], [4, 2, 3, 3], "stride is 0"),
        (ConvTransposeAttributes { dilation: [0, 1], ..plain }, [1, 4, 4, 4], [4, 2, 3, 3], "dilation is 0"),
        (
            ConvTransposeAttributes { padding: [[0, 0], [2, 4]], ..plain },
            [1, 4, 4, 4],
            [4, 2, 3, 3],
            "padding [2, 4] cuts off all 6 positions",
        ),
    ];
    for_each_case(cases, |(attributes, input, weight, expected)| {
        let error = attributes.window(&input, &weight).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    });
}
