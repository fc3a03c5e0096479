//! Patches as columns: a convolution becomes one matrix product over all pixels of the batch.

use super::{Window, slice, with_values};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Patches of `[c, pixels]` as the columns of a `[c * taps, output pixels]` matrix.
pub struct Im2col(pub Window);

impl CustomOp1 for Im2col {
    fn name(&self) -> &'static str {
        "im2col"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let ([pixels, columns], taps, stride) = (self.0.pixels(), self.0.taps(), self.0.stride);
        let input = slice(storage, layout)?;
        let rows = input.len() / pixels * taps;
        let mut matrix = vec![0f32; rows * columns];
        matrix.par_chunks_mut(columns).enumerate().for_each(|(row, out)| {
            let plane = &input[row / taps * pixels..][..pixels];
            self.0.runs(row % taps, |to, from, len| {
                let pixels = plane[from..].iter().step_by(stride);
                out[to..to + len].iter_mut().zip(pixels).for_each(|(out, pixel)| *out = *pixel);
            });
        });
        Ok((CpuStorage::F32(matrix), Shape::from((rows, columns))))
    }

    /// Columns summed back into the pixels that they came from.
    fn bwd(&self, arg: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let ([pixels, columns], taps, stride) = (self.0.pixels(), self.0.taps(), self.0.stride);
        let mut image = vec![0f32; arg.elem_count()];
        with_values([&grad.contiguous()?], |[grad]| {
            image.par_chunks_mut(pixels).enumerate().for_each(|(channel, out)| {
                for tap in 0..taps {
                    let row = &grad[(channel * taps + tap) * columns..][..columns];
                    self.0.runs(tap, |from, to, len| {
                        let pixels = out[to..].iter_mut().step_by(stride);
                        pixels.zip(&row[from..from + len]).for_each(|(pixel, column)| *pixel += column);
                    });
                }
            });
        })?;
        Ok(Some(Tensor::from_vec(image, arg.shape(), arg.device())?))
    }
}
