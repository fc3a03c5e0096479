//! Addition, subtraction and multiplication of integers on grids of their own.

use super::grid::{Steps, check, check_bits, on_grid, requantize};
use crate::graph::op::broadcast;
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{FixedPoint, Images, ImagesMut, Rounding};
use crate::quant::Grid;
use candle_core::Tensor;
use std::sync::Arc;

/// A function of two integers, of shapes that broadcast. NaN propagates.
#[derive(Debug, Clone)]
pub struct IntegerBinary {
    kind: &'static str,
    inputs: [Grid; 2],
    output: Grid,
    function: Function,
}

/// What is rescaled to the output's integers, and by which factor.
#[derive(Debug, Clone)]
enum Function {
    /// A sum of terms, one for each integer of a side, the least first.
    Sum([Arc<[i64]>; 2], FixedPoint),
    /// The product of both sides' `q - z`.
    Product(FixedPoint),
}

impl IntegerBinary {
    /// `a + b` as TensorFlow Lite's ADD: `q - z` of each side is shifted left by 20 bits (15 where one has more than
    /// 8), rescaled to twice the larger of both scales, and the sum rescaled to the output's; each product is rounded
    /// twice.
    ///
    /// # Errors
    /// When a side has more than 16 bits.
    pub fn sum(inputs: [Grid; 2], output: Grid) -> Result<Self, OpError> {
        Self::new("integer_add", inputs, output, |inputs, output| sum(inputs, output, 1))
    }

    /// `a - b` as TensorFlow Lite's SUB: a sum, one of whose sides is negated.
    ///
    /// # Errors
    /// When a side has more than 16 bits.
    pub fn difference(inputs: [Grid; 2], output: Grid) -> Result<Self, OpError> {
        Self::new("integer_sub", inputs, output, |inputs, output| sum(inputs, output, -1))
    }

    /// `a * b` as TensorFlow Lite's MUL: `(q_a - z_a) * (q_b - z_b)` times `s_a * s_b / s_y`, which is computed in
    /// `f32`; the product is rounded twice.
    ///
    /// # Errors
    /// When a side has more than 16 bits.
    pub fn product(inputs: [Grid; 2], output: Grid) -> Result<Self, OpError> {
        Self::new("integer_mul", inputs, output, |[a, b], output| {
            Function::Product(FixedPoint::new((a.scale() * b.scale() / output.scale()).into()))
        })
    }

    fn new(
        kind: &'static str,
        inputs: [Grid; 2],
        output: Grid,
        function: impl FnOnce(&[Grid; 2], &Grid) -> Function,
    ) -> Result<Self, OpError> {
        (0..2).try_for_each(|i| check_bits(i, &inputs[i], 16))?;
        Ok(IntegerBinary { kind, inputs, output, function: function(&inputs, &output) })
    }

    fn function(&self) -> Box<broadcast::Function> {
        let [a, b] = self.inputs.each_ref().map(Steps::of);
        let output = requantize(&self.output);
        match self.function.clone() {
            Function::Sum([to_a, to_b], factor) => broadcast::each(move |x, y| {
                let sum = to_a[a.index(x)] + to_b[b.index(y)];
                if x.is_nan() || y.is_nan() { f32::NAN } else { output.number(factor, sum) }
            }),
            Function::Product(factor) => broadcast::each(move |x, y| {
                let product = a.at(x) as i64 * b.at(y) as i64;
                if x.is_nan() || y.is_nan() { f32::NAN } else { output.number(factor, product) }
            }),
        }
    }
}

/// The terms of a sum whose second side has this sign.
fn sum(inputs: &[Grid; 2], output: &Grid, sign: i64) -> Function {
    let are_bytes = (0..2).all(|i| check_bits(i, &inputs[i], 8).is_ok());
    let shift = if are_bytes { 20 } else { 15 };
    let [a, b] = inputs.each_ref().map(|grid| f64::from(grid.scale()));
    let common = 2.0 * a.max(b);
    let terms = |grid: &Grid, sign: i64| {
        let factor = FixedPoint::new(f64::from(grid.scale()) / common);
        let term = |q: i32| sign * factor.apply(i64::from(q - grid.zero_point()) << shift, Rounding::Twice);
        (grid.q_min()..=grid.q_max()).map(term).collect()
    };
    let factor = FixedPoint::new(common / (f64::from(1 << shift) * f64::from(output.scale())));
    Function::Sum([terms(&inputs[0], 1), terms(&inputs[1], sign)], factor)
}

impl Operator for IntegerBinary {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let output = broadcast::infer(inputs)?;
        (0..2).try_for_each(|i| check(inputs, i, &self.inputs[i]))?;
        Ok(on_grid(output, self.output))
    }

    fn takes_integers(&self) -> bool {
        true
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![broadcast::apply(inputs[0], inputs[1], &*self.function())?])
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for IntegerBinary {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        broadcast::takes_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        broadcast::apply_to_images([&inputs[0], &inputs[1]], output, &*self.function());
        Ok(())
    }
}
