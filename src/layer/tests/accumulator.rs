//! Accumulators against their definition: one addition after the other to one integer, in order of the weight's
//! elements.

use super::*;
use crate::layer::{
    AccBits, AccOverflow, Accumulator, AccumulatorFindings, ApproxConvTranspose2d, ConvTransposeAttributes,
};
use std::sync::Arc;

/// One accumulator, beside the same of any width.
#[derive(Debug, Default)]
struct Naive {
    sum: i128,
    whole: i128,
    /// Sums of any width after each addition.
    prefixes: Vec<i128>,
    overflows: u64,
}

impl Naive {
    fn add(&mut self, setting: Accumulator, term: i64) {
        self.whole += i128::from(term);
        self.prefixes.push(self.whole);
        let sum = self.sum + i128::from(term);
        let Some(bits) = setting.bits.get() else {
            self.sum = sum;
            return;
        };
        let modulus = 1i128 << bits;
        let (low, high) = (-modulus / 2, modulus / 2 - 1);
        self.overflows += u64::from(sum != sum.clamp(low, high));
        self.sum = match setting.overflow {
            AccOverflow::Saturate => sum.clamp(low, high),
            AccOverflow::Wrap => (sum - low).rem_euclid(modulus) + low,
        };
    }
}

/// The products of an output, as pairs of integers, and its channel.
struct Output {
    channel: usize,
    products: Vec<[i64; 2]>,
}

/// The numbers of outputs and what their accumulators go through.
fn reference(
    outputs: &[Output],
    params: &LayerParams,
    setting: Accumulator,
    term: impl Fn(i64, i64) -> i64,
    real_bias: &[f32],
) -> (Vec<f32>, [u64; 3], [i64; 2]) {
    let z_x = i64::from(params.input.zero_point());
    let (mut numbers, mut counts, mut range) = (Vec::new(), [0u64; 3], [0i128; 2]);
    for Output { channel, products } in outputs {
        let z_w = i64::from(params.weight.zero_point(*channel));
        let mut acc = Naive::default();
        products.iter().for_each(|&[x, w]| acc.add(setting, term(x, w)));
        acc.add(setting, -z_w * products.iter().map(|[x, _]| x).sum::<i64>());
        acc.add(setting, -z_x * products.iter().map(|[_, w]| w).sum::<i64>());
        acc.add(setting, products.len() as i64 * z_x * z_w);
        if let Some(bias) = &params.bias {
            acc.add(setting, bias[*channel].into());
        }
        counts = [counts[0] + u64::from(acc.overflows > 0), counts[1] + acc.overflows, counts[2] + 1];
        for &prefix in &acc.prefixes {
            range = [range[0].min(prefix), range[1].max(prefix)];
        }
        let scale = f64::from(params.input.scale()) * f64::from(params.weight.scale(*channel));
        let number = (acc.sum as f64 * scale) as f32;
        numbers.push(if params.bias.is_some() { number } else { number + real_bias[*channel] });
    }
    (numbers, counts, range.map(|x| x as i64))
}

/// The least width of two's complement, by trying.
fn least_width([low, high]: [i64; 2]) -> u32 {
    let holds = |bits: &u32| {
        let half = 1i128 << (bits - 1);
        (-half..half).contains(&i128::from(low)) && (-half..half).contains(&i128::from(high))
    };
    (2..=64).find(holds).unwrap()
}

fn quantize(x: f32, scale: f32, zero_point: i64, range: IntRange) -> i64 {
    (f64::from(x / scale).round_ties_even() as i64 + zero_point).clamp(range.q_min().into(), range.q_max().into())
}

impl<A> Case<A> {
    fn activation(&self, x: f32) -> i64 {
        let params = self.params();
        quantize(x, params.input.scale(), self.zero_points.0.into(), self.range())
    }

    fn weight_integer(&self, w: f32, channel: usize) -> i64 {
        quantize(w, self.params().weight.scale(channel), self.zero_points.1[channel].into(), self.range())
    }
}

