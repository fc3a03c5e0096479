//! Sums of integers of one grid, rounded once to another, as ONNX quantizes.
//!
//! What a file computes between `DequantizeLinear` and `QuantizeLinear` from integers of one scale is a multiple of that
//! scale, divided by a count: pools, means, and additions of equal scales. In real numbers it would be rounded on the
//! way, and half-way cases lost. The pass [`sum_on_grids`](crate::graph::pass::sum_on_grids) makes one operator of both.

use super::image::{Fold, are_images, reduce};
use super::pointwise::{Function, Pointwise, each};
use super::pool::planes;
use super::reduce::{infer_over, run_over};
use super::{Add, AveragePool, GlobalAveragePool, Reduce, Reduction, broadcast, global_pool};
use crate::graph::operator::unary;
use crate::graph::{ElementType, ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{Clip, Images, ImagesMut};
use crate::quant::Grid;
use candle_core::Tensor;
use std::any::Any;

/// `clamp(round_half_even(sum * s_x / (count * s_y)) + z_y)` of a sum of integers that count as many: the quotient is
/// that of exact arithmetic.
///
/// Products of a scale and of a sum or a count below 2^29 are exact in `f64`, and the quotient is rounded there before
/// it is rounded to an integer: what is half-way between integers stays so, and nothing else becomes it, since exact
/// quotients of such products are farther from it than `f64` rounds.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// The scale of the integers.
    step: f32,
    /// What the real numbers are clipped to on the way.
    clip: Clip,
    output: Grid,
    /// Whether halves are rounded away from zero, in place of to even.
    is_half_away: bool,
}

impl Rule {
    /// The integer of a number, counted from the zero point.
    fn term(&self) -> impl Fn(f32) -> f64 + Copy + use<> {
        let step = self.step;
        move |x| f64::from((x / step).round_ties_even())
    }

    /// The number of the rounded integer. NaN stays NaN.
    fn finish(&self) -> impl Fn(f64, f64) -> f32 + Copy + use<> {
        let Rule { step, clip, output, is_half_away } = *self;
        let (from, to) = (f64::from(step), f64::from(output.scale()));
        let [low, high] = [clip.low, clip.high].map(|bound| f64::from(bound) / to);
        let zero_point = f64::from(output.zero_point());
        let [least, most] = [output.q_min(), output.q_max()].map(|q| f64::from(q) - zero_point);
        move |sum, count| {
            let quotient = (sum * from / (count * to)).clamp(low, high);
            let steps = if is_half_away { quotient.round() } else { quotient.round_ties_even() };
            // The sum with 0 makes a negative zero positive.
            (steps.clamp(least, most) + 0.0) as f32 * output.scale()
        }
    }

    fn fold(&self) -> Fold<f64, impl Fn(f64, f32) -> f64 + use<>, impl Fn(f64, f64) -> f32 + use<>> {
        let term = self.term();
        Fold { start: 0.0, add: move |sum, x| sum + term(x), finish: self.finish() }
    }
}

/// What is summed up.
#[derive(Debug, Clone)]
enum Terms {
    /// Each number alone: integers go from one grid to another.
    One,
    /// Two numbers.
    Two,
    /// Windows.
    Windows(AveragePool),
    /// All positions of a channel.
    Positions,
    /// Axes: their mean, or else their sum.
    Axes(Reduce),
}

/// A sum of integers of one scale, rounded once to the integers of another grid.
#[derive(Debug, Clone)]
pub struct QuantizedSum {
    terms: Terms,
    rule: Rule,
}

impl QuantizedSum {
    /// Numbers that are multiples of `step`, clipped, and rounded to `output`.
    pub fn of_one(step: f32, clip: Clip, output: Grid) -> Self {
        QuantizedSum { terms: Terms::One, rule: Rule { step, clip, output, is_half_away: false } }
    }

