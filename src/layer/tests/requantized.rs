//! Layers whose outputs are integers, against the definition: exact sums with an integer bias, scaled by a fixed-point
//! multiplier in exact arithmetic.

use super::*;
use crate::kernel::{Clip, Rounding};
use crate::quant::Grid;
use std::sync::Arc;

/// `round(acc * m)` by the rule, for a multiplier of 31 bits found by repeated doubling.
fn scaled(acc: i64, factor: f64, rounding: Rounding) -> i64 {
    if rounding == Rounding::Real {
        return (acc as f64 * factor).round() as i64;
    }
    let (mut fraction, mut exponent) = (factor, 0);
    while fraction < 0.5 {
        (fraction, exponent) = (fraction * 2.0, exponent - 1);
    }
    while fraction >= 1.0 {
        (fraction, exponent) = (fraction / 2.0, exponent + 1);
    }
    let product = i128::from(acc) * (fraction * 2f64.powi(31)).round() as i128;
    let floor_half = |x: i128, bits: i32| (x + (1 << (bits - 1))).div_euclid(1 << bits);
    (match rounding {
        Rounding::Once => floor_half(product, 31 - exponent),
        Rounding::Truncate => product / (1 << (31 - exponent)),
        Rounding::Real => unreachable!("it has no multiplier of 31 bits"),
        Rounding::Twice | Rounding::TwiceOfSingle => {
            assert!(exponent <= 0, "factors of these tests are below 1");
            let high = floor_half(product, 31);
            let half = (1i128 << -exponent) / 2;
            high.signum() * ((high.abs() + half) / (1 << -exponent))
        }
    }) as i64
}

impl Case<ConvAttributes<2>> {
    /// The integers of the outputs, as numbers, with `term(x_q, w_q)` for each product.
    fn requantized_reference(
        &self,
        term: impl Fn(i64, i64) -> i64,
        biases: &[i64],
        Requantization { output, rounding }: Requantization,
        clip: Clip,
    ) -> Vec<f32> {
        let params = self.params();
        let (z_x, s_x) = (i64::from(self.zero_points.0), params.input.scale());
        let (low, high) = (i64::from(self.range().q_min()), i64::from(self.range().q_max()));
        let quantize = |x: f32, s: f32, z: i64| (f64::from(x / s).round_ties_even() as i64 + z).clamp(low, high);
        let bound = |x: f32| i64::from(output.quantize(x));
        self.outputs(|at| {
            let (z_w, s_w) = (i64::from(self.zero_points.1[at[1]]), params.weight.scale(at[1]));
            let mut acc = biases[at[1]];
            self.taps(at, |x, w| {
                let x_q = x.map_or(z_x, |x| quantize(x, s_x, z_x));
                let w_q = quantize(w, s_w, z_w);
                acc += term(x_q, w_q) - z_w * x_q - z_x * w_q + z_x * z_w;
            });
            let step = match rounding {
                Rounding::TwiceOfSingle => f64::from(s_x * s_w),
                _ => f64::from(s_x) * f64::from(s_w),
            };
            let factor = step / f64::from(output.scale());
            let q = scaled(acc, factor, rounding) + i64::from(output.zero_point());
            (q.clamp(bound(clip.low), bound(clip.high)) - i64::from(output.zero_point())) as f32 * output.scale()
        })
    }
}

fn roundings() -> impl Strategy<Value = Rounding> {
    let all = [Rounding::Once, Rounding::Twice, Rounding::Truncate, Rounding::TwiceOfSingle, Rounding::Real];
    prop::sample::select(all.to_vec())
}

proptest! {
    #![proptest_config(crate::cases::property(48))]

    /// Over kernels, codings, groups and biases that need all of 32 bits.
    #[test]
    fn outputs_are_integers_of_the_definition(
        case in case(),
        rounding in roundings(),
        scale in 0.05f32..3.0,
        zero_point in -128i32..=127,
        is_clipped in any::<bool>(),
        bits in 4u32..=31,
        is_integer in any::<bool>(),
        kernel in 0..KERNELS.iter().count(),
    ) {
        let kernel = KERNELS.iter().copied().nth(kernel).unwrap();
        prop_assume!(kernel.is_supported());
        let output = Grid::new(scale, zero_point, [-128, 127]).unwrap();
        let requantization = Requantization { output, rounding };
        let steps = |o: usize| f64::from(case.params().input.scale()) * f64::from(case.params().weight.scale(o));
        let (own, found): (Vec<i32>, Vec<i64>) = case.bias().iter().enumerate().map(|(o, &b)| {
            let own = (f64::from(b) * 2f64.powi(bits as i32)) as i32;
            (own, if is_integer { own.into() } else { (f64::from(b) / steps(o)).round_ties_even() as i64 })
        }).unzip();
        let clip = if is_clipped { Clip::RELU } else { Clip::default() };
        let lut = Lut::from_fn("rough", Signedness::Signed, |a, w| a * w - (a & 3) * (w & 5));
        let (lut, coding, term): (_, _, fn(i64, i64) -> i64) = match case.coding {
            Coding::Signed => (Some(&lut), Coding::Signed, |a, w| a * w - (a & 3) * (w & 5)),
            coding => (None, coding, |a, w| a * w),
        };
        let mut layer = case.layer();
        let mut params = case.params();
        params.bias = is_integer.then(|| Arc::from(own));
        layer.quantize(params, coding, lut, kernel).unwrap();
        layer.set_requantization(Some(requantization));
        layer.set_mode(if lut.is_some() { InferenceMode::Approximate } else { InferenceMode::Quantized });
        let found_outputs = layer.forward_as(&case.input_tensor(), Call { clip, ..Call::default() }).unwrap();
        let expected = case.requantized_reference(term, &found, requantization, clip);
        prop_assert_eq!(found_outputs.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
    }
}

/// A bias of integers is added to the sum before the one rounding: `f32(f64(acc + b) * s)`.
#[test]
fn integer_biases_are_added_to_sums() {
    let range = IntRange::new(-128, 127).unwrap();
    let weight = Tensor::new(&[[1f32, 1.0]], &Device::Cpu).unwrap();
    // The real bias is not used.
    let bias = Tensor::new(&[7f32], &Device::Cpu).unwrap();
    let mut layer = ApproxLinear::new("fc", &weight, Some(&bias)).unwrap();
    let input = ActivationParams::new(0.1, 0, range).unwrap();
    let weight = WeightParams::new(vec![0.3], vec![0], range).unwrap();
    let params = LayerParams { input, weight, bias: Some(Arc::from([16_777_217])) };
    layer.quantize(params, Coding::Signed, None, kernel::best()).unwrap();
    layer.set_mode(InferenceMode::Quantized);
    let x = Tensor::new(&[[0.2f32, 0.3]], &Device::Cpu).unwrap();
    // Weights are 3 (1 / 0.3 rounded), inputs 2 and 3.
    let expected = (f64::from(15 + 16_777_217) * (f64::from(0.1f32) * f64::from(0.3f32))) as f32;
    assert_eq!(layer.forward(&x).unwrap().to_vec2::<f32>().unwrap(), [[expected]]);
    // Noise of nothing is the same.
    layer.set_mode(InferenceMode::Noise);
    assert_eq!(layer.forward(&x).unwrap().to_vec2::<f32>().unwrap(), [[expected]]);
}
