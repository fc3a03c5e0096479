//! Batch normalization by running statistics, as in evaluation.

use super::with_values;
use crate::graph::operator::check_f32;
use crate::graph::{Dim, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// `(x - mean) / sqrt(variance + eps) * gain + beta` for each channel (axis 1), in `f64` and rounded once. Inputs:
/// `x`, gain, beta, mean, variance.
#[derive(Debug, Clone, Copy)]
pub struct BatchNorm {
    /// Added to the variance, to keep its square root away from 0.
    pub eps: f64,
}

impl BatchNorm {
    /// `sqrt(variance + eps)` of each channel.
    ///
    /// # Errors
    /// Names the first channel where `variance + eps` is not positive.
    pub(in crate::graph) fn deviations(&self, variance: &[f32]) -> Result<Vec<f64>, OpError> {
        let deviation = |(channel, &variance): (usize, &f32)| {
            let sum = f64::from(variance) + self.eps;
            // Not `sum <= 0.0`: NaN is refused too.
            if sum > 0.0 { Ok(sum.sqrt()) } else { Err(OpError::Variance { channel, variance, eps: self.eps }) }
        };
        variance.iter().enumerate().map(deviation).collect()
    }
}

impl Operator for BatchNorm {
    fn kind(&self) -> &'static str {
        "batch_norm"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        check_f32(inputs, 5..=5, "5")?;
        let Some(&channels @ Dim::Fixed(_)) = inputs[0].shape.get(1) else {
            return Err(OpError::input(0, inputs[0], "[batch, channels, ..]"));
        };
        match (1..5).find(|&i| inputs[i].shape != [channels]) {
            Some(i) => Err(OpError::input(i, inputs[i], format!("f32[{channels}]"))),
            None => Ok(vec![inputs[0].clone()]),
        }
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let vector = |i: usize| inputs[i].to_vec1::<f32>();
        let (gain, beta, mean) = (vector(1)?, vector(2)?, vector(3)?);
        let deviations = self.deviations(&vector(4)?)?;
        let line = |c: usize| {
            let slope = f64::from(gain[c]) / deviations[c];
            (slope, f64::from(beta[c]) - f64::from(mean[c]) * slope)
        };
        let lines: Vec<(f64, f64)> = (0..gain.len()).map(line).collect();
        let x = inputs[0];
        let positions: usize = x.dims()[2..].iter().product();
        let mut output = vec![0f32; x.elem_count()];
        with_values(x, |values| {
            let planes = output.par_chunks_mut(positions.max(1)).zip(values.par_chunks(positions.max(1)));
            planes.enumerate().for_each(|(i, (output, plane))| {
                let (slope, shift) = lines[i % lines.len()];
                output.iter_mut().zip(plane).for_each(|(y, &x)| *y = (f64::from(x) * slope + shift) as f32);
            });
        })?;
        Ok(vec![Tensor::from_vec(output, x.dims(), x.device())?])
    }
}
