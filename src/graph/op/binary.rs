//! Element-wise functions of two values whose shapes broadcast.

use super::broadcast::{self, Function};
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{Images, ImagesMut};
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

/// A line of the table of functions: the kind, and the loop over pairs of numbers.
struct Row {
    kind: &'static str,
    function: Box<Function>,
}

fn row(kind: &'static str, function: impl Fn(f32, f32) -> f32 + Sync + 'static) -> Row {
    Row { kind, function: broadcast::each(function) }
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

    fn takes_infinite_constants(&self) -> bool {
        matches!(self, Binary::Sub | Binary::Max | Binary::Min)
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![broadcast::infer(inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let (a, b) = (inputs[0], inputs[1]);
        let is_square = *self == Binary::Pow && is_square(b)?;
        let function = if is_square { broadcast::each(|a, _| a * a) } else { self.row().function };
        Ok(vec![broadcast::apply(a, b, &*function)?])
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for Binary {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        // A single exponent may be 2, as [`is_square`] asks.
        let is_single = |ty: &ValueType| ty.sizes(1).iter().all(|&size| size == 1);
        broadcast::takes_images(inputs) && !(*self == Binary::Pow && is_single(inputs[1]))
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        broadcast::apply_to_images([&inputs[0], &inputs[1]], output, &*self.row().function);
        Ok(())
    }
}

/// Whether an exponent is the single number 2: a square is rounded once.
fn is_square(exponent: &Tensor) -> Result<bool, OpError> {
    Ok(exponent.elem_count() == 1 && exponent.flatten_all()?.to_vec1::<f32>()? == [2.0])
}
