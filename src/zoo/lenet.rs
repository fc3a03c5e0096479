//! LeNet-5 (LeCun et al., 1998, "Gradient-based learning applied to document recognition"), with
//! ReLU and max pooling as it is commonly built today.

use super::{Architecture, Builder, Conv2d};
use crate::graph::{GraphError, ValueId};

pub(super) const LENET5: Architecture = Architecture {
    name: "lenet5",
    aliases: &[],
    summary: "LeNet-5 with ReLU and max pooling, 61,706 parameters on 28 x 28",
    input: [1, 28, 28],
    num_classes: 10,
    build,
};

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    let x = net.conv2d("conv1", x, Conv2d::new(6, 5).padding(2).bias())?;
    let x = net.relu("relu1", x)?;
    let x = net.max_pool("pool1", x, 2, 2, 0)?;
    let x = net.conv2d("conv2", x, Conv2d::new(16, 5).bias())?;
    let x = net.relu("relu2", x)?;
    let x = net.max_pool("pool2", x, 2, 2, 0)?;
    let x = net.flatten(x)?;
    let x = net.linear("fc1", x, 120)?;
    let x = net.relu("relu3", x)?;
    let x = net.linear("fc2", x, 84)?;
    let x = net.relu("relu4", x)?;
    net.linear("fc3", x, net.num_classes())
}
