//! Differentiable operations over activations of `[channels, batch * height * width]`, which candle
//! has not or is several times slower at on a CPU.

mod batch_norm;
mod depthwise;
mod im2col;
#[cfg(test)]
mod tests;

pub use batch_norm::{BatchNorm, Moments};
pub use depthwise::Depthwise;
pub use im2col::Im2col;

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// Where a square or rectangular window lies over the pixels of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Steps along both axes.
    pub stride: usize,
    /// Zeros before and after each axis.
    pub padding: [usize; 2],
    /// Images, their height and width.
    pub input: [usize; 3],
}

impl Window {
    /// Height and width of the output.
    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|i| (self.input[i + 1] + 2 * self.padding[i] - self.kernel[i]) / self.stride + 1)
    }

    /// Pixels of all inputs, and of all outputs.
    fn pixels(&self) -> [usize; 2] {
        let [n, h, w] = self.input;
        let [oh, ow] = self.output();
        [n * h * w, n * oh * ow]
    }

    /// Weights of the window.
    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Calls `visit(first output, first input, length)` for every run of outputs in a row whose
    /// inputs under one tap lie inside the image; inputs are `stride` apart.
    fn runs(&self, tap: usize, mut visit: impl FnMut(usize, usize, usize)) {
        let [n, h, w] = self.input;
        let [oh, ow] = self.output();
        let (ky, kx) = (tap / self.kernel[1], tap % self.kernel[1]);
        let [py, px] = self.padding;
        // ox * stride + kx - px lies in 0..w.
        let first = px.saturating_sub(kx).div_ceil(self.stride);
        let last = (w + px).saturating_sub(kx).div_ceil(self.stride).min(ow);
        if first >= last {
            return;
        }
        for b in 0..n {
            for oy in 0..oh {
                let y = (oy * self.stride + ky).wrapping_sub(py);
                if y < h {
                    visit((b * oh + oy) * ow + first, (b * h + y) * w + first * self.stride + kx - px, last - first);
                }
            }
        }
    }
}

/// The numbers of a contiguous tensor.
fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("input is not contiguous") };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Reads the numbers of contiguous tensors on the CPU.
fn with_values<const N: usize, T>(tensors: [&Tensor; N], read: impl FnOnce([&[f32]; N]) -> T) -> Result<T> {
    let guards = tensors.map(Tensor::storage_and_layout);
    let mut slices = [&[] as &[f32]; N];
    for (out, (storage, layout)) in slices.iter_mut().zip(&guards) {
        let Storage::Cpu(storage) = &**storage else { bail!("input is not on the CPU") };
        *out = slice(storage, layout)?;
    }
    Ok(read(slices))
}

/// A sum in sixteen parts, which a compiler can vectorize.
#[derive(Default)]
struct Partial([f32; Partial::LANES]);

impl Partial {
    const LANES: usize = 16;

    /// Adds `a[i] * b[i]` of both, of one length.
    #[inline]
    fn add_products(&mut self, a: &[f32], b: &[f32]) {
        for (a, b) in a.chunks(Self::LANES).zip(b.chunks(Self::LANES)) {
            self.0.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
        }
    }

    fn total(&self) -> f32 {
        self.0.iter().sum()
    }
}

/// The sum of `term(x)` over all numbers.
#[inline]
fn sum(x: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut sum = Partial::default();
    let mut blocks = x.chunks_exact(Partial::LANES);
    for block in &mut blocks {
        sum.0.iter_mut().zip(block).for_each(|(sum, x)| *sum += term(*x));
    }
    sum.total() + blocks.remainder().iter().map(|x| term(*x)).sum::<f32>()
}
