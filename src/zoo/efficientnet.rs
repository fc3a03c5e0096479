//! EfficientNet-B0 (Tan and Le, 2019, <https://arxiv.org/abs/1905.11946>, table 1) as torchvision and
//! timm build it, under either's names.

use super::inverted_residual::{Head, Names, Stage, TIMM, TIMM_HEAD, blocks, head, is_timm, sequence_parts};
use super::{Activation, Architecture, Builder};
use crate::graph::{GraphError, ValueId};

pub(super) const EFFICIENTNET_B0: Architecture =
    Architecture::imagenet("efficientnet_b0", "EfficientNet-B0, 5.3 M parameters", build);

const STAGES: [Stage; 7] = [
    Stage { kernel: 3, stride: 1, expansion: 1, outputs: 16, blocks: 1 },
    Stage { kernel: 3, stride: 2, expansion: 6, outputs: 24, blocks: 2 },
    Stage { kernel: 5, stride: 2, expansion: 6, outputs: 40, blocks: 2 },
    Stage { kernel: 3, stride: 2, expansion: 6, outputs: 80, blocks: 3 },
    Stage { kernel: 5, stride: 1, expansion: 6, outputs: 112, blocks: 3 },
    Stage { kernel: 5, stride: 2, expansion: 6, outputs: 192, blocks: 4 },
    Stage { kernel: 3, stride: 1, expansion: 6, outputs: 320, blocks: 1 },
];

const TORCHVISION: Names = Names {
    stem: ["features.0.0", "features.0.1"],
    block: |place| format!("features.{}.{}", place.stage + 1, place.index),
    parts: |module, block, expands| sequence_parts(&format!("{module}.block"), block, expands),
};

const TORCHVISION_HEAD: Head = ["features.8.0", "features.8.1", "classifier.1"];

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let (names, head_names) = if is_timm(net) { (TIMM, TIMM_HEAD) } else { (TORCHVISION, TORCHVISION_HEAD) };
    let activation = Activation::Silu;
    let x = names.stem(net, x, 32, activation)?;
    let stages = blocks(&STAGES, 32, true, activation);
    let x = names.stages(net, x, &stages, [activation, Activation::Sigmoid])?;
    head(net, head_names, x, 1280, activation)
}
