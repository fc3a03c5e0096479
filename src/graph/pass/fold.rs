//! Folding batch normalization into the preceding layer.

use crate::graph::network::Source;
use crate::graph::op::{BatchNorm, Linear};
use crate::graph::{Graph, Layer, Node, OpError, RunError, ValueId, ValueType};
use candle_core::{Device, Tensor};
use std::any::Any;

/// Folds every batch normalization into the weight and bias of the convolution, transposed or not, or
/// linear layer that it directly follows, if nothing else reads that layer's output. Computed in `f64`
/// and rounded once: `w' = w * g / sqrt(var + eps)`, `b' = beta + (b - mean) * g / sqrt(var + eps)`.
///
/// # Errors
/// Names the normalization that has a negative running variance, or whose tensors candle cannot read.
pub fn fold_batch_norm(graph: &mut Graph) -> Result<(), RunError> {
    let mut at = 0;
    while at < graph.nodes.len() {
        let Some(fold) = Fold::find(graph, at) else {
            at += 1;
            continue;
        };
        let (layer, folded) = (fold.at, fold.compute(graph));
        let folded = folded.map_err(|source| RunError::Node {
            node: graph.nodes[at].name.clone(),
            kind: graph.nodes[at].op.kind(),
            source: Box::new(source),
        })?;
        replace_parameters(graph, layer, folded);
        let name = graph.nodes[layer].name.clone();
        graph.folded.insert(name);
        graph.bypass(at);
        // One by one, so that a network's weights are not there twice.
        graph.release_unread();
    }
    Ok(())
}

/// A batch normalization that can be folded.
struct Fold<'a> {
    norm: &'a BatchNorm,
    norm_node: &'a Node,
    layer: &'a dyn Layer,
    layer_node: &'a Node,
    /// Index of the layer's node.
    at: usize,
}

impl<'a> Fold<'a> {
    /// Node `at` and the layer that it can be folded into, if it is a batch normalization with bound
    /// parameters.
    fn find(graph: &'a Graph, at: usize) -> Option<Self> {
        let norm_node = &graph.nodes[at];
        let norm = (norm_node.op.as_ref() as &dyn Any).downcast_ref::<BatchNorm>()?;
        let input = norm_node.inputs[0];
        let at = graph.sole_producer(input)?;
        let layer_node = &graph.nodes[at];
        let layer = layer_node.op.as_layer()?;
        let mut parameters = layer_node.inputs[1..].iter().chain(&norm_node.inputs[1..]);
        let is_bound = |id: &ValueId| matches!(graph.values[id.0].source, Source::Parameter { data: Some(_), .. });
        // A linear layer over sequences has its outputs last, where normalization has channels second.
        let is_linear = (layer_node.op.as_ref() as &dyn Any).is::<Linear>();
        let channels_second = graph.ty(input).rank() == 2 || !is_linear;
        (channels_second && parameters.all(is_bound)).then_some(Fold { norm, norm_node, layer, layer_node, at })
    }

    /// The layer's new weight and bias.
    fn compute(&self, graph: &Graph) -> Result<[Tensor; 2], OpError> {
        let vector = |id: ValueId| -> candle_core::Result<Vec<f32>> {
            let Source::Parameter { data: Some(tensor), .. } = &graph.values[id.0].source else {
                candle_core::bail!("parameter is not bound");
            };
            tensor.flatten_all()?.to_vec1::<f32>()
        };
        let numbers = |id| -> candle_core::Result<Vec<f64>> { Ok(vector(id)?.into_iter().map(f64::from).collect()) };
        let [gain, beta, mean] = [1, 2, 3].map(|i| numbers(self.norm_node.inputs[i]));
        let (gain, beta, mean) = (gain?, beta?, mean?);
        let deviations = self.norm.deviations(&vector(self.norm_node.inputs[4])?)?;
        let weight = vector(self.layer_node.inputs[1])?;
        let bias = match self.layer_node.inputs.get(2) {
            Some(&id) => numbers(id)?,
            None => vec![0.0; gain.len()],
        };

        let outputs = gain.len();
        let shape = graph.ty(self.layer_node.inputs[1]).sizes(1);
        let channels = self.layer.output_channels(&shape);
        let folded = |(&w, o): (&f32, usize)| (f64::from(w) * gain[o] / deviations[o]) as f32;
        let weight: Vec<f32> = weight.iter().zip(channels).map(folded).collect();
        let bias: Vec<f32> =
            (0..outputs).map(|o| (beta[o] + (bias[o] - mean[o]) * gain[o] / deviations[o]) as f32).collect();
        Ok([Tensor::from_vec(weight, shape, &Device::Cpu)?, Tensor::from_vec(bias, outputs, &Device::Cpu)?])
    }
}

/// Replaces the weight and bias of node `layer`.
fn replace_parameters(graph: &mut Graph, layer: usize, tensors: [Tensor; 2]) {
    for (i, (part, tensor)) in ["weight", "bias"].into_iter().zip(tensors).enumerate() {
        let name = format!("{}.{part} (folded)", graph.nodes[layer].name);
        let ty = ValueType::fixed(tensor.dims());
        let folded = graph.push(name, ty, Source::Parameter { data: Some(tensor), trainable: false });
        let inputs = &mut graph.nodes_mut()[layer].inputs;
        inputs.truncate(i + 1);
        inputs.push(folded);
    }
}
