//! Functions of every number, however the numbers lie: one loop for tensors and for images.

use super::image::are_images;
use super::{CHUNK, with_values};
use crate::graph::{ImageOperator, OpError, ValueType};
use crate::kernel::{Images, ImagesMut, for_simd_levels};
use candle_core::Tensor;
use rayon::prelude::*;

/// Overwrites the numbers of the second slice with a function of those of the first.
pub(super) type Function = dyn Fn(&[f32], &mut [f32]) + Sync;

/// An operator that applies one function to every number.
pub(super) trait Pointwise: Sync {
    /// The function, made by [`each`].
    fn function(&self) -> Box<Function>;

    /// The operator on a tensor.
    fn apply(&self, x: &Tensor) -> Result<Vec<Tensor>, OpError> {
        let function = self.function();
        let mut output = vec![0f32; x.elem_count()];
        with_values(x, |x| {
            output.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(output, x)| function(x, output));
        })?;
        Ok(vec![Tensor::from_vec(output, x.dims(), x.device())?])
    }
}

/// The loop over numbers, which is compiled for each function.
pub(super) fn each(function: impl Fn(f32) -> f32 + Sync + 'static) -> Box<Function> {
    Box::new(move |x, output| map(&function, x, output))
}

for_simd_levels! {
    fn map<F: Fn(f32) -> f32>(function: &F, x: &[f32], output: &mut [f32]) {
        for (y, &x) in output.iter_mut().zip(x) {
            *y = function(x);
        }
    }
}

impl<P: Pointwise> ImageOperator for P {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        let (x, function) = (inputs[0], self.function());
        if !x.layout.has_border() && !output.layout.has_border() {
            function(x.values, output.values);
            return Ok(());
        }
        for image in 0..output.count() {
            for y in 0..output.layout.size[0] {
                function(x.line(image, y), output.line_mut(image, y));
            }
        }
        Ok(())
    }
}
