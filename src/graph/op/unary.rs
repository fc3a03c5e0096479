//! Functions of single numbers.

use super::{function, pointwise};
use crate::graph::operator::unary;
use crate::graph::{OpError, Operator, Pass, ValueType};
use crate::kernel::Clip;
use candle_core::Tensor;

/// A function of every number, in `f32`. A NaN stays one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unary {
    /// `min(max(x, min), max)`.
    Clip {
        /// The least output.
        min: f32,
        /// The largest.
        max: f32,
    },
    /// `x` where it is not negative, else `slope * x`.
    LeakyRelu {
        /// Of the negative side.
        slope: f32,
    },
    /// `x` where it is positive, else `alpha * (exp(x) - 1)`.
    Elu {
        /// The limit of the negative side, negated.
        alpha: f32,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x * sigmoid(x)`, also called swish.
    Silu,
    /// `max(0, min(1, slope * x + shift))`; PyTorch's has slope 1 / 6 and shift 1 / 2.
    HardSigmoid {
        /// Of the rise.
        slope: f32,
        /// At 0.
        shift: f32,
    },
    /// `x * max(0, min(1, x / 6 + 1 / 2))`.
    HardSwish,
    /// The hyperbolic tangent.
    Tanh,
    /// `x / 2 * (1 + erf(x / sqrt(2)))`.
    Gelu,
    /// Gelu's approximation `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`.
    GeluTanh,
    /// `ln(1 + e^x)`.
    Softplus,
    /// `x * tanh(softplus(x))`.
    Mish,
    /// `gamma * x` where it is positive, else `gamma * alpha * (exp(x) - 1)`.
    Selu {
        /// The limit of the negative side before the factor, negated.
        alpha: f32,
        /// The factor of both sides.
        gamma: f32,
    },
    /// `x` where it is positive, else `alpha * (exp(x / alpha) - 1)`.
    Celu {
        /// The limit of the negative side, negated.
        alpha: f32,
    },
    /// `x` where it is larger than a threshold, else 0.
    ThresholdedRelu {
        /// The threshold.
        alpha: f32,
    },
    /// `x / (1 + abs(x))`.
    Softsign,
    /// The error function.
    Erf,
    /// The square root.
    Sqrt,
    /// `1 / x`.
    Reciprocal,
    /// `e^x`.
    Exp,
    /// The natural logarithm.
    Log,
    /// `-x`.
    Neg,
    /// `x` without its sign.
    Abs,
    /// 1, 0 or -1.
    Sign,
    /// The largest integer that is not larger.
    Floor,
    /// The smallest integer that is not smaller.
    Ceil,
    /// The nearest integer, half to even.
    Round,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
}

impl Operator for Unary {
    fn kind(&self) -> &'static str {
        match self {
            Unary::Clip { .. } => "clip",
            Unary::LeakyRelu { .. } => "leaky_relu",
            Unary::Elu { .. } => "elu",
            Unary::Sigmoid => "sigmoid",
            Unary::Silu => "silu",
            Unary::HardSigmoid { .. } => "hard_sigmoid",
            Unary::HardSwish => "hard_swish",
            Unary::Tanh => "tanh",
            Unary::Gelu => "gelu",
            Unary::GeluTanh => "gelu_tanh",
            Unary::Softplus => "softplus",
            Unary::Mish => "mish",
            Unary::Selu { .. } => "selu",
            Unary::Celu { .. } => "celu",
            Unary::ThresholdedRelu { .. } => "thresholded_relu",
            Unary::Softsign => "softsign",
            Unary::Erf => "erf",
            Unary::Sqrt => "sqrt",
            Unary::Reciprocal => "reciprocal",
            Unary::Exp => "exp",
            Unary::Log => "log",
            Unary::Neg => "neg",
            Unary::Abs => "abs",
            Unary::Sign => "sign",
            Unary::Floor => "floor",
            Unary::Ceil => "ceil",
            Unary::Round => "round",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
        }
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![unary(inputs)?.clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let output = match *self {
            Unary::Clip { min: low, max: high } => pointwise(x, |x| Clip { low, high }.apply(x)),
            Unary::LeakyRelu { slope } => pointwise(x, |x| if x < 0.0 { slope * x } else { x }),
            Unary::Elu { alpha } => pointwise(x, |x| if x > 0.0 { x } else { alpha * libm::expm1f(x) }),
            Unary::Sigmoid => pointwise(x, function::sigmoid),
            Unary::Silu => pointwise(x, |x| x * function::sigmoid(x)),
            Unary::HardSigmoid { slope, shift } => pointwise(x, |x| (slope * x + shift).clamp(0.0, 1.0)),
            Unary::HardSwish => pointwise(x, |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
            Unary::Tanh => pointwise(x, libm::tanhf),
            Unary::Gelu => pointwise(x, function::gelu),
            Unary::GeluTanh => pointwise(x, function::gelu_tanh),
            Unary::Softplus => pointwise(x, function::softplus),
            Unary::Mish => pointwise(x, |x| x * libm::tanhf(function::softplus(x))),
            Unary::Selu { alpha, gamma } => pointwise(x, |x| gamma * if x > 0.0 { x } else { alpha * libm::expm1f(x) }),
            Unary::Celu { alpha } => pointwise(x, |x| if x > 0.0 { x } else { alpha * libm::expm1f(x / alpha) }),
            Unary::ThresholdedRelu { alpha } => pointwise(x, |x| if x > alpha || x.is_nan() { x } else { 0.0 }),
            Unary::Softsign => pointwise(x, |x| x / (1.0 + x.abs())),
            Unary::Erf => pointwise(x, libm::erff),
            Unary::Sqrt => pointwise(x, f32::sqrt),
            Unary::Reciprocal => pointwise(x, |x| 1.0 / x),
            Unary::Exp => pointwise(x, function::exp),
            Unary::Log => pointwise(x, libm::logf),
            Unary::Neg => pointwise(x, |x| -x),
            Unary::Abs => pointwise(x, f32::abs),
            Unary::Sign => pointwise(x, |x| if x == 0.0 || x.is_nan() { x } else { x.signum() }),
            Unary::Floor => pointwise(x, f32::floor),
            Unary::Ceil => pointwise(x, f32::ceil),
            Unary::Round => pointwise(x, f32::round_ties_even),
            Unary::Sin => pointwise(x, libm::sinf),
            Unary::Cos => pointwise(x, libm::cosf),
        };
        Ok(vec![output?])
    }

    fn as_clip(&self) -> Option<Clip> {
        match *self {
            Unary::Clip { min: low, max: high } => Some(Clip { low, high }),
            _ => None,
        }
    }
}
