//! Addition and subtraction of integers on grids of their own.

use super::grid::{Steps, check, check_bits, on_grid, requantize};
use crate::graph::op::broadcast;
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{FixedPoint, Images, ImagesMut, Rounding};
use crate::quant::Grid;
use candle_core::Tensor;
use std::sync::Arc;

/// `a + b` or `a - b` of integers, of shapes that broadcast, as TensorFlow Lite's ADD and SUB: `q - z` of each side is
/// shifted left by 20 bits (15 where one has more than 8), rescaled to twice the larger of both scales, and the sum
/// rescaled to the output's; each product is rounded twice. NaN propagates.
#[derive(Debug, Clone)]
pub struct IntegerAdd {
    kind: &'static str,
    inputs: [Grid; 2],
    output: Grid,
    /// The terms of each side, for each of its integers, the least first.
    terms: [Arc<[i64]>; 2],
    factor: FixedPoint,
}

impl IntegerAdd {
    /// The sum.
    ///
    /// # Errors
    /// When a side has more than 16 bits.
    pub fn sum(inputs: [Grid; 2], output: Grid) -> Result<Self, OpError> {
        Self::new("integer_add", inputs, output, 1)
    }

    /// The difference.
    ///
    /// # Errors
    /// When a side has more than 16 bits.
    pub fn difference(inputs: [Grid; 2], output: Grid) -> Result<Self, OpError> {
        Self::new("integer_sub", inputs, output, -1)
    }

    fn new(kind: &'static str, inputs: [Grid; 2], output: Grid, sign: i64) -> Result<Self, OpError> {
        (0..2).try_for_each(|i| check_bits(i, &inputs[i], 16))?;
        let are_bytes = (0..2).all(|i| check_bits(i, &inputs[i], 8).is_ok());
        let shift = if are_bytes { 20 } else { 15 };
        let [a, b] = inputs.map(|grid| f64::from(grid.scale()));
        let common = 2.0 * a.max(b);
        let terms = |grid: &Grid, sign: i64| {
            let factor = FixedPoint::new(f64::from(grid.scale()) / common);
            let term = |q: i32| sign * factor.apply(i64::from(q - grid.zero_point()) << shift, Rounding::Twice);
            (grid.q_min()..=grid.q_max()).map(term).collect()
        };
        let terms = [terms(&inputs[0], 1), terms(&inputs[1], sign)];
        let factor = FixedPoint::new(common / (f64::from(1 << shift) * f64::from(output.scale())));
        Ok(IntegerAdd { kind, inputs, output, terms, factor })
    }

    fn function(&self) -> Box<broadcast::Function> {
        let [a, b] = self.inputs.each_ref().map(Steps::of);
        let [to_a, to_b] = self.terms.clone();
        let (factor, output) = (self.factor, requantize(&self.output));
        broadcast::each(move |x, y| {
            let sum = to_a[a.index(x)] + to_b[b.index(y)];
            if x.is_nan() || y.is_nan() { f32::NAN } else { output.number(factor, sum) }
        })
    }
}

impl Operator for IntegerAdd {
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

impl ImageOperator for IntegerAdd {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        broadcast::takes_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        broadcast::apply_to_images([&inputs[0], &inputs[1]], output, &*self.function());
        Ok(())
    }
}