impl Case<ConvAttributes<2>> {
    fn products(&self) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.outputs(|at| {
            let mut products = Vec::new();
            self.taps(at, |x, w| {
                let x = x.map_or_else(|| self.zero_points.0.into(), |x| self.activation(x));
                products.push([x, self.weight_integer(w, at[1])]);
            });
            outputs.push(Output { channel: at[1], products });
            0.0
        });
        outputs
    }
}

impl Case<ConvTransposeAttributes<2>> {
    /// Of each output, input channel by channel, the taps that take an input to it.
    fn gathered(&self) -> Vec<Output> {
        let (x, w) = (self.input(), values(&self.weight()));
        let ConvTransposeAttributes { stride, padding, dilation, groups, .. } = self.attributes;
        let (group_inputs, group_outputs) = (self.channels / groups, self.outputs / groups);
        let ([height, width], [kh, kw]) = (self.size, self.kernel);
        let [out_height, out_width] = self.output_size();
        let source = |axis: usize, output: usize, tap: usize, size: usize| {
            let steps = (output + padding[axis][0]).checked_sub(tap * dilation[axis])?;
            (steps % stride[axis] == 0 && steps / stride[axis] < size).then(|| steps / stride[axis])
        };
        let mut outputs = Vec::new();
        for (n, o) in (0..self.batch).flat_map(|n| (0..self.outputs).map(move |o| (n, o))) {
            for (oy, ox) in (0..out_height).flat_map(|oy| (0..out_width).map(move |ox| (oy, ox))) {
                let mut products = Vec::new();
                for c in o / group_outputs * group_inputs..(o / group_outputs + 1) * group_inputs {
                    for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                        let (Some(iy), Some(ix)) = (source(0, oy, ky, height), source(1, ox, kx, width)) else {
                            continue;
                        };
                        let x = x[((n * self.channels + c) * height + iy) * width + ix];
                        let w = w[((c * group_outputs + o % group_outputs) * kh + ky) * kw + kx];
                        products.push([self.activation(x), self.weight_integer(w, o)]);
                    }
                }
                outputs.push(Output { channel: o, products });
            }
        }
        outputs
    }
}

/// A multiplier whose products need all of 32 bits, asymmetric and not zero for zeros.
fn large(a: i32, b: i32) -> i32 {
    a * b * 30_000 + 70_000 * a - 9 * b + 64
}

fn term(coding: Coding, is_large: bool) -> impl Fn(i64, i64) -> i64 {
    move |x, w| match (is_large, coding) {
        (false, _) => crooked_term(coding, x, w),
        (true, Coding::SignMagnitude) => {
            let sign = |v: i64| if v < 0 { -1 } else { 1 };
            sign(x) * sign(w) * i64::from(large(x.abs() as i32, w.abs() as i32))
        }
        (true, _) => large(x as i32, w as i32).into(),
    }
}

/// What an evaluation asks of a layer, beside its shape.
#[derive(Debug, Clone, Copy)]
struct Asked {
    mode: InferenceMode,
    is_large: bool,
    setting: Accumulator,
    has_integer_bias: bool,
}

fn asked() -> impl Strategy<Value = Asked> {
    let mode = prop_oneof![Just(InferenceMode::Quantized), Just(InferenceMode::Approximate)];
    let overflow = prop_oneof![Just(AccOverflow::Wrap), Just(AccOverflow::Saturate)];
    (mode, any::<bool>(), 2u32..=40, overflow, any::<bool>()).prop_map(
        |(mode, is_large, bits, overflow, has_integer_bias)| Asked {
            mode,
            is_large,
            setting: Accumulator { bits: bits.try_into().unwrap(), overflow },
            has_integer_bias,
        },
    )
}

