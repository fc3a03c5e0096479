//! Batch normalization (Ioffe and Szegedy, 2015, <https://arxiv.org/abs/1502.03167>) by the moments
//! of the batch at hand, and the ReLU that follows it, in one pass over each channel.

use super::{Partial, slice, sum, with_values};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// Mean and biased variance of each channel of a batch.
#[derive(Debug, Clone, Default)]
pub struct Moments {
    /// The means.
    pub mean: Vec<f32>,
    /// The variances.
    pub variance: Vec<f32>,
}

/// `[c, pixels]`, gains of `[c]` and biases of `[c]` to `[c, pixels]`.
#[derive(Clone)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f32,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// What the forward pass measures.
    pub moments: Arc<OnceLock<Moments>>,
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        gain: &CpuStorage,
        lg: &Layout,
        bias: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, gain, bias) = (slice(x, lx)?, slice(gain, lg)?, slice(bias, lb)?);
        let (channels, pixels) = lx.shape().dims2()?;
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let mut y = vec![0f32; x.len()];
        let moments: Vec<(f32, f32)> = y
            .par_chunks_mut(pixels)
            .zip(x.par_chunks(pixels))
            .zip(gain.par_iter().zip(bias))
            .map(|((y, x), (gain, bias))| {
                let mean = sum(x, |x| x) / pixels as f32;
                let variance = sum(x, |x| (x - mean) * (x - mean)) / pixels as f32;
                let slope = gain / (variance + self.eps).sqrt();
                y.iter_mut().zip(x).for_each(|(y, x)| *y = ((x - mean) * slope + bias).max(floor));
                (mean, variance)
            })
            .collect();
        let (mean, variance) = moments.into_iter().unzip();
        self.moments.set(Moments { mean, variance }).expect("an operation runs once");
        Ok((CpuStorage::F32(y), Shape::from((channels, pixels))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gain: &Tensor,
        _: &Tensor,
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (channels, pixels) = x.dims2()?;
        let Moments { mean, variance } = self.moments.get().expect("a gradient follows its forward pass");
        let mut dx = vec![0f32; x.elem_count()];
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let sums = with_values([x, gain, y, &grad.contiguous()?], |[x, gain, y, grad]| {
            let rows = x.par_chunks(pixels).zip(y.par_chunks(pixels)).zip(grad.par_chunks(pixels));
            dx.par_chunks_mut(pixels)
                .zip(rows)
                .enumerate()
                .map(|(c, (dx, ((x, y), grad)))| {
                    let (mean, inverse) = (mean[c], 1.0 / (variance[c] + self.eps).sqrt());
                    // What comes through the ReLU.
                    dx.iter_mut()
                        .zip(grad.iter().zip(y))
                        .for_each(|(dx, (g, y))| *dx = if *y > floor { *g } else { 0.0 });
                    let total = sum(dx, |g| g);
                    let mut products = Partial::default();
                    products.add_products(dx, x);
                    let along = (products.total() - mean * total) * inverse;
                    // dx = gain / std * (g - mean(g) - x^ * mean(g * x^)), x^ = (x - mean) / std.
                    let slope = gain[c] * inverse;
                    let (center, tilt) = (total / pixels as f32, along * inverse / pixels as f32);
                    dx.iter_mut().zip(x).for_each(|(dx, x)| *dx = slope * (*dx - center - (x - mean) * tilt));
                    (along, total)
                })
                .collect::<Vec<(f32, f32)>>()
        })?;
        let (dgain, dbias): (Vec<f32>, Vec<f32>) = sums.into_iter().unzip();
        let vector = |values| Tensor::from_vec(values, channels, x.device());
        Ok((Some(Tensor::from_vec(dx, x.shape(), x.device())?), Some(vector(dgain)?), Some(vector(dbias)?)))
    }
}
