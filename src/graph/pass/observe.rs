//! Watching what layers compute while a network runs.

use crate::graph::{Graph, Node, OpError, Operator, Pass, ValueType};
use crate::layer::{ApproxLayer, InferenceMode, LayerError, Window};
use candle_core::{Device, Tensor};
use std::fmt::Debug;
use std::sync::Arc;

/// Takes note of what layers are given and give.
pub trait LayerObserver: Debug + Send + Sync {
    /// A layer, `index` in graph order, was given `input`, and gave `output`: before its bias in modes
    /// that quantize.
    ///
    /// # Errors
    /// As the layer's own functions.
    fn observe(&self, index: usize, layer: &dyn ApproxLayer, input: &Tensor, output: &Tensor)
    -> Result<(), LayerError>;
}

/// Lets `observer` see every pass of every approximate layer. No bit of the network's output changes;
/// what follows a layer is not fused with it.
pub fn observe_layers(graph: &mut Graph, observer: &Arc<dyn LayerObserver>) {
    let mut layers = 0;
    let observed = |node: Node| {
        if node.op.layer().is_none() {
            return node;
        }
        layers += 1;
        let observed = Observed { op: node.op, index: layers - 1, observer: Arc::clone(observer) };
        Node { op: Box::new(observed), ..node }
    };
    graph.nodes = std::mem::take(&mut graph.nodes).into_iter().map(observed).collect();
}

/// An approximate layer's operator, watched.
#[derive(Debug)]
struct Observed {
    op: Box<dyn Operator>,
    index: usize,
    observer: Arc<dyn LayerObserver>,
}

impl Operator for Observed {
    fn kind(&self) -> &'static str {
        self.op.kind()
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        self.op.infer(inputs)
    }

    fn run(&self, inputs: &[&Tensor], pass: &Pass) -> Result<Vec<Tensor>, OpError> {
        let (input, layer) = (inputs[0], self.op.layer().expect("a layer was swapped in"));
        let output = match layer.mode() {
            InferenceMode::Baseline => {
                let output = layer.forward_at(input, pass.first_sample)?;
                self.observer.observe(self.index, layer, input, &output)?;
                return Ok(vec![output]);
            }
            InferenceMode::Quantized => layer.quant_fwd(input)?,
            InferenceMode::Approximate => layer.approx_fwd(input)?,
            InferenceMode::Noise => layer.noise_fwd(input, pass.first_sample)?,
        };
        self.observer.observe(self.index, layer, input, &output)?;
        Ok(vec![with_bias(layer, &output)?])
    }

    fn window(&self, inputs: &[&ValueType]) -> Option<Result<Window, OpError>> {
        self.op.window(inputs)
    }

    fn layer(&self) -> Option<&dyn ApproxLayer> {
        self.op.layer()
    }

    fn layer_mut(&mut self) -> Option<&mut dyn ApproxLayer> {
        self.op.layer_mut()
    }
}

/// A layer's output with its bias, one `f32` addition each: along the last axis for linear layers,
/// along the channels for convolutions.
fn with_bias(layer: &dyn ApproxLayer, output: &Tensor) -> Result<Tensor, OpError> {
    let Some(bias) = layer.bias() else { return Ok(output.clone()) };
    let mut shape = vec![1; output.rank()];
    let axis = if layer.weight().rank() == 2 { output.rank() - 1 } else { 1 };
    shape[axis] = bias.len();
    Ok(output.broadcast_add(&Tensor::from_slice(bias, shape, &Device::Cpu)?)?)
}
