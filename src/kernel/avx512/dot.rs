//! Exact products: an integer matrix product by `vpdpbusd`, four products to a lane.

use super::lookup::{BLOCK, BLOCKS};
use crate::kernel::operands::ByteOperands;
use crate::kernel::shuffle::{interleave, transpose_parts};
use crate::kernel::{LANES, Lanes, Signedness};
use std::arch::x86_64::*;
use std::ops::Range;

/// Tile rows interleaved by fours: entry `4 * g + i` of a block holds, in its 128-bit part `p`,
/// rows `4 * g` to `4 * g + 3` of lanes `16 * p + 4 * i` to `16 * p + 4 * i + 3`.
#[derive(Debug, Default)]
pub(super) struct Panel {
    /// `[block][group][4]`.
    lines: Vec<Lanes4>,
    groups: usize,
}

/// Four registers of bytes.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Lanes4([u8; LANES]);

impl Panel {
    /// Interleaves the first `blocks` registers of `rows`, each byte flipped by `flip`; rows that
    /// the last group has not are zeros.
    ///
    /// # Panics
    /// When there are no rows.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn fill(&mut self, rows: &[Lanes<u8>], blocks: usize, flip: u8) {
        assert!(blocks <= BLOCKS);
        self.groups = rows.len().div_ceil(4);
        self.lines.resize(blocks * self.groups, Lanes4([0; LANES]));
        let flip = _mm512_set1_epi8(flip.cast_signed());
        for (block, panel) in self.lines.chunks_exact_mut(self.groups).enumerate() {
            for (four, out) in rows.chunks(4).zip(panel) {
                let mut bytes = [_mm512_setzero_si512(); 4];
                for (bytes, row) in bytes.iter_mut().zip(four) {
                    // SAFETY: `block < BLOCKS`, the registers that a row's 256 aligned bytes are.
                    let row = unsafe { _mm512_load_si512(row.0.as_ptr().cast::<__m512i>().add(block)) };
                    *bytes = _mm512_xor_si512(row, flip);
                }
                for (i, four) in interleave(bytes).into_iter().enumerate() {
                    // SAFETY: `out` is four registers of aligned bytes.
                    unsafe { _mm512_store_si512(out.0.as_mut_ptr().cast::<__m512i>().add(i), four) };
                }
            }
        }
    }
}

/// Adds the products of weight rows `rows` and a panel of tile rows `depth`, and the constants of
/// those rows, to `sums`, or overwrites them if those are `fresh`.
///
/// # Panics
/// When rows or depth reach past the operands, or the panel is of another depth.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vnni")]
pub(super) fn products(
    operands: &ByteOperands,
    panel: &Panel,
    rows: Range<usize>,
    depth: Range<usize>,
    constants: &[i32],
    fresh: bool,
    sums: &mut [Lanes<i32>],
) {
    assert!(panel.groups == depth.len().div_ceil(4) && panel.groups > 0);
    assert!(rows.end <= operands.rows() && depth.end <= operands.depth());
    assert!(constants.len() == rows.len() && sums.len() == rows.len());
    for (block, lines) in panel.lines.chunks_exact(panel.groups).enumerate() {
        let starts = rows.clone().step_by(ROWS).map(|row| operands.from(row, depth.start));
        for ((weights, constants), sums) in starts.zip(constants.chunks(ROWS)).zip(sums.chunks_mut(ROWS)) {
            let task = Task { weights, stride: operands.depth(), lines, constants, block, fresh };
            // SAFETY: a row from `depth.start` on has at least the panel's groups of weights, of which
            // the last may be padding, and `weights` is followed by `sums.len() - 1` more rows.
            unsafe {
                match (sums.len(), operands.slope_signedness() == Signedness::Signed) {
                    (1, true) => task.run::<1, true>(sums),
                    (2, true) => task.run::<2, true>(sums),
                    (3, true) => task.run::<3, true>(sums),
                    (4, true) => task.run::<4, true>(sums),
                    (5, true) => task.run::<5, true>(sums),
                    (_, true) => task.run::<ROWS, true>(sums),
                    (1, false) => task.run::<1, false>(sums),
                    (2, false) => task.run::<2, false>(sums),
                    (3, false) => task.run::<3, false>(sums),
                    (4, false) => task.run::<4, false>(sums),
                    (5, false) => task.run::<5, false>(sums),
                    (_, false) => task.run::<ROWS, false>(sums),
                }
            }
        }
    }
}

/// Outputs computed side by side: with four registers of lanes each, they leave room for operands.
const ROWS: usize = 6;

/// A few outputs over one block of lanes.
struct Task<'a> {
    /// The first row's, and at `stride` those of the next.
    weights: &'a [u8],
    stride: usize,
    lines: &'a [Lanes4],
    constants: &'a [i32],
    block: usize,
    fresh: bool,
}

