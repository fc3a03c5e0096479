//! Products of two activations against their definition, one product at a time.

use super::{crooked, crooked_term, numbers, values};
use crate::cases::for_each_case;
use crate::kernel::{self, KERNELS, Kernel, Signedness};
use crate::layer::{ApproxLayer, ApproxMatMul, InferenceMode, LayerProblem, SampleAxis};
use crate::lut::{Bits, Coding, Lut};
use crate::quant::{ActivationParams, IntRange, LayerParams, Observer, Operands, QuantConfig, WeightParams};
use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;

/// A product with its factors.
#[derive(Debug, Clone)]
struct Case {
    /// Leading axes of each factor: those of one may be 1 where the other's are not.
    leading: [[usize; 2]; 2],
    rows: usize,
    depth: usize,
    columns: usize,
    coding: Coding,
    /// Whether sign-magnitude's factors are never negative.
    positive: [bool; 2],
    zero_points: [i32; 2],
    /// Whether a factor is a view of a matrix with its axes exchanged, as keys are.
    transposed: [bool; 2],
    seed: u64,
}

const SCALES: [f32; 2] = [0.0123, 0.0087];

impl Case {
    fn range(&self, factor: usize) -> IntRange {
        match self.coding {
            Coding::Signed => IntRange::new(-128, 127),
            Coding::SignMagnitude if self.positive[factor] => IntRange::new(0, 255),
            Coding::SignMagnitude => IntRange::new(-127, 127),
            Coding::Affine => IntRange::new(0, 255),
        }
        .unwrap()
    }

    fn params(&self) -> LayerParams {
        let of = |factor: usize| {
            ActivationParams::new(SCALES[factor], self.zero_points[factor], self.range(factor)).unwrap()
        };
        LayerParams::new(of(0), of(1).as_weight())
    }

    /// Rows and columns of a factor.
    fn matrix(&self, factor: usize) -> [usize; 2] {
        [[self.rows, self.depth], [self.depth, self.columns]][factor]
    }

    fn numbers(&self, factor: usize) -> Vec<f32> {
        let count = self.leading[factor].iter().chain(&self.matrix(factor)).product();
        let numbers = numbers(self.seed ^ (factor as u64 * 0x5bd1), count).into_iter();
        numbers.map(|x| if self.positive[factor] { x.abs() } else { x }).collect()
    }

    fn tensor(&self, factor: usize) -> Tensor {
        let ([outer, inner], [rows, columns]) = (self.leading[factor], self.matrix(factor));
        let plain = Tensor::from_vec(self.numbers(factor), (outer, inner, rows, columns), &Device::Cpu).unwrap();
        if !self.transposed[factor] {
            return plain;
        }
        // The same numbers, with the axes exchanged in memory.
        plain.t().unwrap().contiguous().unwrap().t().unwrap()
    }

    /// The product by its definition, with `product(x_q, y_q)` for each pair of integers.
    fn reference(&self, term: impl Fn(i64, i64) -> i64) -> Vec<f32> {
        let quantized: [Vec<i64>; 2] = [0, 1].map(|factor| {
            let (low, high) = (self.range(factor).q_min().into(), self.range(factor).q_max().into());
            let quantize = |x: &f32| {
                let step = f64::from(x / SCALES[factor]).round_ties_even() as i64;
                (step + i64::from(self.zero_points[factor])).clamp(low, high)
            };
            self.numbers(factor).iter().map(quantize).collect()
        });
        let [z_x, z_y] = self.zero_points.map(i64::from);
        let at = |factor: usize, leading: [usize; 2], [row, column]: [usize; 2]| {
            let [outer, inner] = [0, 1].map(|axis| leading[axis].min(self.leading[factor][axis] - 1));
            let [rows, columns] = self.matrix(factor);
            quantized[factor][((outer * self.leading[factor][1] + inner) * rows + row) * columns + column]
        };
        let sizes = [0, 1].map(|axis| self.leading[0][axis].max(self.leading[1][axis]));
        let mut outputs = Vec::new();
        for leading in (0..sizes[0]).flat_map(|outer| (0..sizes[1]).map(move |inner| [outer, inner])) {
            for (row, column) in (0..self.rows).flat_map(|row| (0..self.columns).map(move |column| (row, column))) {
                let mut acc = 0;
                for k in 0..self.depth {
                    let (x, y) = (at(0, leading, [row, k]), at(1, leading, [k, column]));
                    acc += term(x, y) - z_y * x - z_x * y + z_x * z_y;
                }
                outputs.push((acc as f64 * (f64::from(SCALES[0]) * f64::from(SCALES[1]))) as f32);
            }
        }
        outputs
    }

