//! Operators of onnxruntime's own domain `com.microsoft`: those of quantized networks.

use super::operator::OnnxOperator as Op;
use super::operator::QuantizedInput::Handled;
use super::operators::with;
use super::{qlinear, quantized};
use crate::registry::Registry;

/// Every operator.
pub(super) static OPERATORS: Registry<Op> = Registry::new(
    "operator of com.microsoft",
    &[
        with("DequantizeLinear", quantized::dequantize).with_integers(Handled),
        Op::of_integers(&qlinear::ADD),
        Op::of_integers(&qlinear::AVERAGE_POOL),
        Op::of_integers(&qlinear::CONCAT),
        Op::of_integers(&qlinear::GEMM),
        Op::of_integers(&qlinear::GLOBAL_AVERAGE_POOL),
        Op::of_integers(&qlinear::LEAKY_RELU),
        Op::of_integers(&qlinear::MUL),
        Op::of_integers(&qlinear::SIGMOID),
        Op::of_integers(&qlinear::SOFTMAX),
        Op::of_integers(&qlinear::WHERE),
        with("QuantizeLinear", quantized::quantize),
    ],
);
