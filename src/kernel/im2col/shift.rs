//! Taps of convolutions whose output rows are as long as their input rows.
//!
//! What such a tap reads at successive positions are successive bytes of the channel, except that
//! those outside the image are padding. Which these are is the same for every channel: they are
//! marked once for a tile, and each row is one masked copy for each image.

use super::Segment;
use crate::kernel::{ConvGeometry, LANES, Lanes};

/// Where each tap reads, for the positions of one tile.
#[derive(Debug, Default)]
pub(super) struct Shifts {
    taps: Vec<Tap>,
    /// Bytes of an image before its first, in the channel with its padding as rows of the image's.
    lead: usize,
}

#[derive(Debug)]
struct Tap {
    /// The distance of what is read from the position, counted from `lead` bytes before the channel.
    distance: usize,
    /// 255 for lanes that read the image, 0 for those that read padding.
    inside: Lanes<u8>,
}

impl Shifts {
    /// Whether a window's taps read shifted copies.
    pub(super) fn suit(g: &ConvGeometry) -> bool {
        g.stride == [1, 1] && g.output[1] == g.input[1]
    }

    /// Marks the lanes of `segments`.
    pub(super) fn reset(&mut self, g: &ConvGeometry, segments: &[Segment]) {
        let width = g.input[1];
        let (mut ys, mut xs) = ([0u32; LANES], [0u32; LANES]);
        for segment in segments {
            let (mut y, mut x) = (segment.start / width, segment.start % width);
            for lane in segment.lanes.clone() {
                (ys[lane], xs[lane]) = (y as u32, x as u32);
                x += 1;
                if x == width {
                    (y, x) = (y + 1, 0);
                }
            }
        }
        self.lead = g.padding[0] * width + g.padding[1];
        self.taps.clear();
        // Unsigned and modulo 2^32, so that what lies before the image wraps to large numbers.
        let from = |tap: usize, axis: usize| (tap * g.dilation[axis]).wrapping_sub(g.padding[axis]) as u32;
        let [height, width] = g.input.map(|size| size as u32);
        for ky in 0..g.kernel[0] {
            for kx in 0..g.kernel[1] {
                let (down, right) = (from(ky, 0), from(kx, 1));
                let inside = std::array::from_fn(|lane| {
                    let rows = ys[lane].wrapping_add(down) < height;
                    let columns = xs[lane].wrapping_add(right) < width;
                    if rows & columns { 255 } else { 0 }
                });
                let distance = ky * g.dilation[0] * g.input[1] + kx * g.dilation[1];
                self.taps.push(Tap { distance, inside: Lanes(inside) });
            }
        }
    }

    /// Fills a segment of `row` with what tap number `tap` reads of `channel`.
    pub(super) fn read(&self, tap: usize, channel: &[u8], segment: &Segment, padding_byte: u8, row: &mut [u8]) {
        let Tap { distance, inside } = &self.taps[tap];
        let (out, inside) = (&mut row[segment.lanes.clone()], &inside.0[segment.lanes.clone()]);
        // The channel may begin or end within the segment; beyond it all is padding.
        let start = segment.start + distance;
        let first = self.lead.saturating_sub(start).min(out.len());
        let end = (channel.len() + self.lead).saturating_sub(start).clamp(first, out.len());
        out[..first].fill(padding_byte);
        out[end..].fill(padding_byte);
        if first < end {
            let bytes = &channel[start + first - self.lead..][..end - first];
            masked_copy(bytes, &inside[first..end], padding_byte, &mut out[first..end]);
        }
    }
}

/// Copies the bytes that are inside, and puts padding in the place of the others.
fn masked_copy(bytes: &[u8], inside: &[u8], padding_byte: u8, out: &mut [u8]) {
    const STEP: usize = 16;
    let select = |byte: u8, inside: u8| byte & inside | padding_byte & !inside;
    let step = |bytes: &[u8; STEP], inside: &[u8; STEP]| std::array::from_fn(|i| select(bytes[i], inside[i]));
    let steps = bytes.as_chunks::<STEP>().0.iter().zip(inside.as_chunks::<STEP>().0);
    for (out, (bytes, inside)) in out.as_chunks_mut::<STEP>().0.iter_mut().zip(steps) {
        *out = step(bytes, inside);
    }
    // The last step overlaps the one before.
    match (bytes.last_chunk(), inside.last_chunk(), out.last_chunk_mut()) {
        (Some(bytes), Some(inside), Some(out)) => *out = step(bytes, inside),
        _ => {
            for ((out, &byte), &inside) in out.iter_mut().zip(bytes).zip(inside) {
                *out = select(byte, inside);
            }
        }
    }
}
