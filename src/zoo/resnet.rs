//! The ResNets for ImageNet (He et al., 2015, <https://arxiv.org/abs/1512.03385>), ResNeXt (Xie et
//! al., 2016, <https://arxiv.org/abs/1611.05431>) and wide ResNets (Zagoruyko and Komodakis, 2016,
//! <https://arxiv.org/abs/1605.07146>) as torchvision and timm both build and name them: a
//! bottleneck's stride is that of its 3 x 3 convolution.

use super::{Architecture, Builder, Conv2d};
use crate::graph::{GraphError, ValueId};

pub(super) const RESNET18: Architecture =
    Architecture::imagenet("resnet18", "ResNet-18, 11.7 M parameters", |net, x| basic(net, x, [2, 2, 2, 2]));
pub(super) const RESNET34: Architecture =
    Architecture::imagenet("resnet34", "ResNet-34, 21.8 M parameters", |net, x| basic(net, x, [3, 4, 6, 3]));
pub(super) const RESNET50: Architecture =
    Architecture::imagenet("resnet50", "ResNet-50, 25.6 M parameters", |net, x| {
        bottleneck(net, x, [3, 4, 6, 3], 64, 1)
    });
pub(super) const RESNET101: Architecture =
    Architecture::imagenet("resnet101", "ResNet-101, 44.5 M parameters", |net, x| {
        bottleneck(net, x, [3, 4, 23, 3], 64, 1)
    });
pub(super) const RESNET152: Architecture =
    Architecture::imagenet("resnet152", "ResNet-152, 60.2 M parameters", |net, x| {
        bottleneck(net, x, [3, 8, 36, 3], 64, 1)
    });
pub(super) const RESNEXT50_32X4D: Architecture =
    Architecture::imagenet("resnext50_32x4d", "ResNeXt-50 of 32 groups, 25.0 M parameters", |net, x| {
        bottleneck(net, x, [3, 4, 6, 3], 128, 32)
    });
pub(super) const WIDE_RESNET50_2: Architecture = Architecture::imagenet(
    "wide_resnet50_2",
    "ResNet-50 with bottlenecks twice as wide, 68.9 M parameters",
    |net, x| bottleneck(net, x, [3, 4, 6, 3], 128, 1),
);

/// A ResNet of blocks of two 3 x 3 convolutions, this many a stage.
fn basic(net: &mut Builder, x: ValueId, blocks: [usize; 4]) -> Result<ValueId, GraphError> {
    build(net, x, blocks, |net, name, x, planes, stride| {
        let y = basic_branch(net, name, x, Conv2d::new(planes, 3).padding(1), stride)?;
        Ok((y, planes))
    })
}

/// A ResNet of bottlenecks whose 3 x 3 convolutions have `width` channels in the first stage, in
/// `groups`, and four times 64 outputs.
fn bottleneck(
    net: &mut Builder,
    x: ValueId,
    blocks: [usize; 4],
    width: usize,
    groups: usize,
) -> Result<ValueId, GraphError> {
    build(net, x, blocks, |net, name, x, planes, stride| {
        let width = planes * width / 64;
        let y = net.conv2d(&format!("{name}.conv1"), x, Conv2d::new(width, 1))?;
        let y = net.batch_norm(&format!("{name}.bn1"), y)?;
        let y = net.relu(&format!("{name}.relu1"), y)?;
        let conv = Conv2d::new(width, 3).stride(stride).padding(1).groups(groups);
        let y = net.conv2d(&format!("{name}.conv2"), y, conv)?;
        let y = net.batch_norm(&format!("{name}.bn2"), y)?;
        let y = net.relu(&format!("{name}.relu2"), y)?;
        let y = net.conv2d(&format!("{name}.conv3"), y, Conv2d::new(4 * planes, 1))?;
        Ok((net.batch_norm(&format!("{name}.bn3"), y)?, 4 * planes))
    })
}

/// The network around its blocks. `branch` adds what a block called so adds to its shortcut, and
/// says how many channels that has.
fn build(
    net: &mut Builder,
    x: ValueId,
    blocks: [usize; 4],
    branch: impl Fn(&mut Builder, &str, ValueId, usize, usize) -> Result<(ValueId, usize), GraphError>,
) -> Result<ValueId, GraphError> {
    let x = net.conv2d("conv1", x, Conv2d::new(64, 7).stride(2).padding(3))?;
    let x = net.batch_norm("bn1", x)?;
    let x = net.relu("relu", x)?;
    let mut x = net.max_pool("maxpool", x, 3, 2, 1)?;
    for (stage, blocks) in blocks.into_iter().enumerate() {
        for i in 0..blocks {
            let name = format!("layer{}.{i}", stage + 1);
            let stride = if stage > 0 && i == 0 { 2 } else { 1 };
            let (y, outputs) = branch(net, &name, x, 64 << stage, stride)?;
            if stride != 1 || net.size(x, 1) != outputs {
                x = projection(net, &format!("{name}.downsample"), x, outputs, stride)?;
            }
            x = join(net, &name, y, x)?;
        }
    }
    let x = net.pooled(x)?;
    net.linear("fc", x, net.num_classes())
}

/// Two convolutions like `conv`, normalized, with a ReLU between them; the first steps by `stride`.
pub(super) fn basic_branch(
    net: &mut Builder,
    name: &str,
    x: ValueId,
    conv: Conv2d,
    stride: usize,
) -> Result<ValueId, GraphError> {
    let y = net.conv2d(&format!("{name}.conv1"), x, conv.stride(stride))?;
    let y = net.batch_norm(&format!("{name}.bn1"), y)?;
    let y = net.relu(&format!("{name}.relu1"), y)?;
    let y = net.conv2d(&format!("{name}.conv2"), y, conv)?;
    net.batch_norm(&format!("{name}.bn2"), y)
}

/// A normalized 1 x 1 convolution in a shortcut.
pub(super) fn projection(
    net: &mut Builder,
    name: &str,
    x: ValueId,
    outputs: usize,
    stride: usize,
) -> Result<ValueId, GraphError> {
    let x = net.conv2d(&format!("{name}.0"), x, Conv2d::new(outputs, 1).stride(stride))?;
    net.batch_norm(&format!("{name}.1"), x)
}

/// The end of a block: the branch plus the shortcut, and a ReLU.
pub(super) fn join(net: &mut Builder, name: &str, branch: ValueId, shortcut: ValueId) -> Result<ValueId, GraphError> {
    let sum = net.add(&format!("{name}.add"), branch, shortcut)?;
    net.relu(&format!("{name}.relu"), sum)
}
