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
        qlinear::operator(&qlinear::ADD),
        qlinear::operator(&qlinear::AVERAGE_POOL),
        qlinear::operator(&qlinear::CONCAT),
        qlinear::operator(&qlinear::GEMM),
        qlinear::operator(&qlinear::GLOBAL_AVERAGE_POOL),
        qlinear::operator(&qlinear::LEAKY_RELU),
        qlinear::operator(&qlinear::MUL),
        qlinear::operator(&qlinear::SIGMOID),
        qlinear::operator(&qlinear::SOFTMAX),
        qlinear::operator(&qlinear::WHERE),
        with("QuantizeLinear", quantized::quantize),
    ],
);
