//! Reductions over axes: means, sums and others.

use super::with_values;
use crate::graph::operator::unary;
use crate::graph::{Dim, KeptInputs, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// A reduction of numbers to one, computed in `f64` and rounded once. NaN propagates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// The mean.
    Mean,
    /// The sum.
    Sum,
    /// The product.
    Product,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The sum of magnitudes.
    L1,
    /// The square root of the sum of squares.
    L2,
    /// The sum of squares.
    SumSquare,
    /// The logarithm of the sum.
    LogSum,
    /// The logarithm of the sum of exponentials.
    LogSumExp,
}

impl Reduction {
    /// `values` reduced to one number.
    pub fn apply(self, values: &[f32]) -> f32 {
        let sum = |function: fn(f64) -> f64| values.iter().copied().map(f64::from).map(function).sum::<f64>();
        let extreme = |first: f32, is_better: fn(f32, f32) -> bool| {
            let better = |best: f32, &x: &f32| if is_better(x, best) || x.is_nan() { x } else { best };
            values.iter().fold(first, better)
        };
        match self {
            Reduction::Mean => (sum(|x| x) / values.len() as f64) as f32,
            Reduction::Sum => sum(|x| x) as f32,
            Reduction::Product => values.iter().copied().map(f64::from).product::<f64>() as f32,
            Reduction::Max => extreme(f32::NEG_INFINITY, |x, best| x > best),
            Reduction::Min => extreme(f32::INFINITY, |x, best| x < best),
            Reduction::L1 => sum(f64::abs) as f32,
            Reduction::L2 => sum(|x| x * x).sqrt() as f32,
            Reduction::SumSquare => sum(|x| x * x) as f32,
            Reduction::LogSum => libm::log(sum(|x| x)) as f32,
            Reduction::LogSumExp => {
                let largest = f64::from(Reduction::Max.apply(values));
                if largest.is_infinite() {
                    return largest as f32;
                }
                let sum: f64 = values.iter().map(|&x| libm::exp(f64::from(x) - largest)).sum();
                (largest + libm::log(sum)) as f32
            }
        }
    }
}

/// A reduction over axes.
#[derive(Debug, Clone)]
pub struct Reduce {
    /// The reduction.
    pub reduction: Reduction,
    /// The axes, in increasing order, without the batch.
    pub axes: Vec<usize>,
    /// Whether they are kept, with size 1.
    pub keep_dims: bool,
}

impl Operator for Reduce {
    fn kind(&self) -> &'static str {
        match self.reduction {
            Reduction::Mean => "reduce_mean",
            Reduction::Sum => "reduce_sum",
            Reduction::Product => "reduce_prod",
            Reduction::Max => "reduce_max",
            Reduction::Min => "reduce_min",
            Reduction::L1 => "reduce_l1",
            Reduction::L2 => "reduce_l2",
            Reduction::SumSquare => "reduce_sum_square",
            Reduction::LogSum => "reduce_log_sum",
            Reduction::LogSumExp => "reduce_log_sum_exp",
        }
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![infer_over(&self.axes, self.keep_dims, inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let reduce = |numbers: &[f32]| self.reduction.apply(numbers);
        Ok(vec![run_over(&self.axes, self.keep_dims, inputs[0], reduce)?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        if matches!(self.reduction, Reduction::Max | Reduction::Min) { KeptInputs::First } else { KeptInputs::None }
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        let is_between = matches!(self.reduction, Reduction::Mean | Reduction::Max | Reduction::Min);
        inputs.first()?.filter(|_| is_between)
    }
}

/// The type of the only input reduced over `axes`, which are kept with size 1 or are gone.
pub(super) fn infer_over(axes: &[usize], keep_dims: bool, inputs: &[&ValueType]) -> Result<ValueType, OpError> {
    let input = unary(inputs)?;
    let is_known = |&axis: &usize| matches!(input.shape.get(axis), Some(Dim::Fixed(1..)));
    if let Some(axis) = axes.iter().find(|axis| !is_known(axis)) {
        return Err(OpError::input(0, input, format!("a known size of at least 1 along axis {axis}")));
    }
    let shape =
        input.shape.iter().enumerate().filter_map(|(axis, &dim)| {
            if axes.contains(&axis) { keep_dims.then_some(Dim::Fixed(1)) } else { Some(dim) }
        });
    Ok(ValueType::f32(shape.collect::<Vec<_>>()))
}

/// `reduce` of the numbers of `x` along `axes`.
pub(super) fn run_over(
    axes: &[usize],
    keep_dims: bool,
    x: &Tensor,
    reduce: impl Fn(&[f32]) -> f32 + Sync + Send,
) -> Result<Tensor, OpError> {
    // The reduced axes go last, so that each output reduces contiguous numbers.
    let (gone, kept): (Vec<usize>, Vec<usize>) = (0..x.rank()).partition(|axis| axes.contains(axis));
    let size: usize = gone.iter().map(|&axis| x.dims()[axis]).product();
    let shape: Vec<usize> = (0..x.rank())
        .filter(|axis| keep_dims || kept.contains(axis))
        .map(|axis| if kept.contains(&axis) { x.dims()[axis] } else { 1 })
        .collect();
    let ordered = x.permute([kept, gone].concat())?;
    let reduced: Vec<f32> = with_values(&ordered, |values| values.par_chunks_exact(size).map(reduce).collect())?;
    Ok(Tensor::from_vec(reduced, shape, x.device())?)
}
