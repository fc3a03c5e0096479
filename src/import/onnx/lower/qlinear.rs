//! Operators that take and give integers (the QOperator format): those of real numbers, between a `DequantizeLinear` of
//! each operand and a `QuantizeLinear` of the result, as in QDQ format. One row describes each.

use super::quantized::Quantization;
use super::{Lowering, Node, arithmetic, layers, norms, pools, slices};
use crate::graph::op::{Binary, Unary};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::Value;
use crate::quant::Grid;
use rten_onnx::onnx::DataType;

/// A row: an operator of integers.
pub(super) struct QLinear {
    pub name: &'static str,
    /// The operator of real numbers.
    real: fn(&mut Lowering, &Node) -> Result<Vec<Value>, NodeProblem>,
    operands: Operands,
    /// Which input is the scale of the result, whose zero point follows; without it the result is real numbers.
    output: usize,
}

/// What the inputs of a node are.
enum Operands {
    These(&'static [Operand]),
    /// Integers from this input on, each with its scale and zero point.
    From(usize),
}

/// One of the operands of the operator of real numbers.
#[derive(Clone, Copy)]
enum Operand {
    /// The integers that are this input; their scale and zero point follow. The scales of constants may be several, for
    /// channels along this axis.
    Integers(usize, Axis),
    /// An input of another kind.
    Plain(usize),
    /// A bias: integers of the products of the two operands before.
    Bias(usize),
}

#[derive(Clone, Copy)]
enum Axis {
    /// The first.
    First,
    /// The last.
    Last,
    /// The last, unless the attribute `transB` exchanges the two.
    LastOfB,
}

use Operand::{Bias, Integers, Plain};
use Operands::{From, These};

const fn row(
    name: &'static str,
    real: fn(&mut Lowering, &Node) -> Result<Vec<Value>, NodeProblem>,
    operands: Operands,
    output: usize,
) -> QLinear {
    QLinear { name, real, operands, output }
}

const ONE: Operands = These(&[Integers(0, Axis::First)]);
const TWO: Operands = These(&[Integers(0, Axis::First), Integers(3, Axis::Last)]);

pub(super) static CONV: QLinear =
    row("QLinearConv", layers::conv, These(&[Integers(0, Axis::First), Integers(3, Axis::First), Bias(8)]), 6);
pub(super) static MATMUL: QLinear = row("QLinearMatMul", layers::matmul, TWO, 6);
pub(super) static GEMM: QLinear =
    row("QGemm", layers::gemm, These(&[Integers(0, Axis::First), Integers(3, Axis::LastOfB), Bias(6)]), 7);
pub(super) static ADD: QLinear = row("QLinearAdd", arithmetic::add, TWO, 6);
pub(super) static MUL: QLinear =
    row("QLinearMul", |lowering, node| arithmetic::binary(lowering, node, Binary::Mul, None), TWO, 6);
pub(super) static AVERAGE_POOL: QLinear = row("QLinearAveragePool", pools::average, ONE, 3);
pub(super) static GLOBAL_AVERAGE_POOL: QLinear = row("QLinearGlobalAveragePool", pools::global_average, ONE, 3);
pub(super) static CONCAT: QLinear = row("QLinearConcat", slices::concat, From(2), 0);
pub(super) static LEAKY_RELU: QLinear = row(
    "QLinearLeakyRelu",
    |lowering, node| arithmetic::unary(lowering, node, Unary::LeakyRelu { slope: node.float_or("alpha", 0.01)? }),
    ONE,
    3,
);
pub(super) static SIGMOID: QLinear =
    row("QLinearSigmoid", |lowering, node| arithmetic::unary(lowering, node, Unary::Sigmoid), ONE, 3);
pub(super) static SOFTMAX: QLinear =
    row("QLinearSoftmax", |lowering, node| norms::softmax(lowering, node, false), ONE, 3);
pub(super) static WHERE: QLinear =
    row("QLinearWhere", arithmetic::select, These(&[Plain(0), Integers(1, Axis::First), Integers(4, Axis::First)]), 7);

impl QLinear {
    /// The result of a node of this operator.
    pub fn lower(&self, lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
        if node.flag("channels_last")? {
            return Err(NodeProblem::Unsupported("channels_last=1".to_owned()));
        }
        let operands: Vec<Operand> = match &self.operands {
            These(operands) => operands.to_vec(),
            From(first) => (*first..node.inputs.len()).step_by(3).map(|at| Integers(at, Axis::First)).collect(),
        };
        let (mut inputs, mut by) = (Vec::new(), Vec::new());
        for operand in operands {
            inputs.push(match operand {
                Plain(at) => node.optional(at).cloned(),
                Integers(at, axis) => {
                    let found = Quantization::along(node, at + 1, axis.of(node)?)?;
                    let value = found.dequantize(lowering, name(node, at), at, node.input(at)?)?;
                    by.push(found);
                    Some(value)
                }
                Bias(at) => match (node.optional(at), by.as_slice()) {
                    (Some(value), [input, weight]) => {
                        let products = products(node, input, weight)?;
                        Some(products.dequantize(lowering, name(node, at), at, value)?)
                    }
                    _ => None,
                },
            });
        }
        // Which axes a softmax is over depends on the version of the operator that it stands for.
        let real = Node { inputs, opset: node.int_or("opset", node.opset)?, ..*node };
        let result = (self.real)(lowering, &real)?.into_iter().next().ok_or(NodeProblem::Missing(0))?;
        let result = lowering.settle(result)?;
        if node.optional(self.output).is_none() {
            return Ok(vec![result]);
        }
        let output = Quantization::along(node, self.output, 0)?;
        let ty = output.ty.or(by.first().and_then(|first| first.ty)).unwrap_or(DataType::UINT8);
        Ok(vec![output.quantize(lowering, node.name, &result, ty)?])
    }
}

impl Axis {
    fn of(self, node: &Node) -> Result<i64, NodeProblem> {
        Ok(match self {
            Axis::First => 0,
            Axis::Last => -1,
            Axis::LastOfB => {
                if node.flag("transB")? {
                    0
                } else {
                    -1
                }
            }
        })
    }
}

/// The name of input `at`, which constants keep.
fn name<'n>(node: &'n Node, at: usize) -> &'n str {
    node.proto.input.get(at).map_or(node.name, String::as_str)
}

