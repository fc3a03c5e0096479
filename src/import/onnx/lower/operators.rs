//! The registry of ONNX's own operators: what each is lowered to, and what it does with quantized integers.

use super::arithmetic::{self, Comparison};
use super::integers::{self, IntFunction};
use super::operator::QuantizedInput::{AllMoved, Handled, Moved, MovedIfZeroPointIsZero};
use super::operator::{Lower, OnnxOperator as Op};
use super::{
    Lowering, Node, blocks, constants, einsum, expand, gather, layers, norms, pad, pools, qlinear, quantized, reshape,
    resize, shapes, slices,
};
use crate::graph::op::{Binary, Reduction, Unary};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::Value;
use crate::registry::Registry;

const fn unary(name: &'static str, op: Unary) -> Op {
    Op::new(name, Lower::Unary(op))
}

const fn unary_with(name: &'static str, read: fn(&Node) -> Result<Unary, NodeProblem>) -> Op {
    Op::new(name, Lower::UnaryWith(read))
}

const fn binary(name: &'static str, op: Binary, integers: Option<IntFunction>) -> Op {
    Op::new(name, Lower::Binary(op, integers))
}

const fn compare(name: &'static str, op: Binary, integers: IntFunction) -> Op {
    Op::new(name, Lower::Compare(Comparison { op, integers, is_swapped: false }))
}

const fn compare_swapped(name: &'static str, op: Binary, integers: IntFunction) -> Op {
    Op::new(name, Lower::Compare(Comparison { op, integers, is_swapped: true }))
}

const fn reduce(name: &'static str, reduction: Reduction, step: Option<IntFunction>) -> Op {
    Op::new(name, Lower::Reduce(reduction, step))
}

pub(super) const fn with(
    name: &'static str,
    function: fn(&mut Lowering, &Node) -> Result<Vec<Value>, NodeProblem>,
) -> Op {
    Op::new(name, Lower::With(function))
}

