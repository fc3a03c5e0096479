//! Networks that are quantized already, as pairs of `QuantizeLinear` and `DequantizeLinear` (QDQ).
//!
//! A pair around activations becomes one node that rounds; a constant becomes the numbers that its
//! integers stand for. What the file says of scales is kept for the layers that read both, so that
//! they multiply the file's own integers.

use super::node::{axis, known};
use super::{Lowering, Node};
use crate::graph::ValueId;
use crate::graph::op::FakeQuantize;
use crate::onnx::error::NodeProblem;
use crate::onnx::value::{Int, Ints, Value};
use crate::quant::{ActivationParams, IntRange, LayerParams, WeightParams};
use candle_core::{Device, Tensor, TensorId};
use rten_onnx::onnx::DataType;
use std::collections::{BTreeMap, HashMap};

/// What a file says of quantization, as far as it was lowered.
#[derive(Default)]
pub(in crate::onnx) struct Quantization {
    /// Element types of the file's integers, by name.
    pub types: HashMap<String, DataType>,
    /// Values that were rounded.
    activations: HashMap<ValueId, ActivationParams>,
    /// Constants that were integers.
    weights: HashMap<TensorId, Integers>,
    /// Parameters of layers by name, with the layers' outputs.
    layers: BTreeMap<String, (ValueId, LayerParams)>,
    /// All layers, those without parameters included.
    count: usize,
}

/// What the integers of a constant stand for.
#[derive(Clone)]
struct Integers {
    scales: Vec<f32>,
    zero_points: Vec<i32>,
    range: IntRange,
    /// The axis that they are for, where there are several.
    axis: usize,
}

impl Quantization {
    /// A rounded value in another order.
    pub fn moved(&mut self, from: ValueId, to: ValueId) {
        if let Some(&params) = self.activations.get(&from) {
            self.activations.insert(to, params);
        }
    }

    /// A constant whose axes were brought into another order.
    pub fn transposed(&mut self, from: &Tensor, to: &Tensor, order: &[usize]) {
        if let Some(mut scales) = self.weights.get(&from.id()).cloned() {
            scales.axis = order.iter().position(|&axis| axis == scales.axis).unwrap_or(0);
            self.weights.insert(to.id(), scales);
        }
    }

    /// A layer of output `y`, whose weight has the outputs of one group along `axis`.
    pub fn layer(
        &mut self,
        name: &str,
        [x, y]: [ValueId; 2],
        weight: &Tensor,
        [axis, groups]: [usize; 2],
    ) -> Result<(), NodeProblem> {
        self.count += 1;
        let (Some(&input), Some(found)) = (self.activations.get(&x), self.weights.get(&weight.id())) else {
            return Ok(());
        };
        let Integers { mut scales, mut zero_points, range, axis: found } = found.clone();
        if scales.len() > 1 {
            if found != axis {
                let mend = "quantize per tensor or per output channel";
                return Err(NodeProblem::Unsupported(format!(
                    "a weight of scales along axis {found}, not the outputs' {axis} ({mend})"
                )));
            }
            scales = scales.repeat(groups);
            zero_points = zero_points.repeat(groups);
        }
        let weight = WeightParams::new(scales, zero_points, range).map_err(unusable)?;
        self.layers.insert(name.to_owned(), (y, LayerParams { input, weight }));
        Ok(())
    }

    /// Forgets the parameters of the layer whose output is `y`: another node will change its weights.
    pub fn forget(&mut self, y: ValueId) {
        self.layers.retain(|_, (output, _)| *output != y);
    }

    /// The parameters of all layers, and what a reader of the report should know of them.
    pub fn finish(self) -> (BTreeMap<String, LayerParams>, Option<String>) {
        let (found, all) = (self.layers.len(), self.count);
        if self.weights.is_empty() && self.activations.is_empty() {
            return (BTreeMap::new(), None);
        }
        if found < all {
            let note = format!("the file has scales for {found} of {all} layers: calibration finds those of all");
            return (BTreeMap::new(), Some(note));
        }
        let layers = self.layers.into_iter().map(|(name, (_, params))| (name, params)).collect();
        (layers, Some(format!("the network is quantized already: its file has the scales of all {all} layers")))
    }
}

fn unusable(problem: crate::quant::ParamsError) -> NodeProblem {
    NodeProblem::Quantization(problem)
}

/// The scales and zero points of a node's second and third input, as many of one as of the other.
fn scales(node: &Node) -> Result<(Vec<f32>, Vec<i32>), NodeProblem> {
    if node.int_or("block_size", 0)? != 0 {
        let what = "blocked quantization (quantize per tensor or per output channel)";
        return Err(NodeProblem::Unsupported(what.to_owned()));
    }
    let scales = node.input(1)?.floats(1)?.flatten_all()?.to_vec1::<f32>()?;
    let zero_points = match node.optional(2) {
        Some(zero_points) => known(zero_points.ints(2)?)?.into_iter().map(|z| z as i32).collect(),
        None => vec![0; scales.len()],
    };
    if scales.is_empty() || scales.len() != zero_points.len() {
        let found = format!("{} scales and {} zero points", scales.len(), zero_points.len());
        return Err(NodeProblem::Shape { found, expected: "as many of each".to_owned() });
    }
    Ok((scales, zero_points))
}

