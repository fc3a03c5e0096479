//! The networks, as the crate's zoo builds them.

use super::cycle::Cycle;
use super::data::{Images, LABELS, SIDE};
use super::layers::{Layers, Map, Norm};
use super::optimizer::Optimizer;
use super::transformer;
use anyhow::Result;
use candle_core::Tensor;
use clap::ValueEnum;
use rand_chacha::ChaCha8Rng;

/// A network, by its name in the zoo.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Arch {
    Lenet5,
    Resnet8,
    DsCnn,
    VitMicro,
}

const CLASSES: usize = LABELS.len();
/// Blocks of ResNet-8: name, channels in and out, stride.
const RESIDUAL: [(&str, usize, usize, usize); 3] =
    [("layer1.0", 16, 16, 1), ("layer2.0", 16, 32, 2), ("layer3.0", 32, 64, 2)];
/// Separable blocks of DS-CNN.
const SEPARABLE: [&str; 4] = ["blocks.0", "blocks.1", "blocks.2", "blocks.3"];

impl Arch {
    /// Its name in the zoo, and that of its model directory.
    pub fn name(self) -> &'static str {
        match self {
            Arch::Lenet5 => "lenet5",
            Arch::Resnet8 => "resnet8",
            Arch::DsCnn => "ds_cnn",
            Arch::VitMicro => "vit_micro",
        }
    }

    /// What trains it.
    pub fn optimizer(self) -> Optimizer {
        match self {
            Arch::Lenet5 | Arch::Resnet8 | Arch::DsCnn => Optimizer::sgd(),
            Arch::VitMicro => Optimizer::adamw(),
        }
    }

    /// The learning rates that the shipped one was made with.
    pub fn cycles(self) -> &'static [Cycle] {
        match self {
            Arch::Lenet5 => &[Cycle { epochs: 30, peak: 0.1, weight_decay: 5e-4 }],
            Arch::Resnet8 => &[Cycle { epochs: 15, peak: 0.4, weight_decay: 5e-4 }],
            // Less decay in the end: so few weights underfit rather than overfit.
            Arch::DsCnn => &[
                Cycle { epochs: 10, peak: 0.4, weight_decay: 5e-4 },
                Cycle { epochs: 3, peak: 0.1, weight_decay: 5e-5 },
                Cycle { epochs: 1, peak: 0.02, weight_decay: 5e-5 },
            ],
            Arch::VitMicro => &[Cycle { epochs: 12, peak: 3e-3, weight_decay: 0.05 }],
        }
    }
}

/// A network in training.
pub struct Net {
    arch: Arch,
    /// Its state.
    pub layers: Layers,
}

impl Net {
    /// With weights drawn from `rng`.
    pub fn new(arch: Arch, rng: &mut ChaCha8Rng) -> Result<Self> {
        let mut layers = Layers::default();
        match arch {
            Arch::Lenet5 => {
                layers.add("conv1", &[6, 1, 5, 5], rng)?;
                layers.add("conv2", &[16, 6, 5, 5], rng)?;
                layers.add("fc1", &[120, 400], rng)?;
                layers.add("fc2", &[84, 120], rng)?;
                layers.add("fc3", &[CLASSES, 84], rng)?;
            }
            Arch::Resnet8 => {
                layers.add_normalised("conv1", "bn1", &[16, 1, 3, 3], rng)?;
                for (block, c_in, c_out, stride) in RESIDUAL {
                    for (i, c_in) in [(1, c_in), (2, c_out)] {
                        let (conv, bn) = (format!("{block}.conv{i}"), format!("{block}.bn{i}"));
                        layers.add_normalised(&conv, &bn, &[c_out, c_in, 3, 3], rng)?;
                    }
                    if stride != 1 {
                        layers.add(&format!("{block}.downsample.0"), &[c_out, c_in, 1, 1], rng)?;
                    }
                }
                layers.add("fc", &[CLASSES, 64], rng)?;
            }
            Arch::DsCnn => {
                layers.add_normalised("conv1", "bn1", &[64, 1, 10, 4], rng)?;
                for block in SEPARABLE {
                    for (part, bn, shape) in [("conv_dw", "bn1", [64, 1, 3, 3]), ("conv_pw", "bn2", [64, 64, 1, 1])] {
                        layers.add_normalised(&format!("{block}.{part}"), &format!("{block}.{bn}"), &shape, rng)?;
                    }
                }
                layers.add("fc", &[CLASSES, 64], rng)?;
            }
            Arch::VitMicro => transformer::draw(&mut layers, CLASSES, rng)?,
        }
        Ok(Net { arch, layers })
    }

