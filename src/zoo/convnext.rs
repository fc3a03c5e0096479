//! ConvNeXt (Liu et al., 2022, <https://arxiv.org/abs/2201.03545>, table 9) as torchvision and timm
//! build it, under either's names.

use super::{Activation, Architecture, Builder, Conv2d};
use crate::graph::op::{Binary, Reshape, Transpose};
use crate::graph::{Dim, GraphError, ValueId};

pub(super) const CONVNEXT_TINY: Architecture =
    Architecture::imagenet("convnext_tiny", "ConvNeXt-T, 28.6 M parameters", build);

/// Blocks and channels of each stage.
const STAGES: [[usize; 2]; 4] = [[3, 96], [3, 192], [9, 384], [3, 768]];

/// How a library names the parts.
struct Names {
    stem: [&'static str; 2],
    /// Normalization and convolution before a stage, other than the first.
    downsample: fn(stage: usize) -> [String; 2],
    block: fn(stage: usize, index: usize) -> String,
    /// Depthwise convolution, normalization, both linear layers, and scale.
    parts: [&'static str; 5],
    /// Normalization and linear layer.
    head: [&'static str; 2],
}

const TORCHVISION: Names = Names {
    stem: ["features.0.0", "features.0.1"],
    downsample: |stage| [format!("features.{}.0", 2 * stage), format!("features.{}.1", 2 * stage)],
    block: |stage, index| format!("features.{}.{index}", 2 * stage + 1),
    parts: ["block.0", "block.2", "block.3", "block.5", "layer_scale"],
    head: ["classifier.0", "classifier.2"],
};

const TIMM: Names = Names {
    stem: ["stem.0", "stem.1"],
    downsample: |stage| [format!("stages.{stage}.downsample.0"), format!("stages.{stage}.downsample.1")],
    block: |stage, index| format!("stages.{stage}.blocks.{index}"),
    parts: ["conv_dw", "norm", "mlp.fc1", "mlp.fc2", "gamma"],
    head: ["head.norm", "head.fc"],
};

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let names = if net.has("stem.0.weight") { TIMM } else { TORCHVISION };
    let x = net.conv2d(names.stem[0], x, Conv2d::new(STAGES[0][1], 4).stride(4).bias())?;
    let mut x = channel_norm(net, names.stem[1], x)?;
    for (stage, [blocks, channels]) in STAGES.into_iter().enumerate() {
        if stage > 0 {
            let [norm, conv] = (names.downsample)(stage);
            x = channel_norm(net, &norm, x)?;
            x = net.conv2d(&conv, x, Conv2d::new(channels, 2).stride(2).bias())?;
        }
        for index in 0..blocks {
            x = block(net, &(names.block)(stage, index), names.parts, x)?;
        }
    }
    let x = net.pooled(x)?;
    let x = net.layer_norm(names.head[0], x)?;
    net.linear(names.head[1], x, net.num_classes())
}

fn channels_last(net: &mut Builder, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
    net.node(&format!("{name}.channels_last"), Transpose { order: vec![0, 2, 3, 1] }, &[x])
}

fn channels_first(net: &mut Builder, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
    net.node(&format!("{name}.channels_first"), Transpose { order: vec![0, 3, 1, 2] }, &[x])
}

/// Layer normalization over the channels of each pixel.
fn channel_norm(net: &mut Builder, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
    let x = channels_last(net, name, x)?;
    let x = net.layer_norm(name, x)?;
    channels_first(net, name, x)
}

/// A depthwise convolution and two linear layers over channels, scaled.
fn block(net: &mut Builder, name: &str, parts: [&str; 5], x: ValueId) -> Result<ValueId, GraphError> {
    let [depthwise, norm, expand, project, scale] = parts.map(|part| format!("{name}.{part}"));
    let channels = net.size(x, 1);
    let y = net.conv2d(&depthwise, x, Conv2d::new(channels, 7).padding(3).depthwise().bias())?;
    let y = channels_last(net, name, y)?;
    let y = net.layer_norm(&norm, y)?;
    let y = net.linear(&expand, y, 4 * channels)?;
    let y = net.activation(&format!("{name}.gelu"), y, Activation::Gelu)?;
    let y = net.linear(&project, y, channels)?;
    let y = channels_first(net, name, y)?;
    // torchvision's has the shape that scales channels already.
    let scale = if parts[4] == "gamma" {
        let gamma = net.parameter(&scale, &[channels])?;
        let shape = [channels, 1, 1].map(Dim::Fixed).to_vec();
        net.node(&format!("{scale}.reshape"), Reshape { shape }, &[gamma])?
    } else {
        net.parameter(&scale, &[channels, 1, 1])?
    };
    let y = net.node(&format!("{name}.scale"), Binary::Mul, &[y, scale])?;
    net.add(&format!("{name}.add"), y, x)
}
