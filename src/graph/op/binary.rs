//! Element-wise functions of two values whose shapes broadcast.

use super::broadcast;
use crate::graph::{OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;

/// A function of pairs of numbers, in `f32`. NaN on either side propagates, but compares as false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// `a` to the power of `b`.
    Pow,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// `a` where it is not negative, else `a * b`: a leaky ReLU with learned slopes.
    PRelu,
    /// 1 where both are equal, else 0.
    Equal,
    /// 1 where `a` is smaller, else 0.
    Less,
    /// 1 where `a` is not larger, else 0.
    LessOrEqual,
}

/// A line of the table of functions: the kind, and the function over all elements of two tensors.
struct Row {
    kind: &'static str,
    run: Box<Run>,
}

type Run = dyn Fn(&Tensor, &Tensor) -> Result<Tensor, OpError>;

/// The loop over two tensors is compiled for each function.
fn row(kind: &'static str, function: impl Fn(f32, f32) -> f32 + Sync + 'static) -> Row {
    Row { kind, run: Box::new(move |a, b| broadcast::apply(a, b, &function)) }
}

impl Binary {
    fn row(self) -> Row {
        match self {
            Binary::Sub => row("sub", |a, b| a - b),
            Binary::Mul => row("mul", |a, b| a * b),
            Binary::Div => row("div", |a, b| a / b),
            Binary::Pow => row("pow", libm::powf),
            Binary::Max => row("max", |a, b| if a > b || a.is_nan() { a } else { b }),
            Binary::Min => row("min", |a, b| if a < b || a.is_nan() { a } else { b }),
            Binary::PRelu => row("prelu", |a, b| if a < 0.0 { a * b } else { a }),
            Binary::Equal => row("equal", |a, b| f32::from(u8::from(a == b))),
            Binary::Less => row("less", |a, b| f32::from(u8::from(a < b))),
            Binary::LessOrEqual => row("less_or_equal", |a, b| f32::from(u8::from(a <= b))),
        }
    }
}

impl Operator for Binary {
    fn kind(&self) -> &'static str {
        self.row().kind
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![broadcast::infer(inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let (a, b) = (inputs[0], inputs[1]);
        if *self == Binary::Pow && is_square(b)? {
            return Ok(vec![broadcast::apply(a, b, |a, _| a * a)?]);
        }
        Ok(vec![(self.row().run)(a, b)?])
    }
}

/// Whether an exponent is the single number 2: a square is rounded once.
fn is_square(exponent: &Tensor) -> Result<bool, OpError> {
    Ok(exponent.elem_count() == 1 && exponent.flatten_all()?.to_vec1::<f32>()? == [2.0])
}