/// Whether a layer with its outputs is as the definition has it, and the same without an accumulator where it is wide
/// enough.
fn check<L: WeightedLayer + ?Sized, A>(
    layer: &mut L,
    case: &Case<A>,
    outputs: &[Output],
    asked: Asked,
) -> Result<(), TestCaseError> {
    let Asked { mode, is_large, setting, has_integer_bias } = asked;
    let signedness = case.coding.table_signedness();
    let lut = if is_large { Lut::from_fn("large", signedness, large) } else { crooked(signedness) };
    let mut params = case.params();
    let steps = |b: &f32| (f64::from(*b) * 2f64.powi(20)) as i32;
    params.bias = has_integer_bias.then(|| case.bias().iter().map(steps).collect::<Vec<_>>()).map(Arc::from);
    layer.quantize(params.clone(), case.coding, Some(&lut), kernel::best()).unwrap();
    layer.set_mode(mode);
    let term = |x: i64, w: i64| match mode {
        InferenceMode::Approximate => term(case.coding, is_large)(x, w),
        _ => x * w,
    };
    let expected = |setting| reference(outputs, &params, setting, term, &case.bias());
    let input = case.input_tensor();
    let mut run = |setting: Option<Accumulator>| {
        layer.set_accumulator(setting);
        let numbers = values(&layer.forward_as(&input, Call::default()).unwrap());
        (numbers, layer.accumulator_findings())
    };
    let of = |bits: u32| Accumulator { bits: bits.try_into().unwrap(), ..setting };

    let (plain, none) = run(None);
    prop_assert_eq!(none, None);
    let (numbers, found) = run(Some(setting));
    let (reference, counts, range) = expected(setting);
    prop_assert_eq!(numbers, reference);
    let found: AccumulatorFindings = found.unwrap();
    prop_assert_eq!([found.overflows, found.overflowed_additions, found.outputs], counts);
    prop_assert_eq!((found.range, found.bits_needed), (range, least_width(range)));
    prop_assert!(found.bits_worst_case >= found.bits_needed);

    // Widths above and at the boundary change nothing, and one below it is left.
    let least = found.bits_needed;
    for setting in [of(least), of(64), of(found.bits_worst_case), AccBits::AUTO.into()] {
        let (numbers, found) = run(Some(setting));
        prop_assert_eq!(&numbers, &plain);
        let found = found.unwrap();
        prop_assert_eq!(
            [found.overflows, found.overflowed_additions, u64::from(found.bits_needed)],
            [0, 0, least.into()]
        );
    }
    if least > 2 {
        let (numbers, found) = run(Some(of(least - 1)));
        prop_assert!(found.unwrap().overflows > 0);
        prop_assert_eq!(numbers, expected(of(least - 1)).0);
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::cases::property(100))]

    #[test]
    fn convolutions_are_the_definition(case in case(), asked in asked()) {
        check(&mut case.layer(), &case, &case.products(), asked)?;
    }

    #[test]
    fn transposed_convolutions_are_the_definition(case in transposed::case(), asked in asked()) {
        check(&mut case.layer(), &case, &case.gathered(), asked)?;
    }

    /// Over all operands of two bits: what is reached is the worst case, and nothing more.
    #[test]
    fn the_worst_case_is_reached(
        weights in prop::collection::vec(-2i32..=1, 1..=4),
        zero_points in [-2i32..=1, -2i32..=1],
        bias in prop::option::of(-40i32..=40),
        table in prop::collection::vec(-30i32..=30, 16),
    ) {
        let (depth, range) = (weights.len(), IntRange::new(-2, 1).unwrap());
        let all: Vec<f32> = (0..4usize.pow(depth as u32))
            .flat_map(|i| (0..depth).map(move |k| (i / 4usize.pow(k as u32) % 4) as f32 - 2.0))
            .map(|x| x - zero_points[0] as f32)
            .collect();
        let weight: Vec<f32> = weights.iter().map(|w| (w - zero_points[1]) as f32).collect();
        let weight = Tensor::from_vec(weight, (1, depth), &Device::Cpu).unwrap();
        let real = Tensor::new(&[0f32], &Device::Cpu).unwrap();
        let mut layer = ApproxLinear::new("fc", &weight, Some(&real)).unwrap();
        let input = ActivationParams::new(1.0, zero_points[0], range).unwrap();
        let weight = WeightParams::new(vec![1.0], vec![zero_points[1]], range).unwrap();
        let params = LayerParams { input, weight, bias: bias.map(|bias| Arc::from([bias])) };
        let bits = Bits::try_from(2).unwrap();
        let lut = Lut::from_fn_sized("any", Signedness::Signed, [bits; 2], |a, w| table[((a + 2) * 4 + w + 2) as usize]);
        layer.quantize(params, Coding::Signed, Some(&lut), kernel::best()).unwrap();
        layer.set_mode(InferenceMode::Approximate);
        layer.set_accumulator(Some(AccBits::AUTO.into()));
        layer.forward(&Tensor::from_vec(all, ((), depth), &Device::Cpu).unwrap()).unwrap();
        let found = layer.accumulator_findings().unwrap();
        prop_assert_eq!(found.bits_needed, found.bits_worst_case);
        prop_assert_eq!(found.outputs, 4u64.pow(depth as u32));
    }
}