/// The integers of an element type; 8 bits are what layers multiply.
fn range(ty: DataType) -> Result<IntRange, NodeProblem> {
    match ty {
        DataType::UINT8 => IntRange::new(0, 255).map_err(unusable),
        DataType::INT8 => IntRange::new(-128, 127).map_err(unusable),
        other => Err(NodeProblem::Unsupported(format!("quantization to {other} (quantize to 8 bits)"))),
    }
}

/// The element type of input `index`, or `default` where it is left out.
fn element(lowering: &Lowering, node: &Node, index: usize, default: DataType) -> DataType {
    let name = node.proto.input.get(index).filter(|name| !name.is_empty());
    name.map_or(default, |name| lowering.quantization.types.get(name).copied().unwrap_or(DataType(0)))
}

/// `QuantizeLinear`.
pub(super) fn quantize(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (scales, zero_points) = scales(node)?;
    let ty = element(lowering, node, 2, DataType(node.int_or("output_dtype", i64::from(DataType::UINT8.0))? as i32));
    let range = range(ty)?;
    let value = node.input(0)?.clone();
    if let Value::Floats { tensor, .. } = &value {
        let axis = axis_of(node, tensor.dims(), scales.len())?;
        let inner: usize = tensor.dims().iter().skip(axis + 1).product();
        let values = tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().enumerate().map(|(i, x)| {
            let channel = i / inner % scales.len();
            let q = (x / scales[channel]).round_ties_even() + zero_points[channel] as f32;
            Int::from(q.clamp(range.q_min() as f32, range.q_max() as f32) as i64)
        });
        let ints = Ints { dims: tensor.dims().to_vec(), values: values.collect() };
        if let Some(output) = node.proto.output.first() {
            lowering.quantization.types.insert(output.clone(), ty);
        }
        return Ok(vec![Value::Ints(ints)]);
    }
    let (&[scale], &[zero_point]) = (scales.as_slice(), zero_points.as_slice()) else {
        return Err(NodeProblem::Unsupported("activations of several scales (quantize them per tensor)".to_owned()));
    };
    let params = ActivationParams::new(scale, zero_point, range).map_err(unusable)?;
    let rounded = lowering.emit(node.name, FakeQuantize(params), &[value])?;
    if let Value::Computed(id) = rounded {
        lowering.quantization.activations.insert(id, params);
    }
    Ok(vec![rounded])
}

/// The axis that scales are for; of one scale, the last.
fn axis_of(node: &Node, dims: &[usize], scales: usize) -> Result<usize, NodeProblem> {
    if scales == 1 {
        return Ok(dims.len().saturating_sub(1));
    }
    let axis = axis("axis", node.int_or("axis", 1)?, dims.len())?;
    if dims[axis] != scales {
        let expected = format!("{scales} elements along axis {axis}, one a scale");
        return Err(NodeProblem::Shape { found: format!("{dims:?}"), expected });
    }
    Ok(axis)
}

/// `DequantizeLinear`.
pub(super) fn dequantize(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (scales, zero_points) = scales(node)?;
    let ints = match node.input(0)? {
        Value::Ints(ints) => ints,
        Value::Computed(id) => {
            let params = lowering.quantization.activations.get(id);
            let is_same =
                |params: &&ActivationParams| [params.scale()] == *scales && [params.zero_point()] == *zero_points;
            let other =
                || NodeProblem::Unsupported("activations of other scales than they were quantized by".to_owned());
            return params.filter(is_same).map(|_| vec![Value::Computed(*id)]).ok_or_else(other);
        }
        _ => return Err(NodeProblem::Kind { index: 0, found: "real numbers", expected: "integers" }),
    };
    let axis = axis_of(node, &ints.dims, scales.len())?;
    let inner: usize = ints.dims.iter().skip(axis + 1).product();
    let number = |(i, q): (usize, i64)| {
        let channel = i / inner.max(1) % scales.len();
        (q - i64::from(zero_points[channel])) as f32 * scales[channel]
    };
    let values: Vec<f32> = known(ints)?.into_iter().enumerate().map(number).collect();
    let tensor = Tensor::from_vec(values, ints.dims.as_slice(), &Device::Cpu)?;
    // A bias has 32 bits, and no scale of its own that a layer would need.
    let ty = element(lowering, node, 0, DataType(0));
    if ty != DataType::INT32 {
        lowering.quantization.weights.insert(tensor.id(), Integers { scales, zero_points, range: range(ty)?, axis });
    }
    // As the weight was called before it was quantized.
    let name = node.proto.input.first().map_or(node.name, String::as_str);
    let name = name.strip_suffix("_quantized").unwrap_or(name).to_owned();
    Ok(vec![Value::Floats { tensor, name, initial: true }])
}
