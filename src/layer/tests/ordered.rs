//! Sums of observed passes against their definition: one product after another in the order of the weight, in
//! `f64`, the bias last. Baseline sums, whose order is open, do not depend on threads either.

use super::{Case, case, numbers, transposed, values};
use crate::cases::for_each_case;
use crate::layer::{
    ApproxConv2d, ApproxLinear, Call, ConvAttributes, ConvTransposeAttributes, WeightedCore, WeightedLayer,
};
use crate::quant::Observer;
use candle_core::{Device, Tensor};
use proptest::prelude::*;

/// Numbers of very different magnitudes, so that the order of a sum is seen in its last bits.
fn wide(numbers: Vec<f32>) -> Vec<f32> {
    let magnitude = |(i, x): (usize, f32)| x * [1.0, 3e4, 1e-5, 7e8][(i * i + i / 3) % 4];
    numbers.into_iter().enumerate().map(magnitude).collect()
}

fn observed(mut layer: impl WeightedLayer, input: &Tensor) -> Vec<f32> {
    layer.begin_calibration(Observer::MinMax.start(input.elem_count()).into());
    values(&layer.forward(input).unwrap())
}

/// The operands of one output of a transposed convolution, in the order of its weight.
fn gathered(case: &Case<ConvTransposeAttributes<2>>, at: usize) -> Vec<(usize, usize)> {
    let ConvTransposeAttributes { stride, padding, dilation, groups, .. } = case.attributes;
    let (size, [height, width]) = (case.size, case.output_size());
    let (n, output) = (at / (case.outputs * height * width), at / (height * width) % case.outputs);
    let position = [at / width % height, at % width];
    let (inputs, outputs) = (case.channels / groups, case.outputs / groups);
    let mut operands = Vec::new();
    for c in output / outputs * inputs..(output / outputs + 1) * inputs {
        for (ky, kx) in (0..case.kernel[0]).flat_map(|ky| (0..case.kernel[1]).map(move |kx| (ky, kx))) {
            let source = |axis: usize, tap: usize| {
                let steps = (position[axis] + padding[axis][0]).checked_sub(tap * dilation[axis])?;
                (steps % stride[axis] == 0 && steps / stride[axis] < size[axis]).then(|| steps / stride[axis])
            };
            if let (Some(iy), Some(ix)) = (source(0, ky), source(1, kx)) {
                let weight = ((c * outputs + output % outputs) * case.kernel[0] + ky) * case.kernel[1] + kx;
                operands.push((((n * case.channels + c) * size[0] + iy) * size[1] + ix, weight));
            }
        }
    }
    operands
}

proptest! {
    #![proptest_config(crate::cases::property(200))]

    #[test]
    fn convolutions(case in case()) {
        let expected = case.outputs(|at| {
            let mut sum = 0f64;
            case.taps(at, |x, w| sum += f64::from(x.unwrap_or(0.0)) * f64::from(w));
            (sum + f64::from(case.bias()[at[1]])) as f32
        });
        prop_assert_eq!(observed(case.layer(), &case.input_tensor()), expected);
    }

    #[test]
    fn transposed_convolutions(case in transposed::case()) {
        let (x, w) = (case.input(), values(&case.weight()));
        let sum = |at| {
            let products = gathered(&case, at).into_iter().map(|(i, k)| f64::from(x[i]) * f64::from(w[k]));
            (products.fold(0.0, |sum, product| sum + product) + f64::from(case.bias()[case.channel(at)])) as f32
        };
        let expected: Vec<f32> = (0..case.output_elements()).map(sum).collect();
        prop_assert_eq!(observed(case.layer(), &case.input_tensor()), expected);
    }

    #[test]
    fn linear_layers(rows in 1usize..300, depth in 1usize..400, outputs in 1usize..80, seed in any::<u64>()) {
        let (x, w) = (wide(numbers(seed, rows * depth)), wide(numbers(!seed, outputs * depth)));
        let weight = Tensor::from_slice(&w, (outputs, depth), &Device::Cpu).unwrap();
        let input = Tensor::from_slice(&x, (rows, depth), &Device::Cpu).unwrap();
        let sum = |(x, w): (&[f32], &[f32])| {
            x.iter().zip(w).fold(0f64, |sum, (&x, &w)| sum + f64::from(x) * f64::from(w)) as f32
        };
        let pairs = x.chunks(depth).flat_map(|x| w.chunks(depth).map(move |w| (x, w)));
        let expected: Vec<f32> = pairs.map(sum).collect();
        prop_assert_eq!(observed(ApproxLinear::new("fc", &weight, None).unwrap(), &input), expected);
    }
}

#[test]
fn baseline_sums_do_not_depend_on_threads() {
    let conv = |channels, outputs, groups, padding| {
        let weight = wide(numbers(3, outputs * channels / groups * 9));
        let weight = Tensor::from_vec(weight, (outputs, channels / groups, 3, 3), &Device::Cpu).unwrap();
        let attributes = ConvAttributes { groups, padding: [[padding; 2]; 2], ..Default::default() };
        ApproxConv2d::new("conv", attributes, &weight, None).unwrap()
    };
    let cases = [
        (conv(64, 33, 1, 1), [7, 64, 8, 8]),
        (conv(16, 40, 1, 1), [7, 16, 32, 32]),
        (conv(16, 70, 2, 0), [1, 16, 9, 9]),
        (conv(12, 12, 12, 1), [5, 12, 7, 7]),
        (conv(200, 130, 1, 0), [11, 200, 3, 3]),
    ];
    for_each_case(cases, |(layer, shape)| {
        let input = wide(numbers(8, shape.iter().product()));
        let input = Tensor::from_vec(input, &shape, &Device::Cpu).unwrap();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let call = Call { threads, ..Call::default() };
            pool.install(|| values(&layer.forward_as(&input, call).unwrap()))
        };
        let alone = on(1);
        for threads in [2, 3, 7, 16] {
            assert_eq!(on(threads), alone, "{threads} threads");
        }
    });
}
