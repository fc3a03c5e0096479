//! Networks that are quantized already, as pairs of `QuantizeLinear` and `DequantizeLinear` (QDQ).
//!
//! A pair around activations becomes one node that rounds; a constant becomes the numbers that its
//! integers stand for. What the file says of scales is kept for the layers that read both, so that
//! they multiply the file's own integers.

use super::node::{axis, known};
use super::{Lower, Lowering, Node};
use crate::graph::ValueId;
use crate::graph::op::{FakeQuantize, Unary};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::{Int, Ints, Value};
use crate::quant::{ActivationParams, IntRange, LayerParams, WeightParams};
use candle_core::{Device, Tensor, TensorId};
use rten_onnx::onnx::DataType;
use std::collections::{BTreeMap, HashMap};

/// Kinds of operators whose output has no other numbers than the first input, and zeros.
const KEEPS_GRID: [&str; 10] = [
    "expand",
    "flatten",
    "gather",
    "global_max_pool",
    "max_pool",
    "reduce_max",
    "relu",
    "reshape",
    "slice",
    "transpose",
];

/// What a file says of quantization, as far as it was lowered.
#[derive(Default)]
pub(in crate::import::onnx) struct Quantization {
    /// Values that were rounded.
    activations: HashMap<ValueId, ActivationParams>,
    /// Constants that were integers.
    weights: HashMap<TensorId, Integers>,
    /// Parameters of layers by name, with the layers' outputs.
    layers: BTreeMap<String, (ValueId, LayerParams)>,
    /// Layers without parameters.
    without: Vec<String>,
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
    /// A value that was rounded.
    fn rounded(&mut self, value: &Value, params: ActivationParams) {
        if let Value::Computed(id) = value {
            self.activations.insert(*id, params);
        }
    }

    /// The output of an operator, which is as rounded as what it moves.
    pub fn carry(&mut self, kind: &str, inputs: &[ValueId], output: ValueId) {
        match kind {
            "concat" => self.keep(inputs, output),
            kind if KEEPS_GRID.contains(&kind) => self.keep(inputs.get(..1).unwrap_or_default(), output),
            _ => (),
        }
    }

    /// A value of the numbers of `inputs`, and zeros, which is as rounded as they are where they agree.
    pub fn keep(&mut self, inputs: &[ValueId], output: ValueId) {
        let mut params = inputs.iter().map(|input| self.activations.get(input));
        if let Some(Some(&first)) = params.next()
            && params.all(|other| other == Some(&first))
        {
            self.activations.insert(output, first);
        }
    }

    /// A constant whose axes were brought into another order.
    pub fn transposed(&mut self, from: &Tensor, to: &Tensor, order: &[usize]) {
        if let Some(mut scales) = self.weights.get(&from.id()).cloned() {
            scales.axis = order.iter().position(|&axis| axis == scales.axis).unwrap_or(0);
            self.weights.insert(to.id(), scales);
        }
    }

    /// A constant whose axes were split or merged; where that tears apart what has a scale, it has none.
    pub fn reshaped(&mut self, from: &Tensor, to: &Tensor) {
        let Some(mut scales) = self.weights.get(&from.id()).cloned() else { return };
        let (axis, before) =
            (scales.axis, |tensor: &Tensor, axis: usize| tensor.dims()[..axis].iter().product::<usize>());
        if scales.scales.len() > 1 {
            let is_same = |&at: &usize| to.dims()[at] == from.dims()[axis] && before(to, at) == before(from, axis);
            let Some(axis) = (0..to.rank()).find(is_same) else { return };
            scales.axis = axis;
        }
        self.weights.insert(to.id(), scales);
    }

    /// A constant that was multiplied by a number; of a negative one, its integers are others.
    pub fn multiplied(&mut self, from: &Tensor, to: &Tensor, factor: f32) {
        if let Some(mut scales) = self.weights.get(&from.id()).cloned().filter(|_| factor > 0.0) {
            scales.scales.iter_mut().for_each(|scale| *scale *= factor);
            self.weights.insert(to.id(), scales);
        }
    }

    /// Whether a value is the output of a layer that has parameters.
    pub fn is_layer(&self, y: ValueId) -> bool {
        self.layers.values().any(|(output, _)| *output == y)
    }

