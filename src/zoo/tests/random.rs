//! Random weights keep networks alive.

use crate::zoo::{Architecture, random_weights};
use candle_core::{Device, Tensor};

/// Logits of two images that differ, of an architecture with random weights.
fn logits(name: &str, input: [usize; 3], seed: u64) -> Vec<Vec<f32>> {
    let mut graph = Architecture::find(name).unwrap().build(input, 50, None).unwrap();
    graph.bind(random_weights(&graph, seed)).unwrap();
    let [channels, height, width] = input;
    let pixels = 2 * channels * height * width;
    // A sine of growing frequency: variance 1, and no pattern that repeats.
    let images = (0..pixels).map(|i| (2f64.sqrt() * (1e-3 * (i * i) as f64).sin()) as f32).collect();
    let images = Tensor::from_vec(images, (2, channels, height, width), &Device::Cpu).unwrap();
    graph.run(&[images], 0).unwrap()[0].to_vec2().unwrap()
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (mean, (values.map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt())
}

/// Logits are of one size however deep a network is, and images tell.
#[test]
fn logits_are_of_the_size_of_one() {
    for (name, input) in [
        ("lenet5", [1, 28, 28]),
        ("resnet8", [3, 32, 32]),
        ("resnet20", [3, 32, 32]),
        ("resnet18", [3, 64, 64]),
        ("resnet50", [3, 64, 64]),
        ("resnet152", [3, 64, 64]),
        ("mobilenet_v2", [3, 64, 64]),
    ] {
        let logits = logits(name, input, 7);
        let (_, size) = moments(logits.concat().into_iter().map(f64::from));
        let differences = logits[0].iter().zip(&logits[1]).map(|(a, b)| f64::from(a - b));
        let (_, difference) = moments(differences);
        assert!((0.1..10.0).contains(&size) && difference > 0.01 * size, "{name}: {size}, {difference} apart");
    }
}

#[test]
fn numbers_follow_the_seed_and_the_fan_in() {
    let graph = Architecture::find("resnet18").unwrap().build([3, 64, 64], 1000, None).unwrap();
    let numbers =
        |seed, name: &str| -> Vec<f32> { random_weights(&graph, seed)[name].flatten_all().unwrap().to_vec1().unwrap() };
    assert_eq!(numbers(3, "layer1.0.conv1.weight"), numbers(3, "layer1.0.conv1.weight"));
    assert_ne!(numbers(3, "layer1.0.conv1.weight"), numbers(4, "layer1.0.conv1.weight"));
    assert_ne!(numbers(3, "layer1.0.conv1.weight")[..10], numbers(3, "layer1.0.conv2.weight")[..10]);
    // He's: after a ReLU and 64 channels of 3 x 3.
    let (mean, std) = moments(numbers(3, "layer1.0.conv2.weight").into_iter().map(f64::from));
    assert!(mean.abs() < 1e-3 && (std / (2.0f64 / 576.0).sqrt() - 1.0).abs() < 0.02, "{mean} {std}");
    assert!(numbers(3, "bn1.running_var").iter().all(|&variance| variance > 0.0));
}
