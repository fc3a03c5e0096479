//! Small networks and sets that the tests make themselves.

use super::Folder;
use super::files::{Stored, byte_set, f32_bytes, float_set, safetensors, stored};
use super::random::Random;
use safetensors::Dtype;

/// A tensor of `f32`.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Tensors by name, in the order of a state dict.
#[derive(Debug, Clone, Default)]
pub struct StateDict(pub Vec<(String, Array)>);

impl StateDict {
    fn add(&mut self, name: &str, shape: &[usize], values: Vec<f32>) {
        self.0.push((name.to_owned(), Array { shape: shape.to_vec(), values }));
    }

    /// A layer's weight and bias, drawn as PyTorch draws them: uniform below `1 / sqrt(fan-in)`.
    fn layer(&mut self, random: &mut Random, name: &str, shape: &[usize], bias: bool) {
        let fan_in: usize = shape[1..].iter().product();
        let bound = 1.0 / (fan_in as f32).sqrt();
        self.add(&format!("{name}.weight"), shape, random.floats(shape.iter().product(), -bound, bound));
        if bias {
            self.add(&format!("{name}.bias"), &shape[..1], random.floats(shape[0], -bound, bound));
        }
    }

    fn batch_norm(&mut self, random: &mut Random, name: &str, channels: usize) {
        for (part, low, high) in
            [("weight", 0.5, 1.5), ("bias", -0.2, 0.2), ("running_mean", -0.2, 0.2), ("running_var", 0.5, 1.5)]
        {
            self.add(&format!("{name}.{part}"), &[channels], random.floats(channels, low, high));
        }
    }

    /// LeNet-5 with two 5 x 5 convolutions and three linear layers, for images of `channels` x
    /// `side` x `side`.
    pub fn lenet5(seed: u64, channels: usize, side: usize, classes: usize) -> Self {
        let mut random = Random::new(seed);
        let flat = 16 * ((side / 2 - 4) / 2).pow(2);
        let mut dict = StateDict::default();
        dict.layer(&mut random, "conv1", &[6, channels, 5, 5], true);
        dict.layer(&mut random, "conv2", &[16, 6, 5, 5], true);
        dict.layer(&mut random, "fc1", &[120, flat], true);
        dict.layer(&mut random, "fc2", &[84, 120], true);
        dict.layer(&mut random, "fc3", &[classes, 84], true);
        dict
    }

    /// ResNet-20 for CIFAR with shortcuts without parameters, as akamaster/pytorch_resnet_cifar10
    /// names it.
    pub fn resnet20(seed: u64, classes: usize) -> Self {
        let mut random = Random::new(seed);
        let mut dict = StateDict::default();
        dict.layer(&mut random, "conv1", &[16, 3, 3, 3], false);
        dict.batch_norm(&mut random, "bn1", 16);
        let mut inputs = 16;
        for (stage, outputs) in [(1, 16), (2, 32), (3, 64)] {
            for block in 0..3 {
                for part in [1, 2] {
                    let name = format!("layer{stage}.{block}");
                    dict.layer(&mut random, &format!("{name}.conv{part}"), &[outputs, inputs, 3, 3], false);
                    dict.batch_norm(&mut random, &format!("{name}.bn{part}"), outputs);
                    inputs = outputs;
                }
            }
        }
        dict.layer(&mut random, "linear", &[classes, 64], true);
        dict
    }

    pub fn get(&self, name: &str) -> &Array {
        &self.0.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no tensor {name}")).1
    }

    pub fn get_mut(&mut self, name: &str) -> &mut Array {
        &mut self.0.iter_mut().find(|(found, _)| found == name).unwrap().1
    }

    /// The tensors in `f32`.
    pub fn stored(&self) -> Vec<Stored> {
        let one = |(name, array): &(String, Array)| stored(name, Dtype::F32, &array.shape, f32_bytes(&array.values));
        self.0.iter().map(one).collect()
    }
}

/// A LeNet-5 of random weights over small images of floats, some of them negative.
pub struct Tiny {
    pub weights: StateDict,
    pub images: Vec<f32>,
    pub labels: Vec<u8>,
}

impl Tiny {
    pub const CHANNELS: usize = 2;
    pub const SIDE: usize = 12;
    pub const CLASSES: usize = 7;
    pub const SAMPLES: usize = 10;
    pub const SHAPE: [usize; 4] = [Self::SAMPLES, Self::CHANNELS, Self::SIDE, Self::SIDE];
    const IMAGE: usize = Self::CHANNELS * Self::SIDE * Self::SIDE;
    const CONFIG: &str = r#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[2,12,12]}}"#;

    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        Tiny {
            weights: StateDict::lenet5(seed + 1, Self::CHANNELS, Self::SIDE, Self::CLASSES),
            images: random.floats(Self::SAMPLES * Self::IMAGE, -1.0, 1.5),
            labels: (0..Self::SAMPLES).map(|_| random.below(Self::CLASSES as u64) as u8).collect(),
        }
    }

    /// One image a sample.
    pub fn samples(&self) -> impl Iterator<Item = &[f32]> {
        self.images.chunks_exact(Self::IMAGE)
    }

    /// Writes the model directory `tiny`, which calibrates on the set itself, and the set
    /// `tiny.safetensors`.
    pub fn write(&self, folder: &Folder) {
        let set = float_set(Self::SHAPE, &self.images, &self.labels);
        folder.write("tiny/config.json", Self::CONFIG);
        folder.write("tiny/model.safetensors", safetensors(&self.weights.stored()));
        folder.write("tiny/calibration.safetensors", &set);
        folder.write("tiny.safetensors", &set);
    }

    /// A folder with both.
    pub fn folder(seed: u64) -> (Self, Folder) {
        let (tiny, folder) = (Self::new(seed), Folder::new());
        tiny.write(&folder);
        (tiny, folder)
    }
}

/// Arguments that evaluate the network and set that [`Tiny::write`] leaves.
pub const TINY: &str = "--model tiny --data tiny.safetensors";

/// A set of 28 x 28 gray images as the shipped networks take them, as `NAME`.
pub fn write_gray_set(folder: &Folder, name: &str, samples: usize) {
    let mut random = Random::new(28);
    let labels: Vec<u8> = (0..samples).map(|i| (i % 10) as u8).collect();
    folder.write(name, byte_set([samples, 1, 28, 28], &random.bytes(samples * 784), &labels));
}
