//! Numbers of tensors as images.

use super::memory::{Workspace, with_workspace};
use super::sized::sized;
use super::targets::{Finish, Targets};
use crate::kernel::from_planar;
use rayon::prelude::*;
use std::ops::Range;

/// Numbers of images in an order that tensors have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Numbers<'a> {
    /// `[image, channel, height, width]`.
    Planar(&'a [f32]),
    /// `[image, height, width, channel]`.
    Positions(&'a [f32]),
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
            Numbers::Planar(values) => {
                let mut position = block.start;
                while position < block.end {
                    let (image, within) = (position / positions, position % positions);
                    let run = (positions - within).min(block.end - position);
                    let planes = &values[image * channels * positions + within..(image + 1) * channels * positions];
                    let memory = &mut memory[(position - block.start) * channels..][..run * channels];
                    from_planar(planes, positions, channels, channels, memory);
                    position += run;
                }
            }
        }
        targets.write(size, block.clone(), channels, Finish::default(), memory, &mut workspace.bytes)?;
        at = block.end;
    }
    Ok(())
}
