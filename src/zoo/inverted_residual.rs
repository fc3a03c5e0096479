//! Inverted residuals (Sandler et al., 2018, <https://arxiv.org/abs/1801.04381>): what MobileNets,
//! MnasNet and EfficientNet are made of. The networks differ in their tables and in how their parts
//! are named; timm names the parts of all of them alike.

use super::{Activation, Builder, Conv2d};
use crate::graph::op::{Binary, GlobalAveragePool};
use crate::graph::{GraphError, ValueId};

/// A depthwise convolution between two pointwise ones, of which the first is left out where it would
/// not change the number of channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub kernel: usize,
    pub stride: usize,
    /// Channels of the depthwise convolution.
    pub expanded: usize,
    pub outputs: usize,
    /// Channels between the convolutions of squeeze and excitation; 0 where there is none.
    pub squeezed: usize,
    pub activation: Activation,
}

/// A stage of blocks alike, but for the first one's stride.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub kernel: usize,
    pub stride: usize,
    /// Channels of the depthwise convolutions for each input channel.
    pub expansion: usize,
    pub outputs: usize,
    pub blocks: usize,
}

/// The blocks of `stages` on an input of `channels`. With `squeezes`, excitations have a quarter of
/// their block's input channels.
pub(super) fn blocks(stages: &[Stage], channels: usize, squeezes: bool, activation: Activation) -> Vec<Vec<Block>> {
    let mut channels = channels;
    let mut block = |stage: &Stage, index: usize| {
        let Stage { kernel, stride, expansion, outputs, .. } = *stage;
        let inputs = std::mem::replace(&mut channels, outputs);
        let (stride, squeezed) = (if index == 0 { stride } else { 1 }, if squeezes { inputs / 4 } else { 0 });
        Block { kernel, stride, expanded: expansion * inputs, outputs, squeezed, activation }
    };
    stages.iter().map(|stage| (0..stage.blocks).map(|index| block(stage, index)).collect()).collect()
}

/// Where a block stands: its stage, its place there, and its place in the network, all from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub stage: usize,
    pub index: usize,
    pub count: usize,
}

/// The names of a convolution, or two, and of what normalizes it.
type Pair = [String; 2];

/// The names of a block's parts.
pub(super) struct Parts {
    /// Convolution and normalization.
    pub expand: Pair,
    /// Convolution and normalization.
    pub depthwise: Pair,
    /// Both convolutions of squeeze and excitation, in networks that have it.
    pub squeeze: Option<Pair>,
    /// Convolution and normalization.
    pub project: Pair,
}

/// How a library names such a network.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub stem: [&'static str; 2],
    /// A block's module.
    pub block: fn(Place) -> String,
    /// The parts of the block of that module, which may lack an expansion.
    pub parts: fn(module: &str, block: &Block, expands: bool) -> Parts,
}