/// 21, -3, -13 need 6 bits. In 5 bits, -16 to 15: 21 becomes -11 by wrapping, then -35 becomes -3, then -13 is held;
/// saturating, 21 becomes 15, then -9 is held, then -19 becomes -16.
#[test]
fn overflows_by_hand() {
    let range = IntRange::new(-128, 127).unwrap();
    let weight = Tensor::new(&[[3f32, -4.0, 5.0]], &Device::Cpu).unwrap();
    let mut layer = ApproxLinear::new("fc", &weight, None).unwrap();
    let input = ActivationParams::new(1.0, 0, range).unwrap();
    let params = LayerParams::new(input, WeightParams::new(vec![1.0], vec![0], range).unwrap());
    layer.quantize(params, Coding::Signed, None, kernel::best()).unwrap();
    layer.set_mode(InferenceMode::Quantized);
    let x = Tensor::new(&[[7f32, 6.0, -2.0], [1.0, 1.0, 1.0]], &Device::Cpu).unwrap();
    let cases = [
        ("auto", AccOverflow::Wrap, -13.0, [0, 0]),
        ("6", AccOverflow::Wrap, -13.0, [0, 0]),
        ("6", AccOverflow::Saturate, -13.0, [0, 0]),
        ("5", AccOverflow::Wrap, -13.0, [1, 2]),
        ("5", AccOverflow::Saturate, -16.0, [1, 2]),
    ];
    for_each_case(cases, |(bits, overflow, expected, overflows)| {
        // Each setting in a layer of its own.
        let accumulator = Accumulator { bits: bits.parse().unwrap(), overflow };
        let layer = &mut ApproxLinear::new("fc", &weight, None).unwrap();
        let params = LayerParams::new(input, WeightParams::new(vec![1.0], vec![0], range).unwrap());
        layer.quantize(params, Coding::Signed, None, kernel::best()).unwrap();
        layer.set_mode(InferenceMode::Quantized);
        layer.set_accumulator(Some(accumulator));
        assert_eq!(layer.forward(&x).unwrap().to_vec2::<f32>().unwrap(), [[expected], [4.0]], "{accumulator:?}");
        let found = layer.accumulator_findings().unwrap();
        assert_eq!([found.overflows, found.overflowed_additions, found.outputs], [overflows[0], overflows[1], 2]);
        // 128 * 3 + 128 * 4 + 128 * 5 = 1536.
        assert_eq!((found.range, found.bits_needed, found.bits_worst_case), ([-13, 21], 6, 12));
    });
    // In the other modes there is none.
    layer.set_accumulator(Some(AccBits::AUTO.into()));
    for mode in [InferenceMode::Baseline, InferenceMode::Noise] {
        layer.set_mode(mode);
        layer.set_stdev(0.5).unwrap();
        layer.forward(&x).unwrap();
        assert_eq!(layer.accumulator_findings(), None, "{mode}");
    }
    layer.set_mode(InferenceMode::Quantized);
    layer.forward_as(&x, Call { keeps_sums_whole: true, ..Call::default() }).unwrap();
    assert_eq!(layer.accumulator_findings(), None);
    layer.forward(&x).unwrap();
    assert!(layer.accumulator_findings().is_some());
}

