//! Images per second of whole networks with random weights, in the modes and with tables of two
//! kinds; ResNet-20 next to the same network of candle's own layers.
//!
//! `cargo bench --bench networks`, on all cores.

mod common;

use approx_eval::graph::Graph;
use approx_eval::graph::pass::{fold_batch_norm, fuse_clips, swap_layers};
use approx_eval::kernel::{self, Signedness};
use approx_eval::layer::InferenceMode;
use approx_eval::lut::{Coding, Lut};
use approx_eval::quant::{Observer, QuantConfig};
use approx_eval::zoo::{Architecture, random_weights};
use candle_core::{Device, Module, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Linear};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// Networks, and the images of a batch.
const NETWORKS: [(&str, usize); 5] =
    [("lenet5", 1000), ("resnet8", 64), ("resnet20", 64), ("resnet18", 40), ("mobilenet_v2", 40)];

/// A network whose batch normalization is folded, as every evaluation has it.
fn network(architecture: &Architecture) -> Graph {
    let mut graph = architecture.build(architecture.input, architecture.num_classes, None).expect("its own input");
    graph.bind(random_weights(&graph, 1)).expect("weights for its parameters");
    fold_batch_norm(&mut graph).expect("constant weights");
    graph
}

/// ResNet-20 in candle, batch normalization folded.
struct CandleResnet20 {
    stem: Conv2d,
    /// Two convolutions each, and the projection of the shortcut where the size changes.
    blocks: Vec<([Conv2d; 2], Option<Conv2d>)>,
    head: Linear,
}

impl CandleResnet20 {
    fn new() -> Self {
        let normal = |shape: &[usize]| Tensor::randn(0f32, 0.1, shape, &Device::Cpu).expect("random numbers");
        let conv = |inputs: usize, outputs: usize, kernel: usize, stride: usize| {
            let config = Conv2dConfig { padding: kernel / 2, stride, ..Conv2dConfig::default() };
            Conv2d::new(normal(&[outputs, inputs, kernel, kernel]), Some(normal(&[outputs])), config)
        };
        let mut blocks = Vec::new();
        for (inputs, outputs) in [(16, 16), (16, 32), (32, 64)] {
            let stride = outputs / inputs;
            let shortcut = (stride > 1).then(|| conv(inputs, outputs, 1, stride));
            blocks.push(([conv(inputs, outputs, 3, stride), conv(outputs, outputs, 3, 1)], shortcut));
            blocks.extend((0..2).map(|_| ([conv(outputs, outputs, 3, 1), conv(outputs, outputs, 3, 1)], None)));
        }
        let head = Linear::new(normal(&[10, 64]), Some(normal(&[10])));
        CandleResnet20 { stem: conv(3, 16, 3, 1), blocks, head }
    }
}

impl Module for CandleResnet20 {
    fn forward(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = self.stem.forward(images)?.relu()?;
        for ([first, second], shortcut) in &self.blocks {
            let y = second.forward(&first.forward(&x)?.relu()?)?;
            let shortcut = shortcut.as_ref().map_or(Ok(x.clone()), |conv| conv.forward(&x))?;
            x = (y + shortcut)?.relu()?;
        }
        self.head.forward(&x.mean((2, 3))?)
    }
}

/// Numbers as those of normalized photographs: of both signs, and neighbors alike.
fn images(shape: [usize; 3], count: usize) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let [channels, height, width] = shape;
    let mut level = 0f32;
    let pixels = (0..count * channels * height * width).map(|_| {
        level = 0.9 * level + 0.43 * rng.random_range(-1.7..1.7f32);
        level
    });
    let pixels: Vec<f32> = pixels.collect();
    Tensor::from_vec(pixels, (count, channels, height, width), &Device::Cpu).expect("as many pixels")
}

/// Calibrates the layers on `images` and quantizes them.
fn quantize(graph: &mut Graph, images: &Tensor, lut: &Lut) {
    graph.layers_mut().for_each(|layer| layer.set_mode(InferenceMode::Baseline));
    let elements = graph.layer_input_elements();
    let samples = images.dims()[0];
    for (layer, elements) in graph.layers_mut().zip(elements) {
        layer.begin_calibration(elements.map(|elements| Observer::MinMax.start(elements * samples)));
    }
    graph.run(std::slice::from_ref(images), 0).expect("a pass");
    for layer in graph.layers_mut() {
        layer.finish_calibration(&QuantConfig::new(Coding::SignMagnitude), Some(lut), kernel::best()).expect("8 bits");
    }
}

fn benches(criterion: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    // No row of it is close to a line.
    let any = Lut::from_fn("any", Signedness::Unsigned, |_, _| rng.random_range(0..65_536));
    // The error of each product fits a byte.
    let near = Lut::from_fn("8-bit error", Signedness::Unsigned, |a, b| (a * b - rng.random_range(0..256)).max(0));
    for (name, count) in NETWORKS {
        let architecture = Architecture::find(name).expect("an architecture of the zoo");
        let batch = images(architecture.input, count);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(count as u64));
        if name == "resnet20" {
            let candle = CandleResnet20::new();
            group.bench_function("candle", |bencher| {
                bencher.iter(|| black_box(candle.forward(&batch).expect("a pass")));
            });
        }
        let mut graph = network(architecture);
        let mut measure = |label: &str, graph: &Graph| {
            group.bench_function(label, |bencher| {
                bencher.iter(|| black_box(graph.run(std::slice::from_ref(&batch), 0).expect("a pass")));
            });
        };
        swap_layers(&mut graph).expect("layers of the zoo");
        fuse_clips(&mut graph);
        measure("base", &graph);
        for (mode, label, lut) in [
            (InferenceMode::Quantized, "quant", &any),
            (InferenceMode::Approximate, "approx, any table", &any),
            (InferenceMode::Approximate, "approx, 8-bit error", &near),
        ] {
            quantize(&mut graph, &batch, lut);
            graph.layers_mut().for_each(|layer| layer.set_mode(mode));
            measure(label, &graph);
        }
        group.finish();
    }
}

criterion_group! {
    name = all;
    config = common::criterion(3.0);
    targets = benches
}
criterion_main!(all);
