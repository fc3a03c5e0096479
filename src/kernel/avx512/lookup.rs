//! Look-ups in registers: 64 activations at a time through `vpermi2b`.
//!
//! A weight's residuals are byte planes of four registers (two where activations stay below 128), and an
//! activation's low seven bits choose among two registers at once. Looked-up bytes are summed in
//! 16-bit lanes, all of them and again the odd ones shifted down, and widened every 256 products.
//! The sum of the bytes of even lanes is the difference of the two.
//!
//! Functions of this kernel all have the same features, or closures would not be inlined.

use crate::kernel::decomposition::Residuals;
use crate::kernel::shuffle::transpose_parts;
use crate::kernel::tiling::COLUMN_BLOCK;
use crate::kernel::{LANES, Lanes};
use std::arch::x86_64::*;

/// Lanes that one register of bytes holds.
pub(super) const BLOCK: usize = 64;
const _: () = assert!(COLUMN_BLOCK.is_multiple_of(BLOCK), "tiles are computed in whole registers");
/// Registers across a tile.
pub(super) const BLOCKS: usize = LANES / BLOCK;
/// Products summed before widening: `256 * 255` is the most that fits 16 bits.
const CHUNK: usize = 256;
/// How many products ahead residuals are prefetched; codes are read as far past the last product.
pub(super) const AHEAD: usize = 4;

/// One register's worth of a plane.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; BLOCK]);

/// Looked-up residuals of a layer's weights over `LINES * 64` activation bytes from 0.
///
/// `LINES` is 4 for tile rows of any bytes and 2 for those of bytes below 128.
#[derive(Debug)]
pub(super) struct Lookup<const LINES: usize> {
    /// At most two planes each, as many as the registers hold sums of.
    groups: Vec<PlaneGroup<LINES>>,
}

#[derive(Debug)]
struct PlaneGroup<const LINES: usize> {
    planes: usize,
    /// The first plane's power of two.
    shift: u32,
    /// Constants by weight number; zeros after the first group.
    offsets: Vec<i32>,
    /// `[weight number][plane][line]`.
    lines: Vec<Line>,
}

impl<const LINES: usize> Lookup<LINES> {
    /// Lays out the planes of `residuals`, which are over the same activations.
    pub(super) fn new(residuals: &Residuals) -> Self {
        let planes = residuals.planes(8).max(1);
        let groups = (0..planes).step_by(2).map(|first| {
            let count = (planes - first).min(2);
            let mut lines = Vec::with_capacity(residuals.rows().len() * count * LINES);
            for row in residuals.rows() {
                for plane in first..first + count {
                    let (blocks, _) = row.as_chunks::<BLOCK>();
                    lines.extend(blocks.iter().map(|block| Line(block.map(|rest| (rest >> (8 * plane)) as u8))));
                }
            }
            let offsets = if first == 0 { residuals.offsets().to_vec() } else { vec![0; residuals.offsets().len()] };
            PlaneGroup { planes: count, shift: residuals.shift() + 8 * first as u32, offsets, lines }
        });
        Lookup { groups: groups.collect() }
    }

    /// Sums the terms of one output in the first `blocks` registers of lanes: of `count` products
    /// with the weights that `codes` number and the activations that are `at` each. They are added
    /// to `sums`, or overwrite them if those are `fresh`.
    ///
    /// # Safety
    /// There are `AHEAD` more codes than products, and those of products number weights that the
    /// residuals were of. `at` points to as many readable bytes as `blocks` registers hold.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vnni")]
    pub(super) unsafe fn add(
        &self,
        codes: &[u8],
        count: usize,
        at: impl Fn(usize) -> *const u8 + Copy,
        blocks: usize,
        fresh: bool,
        sums: &mut Lanes<i32>,
    ) {
        for (i, group) in self.groups.iter().enumerate() {
            let fresh = fresh && i == 0;
            // SAFETY: as the caller states; the lines are those of `group.planes` planes.
            unsafe {
                match (group.planes, blocks) {
                    (1, 1) => group.add::<1, 1>(codes, count, at, fresh, sums),
                    (1, 2) => group.add::<1, 2>(codes, count, at, fresh, sums),
                    (1, 3) => group.add::<1, 3>(codes, count, at, fresh, sums),
                    (1, _) => group.add::<1, 4>(codes, count, at, fresh, sums),
                    (_, 1) => group.add::<2, 1>(codes, count, at, fresh, sums),
                    (_, 2) => group.add::<2, 2>(codes, count, at, fresh, sums),
                    (_, 3) => group.add::<2, 3>(codes, count, at, fresh, sums),
                    (_, _) => group.add::<2, 4>(codes, count, at, fresh, sums),
                }
            }
        }
    }
}

/// One block's sums in 16-bit lanes: of whole words, and of their upper bytes, for each plane.
type Words<const PLANES: usize> = [[__m512i; 2]; PLANES];

