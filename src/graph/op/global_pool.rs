//! Means and maxima over all positions of a channel.

use super::image::{Windows, are_images, empty_sum, largest, mean, reduce};
use super::{Reduction, with_values};
use crate::graph::operator::unary;
use crate::graph::{Dim, ImageOperator, KeptInputs, OpError, Operator, RunContext, ValueType};
use crate::kernel::{ImageLayout, Images, ImagesMut};
use candle_core::Tensor;
use rayon::prelude::*;

/// `[batch, channels, size..]` with every size 1.
fn infer_global(inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
    let input = unary(inputs)?;
    let known = input.shape.iter().skip(2).all(|dim| matches!(dim, Dim::Fixed(size) if *size > 0));
    if input.rank() < 3 || !known {
        return Err(OpError::input(0, input, "[batch, channels, size..]"));
    }
    let mut output = input.clone();
    output.shape[2..].fill(Dim::Fixed(1));
    Ok(vec![output])
}

/// `reduce` applied to each channel.
fn run_global(x: &Tensor, reduce: impl Fn(&[f32]) -> f32 + Sync + Send) -> Result<Vec<Tensor>, OpError> {
    let mut shape = x.dims().to_vec();
    let positions: usize = shape[2..].iter().product();
    shape[2..].fill(1);
    let reduced: Vec<f32> = with_values(x, |values| values.par_chunks_exact(positions).map(reduce).collect())?;
    Ok(vec![Tensor::from_vec(reduced, shape, x.device())?])
}

/// One window over each image.
pub(super) fn whole(layout: ImageLayout) -> [Windows; 2] {
    layout.size.map(|size| Windows::new(std::iter::once(0..size)))
}

/// The mean of each channel, `[batch, channels, 1..]`, summed in `f64` and rounded once.
#[derive(Debug, Clone, Copy)]
pub struct GlobalAveragePool;

impl Operator for GlobalAveragePool {
    fn kind(&self) -> &'static str {
        "global_average_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        infer_global(inputs)
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        run_global(inputs[0], |plane| Reduction::Mean.apply(plane))
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        *inputs.first()?
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for GlobalAveragePool {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        reduce(&inputs[0], &whole(inputs[0].layout), &mean(empty_sum()), output);
        Ok(())
    }
}

/// The largest number of each channel, `[batch, channels, 1..]`.
#[derive(Debug, Clone, Copy)]
pub struct GlobalMaxPool;

impl Operator for GlobalMaxPool {
    fn kind(&self) -> &'static str {
        "global_max_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        infer_global(inputs)
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        run_global(inputs[0], |plane| Reduction::Max.apply(plane))
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }
    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for GlobalMaxPool {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        reduce(&inputs[0], &whole(inputs[0].layout), &largest(), output);
        Ok(())
    }
}