/// The names of a head: convolution, normalization, linear layer.
pub(super) type Head = [&'static str; 3];

/// Whether the given weights are named as timm names these networks.
pub(super) fn is_timm(net: &Builder) -> bool {
    net.has("conv_stem.weight")
}

pub(super) const TIMM: Names = Names {
    stem: ["conv_stem", "bn1"],
    block: |place| format!("blocks.{}.{}", place.stage, place.index),
    parts: |module, _, expands| {
        let pair = |first: &str, second: &str| [format!("{module}.{first}"), format!("{module}.{second}")];
        Parts {
            expand: pair("conv_pw", "bn1"),
            depthwise: pair("conv_dw", if expands { "bn2" } else { "bn1" }),
            squeeze: Some(pair("se.conv_reduce", "se.conv_expand")),
            project: if expands { pair("conv_pwl", "bn3") } else { pair("conv_pw", "bn2") },
        }
    },
};

pub(super) const TIMM_HEAD: Head = ["conv_head", "bn2", "classifier"];

/// The names of parts that are torchvision's `Conv2dNormActivation`s in a sequence called `sequence`.
pub(super) fn sequence_parts(sequence: &str, block: &Block, expands: bool) -> Parts {
    let pair = |index: usize, parts: [&str; 2]| parts.map(|part| format!("{sequence}.{index}.{part}"));
    let depthwise = usize::from(expands);
    let project = depthwise + if block.squeezed > 0 { 2 } else { 1 };
    Parts {
        expand: pair(0, ["0", "1"]),
        depthwise: pair(depthwise, ["0", "1"]),
        squeeze: Some(pair(depthwise + 1, ["fc1", "fc2"])),
        project: pair(project, ["0", "1"]),
    }
}

impl Names {
    /// A 3 x 3 convolution of stride 2.
    pub fn stem(
        &self,
        net: &mut Builder,
        x: ValueId,
        outputs: usize,
        activation: Activation,
    ) -> Result<ValueId, GraphError> {
        net.conv_norm(self.stem, x, Conv2d::new(outputs, 3).stride(2).padding(1), activation)
    }

    /// All stages. `excitation` is what follows the convolutions of squeeze and excitation.
    pub fn stages(
        &self,
        net: &mut Builder,
        x: ValueId,
        stages: &[impl AsRef<[Block]>],
        excitation: [Activation; 2],
    ) -> Result<ValueId, GraphError> {
        let (mut x, mut count) = (x, 0);
        for (stage, blocks) in stages.iter().enumerate() {
            for (index, block) in blocks.as_ref().iter().enumerate() {
                x = self.block(net, x, Place { stage, index, count }, block, excitation)?;
                count += 1;
            }
        }
        Ok(x)
    }

    fn block(
        &self,
        net: &mut Builder,
        x: ValueId,
        place: Place,
        block: &Block,
        excitation: [Activation; 2],
    ) -> Result<ValueId, GraphError> {
        let Block { kernel, stride, expanded, outputs, squeezed, activation } = *block;
        let inputs = net.size(x, 1);
        let module = (self.block)(place);
        let parts = (self.parts)(&module, block, expanded != inputs);
        let mut y = x;
        if expanded != inputs {
            y = net.conv_norm(pair(&parts.expand), y, Conv2d::new(expanded, 1), activation)?;
        }
        let depthwise = Conv2d::new(expanded, kernel).stride(stride).padding(kernel / 2).depthwise();
        y = net.conv_norm(pair(&parts.depthwise), y, depthwise, activation)?;
        if let Some(names) = parts.squeeze.filter(|_| squeezed > 0) {
            y = squeeze_and_excite(net, &module, &names, y, squeezed, excitation)?;
        }
        y = net.conv_norm(pair(&parts.project), y, Conv2d::new(outputs, 1), Activation::Identity)?;
        if stride == 1 && inputs == outputs { net.add(&format!("{module}.add"), y, x) } else { Ok(y) }
    }
}

fn pair(names: &Pair) -> [&str; 2] {
    [&names[0], &names[1]]
}

/// The head of these networks: a 1 x 1 convolution, the mean of each channel, and a linear layer.
pub(super) fn head(
    net: &mut Builder,
    [conv, norm, linear]: Head,
    x: ValueId,
    outputs: usize,
    activation: Activation,
) -> Result<ValueId, GraphError> {
    let x = net.conv_norm([conv, norm], x, Conv2d::new(outputs, 1), activation)?;
    let x = net.pooled(x)?;
    net.linear(linear, x, net.num_classes())
}

/// Squeeze and excitation (Hu et al., 2017, <https://arxiv.org/abs/1709.01507>): each channel times a
/// number that depends on the means of all.
fn squeeze_and_excite(
    net: &mut Builder,
    module: &str,
    names: &Pair,
    x: ValueId,
    squeezed: usize,
    [inner, gate]: [Activation; 2],
) -> Result<ValueId, GraphError> {
    let channels = net.size(x, 1);
    let y = net.node(&format!("{module}.se.avgpool"), GlobalAveragePool, &[x])?;
    let y = net.conv2d(&names[0], y, Conv2d::new(squeezed, 1).bias())?;
    let y = net.activation(&format!("{}.act", names[0]), y, inner)?;
    let y = net.conv2d(&names[1], y, Conv2d::new(channels, 1).bias())?;
    let y = net.activation(&format!("{}.act", names[1]), y, gate)?;
    net.node(&format!("{module}.se"), Binary::Mul, &[x, y])
}