/// A requantized layer: the integers of an accumulator that overflows are those of the whole sum less `2^N`.
#[test]
fn integers_follow_accumulators() {
    let range = IntRange::new(-128, 127).unwrap();
    let (weight, bias) =
        (Tensor::new(&[[100f32, 100.0]], &Device::Cpu).unwrap(), Tensor::new(&[30f32], &Device::Cpu).unwrap());
    let mut layer = ApproxLinear::new("fc", &weight, Some(&bias)).unwrap();
    let params = LayerParams::new(
        ActivationParams::new(1.0, 0, range).unwrap(),
        WeightParams::new(vec![1.0], vec![0], range).unwrap(),
    );
    layer.quantize(params, Coding::Signed, None, kernel::best()).unwrap();
    layer.set_mode(InferenceMode::Quantized);
    let output = crate::quant::Grid::new(1.0, 0, [-100_000, 100_000]).unwrap();
    layer.set_requantization(Some(Requantization { output, rounding: crate::kernel::Rounding::Once }));
    let x = Tensor::new(&[[100f32, 60.0], [100.0, 63.0], [100.0, 64.0]], &Device::Cpu).unwrap();
    let run = |layer: &ApproxLinear| values(&layer.forward(&x).unwrap());
    assert_eq!(run(&layer), [16_030.0, 16_330.0, 16_430.0]);
    layer.set_accumulator(Some(AccBits::try_from(15).unwrap().into()));
    // Of 16,030, 16,330 and 16,430 the last is more than 2^14 - 1 = 16,383, and so it is without the bias.
    assert_eq!(run(&layer), [16_030.0, 16_330.0, 16_430.0 - 32_768.0]);
    assert_eq!(layer.accumulator_findings().unwrap().overflows, 1);
    layer.set_accumulator(Some(Accumulator { bits: AccBits::try_from(15).unwrap(), overflow: AccOverflow::Saturate }));
    assert_eq!(run(&layer), [16_030.0, 16_330.0, 16_383.0]);
    // The sum of the last output leaves the range at its second product, and at the bias.
    assert_eq!(layer.accumulator_findings().unwrap().overflowed_additions, 2);
}

/// Findings are those of all parts of a batch, by any threads.
#[test]
fn findings_do_not_depend_on_threads_or_batch() {
    let setting = Accumulator { bits: AccBits::try_from(14).unwrap(), overflow: AccOverflow::Saturate };
    let conv = |groups: usize| Case {
        batch: 5,
        channels: 4,
        outputs: 8,
        size: [9, 40],
        kernel: [3, 3],
        attributes: ConvAttributes { padding: [[1, 1]; 2], groups, ..Default::default() },
        coding: Coding::Affine,
        zero_points: (17, vec![128; 8]),
        values: 5,
    };
    let up = Case {
        batch: 3,
        channels: 4,
        outputs: 6,
        size: [7, 40],
        kernel: [3, 3],
        attributes: ConvTransposeAttributes { stride: [2, 1], padding: [[1, 1]; 2], groups: 2, ..Default::default() },
        coding: Coding::Affine,
        zero_points: (17, vec![128; 6]),
        values: 5,
    };
    let layers: Vec<(Box<dyn WeightedLayer>, Tensor, LayerParams)> = vec![
        (Box::new(conv(1).layer()), conv(1).input_tensor(), conv(1).params()),
        (Box::new(conv(4).layer()), conv(4).input_tensor(), conv(4).params()),
        (Box::<ApproxConvTranspose2d>::new(up.layer()), up.input_tensor(), up.params()),
    ];
    for (mut layer, input, params) in layers {
        layer.quantize(params, Coding::Affine, Some(&crooked(Signedness::Unsigned)), kernel::best()).unwrap();
        layer.set_mode(InferenceMode::Approximate);
        let mut on = |threads: usize, part: usize| {
            layer.set_accumulator(Some(setting));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let images = input.dims()[0];
            let parts = (0..images).step_by(part).map(|i| input.narrow(0, i, part.min(images - i)).unwrap());
            let run =
                |part| values(&pool.install(|| layer.forward_as(&part, Call { threads, ..Call::default() })).unwrap());
            let numbers: Vec<f32> = parts.flat_map(run).collect();
            (numbers, layer.accumulator_findings().unwrap())
        };
        let whole = on(1, 5);
        assert!(whole.1.overflows > 0, "{:?}", whole.1);
        assert_eq!(on(3, 5), whole);
        assert_eq!(on(2, 1), whole);
        assert_eq!(on(8, 2), whole);
    }
}