    fn layer(&self, lut: Option<&Lut>, kernel: &'static dyn Kernel) -> ApproxMatMul {
        let mut layer = ApproxMatMul::new("qk");
        layer.quantize(self.params(), self.coding, lut, kernel).unwrap();
        layer
    }

    fn run(&self, layer: &mut ApproxMatMul, mode: InferenceMode) -> Vec<f32> {
        layer.set_mode(mode);
        values(&layer.forward(&self.tensor(0), &self.tensor(1)).unwrap())
    }
}

fn case() -> impl Strategy<Value = Case> {
    let coding = prop_oneof![Just(Coding::Signed), Just(Coding::SignMagnitude), Just(Coding::Affine)];
    let leading = [(1usize..=3, prop::sample::select(vec![0, 0, 1, 2])), (1usize..=3, prop::sample::select(vec![0]))];
    let columns = prop_oneof![1usize..20, 250usize..262];
    (
        leading,
        (1usize..20, 1usize..70, columns),
        coding,
        any::<[bool; 2]>(),
        any::<[u8; 2]>(),
        any::<[bool; 2]>(),
        any::<u64>(),
    )
        .prop_map(|(leading, (rows, depth, columns), coding, positive, zero_points, transposed, seed)| {
            // Of either factor, or of none, an axis may be 1.
            let axes = |factor: usize| leading.map(|(size, broadcast)| if broadcast == factor + 1 { 1 } else { size });
            let zero_point = |byte: u8| match coding {
                Coding::SignMagnitude => 0,
                Coding::Signed => i32::from(byte.cast_signed()),
                Coding::Affine => i32::from(byte),
            };
            let positive = positive.map(|positive| positive && coding == Coding::SignMagnitude);
            let leading = [axes(0), axes(1)];
            let zero_points = zero_points.map(zero_point);
            Case { leading, rows, depth, columns, coding, positive, zero_points, transposed, seed }
        })
}

fn supported() -> impl Iterator<Item = &'static dyn Kernel> {
    KERNELS.iter().copied().filter(|kernel| kernel.is_supported())
}

proptest! {
    #![proptest_config(crate::cases::property(160))]

    #[test]
    fn an_exact_table_gives_quant_bit_for_bit(case in case()) {
        let exact = Lut::from_fn("exact", case.coding.table_signedness(), |a, b| a * b);
        let expected = case.reference(|x, y| x * y);
        for kernel in supported() {
            let mut layer = case.layer(Some(&exact), kernel);
            prop_assert_eq!(&case.run(&mut layer, InferenceMode::Quantized), &expected, "quant, {}", kernel.name());
            prop_assert_eq!(&case.run(&mut layer, InferenceMode::Approximate), &expected, "approx, {}", kernel.name());
            prop_assert_eq!(&case.run(&mut layer, InferenceMode::Noise), &expected, "noise of nothing");
        }
    }

    #[test]
    fn an_asymmetric_table_meets_the_factors_in_order(case in case()) {
        let crooked = crooked(case.coding.table_signedness());
        let expected = case.reference(|x, y| crooked_term(case.coding, x, y));
        for kernel in supported() {
            let found = case.run(&mut case.layer(Some(&crooked), kernel), InferenceMode::Approximate);
            prop_assert_eq!(&found, &expected, "{}", kernel.name());
        }
    }

    #[test]
    fn baseline_sums_in_order_of_depth(case in case()) {
        let (a, b) = (case.numbers(0), case.numbers(1));
        let case = Case { leading: [[1, 1]; 2], ..case };
        let mut expected = Vec::new();
        for row in 0..case.rows {
            for column in 0..case.columns {
                let products = (0..case.depth).map(|k| {
                    f64::from(a[row * case.depth + k]) * f64::from(b[k * case.columns + column])
                });
                expected.push(products.fold(0.0, |sum, product| sum + product) as f32);
            }
        }
        prop_assert_eq!(case.run(&mut ApproxMatMul::new("qk"), InferenceMode::Baseline), expected);
    }
}

