//! Patches of images as the rows of a tile.

use super::{ConvGeometry, Tile};
use std::ops::Range;

/// Images of one batch, and which group of their channels a convolution reads.
#[derive(Debug, Clone, Copy)]
pub struct Im2col<'a, T = u8> {
    /// `[batch, total_channels, height, width]`, contiguous.
    pub images: &'a [T],
    /// Channels of an image, of all groups.
    pub total_channels: usize,
    /// The group's first channel.
    pub first_channel: usize,
    /// The window.
    pub geometry: ConvGeometry,
    /// What stands for padding: the quantized zero.
    pub padding: T,
}

/// Fills `tile` with the patches of output positions `columns`, counted through image, row, column.
///
/// Tile row `(c * kh + ky) * kw + kx` holds tap `(ky, kx)` of channel `c` for every position.
///
/// # Panics
/// When `columns` reaches past the batch or is wider than a tile.
pub fn fill_tile<T: Copy + Default>(source: &Im2col<T>, columns: Range<usize>, tile: &mut Tile<T>) {
    let g = &source.geometry;
    let [height, width] = g.input;
    let plane = height * width;
    tile.reset(g.depth(), columns.len());
    if plane == 1 && g.kernel == [1, 1] && g.padding == [0, 0] && g.positions() == 1 {
        return transpose(source, columns, tile);
    }
    for c in 0..g.channels {
        let channel = (source.first_channel + c) * plane;
        for ky in 0..g.kernel[0] {
            for kx in 0..g.kernel[1] {
                let row = tile.row_mut((c * g.kernel[0] + ky) * g.kernel[1] + kx);
                for run in runs(g, columns.clone()) {
                    let out = &mut row[run.lanes.clone()];
                    // Positions are kept unsigned and shifted by the padding, so that "before the
                    // first row" wraps to a number larger than any height.
                    let y = (run.oy * g.stride[0] + ky * g.dilation[0]).wrapping_sub(g.padding[0]);
                    if y >= height {
                        out.fill(source.padding);
                        continue;
                    }
                    let line =
                        &source.images[run.image * source.total_channels * plane + channel + y * width..][..width];
                    let first = run.ox * g.stride[1] + kx * g.dilation[1];
                    gather(line, first, g.stride[1], g.padding[1], source.padding, out);
                }
            }
        }
    }
}

/// The rows of a linear layer: one position an image, whose operands lie side by side.
fn transpose<T: Copy + Default>(source: &Im2col<T>, columns: Range<usize>, tile: &mut Tile<T>) {
    /// Operands moved at a time, so that the lines written to stay in the first-level cache.
    const BLOCK: usize = 64;
    let channels = source.geometry.channels;
    for first in (0..channels).step_by(BLOCK) {
        let block = first..(first + BLOCK).min(channels);
        for (lane, image) in columns.clone().enumerate() {
            let operands = &source.images[image * source.total_channels + source.first_channel..][block.clone()];
            for (k, &operand) in block.clone().zip(operands) {
                tile.row_mut(k)[lane] = operand;
            }
        }
    }
}

/// Positions of one output row that lie side by side in a tile.
struct Run {
    image: usize,
    oy: usize,
    ox: usize,
    lanes: Range<usize>,
}

/// Splits `columns` at the ends of output rows.
fn runs(g: &ConvGeometry, columns: Range<usize>) -> impl Iterator<Item = Run> + use<> {
    let (positions, width) = (g.positions(), g.output[1]);
    let mut next = columns.start;
    std::iter::from_fn(move || {
        let column = next;
        let (image, position) = (column / positions, column % positions);
        let ox = position % width;
        next = (column + width - ox).min(columns.end);
        (column < columns.end).then(|| Run {
            image,
            oy: position / width,
            ox,
            lanes: column - columns.start..next - columns.start,
        })
    })
}

/// `out[i] = line[first + i * stride - padding]`, or `zero` outside the line.
pub(super) fn gather<T: Copy>(line: &[T], first: usize, stride: usize, padding: usize, zero: T, out: &mut [T]) {
    let before = padding.saturating_sub(first).div_ceil(stride).min(out.len());
    let end = (line.len() + padding).saturating_sub(first).div_ceil(stride).clamp(before, out.len());
    out[..before].fill(zero);
    out[end..].fill(zero);
    if before == end {
        return;
    }
    let inside = &line[first + before * stride - padding..];
    if stride == 1 {
        out[before..end].copy_from_slice(&inside[..end - before]);
    } else {
        for (out, &value) in out[before..end].iter_mut().zip(inside.iter().step_by(stride)) {
            *out = value;
        }
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
