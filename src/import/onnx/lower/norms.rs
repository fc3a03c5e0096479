//! Normalization and softmax.

use super::gather::take;
use super::node::axis;
use super::{Lowering, Node};
use crate::graph::Dim;
use crate::graph::op::{
    BatchNorm, Binary, GroupNorm, LayerNorm, LocalResponseNorm, Reduce, Reduction, Reshape, Scale, Softmax, Unary,
};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::Value;

/// The attribute `epsilon`: the decimal number that its `f32` was rounded from.
fn epsilon(node: &Node) -> Result<f64, NodeProblem> {
    let found = node.float_or("epsilon", 1e-5)?;
    Ok(found.to_string().parse().unwrap_or(f64::from(found)))
}

/// `BatchNormalization` by running statistics.
pub(super) fn batch(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    if node.flag("training_mode")? {
        // Weights that are standardized on the way to their layer: statistics of constants are constants.
        if let Value::Floats { tensor, .. } = node.input(0)?
            && let [1, channels, ..] = *tensor.dims()
        {
            let inputs = [node.input(0)?.clone(), node.input(1)?.clone(), node.input(2)?.clone()];
            let op = GroupNorm { groups: channels, eps: epsilon(node)? };
            return Ok(vec![lowering.emit(node.name, op, &inputs)?]);
        }
        return Err(NodeProblem::Unsupported("training mode: export after model.eval()".to_owned()));
    }
    if node.int_or("spatial", 1)? != 1 {
        return Err(NodeProblem::Unsupported("batch normalization with spatial=0".to_owned()));
    }
    let inputs = (0..5).map(|i| node.input(i).cloned()).collect::<Result<Vec<_>, _>>();
    let mut inputs = inputs?;
    // Folded into the preceding layer, it would change that layer's weights, which are the file's integers:
    // a node between the two prevents that.
    if let Value::Computed(id) = inputs[0]
        && lowering.scales.is_layer_output(id)
    {
        let name = format!("{} (input)", node.name);
        inputs[0] = lowering.emit(&name, Scale { factor: 1.0 }, &inputs[..1])?;
    }
    // Running statistics are not trained.
    for statistic in inputs.iter_mut().skip(3) {
        if let Value::Floats { initial, .. } = statistic {
            *initial = false;
        }
    }
    Ok(vec![lowering.emit(node.name, BatchNorm { eps: epsilon(node)? }, &inputs)?])
}

/// `LayerNormalization`.
pub(super) fn layer(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let rank = lowering.ty(0, node.input(0)?)?.rank();
    let axis = axis("axis", node.int_or("axis", -1)?, rank)?;
    let inputs: Vec<Value> = node.inputs.iter().flatten().cloned().collect();
    Ok(vec![lowering.emit(node.name, LayerNorm { axis, eps: epsilon(node)? }, &inputs)?])
}

/// The number of channels of a normalization's input.
fn channels(lowering: &Lowering, node: &Node) -> Result<usize, NodeProblem> {
    let ty = lowering.ty(0, node.input(0)?)?;
    let Some(&Dim::Fixed(channels)) = ty.shape.get(1) else {
        return Err(NodeProblem::Shape { found: ty.to_string(), expected: "[batch, channels, size..]".to_owned() });
    };
    Ok(channels)
}

/// `InstanceNormalization`: each channel is a group.
pub(super) fn instance(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let inputs = [node.input(0)?.clone(), node.input(1)?.clone(), node.input(2)?.clone()];
    let groups = channels(lowering, node)?;
    Ok(vec![lowering.emit(node.name, GroupNorm { groups, eps: epsilon(node)? }, &inputs)?])
}

/// `GroupNormalization`, which has one scale for each group before version 21, then one for each channel.
pub(super) fn group(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let mut inputs = vec![node.input(0)?.clone(), node.input(1)?.clone(), node.input(2)?.clone()];
    let channels = channels(lowering, node)?;
    let groups = usize::try_from(node.int_or("num_groups", 0)?).unwrap_or(0);
    if node.opset < 21 && groups > 0 {
        let indices: Vec<usize> = (0..channels).map(|channel| channel / channels.div_ceil(groups)).collect();
        for parameter in &mut inputs[1..] {
            *parameter = take(lowering, node.name, parameter.clone(), 0, indices.clone())?;
        }
    }
    Ok(vec![lowering.emit(node.name, GroupNorm { groups, eps: epsilon(node)? }, &inputs)?])
}

/// `LpNormalization`: a vector divided by its norm; zeros stay zeros.
pub(super) fn lp(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let input = node.input(0)?.clone();
    let axis = axis("axis", node.int_or("axis", -1)?, lowering.ty(0, &input)?.rank())?;
    let reduction = match node.int_or("p", 2)? {
        1 => Reduction::L1,
        2 => Reduction::L2,
        p => return Err(NodeProblem::Unsupported(format!("normalization by the norm of order {p} (expected 1 or 2)"))),
    };
    let norm = Reduce { reduction, axes: vec![axis], keep_dims: true };
    let norm = lowering.emit(node.name, norm, std::slice::from_ref(&input))?;
    let at_least = Unary::Clip { min: f32::from_bits(1), max: f32::INFINITY };
    let norm = lowering.emit(node.name, at_least, &[norm])?;
    Ok(vec![lowering.emit(node.name, Binary::Div, &[input, norm])?])
}

/// `LRN`.
pub(super) fn local_response(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let size = node.int_or("size", 0)?;
    let op = LocalResponseNorm {
        size: usize::try_from(size).ok().filter(|&size| size < 1 << 16).unwrap_or(0),
        alpha: node.float_or("alpha", 1e-4)?,
        beta: node.float_or("beta", 0.75)?,
        bias: node.float_or("bias", 1.0)?,
    };
    Ok(vec![lowering.emit(node.name, op, &[node.input(0)?.clone()])?])
}

/// `Softmax` and `LogSoftmax`: along one axis since version 13; before, over all axes from that one on.
pub(super) fn softmax(lowering: &mut Lowering, node: &Node, log: bool) -> Result<Vec<Value>, NodeProblem> {
    let input = node.input(0)?.clone();
    let shape = lowering.ty(0, &input)?.shape;
    let is_along = node.opset >= 13;
    let axis = axis("axis", node.int_or("axis", if is_along { -1 } else { 1 })?, shape.len())?;
    let (before, over) = shape.split_at(axis);
    if is_along || over.iter().skip(1).all(|dim| *dim == Dim::Fixed(1)) {
        return Ok(vec![lowering.emit(node.name, Softmax { axis, log }, &[input])?]);
    }
    let count = Dim::product(over).ok_or_else(|| NodeProblem::Batch("the normalized axis of a softmax".to_owned()))?;
    let flat = lowering.emit(node.name, Reshape { shape: [before, &[count]].concat() }, &[input])?;
    let flat = lowering.emit(node.name, Softmax { axis, log }, &[flat])?;
    Ok(vec![lowering.emit(node.name, Reshape { shape }, &[flat])?])
}
