//! Lowering: the nodes of an ONNX graph, one after the other, to nodes of a [`Graph`].
//!
//! [`OPERATORS`] is the registry. What does not depend on the images is computed on the way: integers
//! such as shapes carry the batch size along as a symbol, so that the batch stays open even where the
//! file has it as a constant.

mod arithmetic;
mod constants;
mod einsum;
mod integers;
mod layers;
mod mend;
mod node;
mod norms;
mod pools;
mod quantized;
mod resize;
mod scatter;
mod shapes;
mod slices;
mod window;

pub(super) use node::Node;
pub(super) use quantized::Quantization;

use super::error::{NodeProblem, OnnxProblem, TensorProblem};
use super::name;
use super::order::title;
use super::tensor::{Constant, ExternalFiles};
use super::value::{Product, Value};
use crate::graph::op::{Linear, Transpose};
use crate::graph::{Dim, Graph, Operator, Pass, ValueId, ValueType};
use candle_core::{Tensor, TensorId};
use rten_onnx::onnx::NodeProto;
use std::collections::{BTreeMap, HashMap};

type Lower = fn(&mut Lowering, &Node) -> Result<Vec<Value>, NodeProblem>;

/// Every operator, by name.
static OPERATORS: &[(&str, Lower)] = &[
    ("Abs", arithmetic::unary),
    ("Add", arithmetic::add),
    ("And", arithmetic::compare),
    ("AveragePool", pools::average),
    ("BatchNormalization", norms::batch),
    ("Cast", constants::cast),
    ("Ceil", arithmetic::unary),
    ("Celu", arithmetic::unary),
    ("Clip", arithmetic::clip),
    ("Concat", slices::concat),
    ("Constant", constants::constant),
    ("ConstantOfShape", constants::constant_of_shape),
    ("Conv", layers::conv),
    ("ConvTranspose", layers::conv_transpose),
    ("Cos", arithmetic::unary),
    ("CumSum", constants::cumulative_sum),
    ("DequantizeLinear", quantized::dequantize),
    ("Div", arithmetic::binary),
    ("Dropout", constants::identity),
    ("Einsum", einsum::einsum),
    ("Elu", arithmetic::unary),
    ("Equal", arithmetic::compare),
    ("Erf", arithmetic::unary),
    ("Exp", arithmetic::unary),
    ("Expand", shapes::expand),
    ("Flatten", shapes::flatten),
    ("Floor", arithmetic::unary),
    ("Gather", slices::gather),
    ("GatherND", scatter::gather_nd),
    ("Gelu", arithmetic::unary),
    ("Gemm", layers::gemm),
    ("GlobalAveragePool", pools::global_average),
    ("GlobalMaxPool", pools::global_max),
    ("Greater", arithmetic::compare),
    ("GreaterOrEqual", arithmetic::compare),
    ("GroupNormalization", norms::group),
    ("HardSigmoid", arithmetic::unary),
    ("HardSwish", arithmetic::unary),
    ("Identity", constants::identity),
    ("InstanceNormalization", norms::group),
    ("LRN", norms::local_response),
    ("LayerNormalization", norms::layer),
    ("LeakyRelu", arithmetic::unary),
    ("Less", arithmetic::compare),
    ("LessOrEqual", arithmetic::compare),
    ("Log", arithmetic::unary),
    ("LogSoftmax", norms::softmax),
    ("MatMul", layers::matmul),
    ("Max", arithmetic::binary),
    ("MaxPool", pools::max),
    ("Min", arithmetic::binary),
    ("Mish", arithmetic::unary),
    ("Mod", integers::binary),
    ("Mul", arithmetic::binary),
    ("Neg", arithmetic::unary),
    ("Not", arithmetic::compare),
    ("Or", arithmetic::compare),
    ("PRelu", arithmetic::binary),
    ("Pad", slices::pad),
    ("Pow", arithmetic::binary),
    ("QuantizeLinear", quantized::quantize),
    ("Range", integers::range),
    ("Reciprocal", arithmetic::unary),
    ("ReduceL1", pools::reduce),
    ("ReduceL2", pools::reduce),
    ("ReduceLogSum", pools::reduce),
    ("ReduceLogSumExp", pools::reduce),
    ("ReduceMax", pools::reduce),
    ("ReduceMean", pools::reduce),
    ("ReduceMin", pools::reduce),
    ("ReduceProd", pools::reduce),
    ("ReduceSum", pools::reduce),
    ("ReduceSumSquare", pools::reduce),
    ("Relu", arithmetic::unary),
    ("Reshape", shapes::reshape),
    ("Resize", resize::resize),
    ("Round", arithmetic::unary),
    ("ScatterND", scatter::scatter_nd),
    ("Selu", arithmetic::unary),
    ("Shape", shapes::shape),
    ("Sigmoid", arithmetic::unary),
    ("Sign", arithmetic::unary),
    ("Sin", arithmetic::unary),
    ("Slice", slices::slice),
    ("Softmax", norms::softmax),
    ("Softplus", arithmetic::unary),
    ("Softsign", arithmetic::unary),
    ("Split", slices::split),
    ("Sqrt", arithmetic::unary),
    ("Squeeze", shapes::squeeze),
    ("Sub", arithmetic::binary),
    ("Sum", arithmetic::add),
    ("Swish", arithmetic::unary),
    ("Tanh", arithmetic::unary),
    ("ThresholdedRelu", arithmetic::unary),
    ("Tile", shapes::tile),
    ("Transpose", shapes::transpose),
    ("Unsqueeze", shapes::unsqueeze),
    ("Upsample", resize::resize),
    ("Where", arithmetic::choose),
];

