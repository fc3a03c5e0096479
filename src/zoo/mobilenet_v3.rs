//! MobileNetV3 (Howard et al., 2019, <https://arxiv.org/abs/1905.02244>, tables 1 and 2) as torchvision
//! and timm build it, under either's names. Normalizations have the epsilon 1e-3 in torchvision's and
//! 1e-5 in timm's.

use super::inverted_residual::{Block, Names, TIMM, is_timm, sequence_parts};
use super::{Activation, Architecture, Builder, Conv2d};
use crate::graph::op::GlobalAveragePool;
use crate::graph::{GraphError, ValueId};

pub(super) const MOBILENET_V3_SMALL: Architecture =
    Architecture::imagenet("mobilenet_v3_small", "MobileNetV3 small, 2.5 M parameters", |net, x| {
        build(net, x, &SMALL, ["features.12.0", "features.12.1"], ["blocks.5.0.conv", "blocks.5.0.bn1"], 1024)
    })
    .aliases(&["mobilenetv3_small_100"]);
pub(super) const MOBILENET_V3_LARGE: Architecture =
    Architecture::imagenet("mobilenet_v3_large", "MobileNetV3 large, 5.5 M parameters", |net, x| {
        build(net, x, &LARGE, ["features.16.0", "features.16.1"], ["blocks.6.0.conv", "blocks.6.0.bn1"], 1280)
    })
    .aliases(&["mobilenetv3_large_100"]);

/// A block by kernel, stride, channels of its depthwise convolution and of its output, those within
/// its excitation, and activation.
const fn block(sizes: [usize; 5], activation: Activation) -> Block {
    let [kernel, stride, expanded, outputs, squeezed] = sizes;
    Block { kernel, stride, expanded, outputs, squeezed, activation }
}

const RE: Activation = Activation::Relu;
const HS: Activation = Activation::HardSwish;

const SMALL: [&[Block]; 5] = [
    &[block([3, 2, 16, 16, 8], RE)],
    &[block([3, 2, 72, 24, 0], RE), block([3, 1, 88, 24, 0], RE)],
    &[block([5, 2, 96, 40, 24], HS), block([5, 1, 240, 40, 64], HS), block([5, 1, 240, 40, 64], HS)],
    &[block([5, 1, 120, 48, 32], HS), block([5, 1, 144, 48, 40], HS)],
    &[block([5, 2, 288, 96, 72], HS), block([5, 1, 576, 96, 144], HS), block([5, 1, 576, 96, 144], HS)],
];

const LARGE: [&[Block]; 6] = [
    &[block([3, 1, 16, 16, 0], RE)],
    &[block([3, 2, 64, 24, 0], RE), block([3, 1, 72, 24, 0], RE)],
    &[block([5, 2, 72, 40, 24], RE), block([5, 1, 120, 40, 32], RE), block([5, 1, 120, 40, 32], RE)],
    &[
        block([3, 2, 240, 80, 0], HS),
        block([3, 1, 200, 80, 0], HS),
        block([3, 1, 184, 80, 0], HS),
        block([3, 1, 184, 80, 0], HS),
    ],
    &[block([3, 1, 480, 112, 120], HS), block([3, 1, 672, 112, 168], HS)],
    &[block([5, 2, 672, 160, 168], HS), block([5, 1, 960, 160, 240], HS), block([5, 1, 960, 160, 240], HS)],
];

const TORCHVISION: Names = Names {
    stem: ["features.0.0", "features.0.1"],
    block: |place| format!("features.{}", place.count + 1),
    parts: |module, block, expands| sequence_parts(&format!("{module}.block"), block, expands),
};

/// `last` and `timm_last` are the names of the last convolution before the means and of its
/// normalization; `hidden` the outputs of the layer after them.
fn build(
    net: &mut Builder,
    x: ValueId,
    stages: &[&[Block]],
    last: [&str; 2],
    timm_last: [&str; 2],
    hidden: usize,
) -> Result<ValueId, GraphError> {
    let timm = is_timm(net);
    let (names, last) = if timm { (TIMM, timm_last) } else { (TORCHVISION, last) };
    net.set_norm_eps(if timm { 1e-5 } else { 1e-3 });
    let x = names.stem(net, x, 16, HS)?;
    let x = names.stages(net, x, stages, [RE, Activation::HardSigmoid])?;
    let channels = 6 * net.size(x, 1);
    let x = net.conv_norm(last, x, Conv2d::new(channels, 1), HS)?;
    if timm {
        let x = net.node("global_pool", GlobalAveragePool, &[x])?;
        let x = net.conv2d("conv_head", x, Conv2d::new(hidden, 1).bias())?;
        let x = net.activation("act2", x, HS)?;
        let x = net.flatten(x)?;
        return net.linear("classifier", x, net.num_classes());
    }
    let x = net.pooled(x)?;
    let x = net.linear("classifier.0", x, hidden)?;
    let x = net.activation("classifier.1", x, HS)?;
    net.linear("classifier.3", x, net.num_classes())
}