    /// A layer of output `y`, whose weight has the outputs of one group along `axis`.
    pub fn layer(
        &mut self,
        name: &str,
        [x, y]: [ValueId; 2],
        weight: &Tensor,
        [axis, groups]: [usize; 2],
    ) -> Result<(), NodeProblem> {
        let (Some(&input), Some(found)) = (self.activations.get(&x), self.weights.get(&weight.id())) else {
            self.without.push(name.to_owned());
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

    /// The parameters of layers, and what a reader of the report should know of them; `None` for a file
    /// without any quantization.
    pub fn finish(self) -> Option<(BTreeMap<String, LayerParams>, String)> {
        if self.weights.is_empty() && self.activations.is_empty() {
            return None;
        }
        let (found, all) = (self.layers.len(), self.without.len() + self.layers.len());
        let missing = self.without.join("', '");
        let note = match self.without.as_slice() {
            [] => "the network is quantized already: mode base rounds as its file says".to_owned(),
            [_] => format!("the file has scales for {found} of {all} layers: layer '{missing}' has none"),
            _ => format!("the file has scales for {found} of {all} layers: '{missing}' have none"),
        };
        Some((self.layers.into_iter().map(|(name, (_, params))| (name, params)).collect(), note))
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
        let (scales, zero_points) = (scales.len(), zero_points.len());
        let found = format!("quantization by {scales} scales and {zero_points} zero points, not one for each");
        return Err(NodeProblem::Unsupported(found));
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

/// `QuantizeLinear`.
pub(super) fn quantize(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let (scales, zero_points) = scales(node)?;
    let ty = match (node.optional(2), node.int_or("output_dtype", 0)?) {
        (Some(zero_points), _) => zero_points.ints(2)?.ty,
        (None, 0) => DataType::UINT8,
        (None, stated) => DataType(stated as i32),
    };
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
        return Ok(vec![Value::Ints(Ints { dims: tensor.dims().to_vec(), values: values.collect(), ty })]);
    }
    let (&[scale], &[zero_point]) = (scales.as_slice(), zero_points.as_slice()) else {
        return Err(NodeProblem::Unsupported("activations of several scales (quantize them per tensor)".to_owned()));
    };
    let params = ActivationParams::new(scale, zero_point, range).map_err(unusable)?;
    let rounded = lowering.emit(node.name, FakeQuantize(params), &[value])?;
    lowering.quantization.rounded(&rounded, params);
    Ok(vec![Value::Quantized(Box::new(rounded), params)])
}

/// Operators that give back some of the integers that they are given, or the shape of these.
const MOVES: [&str; 14] = [
    "Concat",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "MaxPool",
    "Reshape",
    "Shape",
    "Slice",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
];

/// Lowers a node by `lower`, which sees numbers in place of computed integers where it only moves them.
pub(super) fn lower(lowering: &mut Lowering, mut node: Node, lower: Lower) -> Result<Vec<Value>, NodeProblem> {
    let computed = |input: &Option<Value>| matches!(input, Some(Value::Quantized(..)));
    let Some(index) = node.inputs.iter().position(computed) else { return lower(lowering, &node) };
    let Some(Value::Quantized(_, params)) = node.inputs[index] else { return lower(lowering, &node) };
    let is_concat = node.operator() == "Concat";
    match node.operator() {
        "DequantizeLinear" => return lower(lowering, &node),
        "Clip" => return clip(lowering, &node),
        // Zero is the integer zero.
        "Relu" if params.zero_point() == 0 => (),
        operator if MOVES.contains(&operator) => (),
        _ => return Err(NodeProblem::Quantized(index)),
    }
    for (i, input) in node.inputs.iter_mut().enumerate().filter(|(i, _)| *i == 0 || is_concat) {
        match input.take() {
            Some(Value::Quantized(value, found)) => {
                let [a, b] = [params, found].map(|params| (params.scale(), params.zero_point()));
                if a != b {
                    let [a, b] = [a, b].map(|(scale, zero_point)| grid(scale, zero_point));
                    return Err(NodeProblem::Unsupported(format!("joining integers of {a} and of {b}")));
                }
                *input = Some(*value);
            }
            _ => return Err(NodeProblem::Quantized(if i == index { 0 } else { index })),
        }
    }
    let integers = |value| match value {
        Value::Ints(_) => value,
        moved => Value::Quantized(Box::new(moved), params),
    };
    Ok(lower(lowering, &node)?.into_iter().map(integers).collect())
}

/// `Clip` of computed integers.
fn clip(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let Value::Quantized(value, params) = node.input(0)? else { return Err(NodeProblem::Quantized(1)) };
    let (scale, zero_point, range) = (params.scale(), params.zero_point(), params.range());
    let bound = |index: usize, default: i32| -> Result<i32, NodeProblem> {
        let inside = |bound: i64| bound.clamp(range.q_min().into(), range.q_max().into()) as i32;
        Ok(node.int_bound(index)?.map_or(default, inside))
    };
    let (low, high) = (bound(1, range.q_min())?, bound(2, range.q_max())?);
    // Bounds that cross leave the upper one.
    let low = low.min(high);
    let number = |q: i32| (q - zero_point) as f32 * scale;
    let op = Unary::Clip { min: number(low), max: number(high) };
    let clipped = lowering.emit(node.name, op, std::slice::from_ref(value))?;
    // The layer's range where padding, the zero point, lies in it.
    let narrow = IntRange::new(low, high).and_then(|range| ActivationParams::new(scale, zero_point, range));
    let params = narrow.unwrap_or(*params);
    lowering.quantization.rounded(&clipped, params);
    Ok(vec![Value::Quantized(Box::new(clipped), params)])
}

/// A scale and zero point in words.
fn grid(scale: f32, zero_point: i32) -> String {
    format!("scale {scale} and zero point {zero_point}")
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
        Value::Quantized(value, params) => {
            if [params.scale()] == *scales && [params.zero_point()] == *zero_points {
                return Ok(vec![(**value).clone()]);
            }
            let by = grid(params.scale(), params.zero_point());
            let found = match (scales.as_slice(), zero_points.as_slice()) {
                (&[scale], &[zero_point]) => grid(scale, zero_point),
                _ => format!("{} scales", scales.len()),
            };
            return Err(NodeProblem::Unsupported(format!("dequantizing by {found} what was quantized by {by}")));
        }
        _ => return Err(NodeProblem::Kind { index: 0, found: "real numbers", expected: "quantized integers" }),
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
    if ints.ty != DataType::INT32 {
        let range = range(ints.ty)?;
        lowering.quantization.weights.insert(tensor.id(), Integers { scales, zero_points, range, axis });
    }
    // As the weight was called before it was quantized.
    let name = node.proto.input.first().map_or(node.name, String::as_str);
    let name = name.strip_suffix("_quantized").unwrap_or(name).to_owned();
    Ok(vec![Value::Floats { tensor, name, initial: true }])
}
