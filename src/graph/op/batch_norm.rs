//! Batch normalisation by running statistics, as evaluation uses it.

use crate::graph::operator::check_f32;
use crate::graph::{Dim, OpError, Operator, Pass, ValueType};
use candle_core::Tensor;

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
        let slope = |c: usize| f64::from(gain[c]) / (f64::from(variance[c]) + self.eps).sqrt();
        let slopes: Vec<f32> = (0..gain.len()).map(|c| slope(c) as f32).collect();
        let shifts: Vec<f32> =
            (0..gain.len()).map(|c| (f64::from(beta[c]) - f64::from(mean[c]) * slope(c)) as f32).collect();
        let mut shape = vec![1; inputs[0].rank()];
        shape[1] = gain.len();
        let along_channels = |values: Vec<f32>| Tensor::from_vec(values, shape.as_slice(), inputs[0].device());
        let scaled = inputs[0].broadcast_mul(&along_channels(slopes)?)?;
        Ok(vec![scaled.broadcast_add(&along_channels(shifts)?)?])
    }
}
