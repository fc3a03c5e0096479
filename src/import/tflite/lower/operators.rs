//! The registry of TensorFlow Lite operators: what each is lowered to.

use super::node::Node;
use super::{Lowering, Value, arithmetic, axes, layers, numbers, pools, resize, shapes};
use crate::graph::op::{Binary, Reduction, Unary};
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::Activation;
use crate::registry::{Named, Registry};

/// A built-in operator that can be imported.
pub(in crate::import::tflite) struct TfliteOperator {
    pub name: &'static str,
    /// What TensorFlow's operations are called that become one, in names of tensors.
    pub operations: &'static [&'static str],
    /// Whether it has weights, as its second input.
    pub has_weight: bool,
    pub types: Types,
    pub lower: fn(&mut Lowering, &Node) -> Result<Value, NodeProblem>,
}

impl Named for TfliteOperator {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// The element types of an operator's inputs and output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import::tflite) enum Types {
    /// All real numbers, or all integers on grids.
    Alike,
    /// Any.
    Any,
}

type Lower = fn(&mut Lowering, &Node) -> Result<Value, NodeProblem>;

const fn with(name: &'static str, operations: &'static [&'static str], lower: Lower) -> TfliteOperator {
    TfliteOperator { name, operations, has_weight: false, types: Types::Alike, lower }
}

const fn layer(name: &'static str, operations: &'static [&'static str], lower: Lower) -> TfliteOperator {
    TfliteOperator { name, operations, has_weight: true, types: Types::Alike, lower }
}

/// An operator on, or to, other types than its output's.
const fn between(name: &'static str, operations: &'static [&'static str], lower: Lower) -> TfliteOperator {
    TfliteOperator { name, operations, has_weight: false, types: Types::Any, lower }
}

/// Every operator.
pub(in crate::import::tflite) static OPERATORS: Registry<TfliteOperator> = Registry::new(
    "operator",
    &[
        with("ADD", &["add", "Add", "AddV"], arithmetic::add),
        with("AVERAGE_POOL_2D", &["AvgPool"], pools::average),
        with("CONCATENATION", &["concat"], axes::concatenation),
        layer("CONV_2D", &["Conv2D"], layers::conv),
        layer("DEPTHWISE_CONV_2D", &["depthwise", "separable_conv2d"], layers::depthwise_conv),
        between("DEQUANTIZE", &["dequantize"], numbers::dequantize),
        with("EXPAND_DIMS", &["ExpandDims"], shapes::expand_dims),
        layer("FULLY_CONNECTED", &["MatMul"], layers::fully_connected),
        with("HARD_SWISH", &["hard_swish"], |lowering, node| arithmetic::unary(lowering, node, Unary::HardSwish)),
        with("LEAKY_RELU", &["LeakyRelu"], arithmetic::leaky_relu),
        with("LOGISTIC", &["Sigmoid"], |lowering, node| arithmetic::unary(lowering, node, Unary::Sigmoid)),
        with("MAX_POOL_2D", &["MaxPool"], pools::max),
        with("MEAN", &["Mean"], |lowering, node| axes::reduce(lowering, node, Reduction::Mean)),
        with("MUL", &["mul", "Mul"], |lowering, node| arithmetic::binary(lowering, node, Binary::Mul)),
        between("PACK", &["stack"], shapes::pack),
        with("PAD", &["Pad"], axes::pad),
        with("PADV2", &["PadV"], axes::pad),
        between("QUANTIZE", &["quantize"], numbers::quantize),
        with("REDUCE_MAX", &["Max"], |lowering, node| axes::reduce(lowering, node, Reduction::Max)),
        with("RELU", &["Relu"], |lowering, node| arithmetic::activation(lowering, node, Activation::Relu)),
        with("RELU6", &["Relu6", "Relu"], |lowering, node| arithmetic::activation(lowering, node, Activation::Relu6)),
        with("RELU_N1_TO_1", &["ReluN1To1"], |lowering, node| {
            arithmetic::activation(lowering, node, Activation::ReluN1To1)
        }),
        with("RESHAPE", &["Reshape"], shapes::reshape),
        with("RESIZE_NEAREST_NEIGHBOR", &["ResizeNearestNeighbor"], resize::nearest_neighbor),
        between("SHAPE", &["Shape"], shapes::shape),
        with("SOFTMAX", &["Softmax"], axes::softmax),
        with("SQUEEZE", &["Squeeze"], shapes::squeeze),
        between("STRIDED_SLICE", &["strided_slice"], shapes::strided_slice),
        with("SUB", &["sub", "Sub"], |lowering, node| arithmetic::binary(lowering, node, Binary::Sub)),
        with("SUM", &["Sum"], |lowering, node| axes::reduce(lowering, node, Reduction::Sum)),
        with("TRANSPOSE", &["transpose", "Transpose"], axes::transpose),
        layer("TRANSPOSE_CONV", &["conv2d_transpose"], layers::transpose_conv),
    ],
);