/// A tensor of the file called `name`, as what that name stands for.
pub(super) fn constant(constant: Constant, name: &str) -> Value {
    constants::value(constant, name, true)
}

/// How the network sees the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchSize {
    /// Open, and open in the file, or not said there.
    Open,
    /// Open, but this number in the file's constants.
    Constant(usize),
    /// One sample at a time.
    One,
}

/// A network being built.
pub(super) struct Lowering<'a> {
    pub graph: Graph,
    /// Numbers of the graph's parameters, by name.
    pub parameters: BTreeMap<String, Tensor>,
    pub batch: BatchSize,
    /// A value whose first axis is the batch.
    pub images: ValueId,
    /// What the file says of scales.
    pub quantization: Quantization,
    external: &'a mut ExternalFiles,
    values: HashMap<&'a str, Value>,
    /// Nodes that read each value, and the graph where it is the output.
    readers: HashMap<&'a str, Vec<&'a str>>,
    /// Parameters of constants that several nodes share.
    shared: HashMap<TensorId, ValueId>,
}

impl<'a> Lowering<'a> {
    /// A network whose input is `input`, to be built from `nodes` up to `output`.
    pub fn new(
        graph: Graph,
        images: ValueId,
        batch: BatchSize,
        nodes: &[&'a NodeProto],
        output: &'a str,
        external: &'a mut ExternalFiles,
    ) -> Self {
        let mut readers: HashMap<&str, Vec<&str>> = HashMap::from([(output, vec![""])]);
        for node in nodes {
            for input in &node.input {
                readers.entry(input).or_default().push(node.op_type.as_deref().unwrap_or_default());
            }
        }
        Lowering {
            graph,
            parameters: BTreeMap::new(),
            batch,
            images,
            quantization: Quantization::default(),
            external,
            values: HashMap::new(),
            readers,
            shared: HashMap::new(),
        }
    }

    /// Says what a name stands for.
    pub fn define(&mut self, name: &'a str, value: Value) {
        self.values.insert(name, value);
    }

    /// What a name stands for, to be read by the network's end.
    pub fn value(&mut self, name: &str) -> Result<Option<Value>, NodeProblem> {
        self.values.get(name).cloned().map(|value| self.settle(value)).transpose()
    }

    /// Takes computed integers for the numbers that they stand for; whether a name stands for such.
    pub fn take_integers(&mut self, name: &str) -> bool {
        let Some(value) = self.values.get_mut(name) else { return false };
        let Value::Quantized(numbers, _) = value else { return false };
        *value = (**numbers).clone();
        true
    }

    /// Lowers a node.
    pub fn lower(&mut self, proto: &'a NodeProto, opset: i64) -> Result<(), OnnxProblem> {
        let operator = proto.op_type.as_deref().unwrap_or_default();
        let domain = proto.domain.as_deref().filter(|domain| !domain.is_empty() && *domain != "ai.onnx");
        let lower = OPERATORS.iter().find(|(name, _)| *name == operator && domain.is_none());
        let Some((_, lower)) = lower else {
            let operator = domain.map_or_else(|| operator.to_owned(), |domain| format!("{domain}.{operator}"));
            let mend = mend::of(&operator);
            return Err(OnnxProblem::Operator { operator, node: title(proto), mend });
        };
        let mut run = || {
            let mut inputs = Vec::new();
            for input in &proto.input {
                let Some(value) = self.values.get(input.as_str()).cloned() else {
                    inputs.push(None);
                    continue;
                };
                // A sum may be what completes a product; whatever else reads it takes it as it is.
                let waits = self.readers.get(input.as_str()).is_some_and(|readers| *readers == ["Add"]);
                if waits || !matches!(value, Value::Product(_)) {
                    inputs.push(Some(value));
                } else {
                    let settled = self.settle(value)?;
                    self.values.insert(input, settled.clone());
                    inputs.push(Some(settled));
                }
            }
            let name = proto.name.as_deref().filter(|name| !name.is_empty());
            let name = name.or(proto.output.first().map(String::as_str)).unwrap_or_default();
            quantized::lower(self, Node { proto, inputs, opset, name }, *lower)
        };
        let outputs = run().map_err(|source| OnnxProblem::Node {
            node: title(proto),
            operator: operator.to_owned(),
            source: Box::new(source),
        })?;
        for (name, value) in proto.output.iter().zip(outputs) {
            self.define(name, value);
        }
        Ok(())
    }

    /// Reads a tensor of the file.
    fn read(&mut self, tensor: &rten_onnx::onnx::TensorProto) -> Result<Constant, TensorProblem> {
        super::tensor::read(tensor, self.external)
    }

    /// How many nodes read a value of the file, the graph's output included.
    fn readers(&self, name: &str) -> usize {
        self.readers.get(name).map_or(0, Vec::len)
    }

    /// `op` of `inputs`: run at once where all are constants, else a node called `name`.
    fn emit(&mut self, name: &str, op: impl Operator, inputs: &[Value]) -> Result<Value, NodeProblem> {
        let constants: Vec<&Tensor> = inputs
            .iter()
            .filter_map(|input| if let Value::Floats { tensor, .. } = input { Some(tensor) } else { None })
            .collect();
        if constants.len() == inputs.len() {
            let types: Vec<ValueType> = constants.iter().map(|tensor| ValueType::fixed(tensor.dims())).collect();
            op.infer(&types.iter().collect::<Vec<_>>())?.iter().try_for_each(check_size)?;
            let tensor = op.run(&constants, &Pass::default())?.swap_remove(0).force_contiguous()?;
            return Ok(Value::Floats { tensor, name: name.to_owned(), initial: false });
        }
        let ids = inputs.iter().enumerate().map(|(i, input)| self.id(i, input)).collect::<Result<Vec<_>, _>>()?;
        self.node(name, op, &ids)
    }

    /// A node called `name`, whatever its inputs are.
    fn node(&mut self, name: &str, op: impl Operator, inputs: &[ValueId]) -> Result<Value, NodeProblem> {
        let name = self.free(name);
        Ok(Value::Computed(self.add(&name, op, inputs)?))
    }

    fn add(&mut self, name: &str, op: impl Operator, inputs: &[ValueId]) -> Result<ValueId, NodeProblem> {
        let kind = op.kind();
        let id = self.graph.add_one(name, op, inputs)?;
        check_size(self.graph.ty(id))?;
        self.quantization.carry(kind, inputs, id);
        Ok(id)
    }

    /// `name`, or a repeat of it, so that the graph has nothing of that name, nor of its `parts`.
    fn free_with(&self, name: &str, parts: &[&str]) -> String {
        let is_free = |name: &String| {
            !self.graph.has_name(name) && !parts.iter().any(|part| self.graph.has_name(&format!("{name}.{part}")))
        };
        let repeats = (2..).map(|i| format!("{name}#{i}"));
        std::iter::once(name.to_owned()).chain(repeats).find(is_free).unwrap_or_default()
    }

    /// `name`, or a repeat of it, that the graph has nothing of yet.
    pub fn free(&self, name: &str) -> String {
        self.free_with(name, &[])
    }

    /// The graph's value for input `index` of a node.
    fn id(&mut self, index: usize, value: &Value) -> Result<ValueId, NodeProblem> {
        match value {
            Value::Computed(id) => Ok(*id),
            Value::Floats { tensor, name, initial } => {
                if let Some(&id) = self.shared.get(&tensor.id()) {
                    return Ok(id);
                }
                // Single numbers are factors and bounds, which nobody trains.
                let id = self.parameter(name, tensor.clone(), *initial && tensor.elem_count() > 1)?;
                self.shared.insert(tensor.id(), id);
                Ok(id)
            }
            Value::Merged { shape, .. } => Err(merged(shape)),
            Value::Quantized(..) => Err(NodeProblem::Quantized(index)),
            Value::Ints(_) | Value::Product(_) => {
                Err(NodeProblem::Kind { index, found: "integers", expected: "real numbers" })
            }
        }
    }

    /// A parameter with its numbers.
    fn parameter(&mut self, name: &str, tensor: Tensor, trainable: bool) -> Result<ValueId, NodeProblem> {
        let name = self.free(name);
        let id = self.graph.parameter(&name, tensor.dims(), trainable)?;
        self.parameters.insert(name, tensor);
        Ok(id)
    }

    /// The type of a value that is computed or constant.
    fn ty(&self, index: usize, value: &Value) -> Result<ValueType, NodeProblem> {
        match value {
            Value::Computed(id) => Ok(self.graph.ty(*id).clone()),
            Value::Floats { tensor, .. } => Ok(ValueType::fixed(tensor.dims())),
            Value::Merged { shape, .. } => Err(merged(shape)),
            Value::Quantized(..) => Err(NodeProblem::Quantized(index)),
            Value::Ints(_) | Value::Product(_) => {
                Err(NodeProblem::Kind { index, found: "integers", expected: "real numbers" })
            }
        }
    }

    /// A product without a bias, where no bias followed.
    fn settle(&mut self, value: Value) -> Result<Value, NodeProblem> {
        match value {
            Value::Product(product) => self.linear(*product, None),
            settled => Ok(settled),
        }
    }

    /// A linear layer, its bias given with its name.
    fn linear(&mut self, product: Product, bias: Option<(Tensor, &str)>) -> Result<Value, NodeProblem> {
        let Product { mut x, merged, weight, weight_name, node, operator } = product;
        let bias_name = bias.as_ref().map(|(_, name)| *name).filter(|name| self.readers(name) <= 1);
        let name = name::layer(&weight_name, bias_name, &node, &operator);
        // Layers see samples first.
        let shape = &self.graph.ty(x).shape;
        let batch = shape.iter().position(|dim| matches!(dim, Dim::Batch(_))).unwrap_or(0);
        let rank = shape.len();
        if batch > 0 {
            let order = std::iter::once(batch).chain((0..rank).filter(|&axis| axis != batch)).collect();
            let first = self.add(&self.free(&format!("{name} (samples first)")), Transpose { order }, &[x])?;
            x = first;
        }
        let mut y = self.layer(&name, x, Linear, weight, bias.map(|(bias, _)| bias), [0, 1])?;
        if batch > 0 {
            let order = (1..=batch).chain([0]).chain(batch + 1..rank).collect();
            y = self.add(&self.free(&format!("{name} (samples back)")), Transpose { order }, &[y])?;
        }
        Ok(match merged {
            Some(shape) => Value::Merged { id: y, shape },
            None => Value::Computed(y),
        })
    }

    /// A layer with parameters of its own; `outputs` is the axis of the weight that has the outputs of
    /// one group, and how many groups there are of them.
    fn layer(
        &mut self,
        name: &str,
        x: ValueId,
        op: impl Operator,
        weight: Tensor,
        bias: Option<Tensor>,
        outputs: [usize; 2],
    ) -> Result<ValueId, NodeProblem> {
        let name = self.free_with(name, &["weight", "bias"]);
        let mut inputs = vec![x, self.parameter(&format!("{name}.weight"), weight.clone(), true)?];
        if let Some(bias) = bias {
            inputs.push(self.parameter(&format!("{name}.bias"), bias, true)?);
        }
        let y = self.add(&name, op, &inputs)?;
        self.quantization.layer(&name, [x, y], &weight, outputs)?;
        Ok(y)
    }

    /// The size of the batch in the file's constants.
    fn constant_batch(&self) -> Option<usize> {
        if let BatchSize::Constant(size) = self.batch { Some(size) } else { None }
    }
}

/// Elements that a value of one sample may have: more than any network's.
const MAX_ELEMENTS: usize = 1 << 31;

/// Fails where a value is larger than memory, which sizes in a file can ask for.
fn check_size(ty: &ValueType) -> Result<(), NodeProblem> {
    let count = ty.shape.iter().try_fold(1usize, |count, dim| count.checked_mul(dim.size(1)));
    match count {
        Some(count) if count <= MAX_ELEMENTS => Ok(()),
        _ => Err(NodeProblem::Unsupported(format!("a value of dimensions {ty}"))),
    }
}

/// What reads a value that the graph does not have.
fn merged(shape: &[Dim]) -> NodeProblem {
    NodeProblem::Batch(format!("{}, in which positions and samples are one axis", ValueType::f32(shape)))
}

/// The known sizes of the axes after the second.
fn spatial(ty: &ValueType) -> Result<Vec<usize>, NodeProblem> {
    let size = |dim: &Dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None };
    let sizes: Option<Vec<usize>> = ty.shape.iter().skip(2).map(size).collect();
    sizes.ok_or_else(|| NodeProblem::Shape { found: ty.to_string(), expected: "[batch, channels, size..]".to_owned() })
}
