//! Which activations each weight of a layer meets: how often each byte is multiplied at each tap.
//!
//! Every output channel of a group reads the same activations, so that counts by tap and byte, beside the weights
//! of each tap, say how often any two operands meet. This is the slow and plain counterpart of what
//! [tiles](super::tiles) and [scattering](super::scatter) compute.

use super::taps::Taps;
use super::{Flow, Window};
use rayon::prelude::*;

/// Values of a byte.
const BYTES: usize = 256;

impl Window {
    /// Weights of one output channel: a tap each.
    pub(crate) fn weights_per_output(&self) -> usize {
        let geometry = &self.geometry;
        geometry.channels * geometry.kernel[0] * geometry.kernel[1]
    }

    /// Adds to `counts[(group * weights_per_output + weight) * 256 + byte]` how often each weight of an output channel
    /// of each group meets each activation byte in the images of `input` (`[images, channels, height, width]`).
    /// Padding is `padding`, and multiplied like any other operand.
    pub(crate) fn count_activations(&self, input: &[u8], padding: u8, counts: &mut [u32]) {
        let [height, width] = self.geometry.input;
        let image = self.channels() * height * width;
        let weights = self.weights_per_output();
        counts.par_chunks_exact_mut(BYTES).enumerate().for_each(|(lane, counts)| {
            let (group, weight) = (lane / weights, lane % weights);
            let (channel, tap) = self.channel_and_tap(weight);
            for image in input.chunks_exact(image) {
                let channel = (group * self.geometry.channels + channel) * height * width;
                self.count_tap(tap, &image[channel..][..height * width], padding, counts);
            }
        });
    }

    /// The input channel and the kernel tap of a weight: taps lie inside channels, and in transposed convolutions,
    /// whose taps are rows of their own, channels inside taps.
    fn channel_and_tap(&self, weight: usize) -> (usize, [usize; 2]) {
        let [_, columns] = self.geometry.kernel;
        let taps = self.geometry.kernel.iter().product::<usize>();
        let (channel, tap) = match self.flow {
            Flow::Forward => (weight / taps, weight % taps),
            Flow::Transposed => (weight % self.geometry.channels, weight / self.geometry.channels),
        };
        (channel, [tap / columns, tap % columns])
    }

    /// Counts what one tap reads of one channel.
    fn count_tap(&self, tap: [usize; 2], channel: &[u8], padding: u8, counts: &mut [u32]) {
        let geometry = &self.geometry;
        let [height, width] = geometry.input;
        if self.flow == Flow::Transposed {
            let [rows, columns] = [0, 1].map(|axis| Taps::new(geometry, axis).inputs(tap[axis]));
            for y in rows {
                channel[y * width..][columns.clone()].iter().for_each(|&byte| counts[usize::from(byte)] += 1);
            }
            return;
        }
        let source = |axis: usize, output: usize, size: usize| {
            let at = output * geometry.stride[axis] + tap[axis] * geometry.dilation[axis];
            at.checked_sub(geometry.padding[axis]).filter(|&at| at < size)
        };
        let columns: Vec<Option<usize>> = (0..geometry.output[1]).map(|x| source(1, x, width)).collect();
        for y in 0..geometry.output[0] {
            let row = source(0, y, height).map(|y| &channel[y * width..][..width]);
            for x in &columns {
                let byte = row.zip(*x).map_or(padding, |(row, x)| row[x]);
                counts[usize::from(byte)] += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::layer::{ConvAttributes, Convolution};

    /// One row of three under a kernel of two with a zero on either side, by hand: the first tap reads the padding
    /// and all three, the second all three and the padding.
    #[test]
    fn padding_is_counted_by_hand() {
        let row = ConvAttributes::<1> { padding: [[1, 1]], ..Default::default() };
        let window = row.window(&[1, 1, 3], &[1, 1, 2]).unwrap();
        let mut counts = vec![0; 2 * 256];
        window.count_activations(&[10, 20, 10], 7, &mut counts);
        let found: Vec<(usize, u32)> = counts.iter().copied().enumerate().filter(|&(_, count)| count > 0).collect();
        assert_eq!(found, [(7, 1), (10, 2), (20, 1), (256 + 7, 1), (256 + 10, 2), (256 + 20, 1)]);
    }
}
