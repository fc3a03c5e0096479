//! Which outputs the taps of a transposed kernel reach: what its loop visits, and what its costs count.

use crate::kernel::ConvGeometry;
use std::ops::Range;

/// Where the taps of a transposed kernel land along one axis: tap `k` takes input position `i` to
/// output position `i * stride + k * dilation - padding`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taps {
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    padding: usize,
}

impl Taps {
    /// The taps along axis `axis`, with sizes that are at least 1.
    pub fn new(geometry: &ConvGeometry, axis: usize) -> Self {
        Taps {
            input: geometry.input[axis],
            output: geometry.output[axis],
            kernel: geometry.kernel[axis],
            stride: geometry.stride[axis],
            dilation: geometry.dilation[axis],
            padding: geometry.padding[axis],
        }
    }

    /// Steps between the outputs of neighboring inputs.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Output positions.
    pub fn outputs(&self) -> usize {
        self.output
    }

    /// The input position that tap `k` takes to `output`, if there is one.
    pub fn source(&self, k: usize, output: usize) -> Option<usize> {
        let steps = (output + self.padding).checked_sub(k * self.dilation)?;
        (steps.is_multiple_of(self.stride) && steps / self.stride < self.input).then(|| steps / self.stride)
    }

    /// The output position that tap `k` takes `input`, one of [`inputs`](Taps::inputs), to.
    pub fn output(&self, k: usize, input: usize) -> usize {
        input * self.stride + k * self.dilation - self.padding
    }

    /// Input positions that tap `k` takes to an output.
    pub fn inputs(&self, k: usize) -> Range<usize> {
        let from = |output: usize| (output + self.padding).saturating_sub(k * self.dilation).div_ceil(self.stride);
        from(0)..from(self.output).min(self.input)
    }

    /// Products of one channel with the inputs of a line.
    pub fn products(&self) -> usize {
        (0..self.kernel).map(|k| self.inputs(k).len()).sum()
    }

    /// The most taps that meet in one output position.
    pub fn most(&self) -> usize {
        // Every `period`th tap lands on the same outputs. Their number can only rise where a tap lands
        // first, so that looking there is enough.
        let period = self.stride / gcd(self.stride, self.dilation);
        let meeting = |k: usize| {
            let inputs = self.inputs(k);
            if inputs.is_empty() {
                return 0;
            }
            let place = inputs.start * self.stride + k * self.dilation;
            let first = place.saturating_sub((self.input - 1) * self.stride).div_ceil(self.dilation);
            let last = (place / self.dilation).min(self.kernel - 1);
            (k - first) / period + (last - k) / period + 1
        };
        (0..self.kernel).map(meeting).max().unwrap_or(0)
    }
}

/// The most taps of a kernel that meet in one output position of an input of any size.
pub(super) fn most_taps(kernel: usize, stride: usize, dilation: usize) -> usize {
    kernel.div_ceil(stride / gcd(stride, dilation))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
