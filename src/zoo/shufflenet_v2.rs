//! ShuffleNetV2 (Ma et al., 2018, <https://arxiv.org/abs/1807.11164>, table 5) as torchvision builds
//! and names it.

use super::{Activation, Architecture, Builder, Conv2d};
use crate::graph::op::{Concat, Reshape, Slice, Transpose};
use crate::graph::{Dim, GraphError, ValueId};

pub(super) const SHUFFLENET_V2_X1_0: Architecture =
    Architecture::imagenet("shufflenet_v2_x1_0", "ShuffleNetV2 of width 1, 2.3 M parameters", build);

/// Blocks and channels of the stages, which torchvision counts from 2.
const STAGES: [[usize; 2]; 3] = [[4, 116], [8, 232], [4, 464]];

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let stem = Conv2d::new(24, 3).stride(2).padding(1);
    let x = net.conv_norm(["conv1.0", "conv1.1"], x, stem, Activation::Relu)?;
    let mut x = net.max_pool("maxpool", x, 3, 2, 1)?;
    for (stage, [blocks, outputs]) in STAGES.into_iter().enumerate() {
        for i in 0..blocks {
            let name = format!("stage{}.{i}", stage + 2);
            let parts = if i == 0 { halved(net, &name, x, outputs) } else { kept(net, &name, x) }?;
            x = shuffle(net, &name, parts)?;
        }
    }
    let x = net.conv_norm(["conv5.0", "conv5.1"], x, Conv2d::new(1024, 1), Activation::Relu)?;
    let x = net.pooled(x)?;
    net.linear("fc", x, net.num_classes())
}

/// Both halves of the output of a block that halves height and width.
fn halved(net: &mut Builder, name: &str, x: ValueId, outputs: usize) -> Result<[ValueId; 2], GraphError> {
    let depthwise = Conv2d::new(net.size(x, 1), 3).stride(2).padding(1).depthwise();
    let part = |i: usize| format!("{name}.branch1.{i}");
    let left = net.conv_norm([&part(0), &part(1)], x, depthwise, Activation::Identity)?;
    let left = net.conv_norm([&part(2), &part(3)], left, Conv2d::new(outputs / 2, 1), Activation::Relu)?;
    Ok([left, main_branch(net, name, x, outputs / 2, 2)?])
}

/// The first half of the channels as they are, the second convolved.
fn kept(net: &mut Builder, name: &str, x: ValueId) -> Result<[ValueId; 2], GraphError> {
    let channels = net.size(x, 1);
    let half = channels / 2;
    let slice = |start, end| Slice { axis: 1, start, end, step: 1 };
    let left = net.node(&format!("{name}.left"), slice(0, half), &[x])?;
    let right = net.node(&format!("{name}.right"), slice(half, channels), &[x])?;
    Ok([left, main_branch(net, name, right, half, 1)?])
}

fn main_branch(
    net: &mut Builder,
    name: &str,
    x: ValueId,
    channels: usize,
    stride: usize,
) -> Result<ValueId, GraphError> {
    let part = |i: usize| format!("{name}.branch2.{i}");
    let depthwise = Conv2d::new(channels, 3).stride(stride).padding(1).depthwise();
    let x = net.conv_norm([&part(0), &part(1)], x, Conv2d::new(channels, 1), Activation::Relu)?;
    let x = net.conv_norm([&part(3), &part(4)], x, depthwise, Activation::Identity)?;
    net.conv_norm([&part(5), &part(6)], x, Conv2d::new(channels, 1), Activation::Relu)
}

/// The channels of both halves by turns.
fn shuffle(net: &mut Builder, name: &str, parts: [ValueId; 2]) -> Result<ValueId, GraphError> {
    let [half, height, width] = [1, 2, 3].map(|axis| net.size(parts[0], axis));
    let image = [height, width].map(Dim::Fixed);
    let x = net.node(&format!("{name}.cat"), Concat { axis: 1 }, &parts)?;
    let split = Reshape { shape: [Dim::Batch(1), Dim::Fixed(2), Dim::Fixed(half), image[0], image[1]].to_vec() };
    let x = net.node(&format!("{name}.split"), split, &[x])?;
    let x = net.node(&format!("{name}.transpose"), Transpose { order: vec![0, 2, 1, 3, 4] }, &[x])?;
    let merged = Reshape { shape: [Dim::Batch(1), Dim::Fixed(2 * half), image[0], image[1]].to_vec() };
    net.node(&format!("{name}.shuffle"), merged, &[x])
}
