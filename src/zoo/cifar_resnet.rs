//! The ResNets for CIFAR (He et al., 2015, <https://arxiv.org/abs/1512.03385>, section 4.2): three
//! stages of 16, 32 and 64 channels.
//!
//! Shortcuts that change the shape have no parameters in the paper (option A: every other pixel, new
//! channels zero on both sides) and in akamaster/pytorch_resnet_cifar10, whose names are the
//! default. A state dict with convolutions there (`downsample.0` and `.1`, or `shortcut.0` and `.1`)
//! gets those; one whose head is called `fc` instead of `linear` gets that.

use super::resnet::{basic_branch, join, projection};
use super::{Architecture, Builder, Conv2d};
use crate::graph::op::{Pad, Slice};
use crate::graph::{GraphError, ValueId};

const fn resnet(
    name: &'static str,
    summary: &'static str,
    build: fn(&mut Builder, ValueId) -> Result<ValueId, GraphError>,
) -> Architecture {
    Architecture { name, aliases: &[], summary, input: [3, 32, 32], num_classes: 10, build }
}

pub(super) const RESNET20: Architecture =
    resnet("resnet20", "ResNet-20 for CIFAR, 0.27 M parameters", |net, x| build(net, x, 3));
pub(super) const RESNET32: Architecture =
    resnet("resnet32", "ResNet-32 for CIFAR, 0.46 M parameters", |net, x| build(net, x, 5));
pub(super) const RESNET44: Architecture =
    resnet("resnet44", "ResNet-44 for CIFAR, 0.66 M parameters", |net, x| build(net, x, 7));
pub(super) const RESNET56: Architecture =
    resnet("resnet56", "ResNet-56 for CIFAR, 0.85 M parameters", |net, x| build(net, x, 9));

fn build(net: &mut Builder, x: ValueId, blocks: usize) -> Result<ValueId, GraphError> {
    let x = net.conv2d("conv1", x, Conv2d::new(16, 3).padding(1))?;
    let x = net.batch_norm("bn1", x)?;
    let mut x = net.relu("relu", x)?;
    for (stage, outputs) in [(1, 16), (2, 32), (3, 64)] {
        for i in 0..blocks {
            let stride = if stage > 1 && i == 0 { 2 } else { 1 };
            x = block(net, &format!("layer{stage}.{i}"), x, outputs, stride)?;
        }
    }
    let x = net.pooled(x)?;
    let head = if net.has("fc.weight") { "fc" } else { "linear" };
    net.linear(head, x, net.num_classes())
}

fn block(net: &mut Builder, name: &str, x: ValueId, outputs: usize, stride: usize) -> Result<ValueId, GraphError> {
    let y = basic_branch(net, name, x, Conv2d::new(outputs, 3).padding(1), stride)?;
    let x = if stride == 1 { x } else { shortcut(net, name, x, outputs)? };
    join(net, name, y, x)
}

/// Half the height and width, twice the channels.
fn shortcut(net: &mut Builder, block: &str, x: ValueId, outputs: usize) -> Result<ValueId, GraphError> {
    for part in ["downsample", "shortcut"] {
        let part = format!("{block}.{part}");
        if net.has(&format!("{part}.0.weight")) {
            return projection(net, &part, x, outputs, 2);
        }
    }
    let (channels, height, width) = (net.size(x, 1), net.size(x, 2), net.size(x, 3));
    let every_other = |axis, end| Slice { axis, start: 0, end, step: 2 };
    let x = net.node(&format!("{block}.shortcut.rows"), every_other(2, height), &[x])?;
    let x = net.node(&format!("{block}.shortcut.columns"), every_other(3, width), &[x])?;
    let before = (outputs - channels) / 2;
    let padding = vec![[0, 0], [before, outputs - channels - before], [0, 0], [0, 0]];
    net.node(&format!("{block}.shortcut"), Pad { padding, value: 0.0 }, &[x])
}
