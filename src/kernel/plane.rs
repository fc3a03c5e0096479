//! Padded planes: an image as convolutions read it.
//!
//! A [`Plane`] holds an image's padded channels such that every tap of every output position lies at
//! a constant distance from the position: planes are split by the phases of the stride, and output
//! positions are numbered with the pitch of the split plane. Patches are then copies of contiguous
//! runs ([`fill_tile`](super::fill_tile)); and where a depthwise convolution has one output for each
//! patch, so that copying patches costs more than looking them up, a kernel slides over the plane
//! itself ([`PackedWeights::slide`](super::PackedWeights::slide)).

use super::{ConvGeometry, LANES, Lanes, PackedWeights, Tile};
use std::cell::RefCell;
use std::ops::Range;

/// Where the padded channels that one group of a convolution reads from one image lie in memory:
/// `[channel][phase of rows][phase of columns][lines][pitch]`, and after the end as many values as a
/// whole number of [`LANES`] positions reads.
#[derive(Debug, Clone)]
struct Layout {
    geometry: ConvGeometry,
    /// Remainders of tap distances by the stride, for rows and columns.
    phases: [Vec<usize>; 2],
    /// For each phase of columns, the part of a line that is not padding.
    spans: Vec<Span>,
    lines: usize,
    pitch: usize,
    /// Of each tap from the position that reads it.
    offsets: Vec<usize>,
    /// Values of one image.
    len: usize,
}

impl Layout {
    fn new(geometry: ConvGeometry) -> Self {
        let g = &geometry;
        let phases = [0, 1].map(|axis| {
            let mut phases: Vec<_> = (0..g.kernel[axis]).map(|tap| tap * g.dilation[axis] % g.stride[axis]).collect();
            phases.sort_unstable();
            phases.dedup();
            phases
        });
        let [lines, pitch] =
            [0, 1].map(|axis| g.output[axis] + (g.kernel[axis] - 1) * g.dilation[axis] / g.stride[axis]);
        let plane = lines * pitch;
        let place = |axis: usize, tap: usize| {
            let distance = tap * g.dilation[axis];
            let phase = phases[axis].binary_search(&(distance % g.stride[axis])).expect("the phase of a tap");
            (phase, distance / g.stride[axis])
        };
        let mut taps = Vec::with_capacity(g.kernel[0] * g.kernel[1]);
        for ky in 0..g.kernel[0] {
            for kx in 0..g.kernel[1] {
                let ((phase_y, y), (phase_x, x)) = (place(0, ky), place(1, kx));
                taps.push((phase_y * phases[1].len() + phase_x) * plane + y * pitch + x);
            }
        }
        let channel = phases[0].len() * phases[1].len() * plane;
        let offsets = (0..g.channels).flat_map(|c| taps.iter().map(move |tap| c * channel + tap)).collect();
        let span = |&phase: &usize| Span::inside(g.input[1], phase, g.stride[1], g.padding[1], pitch);
        let spans = phases[1].iter().map(span).collect();
        Layout { geometry, spans, phases, lines, pitch, offsets, len: g.channels * channel + LANES }
    }
}

/// The planes of several images, in memory that is kept from one use to the next.
#[derive(Debug, Clone, Default)]
pub struct Planes<T = u8> {
    layout: Option<Layout>,
    padding: T,
    values: Vec<T>,
}

impl<T: Copy + PartialEq> Planes<T> {
    /// Makes room for `images` images of `geometry`, all padding.
    pub fn reset(&mut self, geometry: ConvGeometry, padding: T, images: usize) {
        let len = match &self.layout {
            Some(layout) if layout.geometry == geometry && self.padding == padding => layout.len,
            _ => {
                self.values.clear();
                self.padding = padding;
                self.layout.insert(Layout::new(geometry)).len
            }
        };
        // Images filled before have the same padding in the same places.
        self.values.resize(images * len, padding);
    }

    /// Fills in the channels of image `image`, `[channels, height, width]`.
    ///
    /// # Panics
    /// When there is no such image, or `channels` is of another size.
    pub fn fill(&mut self, image: usize, channels: &[T]) {
        let layout = self.layout.as_ref().expect("planes are reset before they are filled");
        let g = &layout.geometry;
        let [height, width] = g.input;
        assert_eq!(channels.len(), g.channels * height * width, "values of {} channels", g.channels);
        // Padding is in place from the beginning: it is the same for every image.
        let values = &mut self.values[image * layout.len..][..layout.len];
        if g.is_pointwise() {
            // No padding either: what is read is what is given.
            return values[..channels.len()].copy_from_slice(channels);
        }
        let mut out = values.chunks_exact_mut(layout.pitch);
        for c in 0..g.channels {
            for &phase_y in &layout.phases[0] {
                for span in &layout.spans {
                    for (line, out) in (0..layout.lines).zip(&mut out) {
                        // Unsigned, so that what lies before the first row wraps to a large number.
                        let y = (line * g.stride[0] + phase_y).wrapping_sub(g.padding[0]);
                        if y < height {
                            span.copy(&channels[(c * height + y) * width..][..width], g.stride[1], out);
                        }
                    }
                }
            }
        }
    }

    /// The plane of image `image`.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn plane(&self, image: usize) -> Plane<'_, T> {
        let layout = self.layout.as_ref().expect("planes are reset before they are read");
        Plane { layout, values: &self.values[image * layout.len..][..layout.len] }
    }
}

/// The padded channels that one group of a convolution reads from one image.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a, T = u8> {
    layout: &'a Layout,
    values: &'a [T],
}

impl<'a, T: Copy> Plane<'a, T> {
    /// Positions that a kernel computes, from the first output to the last, and those between output
    /// rows.
    pub fn positions(&self) -> usize {
        let [height, width] = self.layout.geometry.output;
        (height - 1) * self.layout.pitch + width
    }

