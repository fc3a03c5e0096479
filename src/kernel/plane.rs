//! Padded planes for convolutions of few channels, where patches as tile rows would waste lanes.
//!
//! A depthwise convolution has one output for each patch, so that gathering patches costs more than
//! looking them up. A [`Plane`] instead holds an image's padded channels such that every tap of
//! every output position lies at a constant distance from the position: planes are split by the
//! phases of the stride, and output positions are numbered with the pitch of the split plane. A
//! kernel then slides over it ([`PackedWeights::slide`](super::PackedWeights::slide)).

use super::im2col::Span;
use super::{ConvGeometry, LANES, Lanes, PackedWeights, Tile};
use std::cell::RefCell;

/// The padded channels that one group of a convolution reads from one image.
#[derive(Debug, Clone)]
pub struct Plane {
    geometry: ConvGeometry,
    padding_byte: u8,
    /// `[channel][phase of rows][phase of columns][lines][pitch]`, and as many bytes after the end
    /// as a whole number of [`LANES`] positions reads.
    bytes: Vec<u8>,
    /// Remainders of tap distances by the stride, for rows and columns.
    phases: [Vec<usize>; 2],
    /// For each phase of columns, the part of a line that is not padding.
    spans: Vec<Span>,
    lines: usize,
    pitch: usize,
    offsets: Vec<usize>,
    union: u8,
}

impl Plane {
    /// A plane for `geometry`, all padding.
    pub fn new(geometry: ConvGeometry, padding_byte: u8) -> Self {
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
        let mut offsets = Vec::with_capacity(g.depth());
        for c in 0..g.channels {
            for ky in 0..g.kernel[0] {
                for kx in 0..g.kernel[1] {
                    let ((phase_y, y), (phase_x, x)) = (place(0, ky), place(1, kx));
                    let phase = (c * phases[0].len() + phase_y) * phases[1].len() + phase_x;
                    offsets.push(phase * plane + y * pitch + x);
                }
            }
        }
        let split = g.channels * phases[0].len() * phases[1].len() * plane;
        let bytes = vec![padding_byte; split + LANES];
        let span = |&phase: &usize| Span::inside(g.input[1], phase, g.stride[1], g.padding[1], pitch);
        let spans = phases[1].iter().map(span).collect();
        Plane { geometry, padding_byte, bytes, phases, spans, lines, pitch, offsets, union: padding_byte }
    }

    /// Takes an image's channels, `[channels, height, width]`.
    ///
    /// # Panics
    /// When `channels` is of another size.
    pub fn fill(&mut self, channels: &[u8]) {
        let g = &self.geometry;
        let [height, width] = g.input;
        assert_eq!(channels.len(), g.channels * height * width, "bytes of {} channels", g.channels);
        // Padding is there from the beginning: it is the same for every image.
        let mut out = self.bytes.chunks_exact_mut(self.pitch);
        for c in 0..g.channels {
            for &phase_y in &self.phases[0] {
                for span in &self.spans {
                    for (line, out) in (0..self.lines).zip(&mut out) {
                        // Unsigned, so that what lies before the first row wraps to a large number.
                        let y = (line * g.stride[0] + phase_y).wrapping_sub(g.padding[0]);
                        if y < height {
                            span.copy(&channels[(c * height + y) * width..][..width], g.stride[1], out);
                        }
                    }
                }
            }
        }
        self.union = channels.iter().fold(self.padding_byte, |union, byte| union | byte);
    }

    /// Positions that a kernel computes, from the first output to the last, and those between output
    /// rows.
    pub fn positions(&self) -> usize {
        let [height, width] = self.geometry.output;
        (height - 1) * self.pitch + width
    }

    /// The window.
    pub fn geometry(&self) -> &ConvGeometry {
        &self.geometry
    }

    /// The sums of output row `oy` among those of all positions.
    ///
    /// # Panics
    /// When there are fewer than [`positions`](Self::positions).
    pub fn output_row<'a>(&self, sums: &'a [Lanes<i32>], oy: usize) -> &'a [i32] {
        &Lanes::flatten(sums)[oy * self.pitch..][..self.geometry.output[1]]
    }

    /// The bytes that tap `k` of `LANES` positions from `position` on reads.
    pub(super) fn tap(&self, k: usize, position: usize) -> &[u8; LANES] {
        self.bytes[self.offsets[k] + position..].first_chunk().expect("positions are followed by LANES bytes")
    }

    /// Products summed for each position.
    pub(super) fn depth(&self) -> usize {
        self.offsets.len()
    }

    /// All bytes that are read, combined by OR.
    pub(super) fn union(&self) -> u8 {
        self.union
    }
}

thread_local! {
    static TILE: RefCell<Tile> = RefCell::default();
}

/// [`PackedWeights::slide`] for kernels that have no loop of their own: taps are copied to tiles.
pub(super) fn slide_by_tiles<P: PackedWeights + ?Sized>(
    packed: &P,
    plane: &Plane,
    row: usize,
    sums: &mut [Lanes<i32>],
) {
    let positions = plane.positions();
    TILE.with_borrow_mut(|tile| {
        for (start, sums) in (0..positions).step_by(LANES).zip(&mut sums[..positions.div_ceil(LANES)]) {
            let columns = (positions - start).min(LANES);
            tile.reset(plane.depth(), columns);
            for k in 0..plane.depth() {
                tile.row_mut(k).copy_from_slice(&plane.tap(k, start)[..columns]);
            }
            packed.sums(tile, row..row + 1, 0..plane.depth(), std::slice::from_mut(sums));
        }
    });
}
