//! Functions of every integer alone.

use super::grid::{Steps, check, check_bits, on_grid};
use crate::graph::op::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::quant::Grid;
use candle_core::Tensor;
use std::sync::Arc;

/// A function of the integers of one grid to those of another, as a table. NaN stays NaN.
///
/// The functions are those of its constructors, each in a file of its own.
#[derive(Debug, Clone)]
pub struct IntegerFunction {
    kind: &'static str,
    input: Grid,
    output: Grid,
    /// The output's number for each integer of the input, the least first.
    numbers: Arc<[f32]>,
    /// By what factor the output is a probability, where the input may be none.
    probability_factor: Option<f32>,
}

impl IntegerFunction {
    /// `function` of the steps from the input's zero point to those from the output's, which are clamped.
    ///
    /// # Errors
    /// When the input has more than 16 bits.
    pub(super) fn new(
        kind: &'static str,
        [input, output]: [Grid; 2],
        function: impl Fn(i32) -> i64,
    ) -> Result<Self, OpError> {
        check_bits(0, &input, 16)?;
        let (z, low, high) = (i64::from(output.zero_point()), output.q_min().into(), output.q_max().into());
        let number = |q: i32| {
            let q = function(q - input.zero_point()).saturating_add(z).clamp(low, high);
            output.number(q as i32)
        };
        let numbers = (input.q_min()..=input.q_max()).map(number).collect();
        Ok(IntegerFunction { kind, input, output, numbers, probability_factor: None })
    }

    /// The same, where every output is a probability.
    pub(super) fn of_probabilities(self) -> Self {
        IntegerFunction { probability_factor: Some(1.0), ..self }
    }
}

impl Operator for IntegerFunction {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?.clone();
        check(inputs, 0, &self.input)?;
        Ok(on_grid(input, self.output))
    }

    fn takes_integers(&self) -> bool {
        true
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.apply(inputs[0])
    }

    fn probability_factor(&self, _: &[Option<f32>]) -> Option<f32> {
        self.probability_factor
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl Pointwise for IntegerFunction {
    fn function(&self) -> Box<Function> {
        let (steps, numbers) = (Steps::of(&self.input), Arc::clone(&self.numbers));
        each(move |x: f32| if x.is_nan() { x } else { numbers[steps.index(x)] })
    }
}
