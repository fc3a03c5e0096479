//! Numbers of tensors as images.

use super::memory::{Workspace, with_workspace};
use super::sized::sized;
use super::targets::Targets;
use crate::kernel::{Images, from_planar, line_parts, to_planar};
use rayon::prelude::*;
use std::ops::Range;

/// Numbers of images in an order that tensors have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Numbers<'a> {
    /// `[image, channel, height, width]`.
    Planar(&'a [f32]),
    /// `[image, height, width, channel]`.
    Positions(&'a [f32]),
    /// Images.
    Images(Images<'a, f32>),
}

/// Numbers that are written at a time.
const BLOCK: usize = 1 << 14;

/// Writes the numbers of `count` images of `size` and `channels`.
///
/// # Errors
/// The index of a target that has no operand for a number that is NaN.
pub(crate) fn write_images(
    numbers: Numbers,
    size: [usize; 2],
    channels: usize,
    count: usize,
    targets: Targets,
    threads: usize,
) -> Result<(), usize> {
    let write = |lines: Range<usize>, targets: Targets| {
        with_workspace(|workspace| write_lines(numbers, size, channels, lines, targets, workspace))
    };
    let lines = count * size[0];
    if threads == 1 || lines == 1 {
        return write(0..lines, targets);
    }
    targets.split(size, lines, threads).into_par_iter().try_for_each(|(lines, targets)| write(lines, targets))
}

fn write_lines(
    numbers: Numbers,
    size: [usize; 2],
    channels: usize,
    lines: Range<usize>,
    mut targets: Targets,
    workspace: &mut Workspace,
) -> Result<(), usize> {
    let (positions, step) = (size[0] * size[1], (BLOCK / channels).max(1));
    let (mut at, end) = (lines.start * size[1], lines.end * size[1]);
    while at < end {
        let block = at..(at + step).min(end);
        let memory = sized(&mut workspace.numbers, block.len() * channels);
        match numbers {
            Numbers::Positions(values) => memory.copy_from_slice(&values[block.start * channels..block.end * channels]),
            Numbers::Images(images) => {
                for part in line_parts(block.clone(), size) {
                    let line = &images.line(part.image, part.y)[part.x * channels..][..part.count * channels];
                    memory[part.first * channels..][..line.len()].copy_from_slice(line);
                }
            }
            Numbers::Planar(values) => {
                // Images as lines.
                for part in line_parts(block.clone(), [1, positions]) {
                    let image = &values[part.image * channels * positions..][..channels * positions];
                    let memory = &mut memory[part.first * channels..][..part.count * channels];
                    from_planar(&image[part.x..], positions, channels, channels, memory);
                }
            }
        }
        targets.write(size, block.clone(), channels, None, memory, &mut workspace.bytes)?;
        at = block.end;
    }
    Ok(())
}

/// The numbers of `count` images as a tensor has them, channels first or last.
pub(crate) fn planar_images(images: Images<f32>, count: usize, is_planar: bool, threads: usize) -> Vec<f32> {
    let layout = images.layout;
    let [height, width] = layout.size;
    let image = layout.positions() * layout.elements;
    let mut numbers = vec![0f32; count * image];
    let one = |i: usize, numbers: &mut [f32], line: &mut Vec<f32>| {
        let whole = &images.values[i * layout.image()..][..layout.image()];
        let positions = if layout.has_border() {
            let line = sized(line, image);
            for (y, line) in line.chunks_exact_mut(width * layout.elements).enumerate() {
                line.copy_from_slice(images.line(i, y));
            }
            &*line
        } else {
            whole
        };
        if is_planar && height * width > 1 {
            to_planar(positions, layout.elements, layout.elements, numbers);
        } else {
            numbers.copy_from_slice(positions);
        }
    };
    if threads == 1 {
        with_workspace(|Workspace { numbers: memory, .. }| {
            numbers.chunks_exact_mut(image.max(1)).enumerate().for_each(|(i, numbers)| one(i, numbers, memory));
        });
    } else {
        numbers.par_chunks_exact_mut(image.max(1)).enumerate().for_each(|(i, numbers)| {
            with_workspace(|Workspace { numbers: memory, .. }| one(i, numbers, memory));
        });
    }
    numbers
}
