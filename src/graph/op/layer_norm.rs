//! Layer normalization.

use super::with_values;
use crate::graph::operator::check_f32;
use crate::graph::{Dim, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// `(x - mean) / sqrt(variance + eps) * gain + beta` over the axes from `axis` on, in `f64` and rounded
/// once, with the population variance. Inputs: `x`, gain, and optionally beta,
/// both of the shape of those axes.
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm {
    /// The first normalized axis, which is not the batch.
    pub axis: usize,
    /// Added to the variance, to keep its square root away from 0.
    pub eps: f64,
}

impl Operator for LayerNorm {
    fn kind(&self) -> &'static str {
        "layer_norm"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        check_f32(inputs, 2..=3, "2 or 3")?;
        let normalized = inputs[0].shape.get(self.axis..).filter(|axes| !axes.is_empty());
        let Some(normalized) = normalized.filter(|axes| axes.iter().all(|axis| matches!(axis, Dim::Fixed(1..)))) else {
            return Err(OpError::input(0, inputs[0], format!("known sizes from axis {} on", self.axis)));
        };
        match (1..inputs.len()).find(|&i| inputs[i].shape != normalized) {
            Some(i) => Err(OpError::input(i, inputs[i], ValueType::f32(normalized).to_string())),
            None => Ok(vec![inputs[0].clone()]),
        }
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let numbers = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let gain = numbers(inputs[1])?;
        let beta = inputs.get(2).map_or_else(|| Ok(vec![0.0; gain.len()]), |beta| numbers(beta))?;
        let count = gain.len() as f64;
        let x = inputs[0];
        let mut output = vec![0f32; x.elem_count()];
        with_values(x, |values| {
            let rows = output.par_chunks_exact_mut(gain.len()).zip(values.par_chunks_exact(gain.len()));
            rows.for_each(|(output, row)| {
                let mean = row.iter().copied().map(f64::from).sum::<f64>() / count;
                let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / count;
                let root = (variance + self.eps).sqrt();
                let parameters = gain.iter().zip(&beta);
                for ((y, &x), (&gain, &beta)) in output.iter_mut().zip(row).zip(parameters) {
                    *y = ((f64::from(x) - mean) / root * f64::from(gain) + f64::from(beta)) as f32;
                }
            });
        })?;
        Ok(vec![Tensor::from_vec(output, x.dims(), x.device())?])
    }
}
