//! The softmax of integers.

use super::fixed::{exp_of_negative, high_mul, reciprocal, shift_away};
use super::grid::{Steps, check, check_bits, on_grid};
use crate::graph::op::softmax::{infer_along, run_along};
use crate::graph::{Dim, OpError, Operator, RunContext, ValueType};
use crate::kernel::{FixedPoint, Rounding};
use crate::quant::Grid;
use candle_core::Tensor;
use std::sync::Arc;

/// The most elements along the axis, whose exponentials a sum in Q12.19 holds.
const MOST: usize = 4095;

/// `exp(beta * (x - max)) / sum` along an axis, as TensorFlow Lite's SOFTMAX, all in fixed point: differences in Q5.26,
/// exponentials in Q0.31, their sum in Q12.19, and the quotient in 8 bits, from `q_min` of the output on. NaN makes
/// all of its row NaN.
#[derive(Debug, Clone)]
pub struct IntegerSoftmax {
    axis: usize,
    input: Grid,
    output: Grid,
    /// The exponential in Q0.31 of each difference from the largest, from 0 on, and 0 for those that are too far.
    exponentials: Arc<[i32]>,
}

impl IntegerSoftmax {
    /// The softmax along `axis`, which is not the batch.
    ///
    /// # Errors
    /// When the input has more than 16 bits, or the output other than 8.
    pub fn new(axis: usize, beta: f32, input: Grid, output: Grid) -> Result<Self, OpError> {
        check_bits(0, &input, 16)?;
        if output.q_max() - output.q_min() != 255 {
            let found = format!("a softmax to integers in [{}, {}]", output.q_min(), output.q_max());
            return Err(OpError::Type { index: 0, found, expected: "256 integers".to_owned() });
        }
        let factor = f64::from(beta) * f64::from(input.scale()) * f64::from(1 << 26);
        let factor = FixedPoint::new(factor.min(f64::from(i32::MAX)));
        // What is farther is less than -31.
        let farthest = (31.0 * 2f64.powi(26 - factor.exponent())).floor();
        let exponential = |steps: i32| {
            if f64::from(steps) > farthest {
                return 0;
            }
            exp_of_negative(factor.apply((-steps).into(), Rounding::Twice) as i32)
        };
        let exponentials = (0..=input.q_max() - input.q_min()).map(exponential).collect();
        Ok(IntegerSoftmax { axis, input, output, exponentials })
    }

    fn row(&self, steps: Steps, x: &[f32], output: &mut [f32]) {
        if x.iter().any(|x| x.is_nan()) {
            output.fill(f32::NAN);
            return;
        }
        let largest = x.iter().map(|&x| steps.index(x)).max().unwrap_or_default();
        let exponential = |x: f32| self.exponentials[largest - steps.index(x)];
        let sum = x.iter().map(|&x| shift_away(exponential(x), 12)).sum();
        let (scale, shift) = reciprocal(sum);
        for (y, &x) in output.iter_mut().zip(x) {
            let quotient = shift_away(high_mul(scale, exponential(x)), shift + 31 - 8);
            *y = self.output.number(self.output.q_min() + quotient.clamp(0, 255));
        }
    }
}

impl Operator for IntegerSoftmax {
    fn kind(&self) -> &'static str {
        "integer_softmax"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let output = infer_along(self.axis, inputs)?;
        check(inputs, 0, &self.input)?;
        match output.shape[self.axis] {
            Dim::Fixed(1..=MOST) => Ok(on_grid(output, self.output)),
            _ => Err(OpError::input(0, inputs[0], format!("at most {MOST} elements along axis {}", self.axis))),
        }
    }

    fn takes_integers(&self) -> bool {
        true
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let steps = Steps::of(&self.input);
        Ok(vec![run_along(self.axis, inputs[0], |x, output| self.row(steps, x, output))?])
    }
}
