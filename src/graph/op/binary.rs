//! Functions of pairs of numbers, of values whose shapes broadcast.

use super::broadcast;
use crate::graph::{OpError, Operator, Pass, ValueType};
use candle_core::Tensor;

/// A function of pairs of numbers, in `f32`. A NaN on either side stays one, but compares as false.
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
    /// `a` where it is not negative, else `a * b`: a leaky ReLU of learnt slopes.
    PRelu,
    /// 1 where both are equal, else 0.
    Equal,
    /// 1 where `a` is smaller, else 0.
    Less,
    /// 1 where `a` is not larger, else 0.
    LessOrEqual,
}

impl Operator for Binary {
    fn kind(&self) -> &'static str {
        match self {
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Pow => "pow",
            Binary::Max => "max",
            Binary::Min => "min",
            Binary::PRelu => "prelu",
            Binary::Equal => "equal",
            Binary::Less => "less",
            Binary::LessOrEqual => "less_or_equal",
        }
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![broadcast::infer(inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let (a, b) = (inputs[0], inputs[1]);
        let output = match self {
            Binary::Sub => broadcast::apply(a, b, |a, b| a - b),
            Binary::Mul => broadcast::apply(a, b, |a, b| a * b),
            Binary::Div => broadcast::apply(a, b, |a, b| a / b),
            Binary::Pow if is_square(b)? => broadcast::apply(a, b, |a, _| a * a),
            Binary::Pow => broadcast::apply(a, b, libm::powf),
            Binary::Max => broadcast::apply(a, b, |a, b| if a > b || a.is_nan() { a } else { b }),
            Binary::Min => broadcast::apply(a, b, |a, b| if a < b || a.is_nan() { a } else { b }),
            Binary::PRelu => broadcast::apply(a, b, |a, b| if a < 0.0 { a * b } else { a }),
            Binary::Equal => broadcast::apply(a, b, |a, b| f32::from(u8::from(a == b))),
            Binary::Less => broadcast::apply(a, b, |a, b| f32::from(u8::from(a < b))),
            Binary::LessOrEqual => broadcast::apply(a, b, |a, b| f32::from(u8::from(a <= b))),
        };
        Ok(vec![output?])
    }
}

/// Whether an exponent is the one number 2, whose power is rounded once.
fn is_square(exponent: &Tensor) -> Result<bool, OpError> {
    Ok(exponent.elem_count() == 1 && exponent.flatten_all()?.to_vec1::<f32>()? == [2.0])
}
