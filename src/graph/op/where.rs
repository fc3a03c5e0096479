//! Elements of one value or of another, as a condition selects them.

use super::{broadcast, with_values};
use crate::graph::operator::check_f32;
use crate::graph::{OpError, Operator, RunContext, ValueType};
use candle_core::Tensor;

/// Element by element, the second input where the first is not 0, else the third; their shapes broadcast.
#[derive(Debug, Clone, Copy)]
pub struct Where;

impl Operator for Where {
    fn kind(&self) -> &'static str {
        "where"
    }

    fn takes_infinite_constants(&self) -> bool {
        true
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        check_f32(inputs, 3..=3, "3")?;
        let pair = broadcast::infer(&inputs[..2])?;
        Ok(vec![broadcast::infer(&[&pair, inputs[2]])?])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let rank = inputs.iter().map(|input| input.rank()).max().unwrap_or(0);
        let size = |input: &Tensor, axis: usize| (axis + input.rank()).checked_sub(rank).map_or(1, |i| input.dims()[i]);
        let along = |axis: usize| inputs.iter().map(|input| size(input, axis)).find(|&size| size != 1).unwrap_or(1);
        let shape: Vec<usize> = (0..rank).map(along).collect();
        let [condition, a, b] = [0, 1, 2].map(|i| inputs[i].broadcast_as(shape.as_slice()));
        let (condition, a, b) = (condition?, a?, b?);
        let select = |condition: &[f32], a: &[f32], b: &[f32]| -> Vec<f32> {
            let pairs = a.iter().zip(b);
            condition.iter().zip(pairs).map(|(&c, (&a, &b))| if c == 0.0 { b } else { a }).collect()
        };
        let output = with_values(&condition, |c| with_values(&a, |a| with_values(&b, |b| select(c, a, b))))???;
        Ok(vec![Tensor::from_vec(output, shape, inputs[0].device())?])
    }
}
