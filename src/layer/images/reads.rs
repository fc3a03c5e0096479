//! Which operands an output position reads, in the order in which weights are laid out for them.

use crate::kernel::{ConvGeometry, ImageLayout, Run};

/// Operands that lie side by side: some channels of one tap of one term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    /// The term.
    pub term: usize,
    /// The tap, along height and width.
    pub tap: [usize; 2],
    /// The first channel of the image.
    pub channel: usize,
    /// How many.
    pub channels: usize,
    /// What sums are multiplied by after them.
    pub factor: i32,
}

/// All reads of a group: term by term, tap by tap. The sums of term `i` are multiplied by `factors[i]`.
pub(super) fn reads(geometry: &ConvGeometry, channels: std::ops::Range<usize>, factors: &[i32]) -> Vec<Read> {
    let [height, width] = geometry.kernel;
    let mut reads = Vec::with_capacity(factors.len() * height * width);
    for (term, &factor) in factors.iter().enumerate() {
        for y in 0..height {
            for x in 0..width {
                let is_last = (y, x) == (height - 1, width - 1);
                let factor = if is_last { factor } else { 1 };
                reads.push(Read { term, tap: [y, x], channel: channels.start, channels: channels.len(), factor });
            }
        }
    }
    reads
}

/// The runs of `reads` in `images` of a layout, in groups of `group` operands: reads that continue each other are one.
pub(super) fn runs(
    reads: &[Read],
    geometry: &ConvGeometry,
    layout: &ImageLayout,
    images: usize,
    group: usize,
) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::with_capacity(reads.len());
    for read in reads {
        let [y, x] = [0, 1].map(|axis| read.tap[axis] * geometry.dilation[axis]);
        let at = y * layout.line() + x * layout.elements + read.channel;
        let run = Run {
            offset: read.term * images * layout.image() + at,
            groups: read.channels.div_ceil(group),
            factor: read.factor,
        };
        match runs.last_mut() {
            Some(last) if last.factor == 1 && last.offset + last.groups * group == run.offset => {
                last.groups += run.groups;
                last.factor = run.factor;
            }
            _ => runs.push(run),
        }
    }
    runs
}

/// The border that a window reads around an image.
pub(super) fn border(geometry: &ConvGeometry) -> [[usize; 2]; 2] {
    [0, 1].map(|axis| {
        let before = geometry.padding[axis];
        let last = (geometry.output[axis] - 1) * geometry.stride[axis];
        let end = last + (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1;
        [before, end.saturating_sub(before + geometry.input[axis])]
    })
}

/// The address that output position `(y, x)` of an image reads from.
pub(super) fn address(geometry: &ConvGeometry, layout: &ImageLayout, [y, x]: [usize; 2]) -> usize {
    let line = layout.border[0][0] + y * geometry.stride[0] - geometry.padding[0];
    let position = layout.border[1][0] + x * geometry.stride[1] - geometry.padding[1];
    line * layout.line() + position * layout.elements
}
