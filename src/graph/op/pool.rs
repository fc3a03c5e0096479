//! Pooling over windows of two spatial axes.

use super::with_values;
use crate::graph::operator::images;
use crate::graph::{OpError, Operator, Pass, ValueType};
use crate::kernel::output_size;
use crate::layer::LayerProblem;
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::Range;

/// The window of a pooling: axes in the order height, width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolWindow {
    /// Window height and width.
    pub kernel: [usize; 2],
    /// Steps between windows.
    pub stride: [usize; 2],
    /// Padding before and after each axis, less than the kernel.
    pub padding: [[usize; 2]; 2],
}

impl PoolWindow {
    /// A square window that steps by its own size, unpadded.
    pub fn square(size: usize) -> Self {
        PoolWindow { kernel: [size; 2], stride: [size; 2], padding: [[0; 2]; 2] }
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = images(inputs, 2)?;
        if (0..2).any(|axis| self.padding[axis].iter().any(|&padding| padding >= self.kernel[axis])) {
            let expected = format!("padding {:?} smaller than the kernel {:?}", self.padding, self.kernel);
            return Err(OpError::input(0, input, expected));
        }
        let mut sizes = input.sizes(1);
        if sizes[2..].contains(&0) {
            return Err(OpError::input(0, input, "sizes of at least 1"));
        }
        let output = self.output([sizes[2], sizes[3]])?;
        sizes[2..].copy_from_slice(&output);
        Ok(vec![input.resized(&sizes)])
    }

    fn output(&self, input: [usize; 2]) -> Result<[usize; 2], OpError> {
        let size = |axis: usize| {
            let padding = self.padding[axis].iter().sum();
            output_size(input[axis], self.kernel[axis], self.stride[axis], 1, padding).map_err(LayerProblem::from)
        };
        Ok([size(0)?, size(1)?])
    }

    /// The input positions of window `at` along `axis`, inside an input of `size`.
    fn inside(&self, axis: usize, at: usize, size: usize) -> Range<usize> {
        let start = at * self.stride[axis];
        let before = self.padding[axis][0];
        start.saturating_sub(before)..(start + self.kernel[axis]).saturating_sub(before).min(size)
    }

    /// `reduce(rows of the window)` for each window of each plane of `x`.
    fn run(
        &self,
        x: &Tensor,
        reduce: impl Fn(&mut dyn Iterator<Item = &[f32]>) -> f32 + Sync,
    ) -> Result<Tensor, OpError> {
        let (batch, channels, height, width) = x.dims4()?;
        let [oh, ow] = self.output([height, width])?;
        let mut output = vec![0f32; batch * channels * oh * ow];
        with_values(x, |values| {
            output.par_chunks_mut(oh * ow).zip(values.par_chunks(height * width)).for_each(|(output, plane)| {
                for (oy, line) in output.chunks_exact_mut(ow).enumerate() {
                    let rows = self.inside(0, oy, height);
                    for (ox, y) in line.iter_mut().enumerate() {
                        let columns = self.inside(1, ox, width);
                        let mut window = rows.clone().map(|row| &plane[row * width..][columns.clone()]);
                        *y = reduce(&mut window);
                    }
                }
            });
        })?;
        Ok(Tensor::from_vec(output, (batch, channels, oh, ow), x.device())?)
    }
}

/// The largest value of each window; padding never is.
#[derive(Debug, Clone, Copy)]
pub struct MaxPool(pub PoolWindow);

impl Operator for MaxPool {
    fn kind(&self) -> &'static str {
        "max_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        self.0.infer(inputs)
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        // Comparing so that a NaN, once met, stays.
        let larger = |max: f32, &x: &f32| if x > max || x.is_nan() { x } else { max };
        let max = |rows: &mut dyn Iterator<Item = &[f32]>| {
            rows.fold(f32::NEG_INFINITY, |max, row| row.iter().fold(max, larger))
        };
        Ok(vec![self.0.run(inputs[0], max)?])
    }
}

/// The mean of each window, summed in `f64` and rounded once.
#[derive(Debug, Clone, Copy)]
pub struct AveragePool {
    /// The window.
    pub window: PoolWindow,
    /// Whether padding counts as zeros, or not at all.
    pub count_include_pad: bool,
}

impl Operator for AveragePool {
    fn kind(&self) -> &'static str {
        "average_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        self.window.infer(inputs)
    }

    fn run(&self, inputs: &[&Tensor], _: &Pass) -> Result<Vec<Tensor>, OpError> {
        let [kh, kw] = self.window.kernel;
        let mean = |rows: &mut dyn Iterator<Item = &[f32]>| {
            let (sum, count) = rows.fold((0f64, 0), |(sum, count), row| {
                (row.iter().fold(sum, |sum, &x| sum + f64::from(x)), count + row.len())
            });
            (sum / if self.count_include_pad { kh * kw } else { count } as f64) as f32
        };
        Ok(vec![self.window.run(inputs[0], mean)?])
    }
}
