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
pub(in crate::kernel) fn gather(
    line: &[u8],
    first: usize,
    stride: usize,
    padding: usize,
    padding_byte: u8,
    out: &mut [u8],
) {
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