fn attention(coding: Coding) -> Case {
    Case {
        leading: [[5, 3]; 2],
        rows: 9,
        depth: 11,
        columns: 40,
        coding,
        positive: [false; 2],
        zero_points: if coding == Coding::Affine { [17, 200] } else { [0, 0] },
        transposed: [false, true],
        seed: 5,
    }
}

#[test]
fn results_do_not_depend_on_threads_or_batch() {
    let case = attention(Coding::Affine);
    let mut layer = case.layer(Some(&crooked(Signedness::Unsigned)), kernel::best());
    layer.set_mode(InferenceMode::Approximate);
    let run = |a: &Tensor, b: &Tensor| values(&layer.forward(a, b).unwrap());
    let (a, b) = (case.tensor(0), case.tensor(1));
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&a, &b))
    };
    let whole = on(1);
    // More threads than matrices too, where these are split.
    assert_eq!((&on(3), &on(64)), (&whole, &whole));
    let of = |tensor: &Tensor, i: usize| tensor.narrow(0, i, 1).unwrap();
    let one_by_one: Vec<f32> = (0..5).flat_map(|i| run(&of(&a, i), &of(&b, i))).collect();
    assert_eq!(one_by_one, whole);
}

/// Samples may lie along another axis than the first; each draws its own noise.
#[test]
fn noise_belongs_to_the_sample() {
    let case = attention(Coding::Signed);
    let noisy = |samples: Option<SampleAxis>, a: &Tensor, b: &Tensor| {
        let mut layer = case.layer(None, kernel::best()).with_samples(samples);
        layer.set_stdev(0.5).unwrap();
        layer.set_seed(3, 7);
        layer.set_mode(InferenceMode::Noise);
        layer.forward(a, b).unwrap()
    };
    let (a, b) = (case.tensor(0), case.tensor(1));
    let first = noisy(Some(SampleAxis { axis: 0, elements: 1 }), &a, &b);
    let (a, b) = (a.transpose(0, 1).unwrap(), b.transpose(0, 1).unwrap());
    let second = noisy(Some(SampleAxis { axis: 1, elements: 1 }), &a, &b);
    assert_eq!(values(&second.transpose(0, 1).unwrap()), values(&first));
    assert_ne!(values(&noisy(None, &a, &b)), values(&second), "one sample draws for all");
    assert_eq!(SampleAxis { axis: 1, elements: 2 }.samples(&[3, 10, 4, 4]), 5);
}

/// Sums past 2^31, which blocks of depth are added in.
#[test]
fn wide_sums_are_exact() {
    let depth = 40_000;
    let range = IntRange::new(0, 255).unwrap();
    let scale = 1.0 / 255.0;
    let ones = ActivationParams::new(scale, 0, range).unwrap();
    let lut = Lut::from_fn("exact-but-one", Signedness::Unsigned, |a, b| a * b + i32::from(a == 1));
    let mut layer = ApproxMatMul::new("av");
    let params = LayerParams::new(ones, ones.as_weight());
    layer.quantize(params, Coding::Affine, Some(&lut), kernel::best()).unwrap();
    let sum = depth as i64 * 255 * 255;
    assert!(sum > i64::from(i32::MAX));
    let expected = (sum as f64 * (f64::from(scale) * f64::from(scale))) as f32;
    let [a, b] = [(2, depth), (depth, 3)].map(|shape| Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap());
    for mode in [InferenceMode::Quantized, InferenceMode::Approximate] {
        layer.set_mode(mode);
        assert_eq!(values(&layer.forward(&a, &b).unwrap()), [expected; 6]);
    }
}

