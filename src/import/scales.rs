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
    /// As many as there are scales.
    pub zero_points: Vec<i32>,
    /// The range of the fewest bits that hold the integers and their zero points, signed or not as their type is.
    pub range: [i32; 2],
    /// The axis of the channels, where there are several scales.
    pub axis: usize,
    /// The integers in row-major order: of a vector, for transposed tensors are no longer followed by them.
    integers: Arc<[i32]>,
}

impl ConstantScales {
    /// Those of `integers` in row-major order, of a type that is signed or not, with one scale and zero point for all or
    /// for each element along `axis`.
    pub fn new(
        scales: Vec<f32>,
        zero_points: Vec<i32>,
        integers: impl Into<Arc<[i32]>>,
        axis: usize,
        is_signed: bool,
    ) -> Self {
        let integers = integers.into();
        let range = fewest_bits(integers.iter().chain(&zero_points).copied(), is_signed);
        ConstantScales { scales, zero_points, range, axis, integers }
    }

    /// The real numbers that the integers represent, of which `inner` follow each other in one channel.
    pub fn numbers(&self, inner: usize) -> Vec<f32> {
        let number = |(i, &q): (usize, &i32)| {
            let channel = i / inner.max(1) % self.scales.len();
            (i64::from(q) - i64::from(self.zero_points[channel])) as f32 * self.scales[channel]
        };
        self.integers.iter().enumerate().map(number).collect()
    }

    /// The parameters of a layer's weight; `None` where the integers do not fit 8 bits.
    fn weight(&self, outputs: OutputAxis) -> Result<Option<WeightParams>, ScalesError> {
        let Ok(range) = IntRange::new(self.range[0], self.range[1]) else { return Ok(None) };
        let repeats = if self.scales.len() == 1 { 1 } else { outputs.groups };
        if self.scales.len() > 1 && self.axis != outputs.axis {
            return Err(ScalesError::Axis { found: self.axis, expected: outputs.axis });
        }
        let (scales, zero_points) = (self.scales.repeat(repeats), self.zero_points.repeat(repeats));
        Ok(Some(WeightParams::new(scales, zero_points, range)?))
    }

    /// The integers of a bias, if each is one of the products that are summed up: steps of the input, times steps of
    /// the weight of that output.
    fn bias(&self, input: f32, weight: &WeightParams) -> Option<Arc<[i32]>> {
        /// By how much a product of scales that was rounded, or computed in another order, may be off.
        const ROUNDING: f64 = 1e-6;
        let is_product = |output: usize| {
            let found = f64::from(self.scales[if self.scales.len() == 1 { 0 } else { output }]);
            let product = f64::from(input) * f64::from(weight.scale(output));
            (found - product).abs() <= ROUNDING * product
        };
        let outputs = self.integers.len();
        let fits = |scales: usize| scales == 1 || scales == outputs;
        let is_centered = self.zero_points.iter().all(|&zero_point| zero_point == 0);
        let has_outputs = fits(self.scales.len()) && fits(weight.scales().len());
        (is_centered && has_outputs && (0..outputs).all(is_product)).then(|| Arc::clone(&self.integers))
    }
}

