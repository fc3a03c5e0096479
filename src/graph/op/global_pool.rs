//! Means and maxima over all positions of a channel, and means over chosen axes.

use super::with_values;
use crate::graph::operator::unary;
use crate::graph::{Dim, OpError, Operator, Pass, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// The mean of some numbers, summed in `f64` and rounded once.
fn mean(values: &[f32]) -> f32 {
    (values.iter().copied().map(f64::from).sum::<f64>() / values.len() as f64) as f32
}

/// `[batch, channels, size..]` with every size 1.
fn infer_global(inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
    let input = unary(inputs)?;
    let known = input.shape.iter().skip(2).all(|dim| matches!(dim, Dim::Fixed(size) if *size > 0));
    if input.rank() < 3 || !known {
        return Err(OpError::input(0, input, "[batch, channels, size..]"));
    }
    let mut output = input.clone();
    output.shape[2..].fill(Dim::Fixed(1));
    Ok(vec![output])
}

/// `reduce` of each channel's numbers.
fn run_global(x: &Tensor, reduce: impl Fn(&[f32]) -> f32 + Sync + Send) -> Result<Vec<Tensor>, OpError> {
    let mut shape = x.dims().to_vec();
    let positions: usize = shape[2..].iter().product();
    shape[2..].fill(1);
    let reduced: Vec<f32> = with_values(x, |values| values.par_chunks_exact(positions).map(reduce).collect())?;
    Ok(vec![Tensor::from_vec(reduced, shape, x.device())?])
}

/// The mean of each channel, `[batch, channels, 1..]`, summed in `f64` and rounded once.
#[derive(Debug, Clone, Copy)]
pub struct GlobalAveragePool;

impl Operator for GlobalAveragePool {
    fn kind(&self) -> &'static str {
        "global_average_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        infer_global(inputs)
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        run_global(inputs[0], mean)
    }
}

/// The largest number of each channel, `[batch, channels, 1..]`.
#[derive(Debug, Clone, Copy)]
pub struct GlobalMaxPool;

impl Operator for GlobalMaxPool {
    fn kind(&self) -> &'static str {
        "global_max_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        infer_global(inputs)
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let larger = |max: f32, &x: &f32| if x > max || x.is_nan() { x } else { max };
        run_global(inputs[0], |plane| plane.iter().fold(f32::NEG_INFINITY, larger))
    }
}

/// The mean over some axes, summed in `f64` and rounded once.
#[derive(Debug, Clone)]
pub struct ReduceMean {
    /// The axes, in increasing order, not the batch.
    pub axes: Vec<usize>,
    /// Whether they stay, with size 1.
    pub keep_dims: bool,
}

impl Operator for ReduceMean {
    fn kind(&self) -> &'static str {
        "reduce_mean"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let is_known = |&axis: &usize| matches!(input.shape.get(axis), Some(Dim::Fixed(1..)));
        if let Some(axis) = self.axes.iter().find(|axis| !is_known(axis)) {
            return Err(OpError::input(0, input, format!("a known size of at least 1 along axis {axis}")));
        }
        let axes = input.shape.iter().enumerate().filter_map(|(axis, &dim)| {
            if self.axes.contains(&axis) { self.keep_dims.then_some(Dim::Fixed(1)) } else { Some(dim) }
        });
        Ok(vec![ValueType::f32(axes.collect::<Vec<_>>())])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        // The axes that go last, so that each mean is over one stretch of numbers.
        let (gone, kept): (Vec<usize>, Vec<usize>) = (0..x.rank()).partition(|axis| self.axes.contains(axis));
        let size: usize = gone.iter().map(|&axis| x.dims()[axis]).product();
        let shape: Vec<usize> = (0..x.rank())
            .filter(|axis| self.keep_dims || kept.contains(axis))
            .map(|axis| if kept.contains(&axis) { x.dims()[axis] } else { 1 })
            .collect();
        let ordered = x.permute([kept, gone].concat())?;
        let means: Vec<f32> = with_values(&ordered, |values| values.par_chunks_exact(size).map(mean).collect())?;
        Ok(vec![Tensor::from_vec(means, shape, x.device())?])
    }
}