/// Products of two activations, whose terms come in the order of the factors.
#[test]
fn products_of_activations_are_the_definition() {
    let [rows, depth, columns] = [3usize, 5, 4];
    let range = IntRange::new(0, 255).unwrap();
    let factors = [(0.0123f32, 100i64), (0.0087, 7)];
    let (a, b) = (numbers(3, 2 * rows * depth), numbers(4, 2 * depth * columns));
    let of = |factor: usize| ActivationParams::new(factors[factor].0, factors[factor].1 as i32, range).unwrap();
    let params = LayerParams::new(of(0), of(1).as_weight());
    let tensors = [
        Tensor::from_vec(a.clone(), (2, rows, depth), &Device::Cpu).unwrap(),
        Tensor::from_vec(b.clone(), (2, depth, columns), &Device::Cpu).unwrap(),
    ];
    let mut outputs = Vec::new();
    for (n, row, column) in
        (0..2).flat_map(|n| (0..rows).flat_map(move |row| (0..columns).map(move |column| (n, row, column))))
    {
        let pair = |k: usize| {
            let [x, y] = [a[(n * rows + row) * depth + k], b[(n * depth + k) * columns + column]];
            [quantize(x, factors[0].0, factors[0].1, range), quantize(y, factors[1].0, factors[1].1, range)]
        };
        outputs.push(Output { channel: 0, products: (0..depth).map(pair).collect() });
    }
    let mut layer = ApproxMatMul::new("qk");
    layer.quantize(params.clone(), Coding::Affine, Some(&crooked(Signedness::Unsigned)), kernel::best()).unwrap();
    let [first, second] = &tensors;
    for (mode, bits) in [InferenceMode::Quantized, InferenceMode::Approximate]
        .into_iter()
        .flat_map(|mode| (2u32..=24).map(move |bits| (mode, bits)))
    {
        layer.set_mode(mode);
        layer.set_accumulator(None);
        let plain = values(&layer.forward(first, second).unwrap());
        for overflow in [AccOverflow::Wrap, AccOverflow::Saturate] {
            let setting = Accumulator { bits: bits.try_into().unwrap(), overflow };
            layer.set_accumulator(Some(setting));
            let numbers = values(&layer.forward(first, second).unwrap());
            let term =
                |x, w| if mode == InferenceMode::Approximate { crooked_term(Coding::Affine, x, w) } else { x * w };
            let (expected, counts, range) = reference(&outputs, &params, setting, term, &[0.0]);
            assert_eq!(numbers, expected, "{mode}, {setting:?}");
            let found = layer.accumulator_findings().unwrap();
            assert_eq!([found.overflows, found.overflowed_additions, found.outputs], counts);
            assert_eq!((found.range, found.bits_needed), (range, least_width(range)));
            assert!(found.bits_worst_case >= found.bits_needed && found.bits_worst_case <= 22, "{found:?}");
            assert_eq!(bits >= found.bits_needed, counts[0] == 0);
            if counts[0] == 0 {
                assert_eq!(numbers, plain);
            }
        }
    }
}
