//! Averages over all positions of a channel.

use super::with_values;
use crate::graph::operator::unary;
use crate::graph::{Dim, OpError, Operator, Pass, ValueType};
use candle_core::Tensor;

/// The mean of each channel, `[batch, channels, 1..]`, summed in `f64` and rounded once.
#[derive(Debug, Clone, Copy)]
pub struct GlobalAveragePool;

impl Operator for GlobalAveragePool {
    fn kind(&self) -> &'static str {
        "global_average_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let known = input.shape.iter().skip(2).all(|dim| matches!(dim, Dim::Fixed(size) if *size > 0));
        if input.rank() < 3 || !known {
            return Err(OpError::input(0, input, "[batch, channels, size..]"));
        }
        let mut output = input.clone();
        output.shape[2..].fill(Dim::Fixed(1));
        Ok(vec![output])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let mut shape = inputs[0].dims().to_vec();
        let positions: usize = shape[2..].iter().product();
        shape[2..].fill(1);
        let means: Vec<f32> = with_values(inputs[0], |values| {
            let mean = |plane: &[f32]| (plane.iter().copied().map(f64::from).sum::<f64>() / positions as f64) as f32;
            values.chunks_exact(positions).map(mean).collect()
        })?;
        Ok(vec![Tensor::from_vec(means, shape, inputs[0].device())?])
    }
}
