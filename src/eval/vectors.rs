//! The inputs of layers over the first samples of a run, whose integers are kept for golden vectors.

use crate::graph::{Dim, Graph, InputObserver};
use crate::layer::{ApproxLayer, LayerError, LayerVectors, layer_vectors, with_values};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Keeps the inputs of layers with weights that run on integers, over the first samples of a run.
#[derive(Debug)]
pub(super) struct VectorRecorder {
    samples: u64,
    /// By the layer's name and the place of the first sample.
    inputs: Mutex<BTreeMap<String, BTreeMap<u64, Tensor>>>,
}

impl VectorRecorder {
    /// Keeps those of the first `samples` samples.
    pub fn new(samples: u64) -> Self {
        VectorRecorder { samples, inputs: Mutex::default() }
    }

    /// The integers of each layer, in graph order, computed anew from its input: `None` of layers without weights, in
    /// modes base and noise, and where samples do not lie along the input's first axis.
    ///
    /// # Errors
    /// Names the layer that failed.
    pub fn finish(self, graph: &Graph) -> Result<Vec<Option<LayerVectors>>, LayerError> {
        let mut inputs = self.inputs.into_inner().unwrap_or_else(PoisonError::into_inner);
        let layers = graph.nodes().iter().filter_map(|node| Some((node, node.op().as_approximate()?)));
        layers
            .map(|(node, layer)| {
                let Some((weighted, parts)) = layer.as_weighted().zip(inputs.remove(layer.name())) else {
                    return Ok(None);
                };
                let has_samples_first = node
                    .inputs()
                    .first()
                    .is_some_and(|&input| matches!(graph.ty(input).shape.first(), Some(Dim::Batch(_))));
                if !has_samples_first {
                    return Ok(None);
                }
                let parts: Vec<&Tensor> = parts.values().collect();
                let input = Tensor::cat(&parts, 0)
                    .map_err(|error| LayerError { layer: layer.name().to_owned(), problem: error.into() })?;
                layer_vectors(weighted, &input, node.op().output_clip())
            })
            .collect()
    }

    /// The part of `input` that belongs to the first of `samples`, as a tensor of its own.
    fn first_of(&self, input: &Tensor, samples: &Range<u64>) -> Option<Tensor> {
        let all = (samples.end - samples.start) as usize;
        let kept = self.samples.saturating_sub(samples.start).min(all as u64) as usize;
        let (&first, others) = input.dims().split_first()?;
        if kept == 0 || !first.is_multiple_of(all) {
            return None;
        }
        let rows = first / all * kept;
        let shape = [&[rows], others].concat();
        let count = shape.iter().product();
        let values = with_values(input, |values| values[..count].to_vec()).ok()?;
        Tensor::from_vec(values, shape, &Device::Cpu).ok()
    }
}

impl InputObserver for VectorRecorder {
    fn wants(&self, layer: &dyn ApproxLayer, samples: Range<u64>) -> bool {
        samples.start < self.samples && layer.mode().is_quantized() && layer.as_weighted().is_some()
    }

    fn observe(&self, layer: &dyn ApproxLayer, inputs: &[&Tensor], samples: Range<u64>) {
        if !self.wants(layer, samples.clone()) {
            return;
        }
        if let Some(kept) = inputs.first().and_then(|input| self.first_of(input, &samples)) {
            let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
            inputs.entry(layer.name().to_owned()).or_default().insert(samples.start, kept);
        }
    }
}
