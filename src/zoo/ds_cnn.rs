//! DS-CNN, MLPerf Tiny's keyword spotting (Banbury et al., 2021, <https://arxiv.org/abs/2106.07597>;
//! Zhang et al., 2017, <https://arxiv.org/abs/1711.07128>), as Keras builds its reference: 49 frames of
//! 10 coefficients, biases before normalizations of epsilon 1e-3, padding `same`. The reference does
//! not name its layers; here they are `conv1` and `bn1`, `blocks.0.conv_dw`, `bn1`, `conv_pw`, `bn2` and
//! so on, and `fc`. The shipped one is the same network on 28 x 28 gray images.

use super::mobilenet_v1::separable;
use super::{Activation, Architecture, Builder, Conv2d};
use crate::graph::{GraphError, ValueId};

pub(super) const DS_CNN: Architecture = Architecture {
    name: "ds_cnn",
    aliases: &[],
    summary: "MLPerf Tiny's keyword spotting, on 49 frames of 10 coefficients",
    input: [1, 49, 10],
    num_classes: 12,
    build,
};

const CHANNELS: usize = 64;

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    net.set_norm_eps(1e-3);
    let stem = Conv2d::rectangular(CHANNELS, [10, 4]).stride(2).same().bias();
    let mut x = net.conv_norm(["conv1", "bn1"], x, stem, Activation::Relu)?;
    let depthwise = Conv2d::new(CHANNELS, 3).depthwise().same().bias();
    let pointwise = Conv2d::new(CHANNELS, 1).bias();
    for i in 0..4 {
        x = separable(net, &format!("blocks.{i}"), x, [depthwise, pointwise], Activation::Relu)?;
    }
    let x = net.pooled(x)?;
    net.linear("fc", x, net.num_classes())
}
