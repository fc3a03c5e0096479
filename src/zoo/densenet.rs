//! DenseNet-121 (Huang et al., 2016, <https://arxiv.org/abs/1608.06993>, table 1) as torchvision and
//! timm build and name it. torchvision's older files, which write `norm.1` for `norm1`, are taken
//! too.

use super::{Architecture, Builder, Conv2d};
use crate::graph::op::{AveragePool, Concat, PoolWindow};
use crate::graph::{GraphError, ValueId};

pub(super) const DENSENET121: Architecture =
    Architecture::imagenet("densenet121", "DenseNet-121, 8.0 M parameters", build);

/// Channels that a layer adds, and those before its 3 x 3 convolution.
const GROWTH: usize = 32;
const BOTTLENECK: usize = 4 * GROWTH;
/// Layers of each block.
const BLOCKS: [usize; 4] = [6, 12, 24, 16];

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let x = net.conv2d("features.conv0", x, Conv2d::new(64, 7).stride(2).padding(3))?;
    let x = norm_relu(net, ["features.norm0", "features.relu0"], x)?;
    let mut x = net.max_pool("features.pool0", x, 3, 2, 1)?;
    for (i, layers) in BLOCKS.into_iter().enumerate() {
        let block = format!("features.denseblock{}", i + 1);
        for layer in 1..=layers {
            x = dense_layer(net, &format!("{block}.denselayer{layer}"), x)?;
        }
        if i + 1 < BLOCKS.len() {
            x = transition(net, &format!("features.transition{}", i + 1), x)?;
        }
    }
    let x = norm_relu(net, ["features.norm5", "features.relu5"], x)?;
    let x = net.pooled(x)?;
    net.linear("classifier", x, net.num_classes())
}

fn norm_relu(net: &mut Builder, names: [&str; 2], x: ValueId) -> Result<ValueId, GraphError> {
    let x = net.batch_norm(names[0], x)?;
    net.relu(names[1], x)
}

/// The input, and after its channels those of two normalized convolutions.
fn dense_layer(net: &mut Builder, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
    let separator = if net.has(&format!("{name}.norm.1.weight")) { "." } else { "" };
    let part = |part: &str, i: usize| format!("{name}.{part}{separator}{i}");
    let y = norm_relu(net, [&part("norm", 1), &part("relu", 1)], x)?;
    let y = net.conv2d(&part("conv", 1), y, Conv2d::new(BOTTLENECK, 1))?;
    let y = norm_relu(net, [&part("norm", 2), &part("relu", 2)], y)?;
    let y = net.conv2d(&part("conv", 2), y, Conv2d::new(GROWTH, 3).padding(1))?;
    net.node(name, Concat { axis: 1 }, &[x, y])
}

/// Half the channels, half the height and width.
fn transition(net: &mut Builder, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
    let outputs = net.size(x, 1) / 2;
    let x = norm_relu(net, [&format!("{name}.norm"), &format!("{name}.relu")], x)?;
    let x = net.conv2d(&format!("{name}.conv"), x, Conv2d::new(outputs, 1))?;
    let pool = AveragePool { window: PoolWindow::square(2), count_include_pad: true };
    net.node(&format!("{name}.pool"), pool, &[x])
}
