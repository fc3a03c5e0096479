//! Depthwise convolution: each channel under a window of its own.

use super::{Partial, Window, slice, with_values};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// `[c, pixels]` and weights of `[c, taps]` to `[c, output pixels]`, by steps of one.
pub struct Depthwise(pub Window);

impl CustomOp2 for Depthwise {
    fn name(&self) -> &'static str {
        "depthwise"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        let ([pixels, columns], taps) = (self.0.pixels(), self.0.taps());
        let (x, w) = (slice(x, lx)?, slice(w, lw)?);
        let channels = w.len() / taps;
        let mut y = vec![0f32; channels * columns];
        y.par_chunks_mut(columns).zip(x.par_chunks(pixels)).zip(w.par_chunks(taps)).for_each(|((y, x), w)| {
            for (tap, w) in w.iter().enumerate() {
                self.0.runs(tap, |to, from, len| {
                    y[to..to + len].iter_mut().zip(&x[from..from + len]).for_each(|(y, x)| *y += w * x);
                });
            }
        });
        Ok((CpuStorage::F32(y), Shape::from((channels, columns))))
    }

    fn bwd(&self, x: &Tensor, w: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let ([pixels, columns], taps) = (self.0.pixels(), self.0.taps());
        let (mut dx, mut dw) = (vec![0f32; x.elem_count()], vec![0f32; w.elem_count()]);
        with_values([x, w, &grad.contiguous()?], |[x, w, grad]| {
            let inputs = x.par_chunks(pixels).zip(w.par_chunks(taps)).zip(grad.par_chunks(columns));
            let outputs = dx.par_chunks_mut(pixels).zip(dw.par_chunks_mut(taps));
            outputs.zip(inputs).for_each(|((dx, dw), ((x, w), grad))| {
                for (tap, (w, dw)) in w.iter().zip(dw).enumerate() {
                    let mut partial = Partial::default();
                    self.0.runs(tap, |to, from, len| {
                        let (grad, x) = (&grad[to..to + len], &x[from..from + len]);
                        dx[from..from + len].iter_mut().zip(grad).for_each(|(dx, grad)| *dx += w * grad);
                        partial.add_products(grad, x);
                    });
                    *dw = partial.total();
                }
            });
        })?;
        let (dx, dw) = (Tensor::from_vec(dx, x.shape(), x.device())?, Tensor::from_vec(dw, w.shape(), w.device())?);
        Ok((Some(dx), Some(dw)))
    }
}
