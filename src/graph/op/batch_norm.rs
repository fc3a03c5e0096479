//! Batch normalisation by running statistics, as evaluation uses it.

use super::with_values;
use crate::graph::operator::check_f32;
use crate::graph::{Dim, OpError, Operator, Pass, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// `(x - mean) / sqrt(variance + eps) * gain + beta` for each channel (axis 1). Inputs: `x`, gain,
/// beta, mean, variance.
#[derive(Debug, Clone, Copy)]
pub struct BatchNorm {
    /// Keeps the root away from zero.
    pub eps: f64,
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

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let vector = |i: usize| inputs[i].to_vec1::<f32>();
        let (gain, beta, mean, variance) = (vector(1)?, vector(2)?, vector(3)?, vector(4)?);
        let line = |c: usize| {
            let slope = f64::from(gain[c]) / (f64::from(variance[c]) + self.eps).sqrt();
            (slope as f32, (f64::from(beta[c]) - f64::from(mean[c]) * slope) as f32)
        };
        let lines: Vec<(f32, f32)> = (0..gain.len()).map(line).collect();
        let x = inputs[0];
        let positions: usize = x.dims()[2..].iter().product();
        let mut output = vec![0f32; x.elem_count()];
        with_values(x, |values| {
            let planes = output.par_chunks_mut(positions.max(1)).zip(values.par_chunks(positions.max(1)));
            planes.enumerate().for_each(|(i, (output, plane))| {
                let (slope, shift) = lines[i % lines.len()];
                output.iter_mut().zip(plane).for_each(|(y, &x)| *y = x * slope + shift);
            });
        })?;
        Ok(vec![Tensor::from_vec(output, x.dims(), x.device())?])
    }
}
