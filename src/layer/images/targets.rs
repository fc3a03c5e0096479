//! Where outputs go: numbers, and the operands of the layers that read them.

use super::form::OperandForm;
use crate::kernel::convert::add_numbers;
use crate::kernel::{Clip, ImageLayout, Images, ImagesMut, LinePart, line_parts};
use std::mem;
use std::ops::Range;

/// One place that outputs are written to.
#[derive(Debug)]
pub enum Target<'a> {
    /// Numbers.
    Reals(Part<'a, f32>),
    /// Operands of a byte, of each term.
    Bytes(&'a OperandForm<u8>, Vec<Part<'a, u8>>),
    /// Operands of a word, of each term.
    Words(&'a OperandForm<i16>, Vec<Part<'a, i16>>),
}

/// Consecutive lines of images.
#[derive(Debug)]
pub struct Part<'a, T> {
    layout: ImageLayout,
    values: &'a mut [T],
    /// Place of the first value among those of all images.
    start: usize,
}

impl<'a, T> From<ImagesMut<'a, T>> for Part<'a, T> {
    fn from(images: ImagesMut<'a, T>) -> Self {
        Part { layout: images.layout, values: images.values, start: 0 }
    }
}

impl<'a, T> Part<'a, T> {
    /// The values of positions from `(y, x)` of an image on.
    fn positions(&mut self, [image, y, x]: [usize; 3], count: usize) -> &mut [T] {
        let at = image * self.layout.image() + self.layout.at(y, x) - self.start;
        &mut self.values[at..][..count * self.layout.elements]
    }

    /// Takes away what lies before line `y` of an image.
    fn take_before(&mut self, [image, y]: [usize; 2]) -> Part<'a, T> {
        let line = if y == 0 { 0 } else { self.layout.border[0][0] + y };
        let at =
            (image * self.layout.image() + line * self.layout.line()).clamp(self.start, self.start + self.values.len());
        let (before, after) = mem::take(&mut self.values).split_at_mut(at - self.start);
        let part = Part { layout: self.layout, values: before, start: self.start };
        (self.values, self.start) = (after, at);
        part
    }
}

/// What happens to a layer's numbers before they are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Finish<'a> {
    /// The range that they are clamped to first.
    pub clip: Clip,
    /// What is then added, and the range that sums are clamped to.
    pub residual: Option<(Images<'a, f32>, Clip)>,
}

/// All places that the same outputs are written to.
#[derive(Debug, Default)]
pub struct Targets<'a>(pub Vec<Target<'a>>);

impl<'a> Targets<'a> {
    /// Splits lines of images of `height` lines into about twice as many areas as there are threads, with what they
    /// write.
    pub fn split(mut self, [height, _]: [usize; 2], lines: usize, threads: usize) -> Vec<(Range<usize>, Targets<'a>)> {
        let areas = (2 * threads).min(lines).max(1);
        let start = |area: usize| area * lines / areas;
        let area = |area: usize| {
            let end = start(area + 1);
            let targets = self.0.iter_mut().map(|target| target.take_before([end / height, end % height]));
            (start(area)..end, Targets(targets.collect()))
        };
        (0..areas).map(area).collect()
    }

    /// Writes the numbers of a block of positions, counted through images of `size`, `channels` a position, after
    /// `residual` is added to them and the sums are clamped.
    ///
    /// # Errors
    /// The index of a target that has no operand for a number that is NaN.
    pub fn write(
        &mut self,
        size: [usize; 2],
        block: Range<usize>,
        channels: usize,
        residual: Option<(Images<f32>, Clip)>,
        numbers: &mut [f32],
        bytes: &mut Vec<u8>,
    ) -> Result<(), usize> {
        let numbers = &mut numbers[..block.len() * channels];
        if let Some((residual, then)) = residual {
            let layout = &residual.layout;
            for LinePart { first, count, image, y, x } in line_parts(block.clone(), lines(layout, size)) {
                let residual = &residual.values[image * layout.image() + layout.at(y, x)..][..count * channels];
                add_numbers(&mut numbers[first * channels..][..count * channels], residual, then);
            }
        }
        for (i, target) in self.0.iter_mut().enumerate() {
            for LinePart { first, count, image, y, x } in line_parts(block.clone(), lines(target.layout(), size)) {
                let numbers = &numbers[first * channels..][..count * channels];
                if target.write([image, y, x], count, channels, numbers, bytes) {
                    return Err(i);
                }
            }
        }
        Ok(())
    }
}

/// Height and width as lines are joined: without a border, the positions of all images follow each other.
fn lines(layout: &ImageLayout, size: [usize; 2]) -> [usize; 2] {
    if layout.has_border() { size } else { [1, usize::MAX] }
}

impl<'a> Target<'a> {
    fn layout(&self) -> &ImageLayout {
        match self {
            Target::Reals(part) => &part.layout,
            Target::Bytes(_, parts) => &parts[0].layout,
            Target::Words(_, parts) => &parts[0].layout,
        }
    }

    /// Writes positions that lie side by side; returns whether a number has no operand, since it is NaN.
    fn write(&mut self, at: [usize; 3], count: usize, channels: usize, numbers: &[f32], bytes: &mut Vec<u8>) -> bool {
        match self {
            Target::Reals(part) => {
                part.positions(at, count).copy_from_slice(numbers);
                false
            }
            Target::Bytes(form, parts) => {
                form.write(numbers, channels, parts.iter_mut().map(|part| part.positions(at, count)), bytes)
            }
            Target::Words(form, parts) => {
                form.write(numbers, channels, parts.iter_mut().map(|part| part.positions(at, count)), bytes)
            }
        }
    }

    fn take_before(&mut self, line: [usize; 2]) -> Target<'a> {
        match self {
            Target::Reals(part) => Target::Reals(part.take_before(line)),
            Target::Bytes(form, parts) => {
                Target::Bytes(form, parts.iter_mut().map(|part| part.take_before(line)).collect())
            }
            Target::Words(form, parts) => {
                Target::Words(form, parts.iter_mut().map(|part| part.take_before(line)).collect())
            }
        }
    }
}
