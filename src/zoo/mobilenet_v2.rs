//! MobileNetV2 (Sandler et al., 2018, <https://arxiv.org/abs/1801.04381>, table 2) as torchvision
//! builds and names it.

use super::{Activation, Architecture, Builder, Conv2d};
use crate::graph::op::{Add, Flatten, GlobalAveragePool};
use crate::graph::{GraphError, ValueId};

pub(super) const MOBILENET_V2: Architecture =
    Architecture::imagenet("mobilenet_v2", "MobileNetV2, 3.5 M parameters", build);

/// Expansion, outputs, blocks and stride of each stage.
const STAGES: [[usize; 4]; 7] =
    [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]];

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let mut x = net.conv_norm("features.0", x, Conv2d::new(32, 3).stride(2).padding(1), Activation::Relu6)?;
    let mut index = 1;
    for [expansion, outputs, blocks, stride] in STAGES {
        for i in 0..blocks {
            let stride = if i == 0 { stride } else { 1 };
            x = inverted_residual(net, &format!("features.{index}"), x, expansion, outputs, stride)?;
            index += 1;
        }
    }
    let x = net.conv_norm(&format!("features.{index}"), x, Conv2d::new(1280, 1), Activation::Relu6)?;
    let x = net.node("avgpool", GlobalAveragePool, &[x])?;
    let x = net.node("flatten", Flatten { axis: 1 }, &[x])?;
    net.linear("classifier.1", x, net.num_classes())
}

/// A 1 x 1 convolution to more channels, where there are more, a depthwise one, and a linear 1 x 1.
fn inverted_residual(
    net: &mut Builder,
    name: &str,
    x: ValueId,
    expansion: usize,
    outputs: usize,
    stride: usize,
) -> Result<ValueId, GraphError> {
    let inputs = net.size(x, 1);
    let hidden = inputs * expansion;
    let (mut y, mut part) = (x, 0);
    if expansion != 1 {
        y = net.conv_norm(&format!("{name}.conv.0"), y, Conv2d::new(hidden, 1), Activation::Relu6)?;
        part = 1;
    }
    let depthwise = Conv2d::new(hidden, 3).stride(stride).padding(1).depthwise();
    y = net.conv_norm(&format!("{name}.conv.{part}"), y, depthwise, Activation::Relu6)?;
    y = net.conv2d(&format!("{name}.conv.{}", part + 1), y, Conv2d::new(outputs, 1))?;
    y = net.batch_norm(&format!("{name}.conv.{}", part + 2), y)?;
    if stride == 1 && inputs == outputs {
        y = net.node(&format!("{name}.add"), Add::default(), &[x, y])?;
    }
    Ok(y)
}