/// Ranges by hand, of a first factor that is never negative and a second one from -2 to 1.
#[test]
fn both_factors_follow_the_activation_rule() {
    let observe = |config: &QuantConfig, lut: Option<&Lut>| {
        let mut layer = ApproxMatMul::new("av");
        layer.begin_calibration(Operands::both(2, 2).map(|count| Observer::MinMax.start(count)));
        let a = Tensor::new(&[[0.5f32, 1.0]], &Device::Cpu).unwrap();
        let b = Tensor::new(&[[-2f32], [1.0]], &Device::Cpu).unwrap();
        layer.forward(&a, &b).unwrap();
        layer.finish_calibration(config, lut, kernel::best()).unwrap();
        let of = |params: &ActivationParams| {
            (params.scale(), params.zero_point(), params.range().q_min(), params.range().q_max())
        };
        let params = layer.params().unwrap();
        (of(&params.input), of(&params.weight.as_activation().unwrap()))
    };
    let narrow = [Bits::EIGHT, Bits::try_from(4).unwrap()];
    let narrow = Lut::from_fn_sized("8x4", Signedness::Unsigned, narrow, |a, b| a * b);
    let bits = |config: QuantConfig, bits: u32| QuantConfig { act_bits: bits.try_into().unwrap(), ..config };
    let weights = |config: QuantConfig, bits: u32| QuantConfig { weight_bits: bits.try_into().unwrap(), ..config };
    let (signed, magnitude) = (QuantConfig::new(Coding::Signed), QuantConfig::new(Coding::SignMagnitude));
    let cases = [
        (signed.clone(), None, ((1.0 / 127.0, 0, -127, 127), (2.0 / 127.0, 0, -127, 127))),
        (magnitude.clone(), None, ((1.0 / 255.0, 0, 0, 255), (2.0 / 127.0, 0, -127, 127))),
        (QuantConfig::new(Coding::Affine), None, ((1.0 / 255.0, 0, 0, 255), ((3.0 / 255.0) as f32, 170, 0, 255))),
        // The width is that of activations, ...
        (bits(signed.clone(), 4), None, ((1.0 / 7.0, 0, -7, 7), (2.0 / 7.0, 0, -7, 7))),
        (weights(signed, 4), None, ((1.0 / 127.0, 0, -127, 127), (2.0 / 127.0, 0, -127, 127))),
        // ... and no more than the multiplier's operand.
        (magnitude, Some(&narrow), ((1.0 / 255.0, 0, 0, 255), (2.0 / 7.0, 0, -7, 7))),
    ];
    for_each_case(cases, |(config, lut, expected)| assert_eq!(observe(&config, lut), expected));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let case = attention(Coding::Signed);
    let mut layer = case.layer(None, kernel::best());
    let problem = |layer: &ApproxMatMul, a: &Tensor, b: &Tensor| layer.forward(a, b).unwrap_err().problem;
    let (a, b) = (case.tensor(0), case.tensor(1));
    assert!(matches!(problem(&layer, &a, &a), LayerProblem::Input { .. }));
    assert!(matches!(problem(&layer, &a, &b.narrow(0, 0, 3).unwrap()), LayerProblem::Input { .. }));
    assert!(matches!(problem(&layer, &a, &b.get(0).unwrap()), LayerProblem::Input { .. }));
    layer.set_mode(InferenceMode::Quantized);
    let nan = (&b * f64::NAN).unwrap();
    assert!(matches!(problem(&layer, &a, &nan), LayerProblem::NaN));
    layer.set_mode(InferenceMode::Approximate);
    assert!(matches!(problem(&layer, &a, &b), LayerProblem::NoMultiplier));
    let unquantized = &mut ApproxMatMul::new("qk");
    unquantized.set_mode(InferenceMode::Quantized);
    assert!(matches!(problem(unquantized, &a, &b), LayerProblem::NotQuantized(InferenceMode::Quantized)));
    // A second factor has one scale.
    let range = IntRange::new(-127, 127).unwrap();
    let weight = WeightParams::new(vec![0.1; 3], vec![0; 3], range).unwrap();
    let params = LayerParams { weight, ..case.params() };
    let error = layer.quantize(params, Coding::Signed, None, kernel::best()).unwrap_err();
    assert!(matches!(error.problem, LayerProblem::Params(_)), "{error}");
    // Nothing was seen of it.
    layer.set_mode(InferenceMode::Baseline);
    layer.begin_calibration(Observer::MinMax.start(a.elem_count()).into());
    layer.forward(&a, &b).unwrap();
    assert!(matches!(layer.finish_observing().unwrap_err().problem, LayerProblem::NothingObserved));
}
