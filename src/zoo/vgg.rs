//! VGG (Simonyan and Zisserman, 2014, <https://arxiv.org/abs/1409.1556>, table 1), with and without
//! batch normalization, as torchvision builds and names it. timm's names for the head, which it
//! writes as convolutions, are taken too.

use super::{Architecture, Builder, Conv2d};
use crate::graph::{GraphError, ValueId};

/// A network by the number of its convolutions in each stage.
macro_rules! vgg {
    ($name:literal, $summary:literal, $stages:expr, $normalized:literal) => {
        Architecture::imagenet($name, $summary, |net, x| build(net, x, $stages, $normalized))
    };
}

pub(super) const VGG11: Architecture = vgg!("vgg11", "VGG-11, 133 M parameters", [1, 1, 2, 2, 2], false);
pub(super) const VGG13: Architecture = vgg!("vgg13", "VGG-13, 133 M parameters", [2, 2, 2, 2, 2], false);
pub(super) const VGG16: Architecture = vgg!("vgg16", "VGG-16, 138 M parameters", [2, 2, 3, 3, 3], false);
pub(super) const VGG19: Architecture = vgg!("vgg19", "VGG-19, 144 M parameters", [2, 2, 4, 4, 4], false);
pub(super) const VGG11_BN: Architecture = vgg!("vgg11_bn", "VGG-11 with batch normalization", [1, 1, 2, 2, 2], true);
pub(super) const VGG13_BN: Architecture = vgg!("vgg13_bn", "VGG-13 with batch normalization", [2, 2, 2, 2, 2], true);
pub(super) const VGG16_BN: Architecture = vgg!("vgg16_bn", "VGG-16 with batch normalization", [2, 2, 3, 3, 3], true);
pub(super) const VGG19_BN: Architecture = vgg!("vgg19_bn", "VGG-19 with batch normalization", [2, 2, 4, 4, 4], true);

fn build(net: &mut Builder, x: ValueId, stages: [usize; 5], normalized: bool) -> Result<ValueId, GraphError> {
    // Modules of the sequence are numbered whatever they are.
    let mut names = (0..).map(|index| format!("features.{index}"));
    let mut name = || names.next().unwrap_or_default();
    let mut x = x;
    for (convolutions, outputs) in stages.into_iter().zip([64, 128, 256, 512, 512]) {
        for _ in 0..convolutions {
            x = net.conv2d(&name(), x, Conv2d::new(outputs, 3).padding(1).bias())?;
            if normalized {
                x = net.batch_norm(&name(), x)?;
            }
            x = net.relu(&name(), x)?;
        }
        x = net.max_pool(&name(), x, 2, 2, 0)?;
    }
    if net.has("pre_logits.fc1.weight") {
        for (part, kernel) in [("fc1", 7), ("fc2", 1)] {
            x = net.conv2d(&format!("pre_logits.{part}"), x, Conv2d::new(4096, kernel).bias())?;
            x = net.relu(&format!("pre_logits.{part}.act"), x)?;
        }
        let x = net.pooled(x)?;
        return net.linear("head.fc", x, net.num_classes());
    }
    let mut x = net.pooled_to(x, 7)?;
    for index in [0, 3] {
        x = net.linear(&format!("classifier.{index}"), x, 4096)?;
        x = net.relu(&format!("classifier.{}", index + 1), x)?;
    }
    net.linear("classifier.6", x, net.num_classes())
}
