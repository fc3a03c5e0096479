//! Observing the inputs and outputs of layers while a network runs.

use crate::graph::{Graph, Macs, Node, OpError, Operator, RunContext, ValueType};
use crate::layer::{ApproxLayer, Call, InferenceMode, LayerError};
use candle_core::{Device, Tensor};
use std::fmt::Debug;
use std::sync::Arc;

/// Input and output of a layer, for some samples.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// The layer's index among the layers, in graph order.
    pub index: usize,
    /// The layer.
    pub layer: &'a dyn ApproxLayer,
    /// Its input, or the first factor of a product of two activations.
    pub input: &'a Tensor,
    /// The second factor.
    pub second: Option<&'a Tensor>,
    /// Its output: before the bias in modes that quantize.
    pub output: &'a Tensor,
    /// Index in the data set of the first sample.
    pub first_sample: u64,
    /// Number of samples.
    pub samples: usize,
    /// The axis of all these tensors along which samples lie.
    pub axis: usize,
    /// Threads that the observer may use: other samples may keep the rest busy.
    pub threads: usize,
}

/// Observes the inputs and outputs of layers. Samples may come in any order, and from any thread.
pub trait LayerObserver: Debug + Send + Sync {
    /// Observes one call of a layer.
    ///
    /// # Errors
    /// As the layer's own functions.
    fn observe(&self, seen: Observation) -> Result<(), LayerError>;
}

/// Calls `observer` for every call of every approximate layer. The network's output does not change by a
/// bit; clips are not fused into observed layers.
pub fn observe_layers(graph: &mut Graph, observer: &Arc<dyn LayerObserver>) {
    let mut layers = 0;
    let nodes = std::mem::take(graph.nodes_mut());
    let values = &graph.values;
    let observed = |node: Node| {
        if node.op.as_approximate().is_none() {
            return node;
        }
        layers += 1;
        // Layers with weights see samples first; the factors and the product of others have them along one axis.
        let batch = values[node.inputs[0].0].ty.batch_axis();
        let observed = Observed { op: node.op, index: layers - 1, batch, observer: Arc::clone(observer) };
        Node { op: Box::new(observed), ..node }
    };
    graph.nodes = nodes.into_iter().map(observed).collect();
}

/// An approximate layer's operator and its observer.
#[derive(Debug)]
struct Observed {
    op: Box<dyn Operator>,
    index: usize,
    /// The axis of samples, and the elements along it of each; none if there is but one sample.
    batch: Option<(usize, usize)>,
    observer: Arc<dyn LayerObserver>,
}

impl Operator for Observed {
    fn kind(&self) -> &'static str {
        self.op.kind()
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        self.op.infer(inputs)
    }

    fn run(&self, inputs: &[&Tensor], context: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let (input, layer) = (inputs[0], self.op.as_approximate().expect("a layer was swapped in"));
        let output = match layer.mode() {
            InferenceMode::Baseline => self.op.run(inputs, context)?.swap_remove(0),
            mode => {
                context.show(layer, inputs);
                // What runs again with its bias is seen then by its accumulator.
                let keeps_sums_whole = is_followed(layer);
                let call = Call {
                    first_sample: context.first_sample,
                    threads: context.threads,
                    keeps_sums_whole,
                    ..Call::default()
                };
                layer.unbiased_fwd(mode, inputs, call)?
            }
        };
        let RunContext { first_sample, threads, .. } = *context;
        let (index, second) = (self.index, inputs.get(1).copied());
        let (axis, samples) = self.batch.map_or((0, 1), |(axis, times)| (axis, input.dims()[axis] / times));
        let output = &output;
        let seen = Observation { index, layer, input, second, output, first_sample, samples, axis, threads };
        self.observer.observe(seen)?;
        Ok(match layer.mode() {
            InferenceMode::Baseline => vec![output.clone()],
            // What integers follow is computed with them.
            _ if is_followed(layer) => self.op.run(inputs, &RunContext { observers: &[], ..*context })?,
            _ => vec![with_bias(layer, output)?],
        })
    }

    fn macs(&self, inputs: &[&ValueType]) -> Option<Macs> {
        self.op.macs(inputs)
    }

    fn as_approximate(&self) -> Option<&dyn ApproxLayer> {
        self.op.as_approximate()
    }

    fn as_approximate_mut(&mut self) -> Option<&mut dyn ApproxLayer> {
        self.op.as_approximate_mut()
    }
}

/// Whether integers follow a layer's sums in its mode.
fn is_followed(layer: &dyn ApproxLayer) -> bool {
    layer.as_weighted().is_some_and(|weighted| weighted.state().is_followed_by_integers(layer.mode()))
}

/// A layer's output plus its bias, in `f32`: along the last axis for linear layers, along the channels
/// for convolutions.
fn with_bias(layer: &dyn ApproxLayer, output: &Tensor) -> Result<Tensor, OpError> {
    let weighted = layer.as_weighted();
    let Some((layer, bias)) = weighted.and_then(|layer| Some((layer, layer.bias()?))) else {
        return Ok(output.clone());
    };
    let mut shape = vec![1; output.rank()];
    let axis = if layer.weight_shape().len() == 2 { output.rank() - 1 } else { 1 };
    shape[axis] = bias.len();
    Ok(output.broadcast_add(&Tensor::from_slice(bias, shape, &Device::Cpu)?)?)
}
