//! Average pooling to a given output size, as PyTorch's `AdaptiveAvgPool2d`.

use super::image::{Windows, are_images, empty_sum, mean, reduce};
use super::with_values;
use crate::graph::operator::images;
use crate::graph::{ImageOperator, OpError, Operator, RunContext, ValueType};
use crate::kernel::{Images, ImagesMut};
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::Range;

/// The mean of each of `output` windows along height and width, summed in `f64` and rounded once.
/// Window `i` of `n` over a size `s` is `floor(i s / n)..ceil((i + 1) s / n)`; windows may overlap.
#[derive(Debug, Clone, Copy)]
pub struct AdaptiveAveragePool {
    /// Height and width of the output.
    pub output: [usize; 2],
}

/// The positions of window `at` of `windows` over `size`.
fn window(at: usize, windows: usize, size: usize) -> Range<usize> {
    at * size / windows..((at + 1) * size).div_ceil(windows)
}

impl Operator for AdaptiveAveragePool {
    fn kind(&self) -> &'static str {
        "adaptive_average_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = images(inputs, 2)?;
        let mut sizes = input.sizes(1);
        if sizes[2..].contains(&0) || self.output.contains(&0) {
            return Err(OpError::input(
                0,
                input,
                format!("sizes of at least 1, and an output size {:?} of at least 1", self.output),
            ));
        }
        sizes[2..].copy_from_slice(&self.output);
        Ok(vec![input.resized(&sizes)])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let (batch, channels, height, width) = inputs[0].dims4()?;
        let [rows, columns] = self.output;
        let mean = |plane: &[f32], y: usize, x: usize| {
            let (rows, columns) = (window(y, rows, height), window(x, columns, width));
            let count = rows.len() * columns.len();
            let lines = rows.map(|row| &plane[row * width..][columns.clone()]);
            let sum: f64 = lines.flatten().copied().map(f64::from).sum();
            (sum / count as f64) as f32
        };
        let mut output = vec![0f32; batch * channels * rows * columns];
        with_values(inputs[0], |values| {
            let planes = output.par_chunks_exact_mut(rows * columns).zip(values.par_chunks_exact(height * width));
            planes.for_each(|(output, plane)| {
                output.iter_mut().enumerate().for_each(|(i, value)| *value = mean(plane, i / columns, i % columns));
            });
        })?;
        Ok(vec![Tensor::from_vec(output, (batch, channels, rows, columns), inputs[0].device())?])
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        *inputs.first()?
    }
    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl ImageOperator for AdaptiveAveragePool {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        let (size, outputs) = (inputs[0].layout.size, self.output);
        let windows = [0, 1].map(|axis| {
            let window = |at| window(at, outputs[axis], size[axis]);
            Windows::new((0..outputs[axis]).map(window))
        });
        reduce(&inputs[0], &windows, &mean(empty_sum()), output);
        Ok(())
    }
}