impl<const LINES: usize> PlaneGroup<LINES> {
    /// [`Lookup::add`] for one group of `PLANES` planes.
    ///
    /// # Safety
    /// As there, and `PLANES` is the group's number of planes.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vnni")]
    unsafe fn add<const PLANES: usize, const WIDTH: usize>(
        &self,
        codes: &[u8],
        count: usize,
        at: impl Fn(usize) -> *const u8 + Copy,
        fresh: bool,
        sums: &mut Lanes<i32>,
    ) {
        debug_assert!(PLANES == self.planes && WIDTH <= BLOCKS && codes.len() >= count + AHEAD);
        let mut offset = 0i32;
        let mut totals = [[_mm512_setzero_si512(); 4]; WIDTH];
        for start in (0..count).step_by(CHUNK) {
            let length = (count - start).min(CHUNK);
            // SAFETY: as the caller states, of a part of the products.
            let (words, offsets) =
                unsafe { self.sum_bytes::<PLANES, WIDTH>(&codes[start..], length, |k| at(start + k)) };
            offset = offset.wrapping_add(offsets);
            for (totals, words) in totals.iter_mut().zip(&words) {
                for (total, sum) in totals.iter_mut().zip(widen(words)) {
                    *total = _mm512_add_epi32(*total, sum);
                }
            }
        }
        let (offset, shift) = (_mm512_set1_epi32(offset), _mm_cvtsi32_si128(self.shift.cast_signed()));
        for (block, totals) in totals.into_iter().enumerate() {
            let sums = sums.0[block * BLOCK..][..BLOCK].as_chunks_mut::<16>().0;
            for (total, sums) in transpose_parts(totals).into_iter().zip(sums) {
                let total = _mm512_add_epi32(_mm512_sll_epi32(total, shift), offset);
                // SAFETY: `sums` is 64 bytes long, and the access is unaligned.
                unsafe {
                    let sums = sums.as_mut_ptr().cast();
                    let before = if fresh { _mm512_setzero_si512() } else { _mm512_loadu_si512(sums) };
                    _mm512_storeu_si512(sums, _mm512_add_epi32(before, total));
                }
            }
        }
    }

    /// The sums of up to [`CHUNK`] products in 16-bit lanes, and of their constants.
    ///
    /// # Safety
    /// As for [`PlaneGroup::add`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vnni")]
    unsafe fn sum_bytes<const PLANES: usize, const WIDTH: usize>(
        &self,
        codes: &[u8],
        count: usize,
        at: impl Fn(usize) -> *const u8,
    ) -> ([Words<PLANES>; WIDTH], i32) {
        let mut offset = 0i32;
        let mut words: [Words<PLANES>; WIDTH] = [[[_mm512_setzero_si512(); 2]; PLANES]; WIDTH];
        for k in 0..count {
            // SAFETY: there are `AHEAD` more codes than products, and the code of a product has a
            // offset and `PLANES * LINES` aligned lines; of the code ahead nothing is read. The
            // caller grants `WIDTH` registers of activations, whose access is unaligned.
            unsafe {
                let of = |k: usize| usize::from(*codes.get_unchecked(k));
                let lines = |code| self.lines.as_ptr().wrapping_add(code * PLANES * LINES).cast::<__m512i>();
                let next = lines(of(k + AHEAD));
                for line in 0..PLANES * LINES {
                    _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(line).cast());
                }
                offset = offset.wrapping_add(*self.offsets.get_unchecked(of(k)));
                let (lines, activations) = (lines(of(k)), at(k).cast::<__m512i>());
                for (block, words) in words.iter_mut().enumerate() {
                    let activations = _mm512_loadu_si512(activations.add(block));
                    for (plane, [words, odd]) in words.iter_mut().enumerate() {
                        let line = |i| _mm512_load_si512(lines.add(plane * LINES + i));
                        let low = _mm512_permutex2var_epi8(line(0), activations, line(1));
                        let bytes = if LINES == 2 {
                            low
                        } else {
                            let high = _mm512_permutex2var_epi8(line(2), activations, line(3));
                            _mm512_mask_blend_epi8(_mm512_movepi8_mask(activations), low, high)
                        };
                        *words = _mm512_add_epi16(*words, bytes);
                        *odd = _mm512_add_epi16(*odd, _mm512_srli_epi16::<8>(bytes));
                    }
                }
            }
        }
        (words, offset)
    }
}

/// A block's sums in 32-bit lanes, each plane times `256^plane`: 128-bit part `p` of entry `i` holds
/// those of lanes `16 * p + 4 * i` to `16 * p + 4 * i + 3`.
#[target_feature(enable = "avx512f,avx512bw")]
fn widen<const PLANES: usize>(words: &Words<PLANES>) -> [__m512i; 4] {
    // Sums are made signed for the multiplication, and what that takes away is added again.
    let flip = _mm512_set1_epi16(i16::MIN);
    let flipped = _mm512_set1_epi32(if PLANES == 2 { 0x8000 * 257 } else { 0x8000 });
    let planes = _mm512_set1_epi32(if PLANES == 2 { 256 << 16 | 1 } else { 1 });
    let even = words.map(|[words, odd]| _mm512_xor_si512(flip, _mm512_sub_epi16(words, _mm512_slli_epi16::<8>(odd))));
    let odd = words.map(|[_, odd]| _mm512_xor_si512(flip, odd));
    let pair = |[low, high]: [__m512i; 2]| {
        [_mm512_unpacklo_epi16(low, high), _mm512_unpackhi_epi16(low, high)]
            .map(|pair| _mm512_add_epi32(flipped, _mm512_madd_epi16(pair, planes)))
    };
    // The last plane takes the place of an absent second one, whose factor is zero.
    let ([even0, even1], [odd0, odd1]) = (pair([even[0], even[PLANES - 1]]), pair([odd[0], odd[PLANES - 1]]));
    [
        _mm512_unpacklo_epi32(even0, odd0),
        _mm512_unpackhi_epi32(even0, odd0),
        _mm512_unpacklo_epi32(even1, odd1),
        _mm512_unpackhi_epi32(even1, odd1),
    ]
}
