//! Group normalization.

use super::with_values;
use crate::graph::operator::check_f32;
use crate::graph::{Dim, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// `(x - mean) / sqrt(variance + eps) * gain + beta`, in `f64` and rounded once; mean and
/// population variance are taken over each group of channels of each sample. Instance normalization has one
/// group for each channel. Inputs: `x` (`[batch, channels, size..]`), gain and beta, one number for each
/// channel.
#[derive(Debug, Clone, Copy)]
pub struct GroupNorm {
    /// Number of groups, of equally many channels.
    pub groups: usize,
    /// Added to the variance, to keep its square root away from 0.
    pub eps: f64,
}

impl Operator for GroupNorm {
    fn kind(&self) -> &'static str {
        "group_norm"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        check_f32(inputs, 3..=3, "3")?;
        let x = inputs[0];
        let is_known = x.shape.iter().skip(1).all(|dim| matches!(dim, Dim::Fixed(1..)));
        let channels = match x.shape.get(1) {
            Some(&Dim::Fixed(channels)) if is_known && self.groups > 0 && channels.is_multiple_of(self.groups) => {
                channels
            }
            _ => {
                let expected = format!("[batch, channels, size..], channels a multiple of {} groups", self.groups);
                return Err(OpError::input(0, x, expected));
            }
        };
        match (1..3).find(|&i| inputs[i].shape != [Dim::Fixed(channels)]) {
            Some(i) => Err(OpError::input(i, inputs[i], format!("f32[{channels}]"))),
            None => Ok(vec![x.clone()]),
        }
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let (gain, beta) = (inputs[1].to_vec1::<f32>()?, inputs[2].to_vec1::<f32>()?);
        let positions: usize = x.dims()[2..].iter().product();
        let channels = gain.len() / self.groups;
        let size = channels * positions;
        let mut output = vec![0f32; x.elem_count()];
        with_values(x, |values| {
            let groups = output.par_chunks_exact_mut(size).zip(values.par_chunks_exact(size));
            groups.enumerate().for_each(|(i, (output, group))| {
                let mean = group.iter().copied().map(f64::from).sum::<f64>() / size as f64;
                let variance = group.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / size as f64;
                let root = (variance + self.eps).sqrt();
                let planes = output.chunks_exact_mut(positions).zip(group.chunks_exact(positions));
                for (c, (output, plane)) in planes.enumerate() {
                    let channel = i % self.groups * channels + c;
                    let (gain, beta) = (f64::from(gain[channel]), f64::from(beta[channel]));
                    let normal = |x: f32| ((f64::from(x) - mean) / root * gain + beta) as f32;
                    output.iter_mut().zip(plane).for_each(|(y, &x)| *y = normal(x));
                }
            });
        })?;
        Ok(vec![Tensor::from_vec(output, x.dims(), x.device())?])
    }
}
