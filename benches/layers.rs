//! Products per second of single layers: candle's own operation beside the modes.
//!
//! `cargo bench --bench layers`, on all cores. Activations are those after a ReLU.

mod common;

use approx_eval::kernel::{self, Signedness};
use approx_eval::layer::{ApproxConv2d, ApproxLinear, InferenceMode, WeightedLayer};
use approx_eval::lut::{Coding, Lut};
use approx_eval::quant::{Observer, QuantConfig};
use candle_core::{Device, Module, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Linear};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// A convolution with padding that keeps the size, over so many images.
struct Shape {
    images: usize,
    channels: usize,
    outputs: usize,
    size: usize,
    kernel: usize,
    stride: usize,
    groups: usize,
}

const fn dense(images: usize, channels: usize, size: usize, kernel: usize) -> Shape {
    Shape { images, channels, outputs: channels, size, kernel, stride: 1, groups: 1 }
}

const CONVOLUTIONS: [Shape; 11] = [
    dense(64, 16, 32, 3),
    dense(64, 64, 8, 3),
    dense(8, 64, 56, 3),
    dense(8, 128, 28, 3),
    dense(8, 256, 14, 3),
    dense(10, 512, 7, 3),
    dense(8, 256, 14, 1),
    Shape { outputs: 64, channels: 384, ..dense(8, 384, 14, 1) },
    Shape { groups: 144, ..dense(8, 144, 56, 3) },
    Shape { groups: 144, stride: 2, ..dense(8, 144, 56, 3) },
    Shape { groups: 576, ..dense(8, 576, 14, 3) },
];

/// Rows, inputs and outputs.
const LINEAR: [[usize; 3]; 2] = [[64, 1280, 1000], [394, 768, 768]];

fn numbers(seed: u64, shape: &[usize], relu: bool) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let low = if relu { 0.0 } else { -1.0 };
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0f32).max(low)).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).expect("as many numbers")
}

/// Measures candle's layer and all modes of its counterpart on `input`.
fn measure(criterion: &mut Criterion, name: &str, candle: &dyn Module, layer: &mut dyn WeightedLayer, input: &Tensor) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    // No row of it is close to a line.
    let any = Lut::from_fn("any", Signedness::Unsigned, |_, _| rng.random_range(0..65_536));
    layer.begin_calibration(Observer::MinMax.start(input.elem_count()).into());
    layer.forward(input).expect("a pass");
    layer.finish_calibration(&QuantConfig::new(Coding::SignMagnitude), Some(&any), kernel::best()).expect("8 bits");
    let mut group = criterion.benchmark_group(name);
    let products = layer.opcount(input.dims()).expect("its input") * input.dims()[0] as u64;
    group.throughput(Throughput::Elements(products));
    group.bench_function("candle", |bencher| bencher.iter(|| black_box(candle.forward(input).expect("a pass"))));
    for (label, mode) in [
        ("base", InferenceMode::Baseline),
        ("quant", InferenceMode::Quantized),
        ("approx, any table", InferenceMode::Approximate),
    ] {
        layer.set_mode(mode);
        group.bench_function(label, |bencher| bencher.iter(|| black_box(layer.forward(input).expect("a pass"))));
    }
    group.finish();
}

fn benches(criterion: &mut Criterion) {
    for Shape { images, channels, outputs, size, kernel, stride, groups } in CONVOLUTIONS {
        let weight = numbers(1, &[outputs, channels / groups, kernel, kernel], false);
        let config = Conv2dConfig { padding: kernel / 2, stride, groups, ..Conv2dConfig::default() };
        let candle = Conv2d::new(weight, None, config);
        let mut layer = ApproxConv2d::from_super(&candle).expect("a convolution");
        let input = numbers(2, &[images, channels, size, size], true);
        let kind = if groups > 1 { "depthwise" } else { "dense" };
        let name = format!(
            "{kind} {kernel}x{kernel}, {channels} to {outputs} channels of {size}x{size}, stride {stride}, {images} images"
        );
        measure(criterion, &name, &candle, &mut layer, &input);
    }
    for [rows, inputs, outputs] in LINEAR {
        let candle = Linear::new(numbers(1, &[outputs, inputs], false), None);
        let mut layer = ApproxLinear::from_super(&candle).expect("a linear layer");
        let name = format!("linear {inputs} to {outputs}, {rows} rows");
        measure(criterion, &name, &candle, &mut layer, &numbers(2, &[rows, inputs], true));
    }
}

criterion_group! {
    name = all;
    config = common::criterion(0.5);
    targets = benches
}
criterion_main!(all);
