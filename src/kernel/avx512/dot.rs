//! Exact products: an integer matrix product by `vpdpbusd`, four products to a lane.

use super::lookup::{BLOCK, BLOCKS};
use crate::kernel::operands::ByteOperands;
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
    /// the last four lack are zeros.
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
                let [a, b, c, d] = bytes;
                let (ab0, ab1) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
                let (cd0, cd1) = (_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d));
                let fours = [
                    _mm512_unpacklo_epi16(ab0, cd0),
                    _mm512_unpackhi_epi16(ab0, cd0),
                    _mm512_unpacklo_epi16(ab1, cd1),
                    _mm512_unpackhi_epi16(ab1, cd1),
                ];
                for (i, four) in fours.into_iter().enumerate() {
                    // SAFETY: `out` is four registers of aligned bytes.
                    unsafe { _mm512_store_si512(out.0.as_mut_ptr().cast::<__m512i>().add(i), four) };
                }
            }
        }
    }
}

/// Overwrites `sums` with the products of weight rows `rows` and a panel of tile rows `depth`.
///
/// # Panics
/// When rows or depth reach past the operands, or the panel is of another depth.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn products(
    operands: &ByteOperands,
    panel: &Panel,
    rows: Range<usize>,
    depth: Range<usize>,
    sums: &mut [Lanes<i32>],
) {
    assert!(panel.groups == depth.len().div_ceil(4) && panel.groups > 0);
    assert!(rows.end <= operands.rows() && depth.end <= operands.depth());
    for (first, sums) in rows.step_by(4).zip(sums.chunks_mut(4)) {
        // SAFETY: `first + sums.len()` is at most `rows.end`, of which and of the depth the bounds
        // were asserted above.
        unsafe {
            match (sums.len(), operands.slopes_are() == Signedness::Signed) {
                (1, true) => micro::<1, true>(operands, panel, first, depth.clone(), sums),
                (2, true) => micro::<2, true>(operands, panel, first, depth.clone(), sums),
                (3, true) => micro::<3, true>(operands, panel, first, depth.clone(), sums),
                (_, true) => micro::<4, true>(operands, panel, first, depth.clone(), sums),
                (1, false) => micro::<1, false>(operands, panel, first, depth.clone(), sums),
                (2, false) => micro::<2, false>(operands, panel, first, depth.clone(), sums),
                (3, false) => micro::<3, false>(operands, panel, first, depth.clone(), sums),
                (_, false) => micro::<4, false>(operands, panel, first, depth.clone(), sums),
            }
        }
    }
}

/// `ROWS` outputs over all blocks of a panel.
///
/// # Safety
/// Weight rows `first..first + ROWS` and depth are within the operands; the panel holds
/// `depth.len().div_ceil(4)` groups a block; `sums` holds `ROWS` rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn micro<const ROWS: usize, const SIGNED: bool>(
    operands: &ByteOperands,
    panel: &Panel,
    first: usize,
    depth: Range<usize>,
    sums: &mut [Lanes<i32>],
) {
    let weights: [*const u8; ROWS] = std::array::from_fn(|row| operands.from(first + row, depth.start).as_ptr());
    let constants: [i32; ROWS] = std::array::from_fn(|row| operands.constant(first + row, depth.clone()));
    for (block, lines) in panel.lines.chunks_exact(panel.groups).enumerate() {
        let mut wide = [[_mm512_setzero_si512(); 4]; ROWS];
        for (group, line) in lines.iter().enumerate() {
            // SAFETY: `Lanes4` is four aligned registers.
            let activations: [__m512i; 4] =
                std::array::from_fn(|i| unsafe { _mm512_load_si512(line.0.as_ptr().cast::<__m512i>().add(i)) });
            for (wide, weights) in wide.iter_mut().zip(weights) {
                // SAFETY: a row's weights are followed by those of the next or by padding, three
                // bytes at least, so that four can be read from any of them.
                let four = _mm512_set1_epi32(unsafe { weights.add(4 * group).cast::<i32>().read_unaligned() });
                for (wide, activations) in wide.iter_mut().zip(activations) {
                    *wide = if SIGNED {
                        _mm512_dpbusd_epi32(*wide, activations, four)
                    } else {
                        _mm512_dpbusd_epi32(*wide, four, activations)
                    };
                }
            }
        }
        for ((wide, constant), sums) in wide.into_iter().zip(constants).zip(&mut *sums) {
            let constant = _mm512_set1_epi32(constant);
            let sums = &mut sums.0[block * BLOCK..][..BLOCK];
            for (part, sums) in super::transpose_parts(wide).into_iter().zip(sums.as_chunks_mut::<16>().0) {
                // SAFETY: `sums` is 64 bytes long, and unaligned access is asked for.
                unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), _mm512_add_epi32(part, constant)) };
            }
        }
    }
}