/// Every operator.
pub(super) static OPERATORS: Registry<Op> = Registry::new(
    "operator",
    &[
        unary("Abs", Unary::Abs),
        with("Add", arithmetic::add).adding_bias(),
        compare("And", Binary::Min, integers::and),
        with("AveragePool", pools::average),
        with("BatchNormalization", norms::batch),
        with("Cast", constants::cast).with_integers(Handled),
        with("CastLike", constants::cast_like).with_integers(Handled),
        unary("Ceil", Unary::Ceil),
        unary_with("Celu", |node| Ok(Unary::Celu { alpha: node.float_or("alpha", 1.0)? })),
        with("Clip", arithmetic::clip).with_integers(Handled),
        with("Concat", slices::concat).with_integers(AllMoved),
        with("Constant", constants::constant),
        with("ConstantOfShape", constants::constant_of_shape),
        with("Conv", layers::conv),
        with("ConvInteger", qlinear::conv_integer).with_integers(Handled),
        with("ConvTranspose", layers::conv_transpose),
        unary("Cos", Unary::Cos),
        with("CumSum", constants::cumulative_sum),
        with("DepthToSpace", blocks::depth_to_space).with_integers(Moved),
        with("DequantizeLinear", quantized::dequantize).with_integers(Handled),
        binary("Div", Binary::Div, Some(integers::div)),
        with("Dropout", constants::dropout),
        with("Einsum", einsum::einsum),
        unary_with("Elu", |node| Ok(Unary::Elu { alpha: node.float_or("alpha", 1.0)? })),
        compare("Equal", Binary::Equal, integers::equal),
        unary("Erf", Unary::Erf),
        unary("Exp", Unary::Exp),
        with("Expand", expand::expand).with_integers(Moved),
        with("Flatten", reshape::flatten).with_integers(Moved),
        unary("Floor", Unary::Floor),
        with("Gather", gather::gather).with_integers(Moved),
        with("GatherND", gather::gather_nd),
        unary_with("Gelu", arithmetic::gelu),
        with("Gemm", layers::gemm),
        with("GlobalAveragePool", pools::global_average),
        with("GlobalMaxPool", pools::global_max),
        compare_swapped("Greater", Binary::Less, integers::greater),
        compare_swapped("GreaterOrEqual", Binary::LessOrEqual, integers::greater_or_equal),
        with("GroupNormalization", norms::group),
        unary_with("HardSigmoid", |node| {
            Ok(Unary::HardSigmoid { slope: node.float_or("alpha", 0.2)?, shift: node.float_or("beta", 0.5)? })
        }),
        unary("HardSwish", Unary::HardSwish),
        with("Identity", constants::identity).with_integers(Moved),
        with("InstanceNormalization", norms::instance),
        with("LRN", norms::local_response),
        with("LayerNormalization", norms::layer),
        unary_with("LeakyRelu", |node| Ok(Unary::LeakyRelu { slope: node.float_or("alpha", 0.01)? })),
        compare("Less", Binary::Less, integers::less),
        compare("LessOrEqual", Binary::LessOrEqual, integers::less_or_equal),
        unary("Log", Unary::Log),
        Op::new("LogSoftmax", Lower::Softmax { log: true }),
        with("LpNormalization", norms::lp),
        with("MatMul", layers::matmul),
        with("MatMulInteger", qlinear::matmul_integer).with_integers(Handled),
        binary("Max", Binary::Max, Some(integers::max)),
        with("MaxPool", pools::max).with_integers(Moved),
        with("Mean", arithmetic::mean),
        binary("Min", Binary::Min, Some(integers::min)),
        unary("Mish", Unary::Mish),
        with("Mod", integers::modulo),
        binary("Mul", Binary::Mul, Some(integers::mul)),
        unary("Neg", Unary::Neg),
        with("Not", arithmetic::not),
        compare("Or", Binary::Max, integers::or),
        binary("PRelu", Binary::PRelu, None),
        with("Pad", pad::pad),
        with("Pow", arithmetic::pow),
        Op::of_integers(&qlinear::CONV),
        Op::of_integers(&qlinear::MATMUL),
        with("QuantizeLinear", quantized::quantize),
        with("Range", integers::range),
        unary("Reciprocal", Unary::Reciprocal),
        reduce("ReduceL1", Reduction::L1, None),
        reduce("ReduceL2", Reduction::L2, None),
        reduce("ReduceLogSum", Reduction::LogSum, None),
        reduce("ReduceLogSumExp", Reduction::LogSumExp, None),
        reduce("ReduceMax", Reduction::Max, Some(integers::max)),
        reduce("ReduceMean", Reduction::Mean, None),
        reduce("ReduceMin", Reduction::Min, Some(integers::min)),
        reduce("ReduceProd", Reduction::Product, Some(integers::mul)),
        reduce("ReduceSum", Reduction::Sum, Some(integers::add)),
        reduce("ReduceSumSquare", Reduction::SumSquare, None),
        with("Relu", arithmetic::relu).with_integers(MovedIfZeroPointIsZero),
        with("Reshape", reshape::reshape).with_integers(Moved),
        with("Resize", resize::resize),
        unary("Round", Unary::Round),
        with("ScatterND", gather::scatter_nd),
        unary_with("Selu", |node| {
            Ok(Unary::Selu { alpha: node.float_or("alpha", 1.673_263_2)?, gamma: node.float_or("gamma", 1.050_701)? })
        }),
        with("Shape", shapes::shape).with_integers(Moved),
        unary("Sigmoid", Unary::Sigmoid),
        unary("Sign", Unary::Sign),
        unary("Sin", Unary::Sin),
        with("Slice", slices::slice).with_integers(Moved),
        Op::new("Softmax", Lower::Softmax { log: false }),
        unary("Softplus", Unary::Softplus),
        unary("Softsign", Unary::Softsign),
        with("SpaceToDepth", blocks::space_to_depth).with_integers(Moved),
        with("Split", slices::split).with_integers(Moved),
        unary("Sqrt", Unary::Sqrt),
        with("Squeeze", shapes::squeeze).with_integers(Moved),
        binary("Sub", Binary::Sub, Some(integers::sub)),
        with("Sum", arithmetic::add),
        unary_with("Swish", arithmetic::swish),
        unary("Tanh", Unary::Tanh),
        unary_with("ThresholdedRelu", |node| Ok(Unary::ThresholdedRelu { alpha: node.float_or("alpha", 1.0)? })),
        with("Tile", expand::tile).with_integers(Moved),
        with("Transpose", shapes::transpose).with_integers(Moved),
        with("Trilu", constants::triangle),
        with("Unsqueeze", shapes::unsqueeze).with_integers(Moved),
        with("Upsample", resize::resize),
        with("Where", arithmetic::select),
    ],
);
