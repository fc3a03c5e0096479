//! Addition of two values of one shape.

use super::{CHUNK, with_values};
use crate::graph::operator::check_f32;
use crate::graph::{OpError, Operator, Pass, ValueType};
use crate::kernel::convert::{Clip, add_clipped};
use candle_core::Tensor;
use rayon::prelude::*;

/// `a + b`, in `f32`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Add {
    clip: Clip,
}

impl Operator for Add {
    fn kind(&self) -> &'static str {
        "add"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        check_f32(inputs, 2..=2, "2")?;
        if inputs[0] != inputs[1] {
            return Err(OpError::input(1, inputs[1], inputs[0].to_string()));
        }
        Ok(vec![inputs[0].clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let mut sums = vec![0f32; inputs[0].elem_count()];
        with_values(inputs[0], |a| {
            with_values(inputs[1], |b| {
                let chunks = sums.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK)));
                chunks.for_each(|(sums, (a, b))| add_clipped(a, b, self.clip, sums));
            })
        })??;
        Ok(vec![Tensor::from_vec(sums, inputs[0].dims(), inputs[0].device())?])
    }

    fn fuse_clip(&mut self, clip: Clip) -> bool {
        self.clip = self.clip.then(clip);
        true
    }
}
