//! Predictions against what layers do: to the last digits where every output is a statistic, and against the sums of
//! independent errors where operands are independent.

use super::{OperandSampler, PredictedError};
use crate::cases::for_each_case;
use crate::eval::LayerNoise;
use crate::graph::InputObserver;
use crate::kernel::{self, Signedness};
use crate::layer::{
    ApproxConv1d, ApproxConv2d, ApproxConvTranspose2d, ApproxLayer, ApproxLinear, ApproxMatMul, Call, ConvAttributes,
    ConvTransposeAttributes, InferenceMode,
};
use crate::lut::{Coding, Lut};
use crate::quant::{ActivationParams, IntRange, LayerParams, WeightParams};
use candle_core::{Device, Tensor};

/// Numbers from -1 to 1 that look random.
fn numbers(dims: &[usize], seed: u64) -> Tensor {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let values = (0..dims.iter().product()).map(|_| next()).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

/// A multiplier whose errors are neither symmetric nor zero where an operand is.
fn rough(coding: Coding) -> Lut {
    let signedness = coding.table_signedness();
    Lut::from_fn("rough", signedness, |a, b| a * b - (a.abs() % 16) * (b.abs() % 8) + (a & 1) * 5 + (b & 2))
}

/// Parameters of operands from -1 to 1 with zero points where the coding has them, another scale for each output.
fn params(coding: Coding, outputs: usize) -> LayerParams {
    let (low, high, zero) = match coding {
        Coding::Signed => (-128, 127, 5),
        Coding::SignMagnitude => (-127, 127, 0),
        Coding::Affine => (0, 255, 120),
    };
    let range = IntRange::new(low, high).unwrap();
    let scales = (0..outputs).map(|o| 0.008 + o as f32 * 0.0004).collect();
    let weight = WeightParams::new(scales, vec![zero; outputs], range).unwrap();
    LayerParams::new(ActivationParams::new(0.0085, zero, range).unwrap(), weight)
}

/// What a layer in mode quant, whose inputs are `inputs` in two batches, is predicted to do by `lut`.
fn predicted(layer: &dyn ApproxLayer, coding: Coding, lut: &Lut, inputs: &[Tensor]) -> PredictedError {
    let samples = inputs[0].dims()[0];
    let sampler = OperandSampler::new([layer], samples);
    for part in [1..samples, 0..1] {
        let inputs: Vec<Tensor> = inputs.iter().map(|input| input.narrow(0, part.start, part.len()).unwrap()).collect();
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        sampler.observe(layer, &inputs, part.start as u64..part.end as u64);
    }
    let statistics = sampler.finish([(layer, coding)], kernel::best());
    statistics.predict(lut).unwrap().remove(0).expect("operands")
}

/// Mean of the error of `lut`, and its deviation over that of the exact output, from all outputs.
fn measured(layer: &dyn ApproxLayer, inputs: &[Tensor]) -> LayerNoise {
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let [exact, given] = [InferenceMode::Quantized, InferenceMode::Approximate].map(|mode| {
        let output = layer.unbiased_fwd(mode, &inputs, Call::default()).unwrap();
        output.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    });
    let errors: Vec<f64> =
        exact.iter().zip(&given).map(|(exact, given)| f64::from(*given) - f64::from(*exact)).collect();
    let exact: Vec<f64> = exact.iter().map(|&y| f64::from(y)).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let deviation = |values: &[f64]| {
        let center = mean(values);
        (values.iter().map(|x| (x - center).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
    };
    LayerNoise { stdev: deviation(&errors) / deviation(&exact), mean: mean(&errors) }
}

fn quantized<L: ApproxLayer>(mut layer: L, coding: Coding, outputs: usize) -> (L, Lut) {
    let lut = rough(coding);
    layer.quantize(params(coding, outputs), coding, Some(&lut), kernel::best()).unwrap();
    layer.set_mode(InferenceMode::Quantized);
    (layer, lut)
}

/// Layers with few outputs, all of which are statistics.
#[test]
fn all_outputs_give_what_is_measured() {
    let check = |layer: &dyn ApproxLayer, coding: Coding, lut: &Lut, inputs: &[Tensor]| {
        let (found, expected) = (predicted(layer, coding, lut, inputs), measured(layer, inputs));
        let name = layer.name();
        assert!((found.noise.stdev / expected.stdev - 1.0).abs() < 1e-5, "{name} {coding}: {found:?} {expected:?}");
        assert!((found.noise.mean / expected.mean - 1.0).abs() < 1e-4, "{name} {coding}: {found:?} {expected:?}");
        // The parts make up the whole.
        let parts = found.parts;
        let squares =
            [parts.gain, parts.channels, parts.samples, parts.scatter].iter().map(|part| part * part).sum::<f64>();
        assert!((squares.sqrt() / found.noise.stdev - 1.0).abs() < 1e-9, "{name}: {found:?}");
    };
    for_each_case([Coding::Signed, Coding::SignMagnitude, Coding::Affine], |coding| {
        let grouped = ConvAttributes::<2> { stride: [2, 1], padding: [[1, 1], [2, 0]], dilation: [1, 2], groups: 2 };
        let layer = ApproxConv2d::new("grouped", grouped, &numbers(&[6, 2, 3, 3], 1), None).unwrap();
        let (layer, lut) = quantized(layer, coding, 6);
        check(&layer, coding, &lut, &[numbers(&[3, 4, 8, 7], 2)]);

        let depthwise = ConvAttributes::<2> { padding: [[1, 1]; 2], groups: 5, ..Default::default() };
        let layer = ApproxConv2d::new("depthwise", depthwise, &numbers(&[5, 1, 3, 3], 3), None).unwrap();
        let (layer, lut) = quantized(layer, coding, 5);
        check(&layer, coding, &lut, &[numbers(&[2, 5, 6, 6], 4)]);

        let row = ConvAttributes::<1> { padding: [[2, 1]], ..Default::default() };
        let layer = ApproxConv1d::new("row", row, &numbers(&[3, 2, 4], 5), None).unwrap();
        let (layer, lut) = quantized(layer, coding, 3);
        check(&layer, coding, &lut, &[numbers(&[4, 2, 20], 6)]);

        let layer = ApproxLinear::new("linear", &numbers(&[40, 19], 7), None).unwrap();
        let (layer, lut) = quantized(layer, coding, 40);
        check(&layer, coding, &lut, &[numbers(&[5, 3, 19], 8)]);

        let transposed =
            ConvTransposeAttributes::<2> { stride: [2, 3], padding: [[1, 0], [0, 1]], groups: 2, ..Default::default() };
        let layer = ApproxConvTranspose2d::new("transposed", transposed, &numbers(&[4, 3, 3, 2], 9), None).unwrap();
        let (layer, lut) = quantized(layer, coding, 6);
        check(&layer, coding, &lut, &[numbers(&[2, 4, 4, 5], 10)]);

        let (layer, lut) = quantized(ApproxMatMul::new("product"), coding, 1);
        check(&layer, coding, &lut, &[numbers(&[3, 2, 5, 9], 11), numbers(&[3, 2, 9, 6], 12)]);
    });
}

/// Every activation of a linear layer is drawn on its own: its errors are independent, their variances add up.
#[test]
fn independent_operands_have_the_variance_of_a_sum() {
    let (coding, depth, outputs, samples) = (Coding::SignMagnitude, 30, 4, 40_000);
    let layer = ApproxLinear::new("linear", &numbers(&[outputs, depth], 21), None).unwrap();
    let weight = layer_weights(&numbers(&[outputs, depth], 21), coding, outputs);
    let (layer, lut) = quantized(layer, coding, outputs);
    let input = numbers(&[samples, depth], 22);
    let found = predicted(&layer, coding, &lut, &[input]);
    // Activations are uniform over the integers from -118 to 117, but for the ends of the range of numbers.
    let params = params(coding, outputs);
    let error = |x: i32, w: i32| {
        let (a, b) = coding.table_operands(x, w);
        let sign = if (x < 0) == (w < 0) { 1 } else { -1 };
        f64::from(sign * lut.get(a, b).unwrap() - x * w)
    };
    let integers: Vec<i32> = (-117..=117).collect();
    let moments = |of: &dyn Fn(i32) -> f64| {
        let mean = integers.iter().map(|&x| of(x)).sum::<f64>() / integers.len() as f64;
        [mean, integers.iter().map(|&x| (of(x) - mean).powi(2)).sum::<f64>() / integers.len() as f64]
    };
    let of_output = |o: usize| {
        let scale = f64::from(params.input.scale()) * f64::from(params.weight.scale(o));
        let sum = |of: &dyn Fn(i32, i32) -> f64| {
            let parts = weight[o * depth..][..depth].iter().map(|&w| moments(&|x| of(x, w)));
            parts.fold([0.0; 2], |sum, part| [sum[0] + part[0], sum[1] + part[1]])
        };
        let ([mean, variance], [_, exact]) = (sum(&error), sum(&|x, w| f64::from(x * w)));
        [mean * scale, variance * scale * scale, exact * scale * scale]
    };
    let channels: Vec<[f64; 3]> = (0..outputs).map(of_output).collect();
    let average = |which: usize| channels.iter().map(|channel| channel[which]).sum::<f64>() / outputs as f64;
    let between = channels.iter().map(|channel| (channel[0] - average(0)).powi(2)).sum::<f64>() / outputs as f64;
    let stdev = ((average(1) + between) / average(2)).sqrt();
    // A standard error of the variance over 2048 positions of four outputs is about 2 %.
    assert!((found.noise.stdev / stdev - 1.0).abs() < 0.03, "{found:?}, expected {stdev}");
    let tolerance = 0.05 * average(1).sqrt();
    assert!((found.noise.mean - average(0)).abs() < tolerance, "{found:?}, expected {}", average(0));
}

/// The integers of weights.
fn layer_weights(weight: &Tensor, coding: Coding, outputs: usize) -> Vec<i32> {
    let weight = weight.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let bytes = params(coding, outputs).weight.quantize(&weight, outputs).unwrap();
    bytes.into_iter().map(|byte| Signedness::Signed.value(byte)).collect()
}

#[test]
fn exact_tables_have_no_errors() {
    let layer = ApproxLinear::new("linear", &numbers(&[3, 8], 31), None).unwrap();
    let (layer, _) = quantized(layer, Coding::Signed, 3);
    let exact = Lut::from_fn("exact", Signedness::Signed, |a, b| a * b);
    let found = predicted(&layer, Coding::Signed, &exact, &[numbers(&[9, 8], 32)]);
    assert_eq!(found.noise, LayerNoise { stdev: 0.0, mean: 0.0 });
    // Another coding's table is refused.
    let sampler = OperandSampler::new([&layer as &dyn ApproxLayer], 1);
    sampler.observe(&layer, &[&numbers(&[1, 8], 33)], 0..1);
    let statistics = sampler.finish([(&layer as &dyn ApproxLayer, Coding::Signed)], kernel::best());
    assert!(statistics.predict(&rough(Coding::Affine)).is_err());
}

/// A uniform shrinking of products is all gain.
#[test]
fn shrinking_is_gain() {
    let layer = ApproxLinear::new("linear", &numbers(&[6, 12], 41), None).unwrap();
    let (layer, _) = quantized(layer, Coding::Signed, 6);
    let half = Lut::from_fn("half", Signedness::Signed, |a, b| a * b / 2);
    // Without zero points, of which those of the coding make products of their own.
    let mut layer = layer;
    let range = IntRange::new(-127, 127).unwrap();
    let weight = WeightParams::new(vec![0.008; 6], vec![0; 6], range).unwrap();
    let params = LayerParams::new(ActivationParams::new(0.0085, 0, range).unwrap(), weight);
    layer.quantize(params, Coding::Signed, Some(&half), kernel::best()).unwrap();
    let found = predicted(&layer, Coding::Signed, &half, &[numbers(&[200, 12], 42)]);
    assert!((found.parts.gain + 0.5).abs() < 1e-3 && found.parts.scatter < 2e-3, "{found:?}");
}