/// The range of the fewest bits, at least 2, that hold all of `integers`.
fn fewest_bits(integers: impl Iterator<Item = i32>, is_signed: bool) -> [i32; 2] {
    // How many there are from zero on; as many are below it, if any.
    let count = integers.map(|q| i64::from(if q < 0 { !q } else { q }) + 1).max().unwrap_or(1);
    let count = count.cast_unsigned().next_power_of_two().cast_signed();
    let range = if is_signed { [-count.max(2), count.max(2) - 1] } else { [0, count.max(4) - 1] };
    range.map(|q| i32::try_from(q).unwrap_or(i32::MAX))
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

    /// A layer called `name` with input `x` and output `y`.
    ///
    /// # Errors
    /// When the weight has scales that no layer can use.
    pub fn add_layer(
        &mut self,
        graph: &Graph,
        name: &str,
        [x, y]: [ValueId; 2],
        [weight, bias]: [Option<&Tensor>; 2],
        outputs: OutputAxis,
    ) -> Result<(), ScalesError> {
        let scales = |tensor: Option<&Tensor>| self.constants.get(&tensor?.id());
        let input = graph.ty(x).element.quantization().and_then(|grid| grid.operands().ok());
        let of_weight = input.and_then(|_| scales(weight)).map(|found| found.weight(outputs)).transpose()?.flatten();
        if let (Some(input), Some(weight)) = (input, of_weight) {
            let bias = scales(bias).and_then(|found| found.bias(input.scale(), &weight));
            self.layers.insert(name.to_owned(), (y, LayerParams { bias, ..LayerParams::new(input, weight) }));
        } else {
            self.without.push(name.to_owned());
        }
        Ok(())
    }

    /// The integers of a layer's bias, in products of one input step and one weight step.
    #[cfg(feature = "tflite")]
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

/// What only operators of ONNX do to constants.
#[cfg(feature = "onnx")]
impl Scales {
    /// A constant with its axes in another order.
    pub fn transposed(&mut self, from: &Tensor, to: &Tensor, order: &[usize]) {
        if let Some(mut scales) = self.constants.get(&from.id()).cloned() {
            scales.axis = order.iter().position(|&axis| axis == scales.axis).unwrap_or(0);
            self.add(to, scales);
        }
    }

    /// A constant with its axes split or merged: if that breaks up the channels, it loses its scales.
    pub fn reshaped(&mut self, from: &Tensor, to: &Tensor) {
        let is_reshaped = from.id() != to.id() && from.elem_count() == to.elem_count();
        let Some(mut scales) = self.constants.get(&from.id()).cloned().filter(|_| is_reshaped) else { return };
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use candle_core::{DType, Device};

    #[test]
    fn integers_have_the_range_of_their_bits() {
        let cases: [(&[i32], bool, [i32; 2]); 9] = [
            (&[-7, 5], true, [-8, 7]),
            (&[-8, 0], true, [-8, 7]),
            (&[-9, 0], true, [-16, 15]),
            (&[0, 7], true, [-8, 7]),
            (&[-127, 127], true, [-128, 127]),
            (&[0, 7], false, [0, 7]),
            (&[128, 200], false, [0, 255]),
            (&[0], true, [-2, 1]),
            (&[i32::MIN, i32::MAX], true, [i32::MIN, i32::MAX]),
        ];
        for_each_case(cases, |(integers, is_signed, expected)| {
            assert_eq!(fewest_bits(integers.iter().copied(), is_signed), expected, "{integers:?}");
        });
    }

    /// A bias is one of sums of products if its scale is that of these, for all outputs or for each.
    #[test]
    fn biases_of_the_scale_of_products() {
        let weight = |scales: &[f32]| {
            WeightParams::new(scales.to_vec(), vec![0; scales.len()], IntRange::new(-128, 127).unwrap()).unwrap()
        };
        let bias = |scales: &[f32], zero_point: i32| {
            ConstantScales::new(scales.to_vec(), vec![zero_point; scales.len()], vec![5, -7], 0, true)
        };
        let product = 0.03f32 * 0.7;
        let cases: [(ConstantScales, WeightParams, bool); 6] = [
            (bias(&[product], 0), weight(&[0.7]), true),
            (bias(&[product, product], 0), weight(&[0.7]), true),
            (bias(&[product, 0.03 * 0.5], 0), weight(&[0.7, 0.5]), true),
            (bias(&[product], 0), weight(&[0.7, 0.5]), false),
            (bias(&[product], 1), weight(&[0.7]), false),
            (bias(&[product * 1.001], 0), weight(&[0.7]), false),
        ];
        for_each_case(cases.into_iter().enumerate(), |(i, (bias, weight, expected))| {
            let found = bias.bias(0.03, &weight);
            assert_eq!(found.as_deref(), expected.then_some(&[5, -7][..]), "case {i}");
        });
    }

    /// Channels are followed to where they are, and lost where they are broken up.
    #[test]
    fn channels_are_followed() {
        let tensor = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
        let mut scales = Scales::default();
        let [from, split, mixed] = [tensor(&[6, 4]), tensor(&[6, 2, 2]), tensor(&[4, 6])];
        scales.add(&from, ConstantScales::new(vec![1.0; 6], vec![0; 6], vec![1; 24], 0, true));
        scales.reshaped(&from, &split);
        scales.reshaped(&from, &mixed);
        let turned = tensor(&[4, 6]);
        scales.transposed(&from, &turned, &[1, 0]);
        let axis = |tensor: &Tensor| scales.constants.get(&tensor.id()).map(|found| found.axis);
        assert_eq!((axis(&split), axis(&mixed), axis(&turned)), (Some(0), None, Some(1)));
    }
}