/// The scales of products of input and weight steps; `Gemm` multiplies them by `alpha`.
fn products(node: &Node, input: &Quantization, weight: &Quantization) -> Result<Quantization, NodeProblem> {
    let alpha = node.float_or("alpha", 1.0)?;
    let scales: Vec<f32> = weight.scales.iter().map(|weight| alpha * input.scales[0] * weight).collect();
    let zero_points = vec![0; scales.len()];
    Quantization { scales, zero_points, ty: None, axis: 0 }.checked()
}

/// `ConvInteger`: the sums of products themselves.
pub(super) fn conv_integer(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    integer_sums(lowering, node, layers::conv, 0)
}

/// `MatMulInteger`.
pub(super) fn matmul_integer(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    integer_sums(lowering, node, layers::matmul, -1)
}

/// A layer of integers without scales, which are as good as ones of scale 1: inputs, weights, and their zero points, of
/// which the weights may have several along `axis`.
fn integer_sums(
    lowering: &mut Lowering,
    node: &Node,
    real: fn(&mut Lowering, &Node) -> Result<Vec<Value>, NodeProblem>,
    axis: i64,
) -> Result<Vec<Value>, NodeProblem> {
    let mut inputs = Vec::new();
    for at in 0..2 {
        let by = Quantization::of_ones(node, at + 2, axis)?;
        inputs.push(Some(by.dequantize(lowering, name(node, at), at, node.input(at)?)?));
    }
    let real = real(lowering, &Node { inputs, ..*node })?.into_iter().next().ok_or(NodeProblem::Missing(0))?;
    let sums = lowering.settle(real)?;
    Ok(vec![Value::Quantized(Box::new(sums), Grid::new(1.0, 0, [i32::MIN, i32::MAX])?)])
}