impl Task<'_> {
    /// Computes `COUNT` outputs.
    ///
    /// # Safety
    /// `COUNT - 1` strides of weights are followed by four bytes for each of `lines`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vnni")]
    unsafe fn run<const COUNT: usize, const SIGNED: bool>(&self, sums: &mut [Lanes<i32>]) {
        debug_assert!(self.weights.len() >= (COUNT - 1) * self.stride + 4 * self.lines.len());
        let mut wide = [[_mm512_setzero_si512(); 4]; COUNT];
        for (group, line) in self.lines.iter().enumerate() {
            // SAFETY: `Lanes4` is four aligned registers.
            let activations: [__m512i; 4] =
                std::array::from_fn(|i| unsafe { _mm512_load_si512(line.0.as_ptr().cast::<__m512i>().add(i)) });
            for (row, wide) in wide.iter_mut().enumerate() {
                // SAFETY: the caller grants four bytes for each line in each row.
                let four =
                    unsafe { self.weights.as_ptr().add(row * self.stride + 4 * group).cast::<i32>().read_unaligned() };
                let four = _mm512_set1_epi32(four);
                for (wide, activations) in wide.iter_mut().zip(activations) {
                    *wide = dot::<SIGNED>(*wide, activations, four);
                }
            }
        }
        for ((wide, &constant), sums) in wide.into_iter().zip(self.constants).zip(sums) {
            store(wide, constant, self.fresh, &mut sums.0[self.block * BLOCK..][..BLOCK]);
        }
    }
}

/// Adds the products of four bytes to each lane; the instruction takes the unsigned ones first.
#[target_feature(enable = "avx512f,avx512vnni")]
fn dot<const SIGNED_SLOPES: bool>(sums: __m512i, activations: __m512i, slopes: __m512i) -> __m512i {
    if SIGNED_SLOPES {
        _mm512_dpbusd_epi32(sums, activations, slopes)
    } else {
        _mm512_dpbusd_epi32(sums, slopes, activations)
    }
}

/// Puts the sums of [`interleave`]d lanes in order, with a constant; adds them to `sums`, or
/// overwrites them if those are `fresh`.
#[target_feature(enable = "avx512f")]
fn store(wide: [__m512i; 4], constant: i32, fresh: bool, sums: &mut [i32]) {
    let constant = _mm512_set1_epi32(constant);
    for (part, sums) in transpose_parts(wide).into_iter().zip(sums.as_chunks_mut::<16>().0) {
        // SAFETY: `sums` is 64 bytes long, and the access is unaligned.
        unsafe {
            let sums = sums.as_mut_ptr().cast();
            let before = if fresh { constant } else { _mm512_add_epi32(_mm512_loadu_si512(sums), constant) };
            _mm512_storeu_si512(sums, _mm512_add_epi32(part, before));
        }
    }
}

/// Overwrites the sums of `blocks` blocks of lanes with the products of weight row `row` and the
/// activations that `at` each of its products.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vnni")]
pub(super) fn slide<'a>(
    operands: &ByteOperands,
    row: usize,
    at: impl Fn(usize) -> &'a [u8; LANES],
    blocks: usize,
    sums: &mut Lanes<i32>,
) {
    match operands.slope_signedness() {
        Signedness::Signed => slide_by::<true>(operands, row, at, blocks, sums),
        Signedness::Unsigned => slide_by::<false>(operands, row, at, blocks, sums),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vnni")]
fn slide_by<'a, const SIGNED: bool>(
    operands: &ByteOperands,
    row: usize,
    at: impl Fn(usize) -> &'a [u8; LANES],
    blocks: usize,
    sums: &mut Lanes<i32>,
) {
    let (depth, slopes) = (operands.depth(), operands.from(row, 0));
    let constant = operands.constant(row, 0..depth);
    let flip = _mm512_set1_epi8(operands.flip().cast_signed());
    for (block, sums) in sums.0.as_chunks_mut::<BLOCK>().0.iter_mut().take(blocks).enumerate() {
        let mut wide = [_mm512_setzero_si512(); 4];
        for first in (0..depth).step_by(4) {
            // Taps past the last are the last one again, times zero.
            let four = std::array::from_fn(|i| if first + i < depth { slopes[first + i] } else { 0 });
            let four = i32::from_le_bytes(four);
            let bytes = std::array::from_fn(|i| {
                let tap: &[u8; BLOCK] = at((first + i).min(depth - 1))[block * BLOCK..].first_chunk().expect("a block");
                // SAFETY: a register of bytes is read, and the access is unaligned.
                _mm512_xor_si512(unsafe { _mm512_loadu_si512(tap.as_ptr().cast()) }, flip)
            });
            for (wide, activations) in wide.iter_mut().zip(interleave(bytes)) {
                *wide = dot::<SIGNED>(*wide, activations, _mm512_set1_epi32(four));
            }
        }
        store(wide, constant, true, sums);
    }
}
