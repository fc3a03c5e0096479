//! Local response normalization (Krizhevsky et al., 2012, section 3.3).

use super::with_values;
use crate::graph::operator::unary;
use crate::graph::{Dim, OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;
use rayon::prelude::*;

/// `x / (bias + alpha / size * sum of squares)^beta`, the sum over `size` channels around its own, in
/// `f64` and rounded once.
#[derive(Debug, Clone, Copy)]
pub struct LocalResponseNorm {
    /// Channels of a neighborhood: `(size - 1) / 2` before, the rest after.
    pub size: usize,
    /// Weight of the mean square.
    pub alpha: f32,
    /// The exponent.
    pub beta: f32,
    /// Added to the mean square.
    pub bias: f32,
}

impl Operator for LocalResponseNorm {
    fn kind(&self) -> &'static str {
        "local_response_norm"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let known = input.shape.iter().skip(1).all(|dim| matches!(dim, Dim::Fixed(_)));
        if input.rank() < 2 || !known || self.size == 0 {
            return Err(OpError::input(0, input, "[batch, channels, ..] and a neighborhood of at least 1 channel"));
        }
        Ok(vec![input.clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let channels = x.dims()[1];
        let positions = x.dims()[2..].iter().product::<usize>().max(1);
        let (alpha, beta, bias) = (f64::from(self.alpha), f64::from(self.beta), f64::from(self.bias));
        let scale = alpha / self.size as f64;
        let (before, after) = ((self.size - 1) / 2, self.size / 2);
        let mut output = vec![0f32; x.elem_count()];
        with_values(x, |values| {
            output.par_chunks_mut(positions).enumerate().for_each(|(plane, output)| {
                let (sample, channel) = (plane / channels, plane % channels);
                let neighbors = channel.saturating_sub(before)..(channel + after + 1).min(channels);
                let mut squares = vec![0f64; output.len()];
                for neighbor in neighbors {
                    let plane = &values[(sample * channels + neighbor) * positions..];
                    squares.iter_mut().zip(plane).for_each(|(sum, &x)| *sum += f64::from(x) * f64::from(x));
                }
                let own = &values[plane * positions..];
                for ((y, &x), square) in output.iter_mut().zip(own).zip(squares) {
                    *y = (f64::from(x) / libm::pow(bias + scale * square, beta)) as f32;
                }
            });
        })?;
        Ok(vec![Tensor::from_vec(output, x.dims(), x.device())?])
    }
}
