//! AlexNet as torchvision builds and names it: the one-tower variant of Krizhevsky, 2014,
//! <https://arxiv.org/abs/1404.5997>.

use super::{Architecture, Builder, Conv2d};
use crate::graph::{GraphError, ValueId};

pub(super) const ALEXNET: Architecture = Architecture::imagenet("alexnet", "AlexNet, 61.1 M parameters", build);

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let convolutions = [
        (0, Conv2d::new(64, 11).stride(4).padding(2), true),
        (3, Conv2d::new(192, 5).padding(2), true),
        (6, Conv2d::new(384, 3).padding(1), false),
        (8, Conv2d::new(256, 3).padding(1), false),
        (10, Conv2d::new(256, 3).padding(1), true),
    ];
    let mut x = x;
    for (index, conv, pooled) in convolutions {
        x = net.conv2d(&format!("features.{index}"), x, conv.bias())?;
        x = net.relu(&format!("features.{}", index + 1), x)?;
        if pooled {
            x = net.max_pool(&format!("features.{}", index + 2), x, 3, 2, 0)?;
        }
    }
    let mut x = net.pooled_to(x, 6)?;
    for index in [1, 4] {
        x = net.linear(&format!("classifier.{index}"), x, 4096)?;
        x = net.relu(&format!("classifier.{}", index + 1), x)?;
    }
    net.linear("classifier.6", x, net.num_classes())
}
