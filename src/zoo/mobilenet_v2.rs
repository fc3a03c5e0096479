//! MobileNetV2 (Sandler et al., 2018, <https://arxiv.org/abs/1801.04381>, table 2) as torchvision and
//! timm build it, under either's names.

use super::inverted_residual::{Head, Names, Parts, Stage, TIMM, TIMM_HEAD, blocks, head, is_timm};
use super::{Activation, Architecture, Builder};
use crate::graph::{GraphError, ValueId};

pub(super) const MOBILENET_V2: Architecture =
    Architecture::imagenet("mobilenet_v2", "MobileNetV2, 3.5 M parameters", build).aliases(&["mobilenetv2_100"]);

const STAGES: [Stage; 7] = [
    Stage { kernel: 3, stride: 1, expansion: 1, outputs: 16, blocks: 1 },
    Stage { kernel: 3, stride: 2, expansion: 6, outputs: 24, blocks: 2 },
    Stage { kernel: 3, stride: 2, expansion: 6, outputs: 32, blocks: 3 },
    Stage { kernel: 3, stride: 2, expansion: 6, outputs: 64, blocks: 4 },
    Stage { kernel: 3, stride: 1, expansion: 6, outputs: 96, blocks: 3 },
    Stage { kernel: 3, stride: 2, expansion: 6, outputs: 160, blocks: 3 },
    Stage { kernel: 3, stride: 1, expansion: 6, outputs: 320, blocks: 1 },
];

const TORCHVISION: Names = Names {
    stem: ["features.0.0", "features.0.1"],
    block: |place| format!("features.{}", place.count + 1),
    parts: |module, _, expands| {
        let part = |i: usize, part: &str| format!("{module}.conv.{i}{part}");
        let depthwise = usize::from(expands);
        Parts {
            expand: [part(0, ".0"), part(0, ".1")],
            depthwise: [part(depthwise, ".0"), part(depthwise, ".1")],
            squeeze: None,
            project: [part(depthwise + 1, ""), part(depthwise + 2, "")],
        }
    },
};

const TORCHVISION_HEAD: Head = ["features.18.0", "features.18.1", "classifier.1"];

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let (names, head_names) = if is_timm(net) { (TIMM, TIMM_HEAD) } else { (TORCHVISION, TORCHVISION_HEAD) };
    let activation = Activation::Relu6;
    let x = names.stem(net, x, 32, activation)?;
    let x = names.stages(net, x, &blocks(&STAGES, 32, false, activation), [Activation::Identity; 2])?;
    head(net, head_names, x, 1280, activation)
}