    /// The window.
    pub fn geometry(&self) -> &'a ConvGeometry {
        &self.layout.geometry
    }

    /// The outputs of row `oy` among those of all positions.
    ///
    /// # Panics
    /// When there are fewer than [`positions`](Self::positions).
    pub fn output_row<'v, U>(&self, values: &'v [U], oy: usize) -> &'v [U] {
        &values[self.position(oy, 0)..][..self.layout.geometry.output[1]]
    }

    /// The values that tap `k` of `LANES` positions from `position` on reads.
    pub(super) fn tap(&self, k: usize, position: usize) -> &'a [T; LANES] {
        self.values[self.layout.offsets[k] + position..].first_chunk().expect("positions are followed by LANES values")
    }

    /// The values that tap `k` reads, from position 0 on; more follow the last position.
    ///
    /// # Panics
    /// When there is no tap `k`.
    pub fn from_tap(&self, k: usize) -> &'a [T] {
        &self.values[self.layout.offsets[k]..]
    }

    /// The index of output `(oy, ox)` among positions.
    pub fn position(&self, oy: usize, ox: usize) -> usize {
        oy * self.layout.pitch + ox
    }

    /// Whether outputs lie side by side, none of them between two rows.
    pub(super) fn is_dense(&self) -> bool {
        self.layout.pitch == self.layout.geometry.output[1]
    }

    /// Products summed for each position.
    pub(super) fn depth(&self) -> usize {
        self.layout.offsets.len()
    }
}

impl Plane<'_> {
    /// The bytes that tap `k` reads at positions, combined by OR.
    pub(super) fn union(&self, k: usize, positions: Range<usize>) -> u8 {
        self.from_tap(k)[positions].iter().fold(0, |union, byte| union | byte)
    }
}

/// The part of a strided read that is inside a line: elements `before..end`, from `start` on.
#[derive(Debug, Clone, Copy)]
struct Span {
    before: usize,
    end: usize,
    start: usize,
}

impl Span {
    /// Of `count` elements, of which element `i` is at `first + i * stride - padding` of a line.
    fn inside(length: usize, first: usize, stride: usize, padding: usize, count: usize) -> Self {
        let before = padding.saturating_sub(first).div_ceil(stride).min(count);
        let end = (length + padding).saturating_sub(first).div_ceil(stride).clamp(before, count);
        Span { before, end, start: (first + before * stride).saturating_sub(padding) }
    }

    /// Copies the elements inside `line` to their places in `out`.
    fn copy<T: Copy>(&self, line: &[T], stride: usize, out: &mut [T]) {
        if self.before == self.end {
            return;
        }
        let (inside, out) = (&line[self.start..], &mut out[self.before..self.end]);
        match stride {
            1 => copy(&inside[..out.len()], out),
            2 => {
                let (pairs, _) = inside.as_chunks::<2>();
                let (whole, last) = out.split_at_mut(pairs.len().min(out.len()));
                copy_first(&pairs[..whole.len()], whole);
                // The last element may be the line's.
                if let Some(last) = last.first_mut() {
                    *last = inside[2 * pairs.len()];
                }
            }
            _ => {
                for (out, &value) in out.iter_mut().zip(inside.iter().step_by(stride)) {
                    *out = value;
                }
            }
        }
    }
}

/// Copies a line, without the call that `copy_from_slice` makes where it is short.
fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    const STEP: usize = 16;
    if from.len() > 256 {
        to.copy_from_slice(from);
        return;
    }
    for (to, from) in to.as_chunks_mut::<STEP>().0.iter_mut().zip(from.as_chunks::<STEP>().0) {
        *to = *from;
    }
    // The last step overlaps the one before.
    match (to.last_chunk_mut::<STEP>(), from.last_chunk::<STEP>()) {
        (Some(to), Some(from)) => *to = *from,
        _ => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
    }
}

/// Copies the first of each pair, in steps that compilers turn into vector instructions.
fn copy_first<T: Copy>(pairs: &[[T; 2]], to: &mut [T]) {
    const STEP: usize = 16;
    let firsts = |pairs: &[[T; 2]; STEP]| pairs.map(|[first, _]| first);
    for (to, pairs) in to.as_chunks_mut::<STEP>().0.iter_mut().zip(pairs.as_chunks::<STEP>().0) {
        *to = firsts(pairs);
    }
    // The last step overlaps the one before.
    match (to.last_chunk_mut::<STEP>(), pairs.last_chunk::<STEP>()) {
        (Some(to), Some(pairs)) => *to = firsts(pairs),
        _ => to.iter_mut().zip(pairs).for_each(|(to, &[first, _])| *to = first),
    }
}

thread_local! {
    static TILE: RefCell<Tile> = RefCell::default();
}

/// [`PackedWeights::slide`] for kernels that have no loop of their own: taps are copied to tiles.
pub(super) fn slide_by_tiles<P: PackedWeights + ?Sized>(
    packed: &P,
    plane: &Plane,
    tap: usize,
    row: usize,
    positions: Range<usize>,
    sums: &mut [Lanes<i32>],
) {
    let depth = packed.depth();
    let sums = &mut sums[..positions.len().div_ceil(LANES)];
    TILE.with_borrow_mut(|tile| {
        for (start, sums) in positions.clone().step_by(LANES).zip(sums) {
            let columns = (positions.end - start).min(LANES);
            tile.reset(depth, columns);
            for k in 0..depth {
                tile.row_mut(k).copy_from_slice(&plane.tap(tap + k, start)[..columns]);
            }
            packed.sums(tile, row..row + 1, 0..depth, std::slice::from_mut(sums));
        }
    });
}
