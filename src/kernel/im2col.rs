//! Patches of byte images as the rows of a tile.

use super::{ConvGeometry, Tile};
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
    // Where output rows are as long as input rows, a tap reads a shifted copy of the image.
    let shifted = g.stride == [1, 1] && g.output[1] == g.input[1];
    for segment in segments(g.positions(), columns) {
        let image = &source.images[(segment.image * source.total_channels + source.first_channel) * plane..];
        for c in 0..g.channels {
            let channel = &image[c * plane..][..plane];
            for ky in 0..g.kernel[0] {
                for kx in 0..g.kernel[1] {
                    let row = tile.row_mut((c * g.kernel[0] + ky) * g.kernel[1] + kx);
                    let out = &mut row[segment.lanes.clone()];
                    if shifted {
                        shift(channel, g, [ky, kx], segment.start, source.padding_byte, out);
                    } else {
                        gather_rows(channel, g, [ky, kx], segment.start, source.padding_byte, out);
                    }
                }
            }
        }
    }
}

/// Positions of one image that lie side by side in a tile.
struct Segment {
    image: usize,
    /// The first position, counted through the image's rows.
    start: usize,
    lanes: Range<usize>,
}

/// Splits `columns` at the ends of images of `positions`.
fn segments(positions: usize, columns: Range<usize>) -> impl Iterator<Item = Segment> {
    let mut next = columns.start;
    std::iter::from_fn(move || {
        let column = next;
        next = ((column / positions + 1) * positions).min(columns.end);
        (column < columns.end).then(|| Segment {
            image: column / positions,
            start: column % positions,
            lanes: column - columns.start..next - columns.start,
        })
    })
}

/// What tap `[ky, kx]` reads at positions from `start` on, where it is `channel` itself, shifted.
fn shift(channel: &[u8], g: &ConvGeometry, [ky, kx]: [usize; 2], start: usize, padding_byte: u8, out: &mut [u8]) {
    let [height, width] = g.input;
    let (down, right) = (ky * g.dilation[0], kx * g.dilation[1]);
    // Positions whose row is inside: `padding <= oy + down < height + padding`.
    let position = |row: usize| (row * width).clamp(start, start + out.len()) - start;
    let first = position(g.padding[0].saturating_sub(down));
    let end = position((height + g.padding[0]).saturating_sub(down)).max(first);
    out[..first].fill(padding_byte);
    out[end..].fill(padding_byte);
    // The rows inside are one run of bytes, of which those that wrapped around a row's end are
    // written over below: the first and the last row's may even lie outside the channel.
    let (read, lost) = ((start + first + down * width + right), (g.padding[0] * width + g.padding[1]));
    let before = lost.saturating_sub(read).min(end - first);
    let available = (channel.len() + lost).saturating_sub(read).clamp(before, end - first);
    if before < available {
        copy(&channel[read + before - lost..][..available - before], &mut out[first + before..first + available]);
    }
    // Columns inside: `padding <= ox + right < width + padding`.
    let left = g.padding[1].saturating_sub(right).min(width);
    let kept = (width + g.padding[1]).saturating_sub(right).clamp(left, width);
    if left == 0 && kept == width {
        return;
    }
    let mut row = (start + first) / width * width;
    while row < start + end {
        for columns in [row..row + left, row + kept..row + width] {
            let lane = |position: usize| position.clamp(start + first, start + end) - start;
            out[lane(columns.start)..lane(columns.end)].fill(padding_byte);
        }
        row += width;
    }
}

/// What tap `[ky, kx]` reads at positions from `start` on, output row by output row.
fn gather_rows(channel: &[u8], g: &ConvGeometry, [ky, kx]: [usize; 2], start: usize, padding_byte: u8, out: &mut [u8]) {
    let [height, width] = g.input;
    let (mut oy, mut ox) = (start / g.output[1], start % g.output[1]);
    let mut rest = out;
    while !rest.is_empty() {
        let count = (g.output[1] - ox).min(rest.len());
        let (out, after) = rest.split_at_mut(count);
        // Unsigned, so that what lies before the first row wraps to a large number.
        let y = (oy * g.stride[0] + ky * g.dilation[0]).wrapping_sub(g.padding[0]);
        if y < height {
            let first = ox * g.stride[1] + kx * g.dilation[1];
            gather(&channel[y * width..][..width], first, g.stride[1], g.padding[1], padding_byte, out);
        } else {
            out.fill(padding_byte);
        }
        (rest, oy, ox) = (after, oy + 1, 0);
    }
}

/// `out[i] = line[first + i * stride - padding]`, or the padding byte outside the line.
pub(super) fn gather(line: &[u8], first: usize, stride: usize, padding: usize, padding_byte: u8, out: &mut [u8]) {
    // Division is slow beside the short runs that are copied.
    let steps = |distance: usize| match stride {
        1 => distance,
        2 => distance.div_ceil(2),
        stride => distance.div_ceil(stride),
    };
    let before = steps(padding.saturating_sub(first)).min(out.len());
    let end = steps((line.len() + padding).saturating_sub(first)).clamp(before, out.len());
    out[..before].fill(padding_byte);
    out[end..].fill(padding_byte);
    if before == end {
        return;
    }
    let (inside, out) = (&line[first + before * stride - padding..], &mut out[before..end]);
    match stride {
        1 => copy(&inside[..out.len()], out),
        2 => {
            let (pairs, last) = inside.as_chunks::<2>();
            let count = out.len().min(pairs.len());
            for (out, &[byte, _]) in out.iter_mut().zip(pairs) {
                *out = byte;
            }
            if let (Some(out), &[byte]) = (out.get_mut(count), last) {
                *out = byte;
            }
        }
        stride => {
            for (out, &byte) in out.iter_mut().zip(inside.iter().step_by(stride)) {
                *out = byte;
            }
        }
    }
}

/// Copies a few bytes without the call that `copy_from_slice` makes.
fn copy(from: &[u8], to: &mut [u8]) {
    const STEP: usize = 16;
    if from.len() < STEP || from.len() > 256 {
        to.copy_from_slice(from);
        return;
    }
    let to = &mut to[..from.len()];
    for (to, from) in to.as_chunks_mut::<STEP>().0.iter_mut().zip(from.as_chunks::<STEP>().0) {
        *to = *from;
    }
    // The last step overlaps the one before.
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<STEP>(), from.last_chunk::<STEP>()) {
        *to = *from;
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
