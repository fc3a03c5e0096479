//! The ResNet of MLPerf Tiny's image classification benchmark (Banbury et al., 2021,
//! <https://arxiv.org/abs/2106.07597>): three blocks of 16, 32 and 64 channels, convolutions with
//! biases, and bare 1 x 1 convolutions for shortcuts. Windows are padded as PyTorch pads them, one
//! on every side, where the Keras reference pads only the far side under stride 2.

use super::resnet::{basic_branch, join};
use super::{Architecture, Builder, Conv2d};
use crate::graph::{GraphError, ValueId};

pub(super) const RESNET8: Architecture = Architecture {
    name: "resnet8",
    aliases: &[],
    summary: "MLPerf Tiny's ResNet, on 28 x 28 gray images by default",
    input: [1, 28, 28],
    num_classes: 10,
    build,
};

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let x = net.conv2d("conv1", x, Conv2d::new(16, 3).padding(1).bias())?;
    let x = net.batch_norm("bn1", x)?;
    let mut x = net.relu("relu", x)?;
    for (block, outputs, stride) in [("layer1.0", 16, 1), ("layer2.0", 32, 2), ("layer3.0", 64, 2)] {
        let y = basic_branch(net, block, x, Conv2d::new(outputs, 3).padding(1).bias(), stride)?;
        if stride != 1 {
            x = net.conv2d(&format!("{block}.downsample.0"), x, Conv2d::new(outputs, 1).stride(stride).bias())?;
        }
        x = join(net, block, y, x)?;
    }
    let x = net.pooled(x)?;
    net.linear("fc", x, net.num_classes())
}
