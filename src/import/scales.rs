//! Scales of networks that are quantized already: which constants were integers, and the parameters
//! of the layers that multiply them.
//!
//! Quantized activations are an element type of the graph's values, which the graph itself carries from
//! operator to operator. What a graph does not have are constants, on their way through
//! transpositions and reshapes to the layer whose weights they become: these are followed here.

use crate::graph::{Graph, Node, ValueId};
use crate::quant::{IntRange, LayerParams, ParamsError, WeightParams};
use candle_core::{Tensor, TensorId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The integers of a constant: for each channel along one axis, or for all, a scale and zero point.
#[derive(Debug, Clone)]
pub(super) struct ConstantScales {
    pub scales: Vec<f32>,
    pub zero_points: Vec<i32>,
    pub range: IntRange,
    /// The axis of the channels, where there are several scales.
    pub axis: usize,
}

/// Which axis of a layer's weight has the output channels of one group, and the number of groups.
#[derive(Debug, Clone, Copy)]
pub(super) struct OutputAxis {
    pub axis: usize,
    pub groups: usize,
}

/// Why a layer cannot use the scales of its weight.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScalesError {
    /// Scales along another axis than that of the output channels.
    #[error(
        "weight scales along axis {found} of the layer's weight, whose axis {expected} has the output channels \
         (quantize per tensor or per output channel)"
    )]
    Axis {
        /// The scales' axis.
        found: usize,
        /// The output channels' axis.
        expected: usize,
    },
    /// Scales or zero points that no layer can use.
    #[error("invalid quantization parameters")]
    Params(#[from] ParamsError),
}

/// The scales of a network that is being imported.
#[derive(Debug, Default)]
pub(super) struct Scales {
    constants: HashMap<TensorId, ConstantScales>,
    /// Parameters of layers by name, with the layers' outputs.
    layers: BTreeMap<String, (ValueId, LayerParams)>,
    /// Layers without parameters.
    without: Vec<String>,
}

impl Scales {
    /// A constant that was integers of `scales`.
    pub fn add(&mut self, constant: &Tensor, scales: ConstantScales) {
        self.constants.insert(constant.id(), scales);
    }

    /// A constant with its axes in another order.
    pub fn transposed(&mut self, from: &Tensor, to: &Tensor, order: &[usize]) {
        if let Some(mut scales) = self.constants.get(&from.id()).cloned() {
            scales.axis = order.iter().position(|&axis| axis == scales.axis).unwrap_or(0);
            self.add(to, scales);
        }
    }

    /// A constant with its axes split or merged: if that breaks up the channels, it loses its scales.
    pub fn reshaped(&mut self, from: &Tensor, to: &Tensor) {
        let Some(mut scales) = self.constants.get(&from.id()).cloned() else { return };
        let elements_before = |tensor: &Tensor, axis: usize| tensor.dims()[..axis].iter().product::<usize>();
        if scales.scales.len() > 1 {
            let axis = scales.axis;
            let is_same = |&at: &usize| {
                to.dims()[at] == from.dims()[axis] && elements_before(to, at) == elements_before(from, axis)
            };
            let Some(axis) = (0..to.rank()).find(is_same) else { return };
            scales.axis = axis;
        }
        self.add(to, scales);
    }

    /// A constant multiplied by a number; by a negative one, its integers would be others.
    pub fn multiplied(&mut self, from: &Tensor, to: &Tensor, factor: f32) {
        if let Some(mut scales) = self.constants.get(&from.id()).cloned().filter(|_| factor > 0.0) {
            scales.scales.iter_mut().for_each(|scale| *scale *= factor);
            self.add(to, scales);
        }
    }

    /// Whether a value is the output of a layer that has parameters.
    pub fn is_layer_output(&self, y: ValueId) -> bool {
        self.layers.values().any(|(output, _)| *output == y)
    }

    /// A layer called `name` with input `x` and output `y`.
    ///
    /// # Errors
    /// When the weight has scales that no layer can use.
    pub fn add_layer(
        &mut self,
        graph: &Graph,
        name: &str,
        [x, y]: [ValueId; 2],
        weight: &Tensor,
        outputs: OutputAxis,
    ) -> Result<(), ScalesError> {
        let input = graph.ty(x).element.quantization().and_then(|grid| grid.operands().ok());
        let (Some(input), Some(found)) = (input, self.constants.get(&weight.id())) else {
            self.without.push(name.to_owned());
            return Ok(());
        };
        let ConstantScales { mut scales, mut zero_points, range, axis } = found.clone();
        if scales.len() > 1 {
            if axis != outputs.axis {
                return Err(ScalesError::Axis { found: axis, expected: outputs.axis });
            }
            scales = scales.repeat(outputs.groups);
            zero_points = zero_points.repeat(outputs.groups);
        }
        let weight = WeightParams::new(scales, zero_points, range)?;
        self.layers.insert(name.to_owned(), (y, LayerParams::new(input, weight)));
        Ok(())
    }

    /// The integers of a layer's bias, in products of one input step and one weight step.
    pub fn add_bias(&mut self, layer: &str, bias: Arc<[i32]>) {
        if let Some((_, params)) = self.layers.get_mut(layer) {
            params.bias = Some(bias);
        }
    }

    /// The parameters of layers, and a note for reports; `None` for a network without quantization.
    pub fn finish(self, graph: &Graph) -> Option<(BTreeMap<String, LayerParams>, String)> {
        let mut outputs = graph.nodes().iter().flat_map(Node::outputs);
        let has_activations = outputs.any(|&id| graph.ty(id).element.quantization().is_some());
        if self.constants.is_empty() && !has_activations {
            return None;
        }
        let (found, all) = (self.layers.len(), self.without.len() + self.layers.len());
        let missing = self.without.join("', '");
        let note = match self.without.as_slice() {
            [] => "the network is quantized already: mode 'base' includes the rounding of its file".to_owned(),
            [_] => format!("the file has scales for {found} of {all} layers: layer '{missing}' has none"),
            _ => format!("the file has scales for {found} of {all} layers: layers '{missing}' have none"),
        };
        Some((self.layers.into_iter().map(|(name, (_, params))| (name, params)).collect(), note))
    }
}
