//! Rounding to a grid by other rules than `QuantizeLinear`'s.

use super::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ElementType, ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::quant::Grid;
use candle_core::Tensor;

/// Which integer a number that is none becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundingMode {
    /// The nearest, half to even.
    HalfEven,
    /// The nearest, half away from zero.
    HalfUp,
    /// The nearest, half toward zero.
    HalfDown,
    /// The next one away from zero.
    Up,
    /// The next one toward zero.
    Down,
    /// The next larger one.
    Ceil,
    /// The next smaller one.
    Floor,
}

impl RoundingMode {
    /// The integer of a number.
    pub fn round(self, x: f32) -> f32 {
        match self {
            RoundingMode::HalfEven => x.round_ties_even(),
            RoundingMode::HalfUp => x.round(),
            // The difference is exact below 2^23, where there are numbers between integers.
            RoundingMode::HalfDown => (x.abs() - 0.5).ceil().copysign(x),
            RoundingMode::Up => x.abs().ceil().copysign(x),
            RoundingMode::Down => x.trunc(),
            RoundingMode::Ceil => x.ceil(),
            RoundingMode::Floor => x.floor(),
        }
    }
}

/// `(q - zero_point) * scale` for `q = round(clamp(x / scale + zero_point))`, as QONNX defines its operator Quant: the
/// zero point is added before the number is rounded. NaN stays NaN.
#[derive(Debug, Clone, Copy)]
pub struct RoundTo {
    /// The grid.
    pub grid: Grid,
    /// Which integer a number becomes.
    pub mode: RoundingMode,
}

impl RoundTo {
    /// The integer of a number, as a number.
    pub fn steps(grid: &Grid, mode: RoundingMode) -> impl Fn(f32) -> f32 + Copy + use<> {
        let (scale, zero_point) = (grid.scale(), grid.zero_point() as f32);
        let (low, high) = (grid.q_min() as f32, grid.q_max() as f32);
        move |x| mode.round((x / scale + zero_point).clamp(low, high))
    }
}

impl Operator for RoundTo {
    fn kind(&self) -> &'static str {
        "round_to"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![ValueType { element: ElementType::Quantized(self.grid), ..unary(inputs)?.clone() }])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.apply(inputs[0])
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl Pointwise for RoundTo {
    fn function(&self) -> Box<Function> {
        let (steps, zero_point, scale) =
            (RoundTo::steps(&self.grid, self.mode), self.grid.zero_point() as f32, self.grid.scale());
        each(move |x| (steps(x) - zero_point) * scale)
    }
}
