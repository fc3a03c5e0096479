//! Pooling over windows of one or two spatial axes.

use super::image::{Fold, Windows, are_images, count, largest, largest_integer, mean, reduce};
use super::with_values;
use crate::graph::operator::unary;
use crate::graph::{Dim, ImageOperator, KeptInputs, OpError, Operator, RunContext, Selection, ValueType};
use crate::kernel::{Images, ImagesMut, output_size};
use crate::layer::LayerProblem;
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::Range;

/// A pooling window: axes in the order height, width. Values with one spatial axis have height 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolWindow {
    /// Window height and width.
    pub kernel: [usize; 2],
    /// Stride between windows.
    pub stride: [usize; 2],
    /// Padding before and after each axis.
    pub padding: [[usize; 2]; 2],
    /// Distance between positions of a window.
    pub dilation: [usize; 2],
    /// Whether the output size is rounded up: windows may reach past the padding if they start on the input or
    /// the padding before it.
    pub ceil_mode: bool,
}

impl PoolWindow {
    /// A square window with a stride of its own size, unpadded.
    pub fn square(size: usize) -> Self {
        let both = [size; 2];
        PoolWindow { kernel: both, stride: both, padding: [[0; 2]; 2], dilation: [1; 2], ceil_mode: false }
    }

    pub(super) fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let known = input.shape.iter().skip(1).all(|dim| matches!(dim, Dim::Fixed(_)));
        let flat = self.kernel[0] == 1 && self.padding[0] == [0, 0];
        if !known || !(input.rank() == 4 || (input.rank() == 3 && flat)) {
            return Err(OpError::input(0, input, "[batch, channels, 2 sizes]"));
        }
        let mut sizes = input.sizes(1);
        if sizes[2..].contains(&0) {
            return Err(OpError::input(0, input, "sizes of at least 1"));
        }
        let (image, output) = (planes(&sizes), self.output(planes(&sizes))?);
        let in_padding = |axis: usize| {
            let at = (0..output[axis]).find(|&at| self.lines(axis, at, image[axis]).next().is_none());
            at.map(|at| (axis, at))
        };
        if let Some((axis, at)) = (0..2).find_map(in_padding) {
            let (padding, kernel) = (self.padding, self.kernel);
            let expected = format!(
                "padding {padding:?} smaller than the kernel {kernel:?}: window {at} of axis {} sees nothing else",
                axis + 2
            );
            return Err(OpError::input(0, input, expected));
        }
        let spatial = sizes.len() - 2;
        sizes[2..].copy_from_slice(&output[2 - spatial..]);
        Ok(vec![input.resized(&sizes)])
    }

    fn output(&self, input: [usize; 2]) -> Result<[usize; 2], OpError> {
        let size = |axis: usize| {
            let [before, after] = self.padding[axis];
            let (kernel, stride, dilation) = (self.kernel[axis], self.stride[axis], self.dilation[axis]);
            let size =
                |padding| output_size(input[axis], kernel, stride, dilation, padding).map_err(LayerProblem::from);
            if !self.ceil_mode {
                return size(before + after);
            }
            let ceil = size(before + after + stride - 1)?;
            // The last window must start on the input or before it.
            Ok(if ceil > 1 && (ceil - 1) * stride >= input[axis] + before { ceil - 1 } else { ceil })
        };
        Ok([size(0).map_err(OpError::Problem)?, size(1).map_err(OpError::Problem)?])
    }

    /// The position of tap `tap` of window `at` along an axis of `size` positions, unless it is padding.
    fn position(&self, axis: usize, at: usize, tap: usize, size: usize) -> Option<usize> {
        let padded = at * self.stride[axis] + tap * self.dilation[axis];
        padded.checked_sub(self.padding[axis][0]).filter(|&position| position < size)
    }

    /// The input positions of window `at` along an axis of `size` positions.
    fn lines(&self, axis: usize, at: usize, size: usize) -> impl Iterator<Item = usize> {
        (0..self.kernel[axis]).filter_map(move |tap| self.position(axis, at, tap, size))
    }

    /// Of `count` windows along an axis, those whose tap `tap` is on the input of `size` positions.
    fn windows(&self, axis: usize, tap: usize, size: usize, count: usize) -> Range<usize> {
        let (offset, before, stride) = (tap * self.dilation[axis], self.padding[axis][0], self.stride[axis]);
        let first = before.saturating_sub(offset).div_ceil(stride).min(count);
        let end = (size + before).saturating_sub(offset).div_ceil(stride).min(count);
        first..end.max(first)
    }

    /// Taps of window `at` along an axis of `size` positions that are on the input or its padding, not past
    /// them.
    fn taps(&self, axis: usize, at: usize, size: usize) -> usize {
        let [before, after] = self.padding[axis];
        let room = size + before + after - at * self.stride[axis];
        room.div_ceil(self.dilation[axis]).min(self.kernel[axis])
    }

    /// All windows of images of height and width `input`.
    pub(super) fn windows_of(&self, input: [usize; 2]) -> Result<[Windows; 2], OpError> {
        let output = self.output(input)?;
        Ok([0, 1].map(|axis| Windows::new((0..output[axis]).map(|at| self.lines(axis, at, input[axis])))))
    }

    /// Reduces each window of each plane of `x`, line by line; `all` are the windows of such planes.
    pub(super) fn run<A: Copy + Send + Sync>(
        &self,
        x: &Tensor,
        all: &[Windows; 2],
        fold: &Fold<A, impl Fn(A, f32) -> A + Sync, impl Fn(A, f64) -> f32 + Sync>,
    ) -> Result<Tensor, OpError> {
        let Fold { start, add, finish } = fold;
        let mut shape = x.dims().to_vec();
        let [height, width] = planes(&shape);
        let [oh, ow] = all.each_ref().map(Windows::len);
        let spatial = shape.len() - 2;
        shape[2..].copy_from_slice(&[oh, ow][2 - spatial..]);
        let mut output = vec![0f32; shape.iter().product()];
        let columns: Vec<Range<usize>> = (0..self.kernel[1]).map(|tap| self.windows(1, tap, width, ow)).collect();
        with_values(x, |values| {
            let planes = output.par_chunks_mut(oh * ow).zip(values.par_chunks(height * width));
            planes.for_each_init(Vec::new, |line, (output, plane)| {
                for (oy, output) in output.chunks_exact_mut(ow).enumerate() {
                    line.clear();
                    line.resize(ow, *start);
                    for row in all[0].at(oy) {
                        let row = &plane[row * width..][..width];
                        for (tap, windows) in columns.iter().enumerate() {
                            let first = windows.start * self.stride[1] + tap * self.dilation[1];
                            let row = row.get(first.saturating_sub(self.padding[1][0])..).unwrap_or_default();
                            let line = &mut line[windows.clone()];
                            if self.stride[1] == 1 {
                                line.iter_mut().zip(row).for_each(|(a, &x)| *a = add(*a, x));
                            } else {
                                let row = row.iter().step_by(self.stride[1]);
                                line.iter_mut().zip(row).for_each(|(a, &x)| *a = add(*a, x));
                            }
                        }
                    }
                    let windows = output.iter_mut().zip(&*line).enumerate();
                    windows.for_each(|(ox, (y, &a))| *y = finish(a, count(all, [oy, ox])));
                }
            });
        })?;
        Ok(Tensor::from_vec(output, shape, x.device())?)
    }
}

