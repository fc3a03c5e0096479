//! Folding batch normalisation into the layer before it.

use crate::graph::network::Source;
use crate::graph::op::{BatchNorm, Linear};
use crate::graph::{Graph, OpError, RunError, ValueId, ValueType};
use candle_core::{Device, Tensor};
use std::any::Any;

/// Folds every batch normalisation that directly follows a convolution, transposed or not, or a linear
/// layer, and is the only one to read it, into that layer's weight and bias, in `f64` and rounded once:
/// `w' = w * g / sqrt(var + eps)`, `b' = beta + (b - mean) * g / sqrt(var + eps)`.
///
/// # Errors
/// Names the normalisation whose running variances are none, or whose tensors candle cannot read.
pub fn fold_batch_norm(graph: &mut Graph) -> Result<(), RunError> {
    let mut at = 0;
    while at < graph.nodes.len() {
        match foldable(graph, at) {
            Some(layer) => {
                fold(graph, layer, at).map_err(|source| RunError::Node {
                    node: graph.nodes[at].name.clone(),
                    kind: graph.nodes[at].op.kind(),
                    source: Box::new(source),
                })?;
                graph.bypass(at);
            }
            None => at += 1,
        }
    }
    graph.release_unread();
    Ok(())
}

/// The layer that `node` can be folded into, if it is a batch normalisation with bound parameters.
fn foldable(graph: &Graph, node: usize) -> Option<usize> {
    let norm = &graph.nodes[node];
    let op: &dyn Any = norm.op.as_ref();
    op.downcast_ref::<BatchNorm>()?;
    let input = norm.inputs[0];
    let layer = graph.sole_maker(input)?;
    let parameters = graph.nodes[layer].inputs[1..].iter().chain(&norm.inputs[1..]);
    let is_bound = |id: &ValueId| matches!(graph.values[id.0].source, Source::Parameter { data: Some(_), .. });
    // A linear layer over sequences has its outputs last, where normalisation has channels second.
    let channels_second = graph.ty(input).rank() == 2 || !(graph.nodes[layer].op.as_ref() as &dyn Any).is::<Linear>();
    let op = graph.nodes[layer].op.as_ref();
    let scales_outputs = |&weight: &ValueId| op.output_channels(&graph.ty(weight).sizes(1)).is_some();
    let fits = graph.nodes[layer].inputs.get(1).is_some_and(scales_outputs);
    (fits && parameters.into_iter().all(is_bound) && channels_second).then_some(layer)
}

fn fold(graph: &mut Graph, layer: usize, norm: usize) -> Result<(), OpError> {
    let vector = |id: ValueId| -> candle_core::Result<Vec<f32>> {
        let Source::Parameter { data: Some(tensor), .. } = &graph.values[id.0].source else {
            candle_core::bail!("parameter is not bound");
        };
        tensor.flatten_all()?.to_vec1::<f32>()
    };
    let numbers = |id| -> candle_core::Result<Vec<f64>> { Ok(vector(id)?.into_iter().map(f64::from).collect()) };
    let norm_node = &graph.nodes[norm];
    let [gain, beta, mean] = [1, 2, 3].map(|i| numbers(norm_node.inputs[i]));
    let (gain, beta, mean, variance) = (gain?, beta?, mean?, vector(norm_node.inputs[4])?);
    let op: &dyn Any = norm_node.op.as_ref();
    let roots = op.downcast_ref::<BatchNorm>().map_or(Ok(vec![1.0; gain.len()]), |norm| norm.deviations(&variance))?;
    let layer_node = &graph.nodes[layer];
    let weight = numbers(layer_node.inputs[1])?;
    let bias = match layer_node.inputs.get(2) {
        Some(&id) => numbers(id)?,
        None => vec![0.0; gain.len()],
    };

    let outputs = gain.len();
    let shape = graph.ty(layer_node.inputs[1]).sizes(1);
    let channels = layer_node.op.output_channels(&shape).unwrap_or_default();
    let folded_weight: Vec<f32> = weight.iter().zip(channels).map(|(w, o)| (w * gain[o] / roots[o]) as f32).collect();
    let folded_bias: Vec<f32> =
        (0..outputs).map(|o| (beta[o] + (bias[o] - mean[o]) * gain[o] / roots[o]) as f32).collect();

    let tensors = [
        ("weight", Tensor::from_vec(folded_weight, shape, &Device::Cpu)?),
        ("bias", Tensor::from_vec(folded_bias, outputs, &Device::Cpu)?),
    ];
    for (i, (part, tensor)) in tensors.into_iter().enumerate() {
        let name = format!("{}.{part} (folded)", graph.nodes[layer].name);
        let ty = ValueType::fixed(tensor.dims());
        let folded = graph.push(name, ty, Source::Parameter { data: Some(tensor), trainable: false });
        graph.nodes[layer].inputs.truncate(i + 1);
        graph.nodes[layer].inputs.push(folded);
    }
    Ok(())
}
