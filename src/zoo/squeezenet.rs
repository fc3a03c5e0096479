//! SqueezeNet (Iandola et al., 2016, <https://arxiv.org/abs/1602.07360>) as torchvision builds and
//! names it. Its classifier is a convolution, its logits are that one's means.

use super::{Architecture, Builder, Conv2d};
use crate::graph::op::{Concat, MaxPool, PoolWindow};
use crate::graph::{GraphError, ValueId};

pub(super) const SQUEEZENET1_0: Architecture =
    Architecture::imagenet("squeezenet1_0", "SqueezeNet 1.0, 1.2 M parameters", |net, x| {
        build(net, x, Conv2d::new(96, 7), &[2, 6, 11])
    });
pub(super) const SQUEEZENET1_1: Architecture =
    Architecture::imagenet("squeezenet1_1", "SqueezeNet 1.1, 1.2 M parameters, 2.4 times fewer products", |net, x| {
        build(net, x, Conv2d::new(64, 3), &[2, 5, 8])
    });

/// Channels between and after the convolutions of each fire module; the latter twice, side by side.
const FIRES: [[usize; 2]; 8] = [[16, 64], [16, 64], [32, 128], [32, 128], [48, 192], [48, 192], [64, 256], [64, 256]];

/// `pools` are the places of the poolings in the sequence of features.
fn build(net: &mut Builder, x: ValueId, stem: Conv2d, pools: &[usize]) -> Result<ValueId, GraphError> {
    let x = net.conv2d("features.0", x, stem.stride(2).bias())?;
    let mut x = net.relu("features.1", x)?;
    let mut index = 2;
    for [squeezed, expanded] in FIRES {
        if pools.contains(&index) {
            let window = PoolWindow { stride: [2; 2], ceil_mode: true, ..PoolWindow::square(3) };
            x = net.node(&format!("features.{index}"), MaxPool(window), &[x])?;
            index += 1;
        }
        x = fire(net, &format!("features.{index}"), x, squeezed, expanded)?;
        index += 1;
    }
    let x = net.conv2d("classifier.1", x, Conv2d::new(net.num_classes(), 1).bias())?;
    let x = net.relu("classifier.2", x)?;
    net.pooled(x)
}

/// A 1 x 1 convolution to few channels, and a 1 x 1 and a 3 x 3 beside each other to more.
fn fire(net: &mut Builder, name: &str, x: ValueId, squeezed: usize, expanded: usize) -> Result<ValueId, GraphError> {
    let mut part = |part: &str, x, conv: Conv2d| {
        let x = net.conv2d(&format!("{name}.{part}"), x, conv.bias())?;
        net.relu(&format!("{name}.{part}_activation"), x)
    };
    let x = part("squeeze", x, Conv2d::new(squeezed, 1))?;
    let pointwise = part("expand1x1", x, Conv2d::new(expanded, 1))?;
    let spatial = part("expand3x3", x, Conv2d::new(expanded, 3).padding(1))?;
    net.node(name, Concat { axis: 1 }, &[pointwise, spatial])
}