/// Height and width of a value with one or two spatial axes.
pub(super) fn planes(dims: &[usize]) -> [usize; 2] {
    match *dims {
        [_, _, height, width] => [height, width],
        _ => [1, dims[dims.len() - 1]],
    }
}

/// The largest value of each window, padding excluded.
#[derive(Debug, Clone, Copy)]
pub struct MaxPool(pub PoolWindow);

impl Operator for MaxPool {
    fn kind(&self) -> &'static str {
        "max_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        self.0.infer(inputs)
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![self.0.run(inputs[0], &self.0.windows_of(planes(inputs[0].dims()))?, &largest())?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl MaxPool {
    fn select<T: Ord + Copy>(&self, input: &Images<T>, least: T, output: &mut ImagesMut<T>) {
        let windows = self.0.windows_of(input.layout.size).expect("the window suits images that were inferred");
        reduce(input, &windows, &largest_integer(least), output);
    }
}

impl ImageOperator for MaxPool {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        reduce(&inputs[0], &self.0.windows_of(inputs[0].layout.size)?, &largest(), output);
        Ok(())
    }

    fn as_selection(&self) -> Option<&dyn Selection> {
        Some(self)
    }
}

impl Selection for MaxPool {
    fn select_bytes(&self, inputs: &[Images<u8>], _: &[usize], output: &mut ImagesMut<u8>) {
        self.select(&inputs[0], u8::MIN, output);
    }

    fn select_words(&self, inputs: &[Images<i16>], _: &[usize], output: &mut ImagesMut<i16>) {
        self.select(&inputs[0], i16::MIN, output);
    }
}

/// The mean of each window, summed in `f64` and rounded once.
#[derive(Debug, Clone, Copy)]
pub struct AveragePool {
    /// The window.
    pub window: PoolWindow,
    /// Whether padding counts as zeros; else it is left out of the mean.
    pub count_include_pad: bool,
}

impl Operator for AveragePool {
    fn kind(&self) -> &'static str {
        "average_pool"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        self.window.infer(inputs)
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let windows = self.windows_of(planes(inputs[0].dims()))?;
        Ok(vec![self.window.run(inputs[0], &windows, &mean(0.0))?])
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        *inputs.first()?
    }
    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl AveragePool {
    /// All windows of images of height and width `input`.
    pub(super) fn windows_of(&self, input: [usize; 2]) -> Result<[Windows; 2], OpError> {
        let [lines, columns] = self.window.windows_of(input)?;
        if !self.count_include_pad {
            return Ok([lines, columns]);
        }
        let taps = |axis: usize| move |at: usize| self.window.taps(axis, at, input[axis]);
        Ok([lines.counted(taps(0)), columns.counted(taps(1))])
    }
}

impl ImageOperator for AveragePool {
    fn takes_images(&self, inputs: &[&ValueType]) -> bool {
        are_images(inputs)
    }

    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError> {
        reduce(&inputs[0], &self.windows_of(inputs[0].layout.size)?, &mean(0.0), output);
        Ok(())
    }
}
