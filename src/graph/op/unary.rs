//! Element-wise functions of one value.
//!
//! One more is a variant, a line in the table of [`Unary::row`], and for ONNX a line in that registry.

use super::function;
use super::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::Clip;
use candle_core::Tensor;

/// A function of every number, in `f32`. NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unary {
    /// `min(max(x, min), max)`.
    Clip {
        /// The smallest output.
        min: f32,
        /// The largest output.
        max: f32,
    },
    /// `x` where it is not negative, else `slope * x`.
    LeakyRelu {
        /// The slope of the negative side.
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
        /// The slope between 0 and 1.
        slope: f32,
        /// The output at 0.
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

/// A line of the table of functions: the kind, and the loop over numbers.
struct Row {
    kind: &'static str,
    function: Box<Function>,
}

fn row(kind: &'static str, function: impl Fn(f32) -> f32 + Sync + 'static) -> Row {
    Row { kind, function: each(function) }
}

impl Unary {
    fn row(self) -> Row {
        match self {
            Unary::Clip { min: low, max: high } => row("clip", move |x| Clip { low, high }.apply(x)),
            Unary::LeakyRelu { slope } => row("leaky_relu", move |x| if x < 0.0 { slope * x } else { x }),
            Unary::Elu { alpha } => row("elu", move |x| if x > 0.0 { x } else { alpha * libm::expm1f(x) }),
            Unary::Sigmoid => row("sigmoid", function::sigmoid),
            Unary::Silu => row("silu", |x| x * function::sigmoid(x)),
            Unary::HardSigmoid { slope, shift } => row("hard_sigmoid", move |x| (slope * x + shift).clamp(0.0, 1.0)),
            Unary::HardSwish => row("hard_swish", |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
            Unary::Tanh => row("tanh", libm::tanhf),
            Unary::Gelu => row("gelu", function::gelu),
            Unary::GeluTanh => row("gelu_tanh", function::gelu_tanh),
            Unary::Softplus => row("softplus", function::softplus),
            Unary::Mish => row("mish", |x| x * libm::tanhf(function::softplus(x))),
            Unary::Selu { alpha, gamma } => {
                row("selu", move |x| gamma * if x > 0.0 { x } else { alpha * libm::expm1f(x) })
            }
            Unary::Celu { alpha } => row("celu", move |x| if x > 0.0 { x } else { alpha * libm::expm1f(x / alpha) }),
            Unary::ThresholdedRelu { alpha } => {
                row("thresholded_relu", move |x| if x > alpha || x.is_nan() { x } else { 0.0 })
            }
            Unary::Softsign => row("softsign", |x| x / (1.0 + x.abs())),
            Unary::Erf => row("erf", libm::erff),
            Unary::Sqrt => row("sqrt", f32::sqrt),
            Unary::Reciprocal => row("reciprocal", |x| 1.0 / x),
            Unary::Exp => row("exp", function::exp),
            Unary::Log => row("log", libm::logf),
            Unary::Neg => row("neg", |x| -x),
            Unary::Abs => row("abs", f32::abs),
            Unary::Sign => row("sign", |x| if x == 0.0 || x.is_nan() { x } else { x.signum() }),
            Unary::Floor => row("floor", f32::floor),
            Unary::Ceil => row("ceil", f32::ceil),
            Unary::Round => row("round", f32::round_ties_even),
            Unary::Sin => row("sin", libm::sinf),
            Unary::Cos => row("cos", libm::cosf),
        }
    }
}

impl Operator for Unary {
    fn kind(&self) -> &'static str {
        self.row().kind
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![unary(inputs)?.clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.apply(inputs[0])
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        match self {
            Unary::Sigmoid | Unary::HardSigmoid { .. } => Some(1.0),
            Unary::Clip { .. } => *inputs.first()?,
            _ => None,
        }
    }

    fn as_clip(&self) -> Option<Clip> {
        match *self {
            Unary::Clip { min: low, max: high } => Some(Clip { low, high }),
            _ => None,
        }
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl Pointwise for Unary {
    fn function(&self) -> Box<Function> {
        self.row().function
    }
}
