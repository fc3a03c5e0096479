//! MobileNetV1 (Howard et al., 2017, <https://arxiv.org/abs/1704.04861>, table 1) as timm builds and
//! names it, and the quarter of its width that MLPerf Tiny classifies visual wake words with (Banbury
//! et al., 2021, <https://arxiv.org/abs/2106.07597>). The latter is as Keras builds its reference, with
//! biases before normalizations, ReLU instead of ReLU6, epsilon 1e-3 and padding `same`, under timm's
//! names.

use super::{Activation, Architecture, Builder, Conv2d};
use crate::graph::{GraphError, ValueId};

pub(super) const MOBILENET_V1: Architecture =
    Architecture::imagenet("mobilenet_v1", "MobileNetV1, 4.2 M parameters", |net, x| {
        build(net, x, 32, Conv2d::padding, Activation::Relu6)
    })
    .aliases(&["mobilenetv1_100"]);
pub(super) const MOBILENET_V1_025: Architecture = Architecture {
    input: [3, 96, 96],
    num_classes: 2,
    ..Architecture::imagenet(
        "mobilenet_v1_025",
        "MLPerf Tiny's visual wake words: MobileNetV1 of width 0.25, on 96 x 96",
        |net, x| {
            net.set_norm_eps(1e-3);
            build(net, x, 8, |conv, _| conv.same().bias(), Activation::Relu)
        },
    )
};

/// Blocks of each stage, which doubles the channels and, but for the first, halves height and width.
const STAGES: [usize; 5] = [1, 2, 2, 6, 2];

/// `finish` pads a convolution, by so much or its own way, and gives it its bias.
fn build(
    net: &mut Builder,
    x: ValueId,
    channels: usize,
    finish: fn(Conv2d, usize) -> Conv2d,
    activation: Activation,
) -> Result<ValueId, GraphError> {
    let stem = finish(Conv2d::new(channels, 3).stride(2), 1);
    let mut x = net.conv_norm(["conv_stem", "bn1"], x, stem, activation)?;
    for (stage, blocks) in STAGES.into_iter().enumerate() {
        for i in 0..blocks {
            let stride = if stage > 0 && i == 0 { 2 } else { 1 };
            let depthwise = finish(Conv2d::new(net.size(x, 1), 3).stride(stride).depthwise(), 1);
            let pointwise = finish(Conv2d::new(channels << (stage + 1), 1), 0);
            x = separable(net, &format!("blocks.{stage}.{i}"), x, [depthwise, pointwise], activation)?;
        }
    }
    let x = net.pooled(x)?;
    net.linear("classifier", x, net.num_classes())
}

/// A depthwise and a pointwise convolution, both normalized and activated.
pub(super) fn separable(
    net: &mut Builder,
    name: &str,
    x: ValueId,
    [depthwise, pointwise]: [Conv2d; 2],
    activation: Activation,
) -> Result<ValueId, GraphError> {
    let part = |part: &str| format!("{name}.{part}");
    let x = net.conv_norm([&part("conv_dw"), &part("bn1")], x, depthwise, activation)?;
    net.conv_norm([&part("conv_pw"), &part("bn2")], x, pointwise, activation)
}