    /// Logits `[batch, classes]` of images `[1, batch * 28 * 28]`.
    pub fn forward(&mut self, images: Tensor, training: bool) -> Result<Tensor> {
        let size = [images.elem_count() / (SIDE * SIDE), SIDE, SIDE];
        let x = Map { rows: images, size };
        match self.arch {
            Arch::VitMicro => transformer::forward(&self.layers, &x.rows),
            Arch::Lenet5 => self.lenet5(&x),
            Arch::Resnet8 => self.resnet8(&x, Norm { eps: 1e-5, relu: true, training }),
            Arch::DsCnn => self.ds_cnn(&x, Norm { eps: 1e-3, relu: true, training }),
        }
    }

    fn lenet5(&self, x: &Map) -> Result<Tensor> {
        let net = &self.layers;
        let x = net.conv_bias(x, "conv1", 1, [2; 2])?.relu()?.max_pool()?;
        let x = net.conv_bias(&x, "conv2", 1, [0; 2])?.relu()?.max_pool()?;
        let x = net.linear(&x.flatten()?, "fc1")?.relu()?;
        let x = net.linear(&x, "fc2")?.relu()?;
        net.linear(&x, "fc3")
    }

    fn resnet8(&mut self, x: &Map, norm: Norm) -> Result<Tensor> {
        let net = &mut self.layers;
        let x = net.conv(x, "conv1", 1, [1; 2])?;
        let mut x = net.batch_norm(x, "bn1", norm)?;
        for (block, _, _, stride) in RESIDUAL {
            let y = net.conv(&x, &format!("{block}.conv1"), stride, [1; 2])?;
            let y = net.batch_norm(y, &format!("{block}.bn1"), norm)?;
            let y = net.conv(&y, &format!("{block}.conv2"), 1, [1; 2])?;
            let y = net.batch_norm(y, &format!("{block}.bn2"), Norm { relu: false, ..norm })?;
            if stride != 1 {
                x = net.conv_bias(&x, &format!("{block}.downsample.0"), stride, [0; 2])?;
            }
            x = Map { rows: (y.rows + x.rows)?, size: y.size }.relu()?;
        }
        net.linear(&x.mean()?, "fc")
    }

    fn ds_cnn(&mut self, x: &Map, norm: Norm) -> Result<Tensor> {
        let net = &mut self.layers;
        // What padding `same` is for 28 pixels under windows of 10 and 4 by steps of two.
        let x = net.conv(x, "conv1", 2, [4, 1])?;
        let mut x = net.batch_norm(x, "bn1", norm)?;
        for block in SEPARABLE {
            let y = net.depthwise(&x, &format!("{block}.conv_dw"))?;
            let y = net.batch_norm(y, &format!("{block}.bn1"), norm)?;
            let y = net.conv(&y, &format!("{block}.conv_pw"), 1, [0; 2])?;
            x = net.batch_norm(y, &format!("{block}.bn2"), norm)?;
        }
        net.linear(&x.mean()?, "fc")
    }

    /// The share of `set` that it classifies rightly.
    pub fn accuracy(&mut self, set: &Images) -> Result<f64> {
        let mut correct = 0;
        let order: Vec<usize> = (0..set.labels.len()).collect();
        for batch in order.chunks(500) {
            let logits = self.forward(set.batch(batch, None)?, false)?;
            let predicted = logits.argmax(1)?.to_vec1::<u32>()?;
            correct += batch.iter().zip(predicted).filter(|&(&i, p)| u32::from(set.labels[i]) == p).count();
        }
        Ok(correct as f64 / set.labels.len() as f64)
    }
}
