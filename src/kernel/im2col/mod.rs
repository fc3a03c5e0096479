//! Patches of byte images as the rows of a tile.
//!
//! Beside fast look-ups, moving bytes is what a layer spends its time on. Convolutions that keep the
//! size of their input, which most are, read shifted copies of it; the others gather row by row.

mod gather;
mod shift;

pub(super) use gather::Span;

use super::{ConvGeometry, Tile};
use shift::Shifts;
use std::cell::RefCell;
use std::ops::Range;

/// Byte images of one batch, and which group of their channels a convolution reads.
#[derive(Debug, Clone, Copy)]
pub struct Im2col<'a> {
    /// `[batch, total_channels, height, width]`, contiguous.
    pub images: &'a [u8],
    /// Channels of an image, of all groups.
    pub total_channels: usize,
    /// The group's first channel.
    pub first_channel: usize,
    /// The window.
    pub geometry: ConvGeometry,
    /// The byte that stands for padding: the quantized zero.
    pub padding_byte: u8,
}

/// Memory that calls on one thread share.
#[derive(Default)]
struct Scratch {
    segments: Vec<Segment>,
    shifts: Shifts,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Fills `tile` with the patches of output positions `columns`, counted through image, row, column.
///
/// Tile row `(c * kh + ky) * kw + kx` holds tap `(ky, kx)` of channel `c` for every position.
///
/// # Panics
/// When `columns` reaches past the batch or is wider than a tile.
pub fn fill_tile(source: &Im2col, columns: Range<usize>, tile: &mut Tile) {
    let g = &source.geometry;
    let plane = g.input[0] * g.input[1];
    tile.reset(g.depth(), columns.len());
    SCRATCH.with_borrow_mut(|Scratch { segments, shifts }| {
        split(g.positions(), columns, segments);
        let shifted = Shifts::suit(g);
        if shifted {
            shifts.reset(g, segments);
        }
        let taps = g.kernel[0] * g.kernel[1];
        for k in 0..g.depth() {
            let (c, tap) = (k / taps, k % taps);
            let row = tile.row_mut(k);
            for segment in &*segments {
                let start = (segment.image * source.total_channels + source.first_channel + c) * plane;
                let channel = &source.images[start..][..plane];
                if shifted {
                    shifts.read(tap, channel, segment, source.padding_byte, row);
                } else {
                    let out = &mut row[segment.lanes.clone()];
                    let (ky, kx) = (tap / g.kernel[1], tap % g.kernel[1]);
                    gather::gather_rows(channel, g, [ky, kx], segment.start, source.padding_byte, out);
                }
            }
        }
    });
}

/// Positions of one image that lie side by side in a tile.
#[derive(Debug, Clone)]
struct Segment {
    image: usize,
    /// The first position, counted through the image's rows.
    start: usize,
    lanes: Range<usize>,
}

/// Splits `columns` at the ends of images of `positions`.
fn split(positions: usize, columns: Range<usize>, segments: &mut Vec<Segment>) {
    segments.clear();
    let mut column = columns.start;
    while column < columns.end {
        let (image, start) = (column / positions, column % positions);
        let next = ((image + 1) * positions).min(columns.end);
        segments.push(Segment { image, start, lanes: column - columns.start..next - columns.start });
        column = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::geometry;
    use proptest::prelude::*;

    /// The byte that tap `k` of output position `column` reads, from the definition of a convolution.
    fn tap(source: &Im2col, k: usize, column: usize) -> u8 {
        let g = &source.geometry;
        let (c, ky, kx) = (k / (g.kernel[0] * g.kernel[1]), k / g.kernel[1] % g.kernel[0], k % g.kernel[1]);
        let (image, oy, ox) = (column / g.positions(), column % g.positions() / g.output[1], column % g.output[1]);
        let at = |o: usize, tap: usize, axis: usize| {
            (o * g.stride[axis] + tap * g.dilation[axis]).cast_signed() - g.padding[axis].cast_signed()
        };
        let (y, x) = (at(oy, ky, 0), at(ox, kx, 1));
        let [height, width] = g.input.map(usize::cast_signed);
        if y < 0 || y >= height || x < 0 || x >= width {
            return source.padding_byte;
        }
        let channel = image * source.total_channels + source.first_channel + c;
        source.images[(channel * g.input[0] + y.cast_unsigned()) * g.input[1] + x.cast_unsigned()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn tiles_hold_what_a_naive_gather_reads(
            geometry in geometry(), batch in 1usize..4, before in 0usize..2, after in 0usize..2,
            start in any::<prop::sample::Index>(), length in 1usize..=256, seed in any::<u32>(),
        ) {
            let total_channels = before + geometry.channels + after;
            let size = batch * total_channels * geometry.input[0] * geometry.input[1];
            let images: Vec<u8> =
                (0..size as u32).map(|i| (i.wrapping_add(seed).wrapping_mul(0x9E37_79B1) >> 24) as u8).collect();
            let source =
                Im2col { images: &images, total_channels, first_channel: before, geometry, padding_byte: seed as u8 };
            let all = batch * geometry.positions();
            let start = start.index(all);
            let columns = start..(start + length).min(all);
            let mut tile = Tile::default();
            fill_tile(&source, columns.clone(), &mut tile);
            prop_assert_eq!(tile.columns(), columns.len());
            prop_assert_eq!(tile.rows().len(), geometry.depth());
            for k in 0..geometry.depth() {
                for (lane, column) in columns.clone().enumerate() {
                    prop_assert_eq!(tile.rows()[k].0[lane], tap(&source, k, column), "tap {} of position {}", k, column);
                }
            }
        }
    }
}
