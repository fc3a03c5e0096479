//! Taps read output row by output row, at any stride.

use crate::kernel::ConvGeometry;

/// What tap `[ky, kx]` reads at positions from `start` on, output row by output row.
pub(super) fn gather_rows(
    channel: &[u8],
    g: &ConvGeometry,
    [ky, kx]: [usize; 2],
    start: usize,
    padding_byte: u8,
    out: &mut [u8],
) {
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
fn gather(line: &[u8], first: usize, stride: usize, padding: usize, padding_byte: u8, out: &mut [u8]) {
    let span = Span::inside(line.len(), first, stride, padding, out.len());
    out[..span.before].fill(padding_byte);
    out[span.end..].fill(padding_byte);
    span.copy(line, stride, out);
}

/// The part of a strided read that is inside a line.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernel) struct Span {
    /// Elements read before the line, and up to its end.
    before: usize,
    end: usize,
    /// Where the first element inside the line is.
    start: usize,
}

impl Span {
    /// Of `count` elements, of which element `i` is at `first + i * stride - padding` of a line.
    pub(in crate::kernel) fn inside(length: usize, first: usize, stride: usize, padding: usize, count: usize) -> Self {
        // Division is slow beside the short runs that are copied.
        let steps = |distance: usize| match stride {
            1 => distance,
            2 => distance.div_ceil(2),
            stride => distance.div_ceil(stride),
        };
        let before = steps(padding.saturating_sub(first)).min(count);
        let end = steps((length + padding).saturating_sub(first)).clamp(before, count);
        Span { before, end, start: (first + before * stride).saturating_sub(padding) }
    }

    /// Copies the elements inside `line` to their places in `out`.
    pub(in crate::kernel) fn copy(&self, line: &[u8], stride: usize, out: &mut [u8]) {
        if self.before == self.end {
            return;
        }
        let (inside, out) = (&line[self.start..], &mut out[self.before..self.end]);
        match stride {
            1 => copy(&inside[..out.len()], out),
            2 => {
                let (fours, _) = out.as_chunks_mut::<4>();
                let (eights, _) = inside.as_chunks::<8>();
                let taken = 4 * fours.len().min(eights.len());
                for (out, &inside) in fours.iter_mut().zip(eights) {
                    *out = even_bytes(inside);
                }
                for (out, &byte) in out[taken..].iter_mut().zip(inside[2 * taken..].iter().step_by(2)) {
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
}

/// Bytes 0, 2, 4 and 6, moved together in one word.
fn even_bytes(bytes: [u8; 8]) -> [u8; 4] {
    let bytes = u64::from_le_bytes(bytes) & 0x00FF_00FF_00FF_00FF;
    let pairs = (bytes | bytes >> 8) & 0x0000_FFFF_0000_FFFF;
    ((pairs | pairs >> 16) as u32).to_le_bytes()
}

/// Copies a few bytes without the call that `copy_from_slice` makes.
fn copy(from: &[u8], to: &mut [u8]) {
    const STEP: usize = 16;
    if from.len() > 256 {
        to.copy_from_slice(from);
        return;
    }
    let to = &mut to[..from.len()];
    for (to, from) in to.as_chunks_mut::<STEP>().0.iter_mut().zip(from.as_chunks::<STEP>().0) {
        *to = *from;
    }
    // The last step overlaps the one before.
    match (to.last_chunk_mut::<STEP>(), from.last_chunk::<STEP>()) {
        (Some(to), Some(from)) => *to = *from,
        _ => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
    }
}
