//! Pooling. Padding counts in no average.

use super::window::padding;
use super::{Computed, Lowering, Node, Value, integers};
use crate::graph::ValueId;
use crate::graph::op::{AveragePool, MaxPool, PoolWindow};
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::{Activation, Pool2d};

/// The images and the window of a pooling.
fn window(lowering: &mut Lowering, node: &Node) -> Result<(ValueId, PoolWindow, Activation), NodeProblem> {
    let options: Pool2d = node.options()?;
    let (x, [_, height, width]) = node.images(lowering, 0)?;
    let padding = padding(options.padding, [height, width], options.kernel, options.stride, [1; 2])?;
    let (kernel, stride) = (options.kernel, options.stride);
    Ok((x.id, PoolWindow { kernel, stride, padding, dilation: [1; 2], ceil_mode: false }, options.activation))
}

/// `MAX_POOL_2D`.
pub(super) fn max(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let (x, window, activation) = window(lowering, node)?;
    let largest = lowering.add(&node.name, MaxPool(window), &[x])?;
    let id = if activation == Activation::None { largest } else { lowering.finish(node, largest, activation)? };
    Ok(Value::Computed(Computed::channels_first(id)))
}

/// `AVERAGE_POOL_2D`.
pub(super) fn average(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    let (x, window, activation) = window(lowering, node)?;
    let id = if node.is_quantized() {
        integers::average_pool(lowering, node, window, x, activation)?
    } else {
        let mean = lowering.add(&node.name, AveragePool { window, count_include_pad: false }, &[x])?;
        lowering.finish(node, mean, activation)?
    };
    Ok(Value::Computed(Computed::channels_first(id)))
}
