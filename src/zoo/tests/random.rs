//! Random weights keep networks alive.

use crate::cases::for_each_case;
use crate::graph::Graph;
use crate::graph::pass::fold_batch_norm;
use crate::zoo::{Architecture, random_weights};
use candle_core::{Device, Tensor};

/// Two images of variance 1: a sine of growing frequency, and one slower than an image is wide.
fn images(input: [usize; 3]) -> Tensor {
    let [channels, height, width] = input;
    let pixels = channels * height * width;
    let wave = |phase: f64| (2f64.sqrt() * phase.sin()) as f32;
    let fine = (0..pixels).map(|i| wave(1e-3 * (i * i) as f64));
    let coarse = (0..pixels).map(|i| wave(0.01 * i as f64));
    Tensor::from_iter(fine.chain(coarse), &Device::Cpu).unwrap().reshape((2, channels, height, width)).unwrap()
}

/// Logits of both for an architecture with random weights.
fn logits(name: &str, input: [usize; 3], seed: u64) -> Vec<Vec<f32>> {
    let mut graph = Architecture::find(name).unwrap().build(input, 50, None).unwrap();
    graph.bind(random_weights(&graph, seed)).unwrap();
    graph.run(&[images(input)], 0).unwrap()[0].to_vec2().unwrap()
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (mean, (values.map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt())
}

/// Logits neither vanish nor explode however deep a network is, and images tell. Gates and activations
/// without a fixed slope answer to images unlike noise by larger numbers.
#[test]
fn networks_stay_alive() {
    let cases = [
        ("lenet5", [1, 28, 28]),
        ("resnet8", [3, 32, 32]),
        ("resnet20", [3, 32, 32]),
        ("resnet18", [3, 64, 64]),
        ("resnet50", [3, 64, 64]),
        ("resnet152", [3, 64, 64]),
        ("squeezenet1_1", [3, 64, 64]),
        ("densenet121", [3, 64, 64]),
        ("mobilenet_v1", [3, 64, 64]),
        ("mobilenet_v2", [3, 64, 64]),
        ("mobilenet_v3_small", [3, 64, 64]),
        ("mobilenet_v3_large", [3, 64, 64]),
        ("mnasnet1_0", [3, 64, 64]),
        ("efficientnet_b0", [3, 64, 64]),
        ("shufflenet_v2_x1_0", [3, 64, 64]),
        ("convnext_tiny", [3, 64, 64]),
        ("deit_tiny", [3, 64, 64]),
        ("ds_cnn", [1, 49, 10]),
        ("mobilenet_v1_025", [3, 96, 96]),
        ("autoencoder", [1, 5, 128]),
    ];
    for_each_case(cases, |(name, input)| {
        let logits = logits(name, input, 7);
        let (_, size) = moments(logits.concat().into_iter().map(f64::from));
        let differences = logits[0].iter().zip(&logits[1]).map(|(a, b)| f64::from(a - b));
        let (_, difference) = moments(differences);
        assert!((0.05..1000.0).contains(&size) && difference > 0.01 * size, "{name}: {size}, {difference} apart");
    });
}

#[test]
fn numbers_follow_the_seed_and_the_fan_in() {
    let graph = Architecture::find("resnet18").unwrap().build([3, 64, 64], 1000, None).unwrap();
    let numbers =
        |seed, name: &str| -> Vec<f32> { random_weights(&graph, seed)[name].flatten_all().unwrap().to_vec1().unwrap() };
    assert_eq!(numbers(3, "layer1.0.conv1.weight"), numbers(3, "layer1.0.conv1.weight"));
    assert_ne!(numbers(3, "layer1.0.conv1.weight"), numbers(4, "layer1.0.conv1.weight"));
    assert_ne!(numbers(3, "layer1.0.conv1.weight")[..10], numbers(3, "layer1.0.conv2.weight")[..10]);
    // He's, but for a power of two.
    let (mean, std) = moments(numbers(3, "layer1.0.conv2.weight").into_iter().map(f64::from));
    let power = (std / (2.0f64 / 576.0).sqrt()).log2();
    assert!(mean.abs() < 1e-3 && (power - power.round()).abs() < 0.02, "{mean} {std}");
    assert!(numbers(3, "bn1.running_var").iter().all(|&variance| variance > 0.0));
}

/// Normalization after convolutions of every kind and after linear layers becomes part of them.
#[test]
fn every_normalization_of_a_layer_folds_into_it() {
    let cases = [
        ("mobilenet_v2", [3, 32, 32]),
        ("shufflenet_v2_x1_0", [3, 32, 32]),
        ("resnext50_32x4d", [3, 32, 32]),
        ("ds_cnn", [1, 49, 10]),
        ("autoencoder", [1, 5, 128]),
    ];
    for_each_case(cases, |(name, input)| {
        let mut graph = Architecture::find(name).unwrap().build(input, 50, None).unwrap();
        graph.bind(random_weights(&graph, 9)).unwrap();
        let images = images(input);
        let logits = |graph: &Graph| graph.run(std::slice::from_ref(&images), 0).unwrap()[0].to_vec2::<f32>().unwrap();
        let apart = logits(&graph).concat();
        fold_batch_norm(&mut graph).unwrap();
        assert!(graph.nodes().iter().all(|node| node.op().kind() != "batch_norm"), "{name}");
        let folded = logits(&graph).concat();
        let largest = apart.iter().fold(0f32, |max, x| max.max(x.abs()));
        for (apart, folded) in apart.iter().zip(&folded) {
            assert!((apart - folded).abs() <= 1e-4 * largest, "{name}: {folded}, unfolded {apart}");
        }
    });
}