    /// What `op` computes from multiples of `step`, clipped, and rounded to `output`; `None` where that is no sum.
    pub fn of(op: &dyn Operator, step: f32, clip: Clip, output: Grid) -> Option<Self> {
        let any: &dyn Any = op;
        let terms = if any.is::<Add>() {
            Terms::Two
        } else if any.is::<GlobalAveragePool>() {
            Terms::Positions
        } else if let Some(pool) = any.downcast_ref::<AveragePool>() {
            Terms::Windows(*pool)
        } else {
            let sum = any.downcast_ref::<Reduce>()?;
            matches!(sum.reduction, Reduction::Mean | Reduction::Sum).then(|| Terms::Axes(sum.clone()))?
        };
        Some(QuantizedSum {
            terms,
            rule: Rule { step, clip: op.output_clip().then(clip), output, is_half_away: false },
        })
    }

    /// The same with halves rounded away from zero, as integer hardware averages.
    #[must_use]
    pub fn half_away_from_zero(self) -> Self {
        QuantizedSum { rule: Rule { is_half_away: true, ..self.rule }, ..self }
    }

    /// Reduces axes to sums.
    fn over(&self, axes: &[usize], keep_dims: bool, is_mean: bool, x: &Tensor) -> Result<Vec<Tensor>, OpError> {
        let Fold { start, add, finish } = self.rule.fold();
        let count = |numbers: &[f32]| if is_mean { numbers.len() as f64 } else { 1.0 };
        let sum = |numbers: &[f32]| finish(numbers.iter().fold(start, |sum, &x| add(sum, x)), count(numbers));
        Ok(vec![run_over(axes, keep_dims, x, sum)?])
    }

    /// The sum of two numbers.
    fn pair(&self) -> Box<broadcast::Function> {
        let (term, finish) = (self.rule.term(), self.rule.finish());
        broadcast::each(move |a, b| finish(term(a) + term(b), 1.0))
    }
}

impl Pointwise for Rule {
    fn function(&self) -> Box<Function> {
        let (term, finish) = (self.term(), self.finish());
        each(move |x| finish(term(x), 1.0))
    }
}

impl Operator for QuantizedSum {
    fn kind(&self) -> &'static str {
        match &self.terms {
            Terms::One => "requantize",
            Terms::Two => "quantized_add",
            Terms::Windows(_) => "quantized_average_pool",
            Terms::Positions => "quantized_global_average_pool",
            Terms::Axes(Reduce { reduction: Reduction::Mean, .. }) => "quantized_reduce_mean",
            Terms::Axes(_) => "quantized_reduce_sum",
        }
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let output = match &self.terms {
            Terms::One => unary(inputs)?.clone(),
            Terms::Two => broadcast::infer(inputs)?,
            Terms::Windows(pool) => pool.infer(inputs)?.remove(0),
            Terms::Positions => GlobalAveragePool.infer(inputs)?.remove(0),
            Terms::Axes(Reduce { axes, keep_dims, .. }) => infer_over(axes, *keep_dims, inputs)?,
        };
        Ok(vec![ValueType { element: ElementType::Quantized(self.rule.output), ..output }])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        match &self.terms {
            Terms::One => self.rule.apply(x),
            Terms::Two => Ok(vec![broadcast::apply(x, inputs[1], &*self.pair())?]),
            Terms::Windows(pool) => {
                Ok(vec![pool.window.run(x, &pool.windows_of(planes(x.dims()))?, &self.rule.fold())?])
            }
            Terms::Positions => self.over(&(2..x.rank()).collect::<Vec<_>>(), true, true, x),
            Terms::Axes(Reduce { reduction, axes, keep_dims }) => {
                self.over(axes, *keep_dims, *reduction == Reduction::Mean, x)
            }
        }
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for QuantizedSum {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        match &self.terms {
            Terms::Two => broadcast::takes_images(inputs),
            Terms::Axes(_) => false,
            Terms::One | Terms::Windows(_) | Terms::Positions => are_images(inputs),
        }
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        let x = &inputs[0];
        match &self.terms {
            Terms::Two => broadcast::apply_to_images([x, &inputs[1]], output, &*self.pair()),
            Terms::Windows(pool) => reduce(x, &pool.windows_of(x.layout.size)?, &self.rule.fold(), output),
            Terms::Positions => reduce(x, &global_pool::whole(x.layout), &self.rule.fold(), output),
            Terms::One | Terms::Axes(_) => self.rule.run_images(inputs, output)?,
        }
        Ok(())
    }
}
