//! Softmax and its logarithm.

use super::{function, with_values};
use crate::graph::operator::unary;
use crate::graph::{Dim, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// `exp(x - max) / sum of exp(x - max)` along an axis, or its logarithm; sums are in `f64`.
#[derive(Debug, Clone, Copy)]
pub struct Softmax {
    /// The axis, which is not the batch.
    pub axis: usize,
    /// Whether the output is the logarithm.
    pub log: bool,
}

impl Operator for Softmax {
    fn kind(&self) -> &'static str {
        if self.log { "log_softmax" } else { "softmax" }
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![infer_along(self.axis, inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let softmax = |x: &[f32], output: &mut [f32]| {
            let largest = x.iter().fold(f32::NEG_INFINITY, |max, &x| if x > max || x.is_nan() { x } else { max });
            output.iter_mut().zip(x).for_each(|(y, &x)| *y = function::exp(x - largest));
            let sum: f64 = output.iter().copied().map(f64::from).sum();
            if self.log {
                let log = libm::log(sum) as f32;
                output.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - largest) - log);
            } else {
                output.iter_mut().for_each(|y| *y = (f64::from(*y) / sum) as f32);
            }
        };
        Ok(vec![run_along(self.axis, inputs[0], softmax)?])
    }
}

/// The type of the only input, whose size along `axis` is known.
pub(super) fn infer_along(axis: usize, inputs: &[&ValueType]) -> Result<ValueType, OpError> {
    let input = unary(inputs)?;
    match input.shape.get(axis) {
        Some(Dim::Fixed(1..)) => Ok(input.clone()),
        _ => Err(OpError::input(0, input, format!("a known size of at least 1 along axis {axis}"))),
    }
}

/// A function of each line of `x` along `axis`, which overwrites one of the output.
pub(super) fn run_along(
    axis: usize,
    x: &Tensor,
    function: impl Fn(&[f32], &mut [f32]) + Sync,
) -> Result<Tensor, OpError> {
    let last = x.rank() - 1;
    let x = x.transpose(axis, last)?;
    let size = x.dims()[last];
    let mut output = vec![0f32; x.elem_count()];
    with_values(&x, |values| {
        let lines = output.par_chunks_exact_mut(size).zip(values.par_chunks_exact(size));
        lines.for_each(|(output, x)| function(x, output));
    })?;
    Ok(Tensor::from_vec(output, x.dims(), x.device())?.transpose(axis, last)?)
}
