//! MnasNet-B1 (Tan et al., 2018, <https://arxiv.org/abs/1807.11626>) as torchvision and timm build it,
//! under either's names.

use super::inverted_residual::{Head, Names, Parts, Stage, TIMM, TIMM_HEAD, blocks, head, is_timm};
use super::{Activation, Architecture, Builder};
use crate::graph::{GraphError, ValueId};

pub(super) const MNASNET1_0: Architecture =
    Architecture::imagenet("mnasnet1_0", "MnasNet-B1, 4.4 M parameters", build).aliases(&["mnasnet_100"]);

const STAGES: [Stage; 7] = [
    Stage { kernel: 3, stride: 1, expansion: 1, outputs: 16, blocks: 1 },
    Stage { kernel: 3, stride: 2, expansion: 3, outputs: 24, blocks: 3 },
    Stage { kernel: 5, stride: 2, expansion: 3, outputs: 40, blocks: 3 },
    Stage { kernel: 5, stride: 2, expansion: 6, outputs: 80, blocks: 3 },
    Stage { kernel: 3, stride: 1, expansion: 6, outputs: 96, blocks: 2 },
    Stage { kernel: 5, stride: 2, expansion: 6, outputs: 192, blocks: 4 },
    Stage { kernel: 3, stride: 1, expansion: 6, outputs: 320, blocks: 1 },
];

/// The stem and the first block are modules of the network's own sequence, three each.
const TORCHVISION: Names = Names {
    stem: ["layers.0", "layers.1"],
    block: |place| match place.stage {
        0 => "layers".to_owned(),
        stage => format!("layers.{}.{}", stage + 7, place.index),
    },
    parts: |module, _, expands| {
        let part = |i: usize| if expands { format!("{module}.layers.{i}") } else { format!("{module}.{i}") };
        let pair = |i: usize| [part(i), part(i + 1)];
        Parts { expand: pair(0), depthwise: pair(3), squeeze: None, project: pair(6) }
    },
};

const TORCHVISION_HEAD: Head = ["layers.14", "layers.15", "classifier.1"];

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let (names, head_names) = if is_timm(net) { (TIMM, TIMM_HEAD) } else { (TORCHVISION, TORCHVISION_HEAD) };
    let activation = Activation::Relu;
    let x = names.stem(net, x, 32, activation)?;
    let x = names.stages(net, x, &blocks(&STAGES, 32, false, activation), [Activation::Identity; 2])?;
    head(net, head_names, x, 1280, activation)
}
