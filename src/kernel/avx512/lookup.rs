//! Look-ups in registers: 64 activations at a time through `vpermi2b`.
//!
//! A weight's rests are byte planes of four registers (two where activations stay below 128), and an
//! activation's low seven bits choose among two registers at once. Looked-up bytes are summed in
//! 16-bit lanes, all of them and again the odd ones shifted down, and widened every 256 products.

use crate::kernel::decomposition::Rests;
use crate::kernel::{LANES, Lanes};
use std::arch::x86_64::*;

/// Lanes that one register of bytes holds.
pub(super) const BLOCK: usize = 64;
/// Registers across a tile.
pub(super) const BLOCKS: usize = LANES / BLOCK;
/// Products summed before widening: `256 * 255` is the most that fits 16 bits.
const CHUNK: usize = 256;

/// One register's worth of a plane.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; BLOCK]);

/// Looked-up rests of a layer's weights over `LINES * 64` activation bytes from 0.
///
/// `LINES` is 4 for tile rows of any bytes and 2 for those of bytes below 128.
#[derive(Debug)]
pub(super) struct Lookup<const LINES: usize> {
    /// At most two planes each, which is what the registers hold sums of.
    passes: Vec<Pass<LINES>>,
}

#[derive(Debug)]
struct Pass<const LINES: usize> {
    planes: usize,
    /// The first plane's power of two.
    shift: u32,
    /// Constants by weight number; zeros after the first pass.
    bases: Vec<i32>,
    /// `[weight number][plane][line]`.
    lines: Vec<Line>,
}

impl<const LINES: usize> Lookup<LINES> {
    /// Lays out the planes of `rests`, which are over the same activations.
    pub(super) fn new(rests: &Rests) -> Self {
        let planes = rests.planes().max(1);
        let passes = (0..planes).step_by(2).map(|first| {
            let count = (planes - first).min(2);
            let mut lines = Vec::with_capacity(rests.rows().len() * count * LINES);
            for row in rests.rows() {
                for plane in first..first + count {
                    let (blocks, _) = row.as_chunks::<BLOCK>();
                    lines.extend(blocks.iter().map(|block| Line(block.map(|rest| (rest >> (8 * plane)) as u8))));
                }
            }
            let bases = if first == 0 { rests.bases().to_vec() } else { vec![0; rests.bases().len()] };
            Pass { planes: count, shift: rests.shift() + 8 * first as u32, bases, lines }
        });
        Lookup { passes: passes.collect() }
    }

    /// Adds the terms of one output to `sums`, over the products that `ks` lists, in the first
    /// `blocks` registers of lanes.
    ///
    /// # Safety
    /// Every `k` in `ks` is within both `codes` and `tile`; codes are numbers of the weights that
    /// the rests were of.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub(super) unsafe fn add(
        &self,
        codes: &[u8],
        ks: &[u32],
        tile: &[Lanes<u8>],
        blocks: usize,
        sums: &mut Lanes<i32>,
    ) {
        for pass in &self.passes {
            // SAFETY: as the caller states; the lines are those of `pass.planes` planes.
            unsafe {
                match (pass.planes, blocks) {
                    (1, 1) => pass.add::<1, 1>(codes, ks, tile, sums),
                    (1, 2) => pass.add::<1, 2>(codes, ks, tile, sums),
                    (1, 3) => pass.add::<1, 3>(codes, ks, tile, sums),
                    (1, _) => pass.add::<1, 4>(codes, ks, tile, sums),
                    (_, 1) => pass.add::<2, 1>(codes, ks, tile, sums),
                    (_, 2) => pass.add::<2, 2>(codes, ks, tile, sums),
                    (_, 3) => pass.add::<2, 3>(codes, ks, tile, sums),
                    (_, _) => pass.add::<2, 4>(codes, ks, tile, sums),
                }
            }
        }
    }
}

/// Sums in 16-bit lanes: of whole words, and of their upper bytes.
type Wide<const PLANES: usize> = [[__m512i; 2]; PLANES];

impl<const LINES: usize> Pass<LINES> {
    /// [`Lookup::add`] for one pass of `PLANES` planes.
    ///
    /// # Safety
    /// As there, and `PLANES` is the pass's number of planes.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    unsafe fn add<const PLANES: usize, const WIDTH: usize>(
        &self,
        codes: &[u8],
        ks: &[u32],
        tile: &[Lanes<u8>],
        sums: &mut Lanes<i32>,
    ) {
        debug_assert!(PLANES == self.planes && WIDTH <= BLOCKS);
        for chunk in ks.chunks(CHUNK) {
            let mut wide: [Wide<PLANES>; WIDTH] = [[[_mm512_setzero_si512(); 2]; PLANES]; WIDTH];
            let mut base = 0i32;
            for &k in chunk {
                // SAFETY: `k` is within `codes` and `tile`, and the code is a used weight's number,
                // each of which has a base and `PLANES * LINES` lines. `Line` and `Lanes` are
                // aligned to 64 bytes, and a tile's row holds `BLOCKS >= WIDTH` registers.
                unsafe {
                    let code = usize::from(*codes.get_unchecked(k as usize));
                    base = base.wrapping_add(*self.bases.get_unchecked(code));
                    let lines = self.lines.as_ptr().add(code * PLANES * LINES).cast::<__m512i>();
                    let row = tile.as_ptr().add(k as usize).cast::<__m512i>();
                    for (block, wide) in wide.iter_mut().enumerate() {
                        let activations = _mm512_load_si512(row.add(block));
                        for (plane, wide) in wide.iter_mut().enumerate() {
                            let line = |i| _mm512_load_si512(lines.add(plane * LINES + i));
                            let low = _mm512_permutex2var_epi8(line(0), activations, line(1));
                            let bytes = if LINES == 2 {
                                low
                            } else {
                                let high = _mm512_permutex2var_epi8(line(2), activations, line(3));
                                _mm512_mask_blend_epi8(_mm512_movepi8_mask(activations), low, high)
                            };
                            wide[0] = _mm512_add_epi16(wide[0], bytes);
                            wide[1] = _mm512_add_epi16(wide[1], _mm512_srli_epi16::<8>(bytes));
                        }
                    }
                }
            }
            for (block, wide) in wide.iter().enumerate() {
                widen(wide, self.shift, base, &mut sums.0[block * BLOCK..][..BLOCK]);
            }
        }
    }
}

/// Adds `base` and the 16-bit sums, times `2^shift` and their planes' `256^plane`, to 64 lanes.
#[target_feature(enable = "avx512f,avx512bw")]
fn widen<const PLANES: usize>(wide: &Wide<PLANES>, shift: u32, base: i32, sums: &mut [i32]) {
    assert_eq!(sums.len(), BLOCK);
    // The sums of lane `4 * j + i`, for `i` from 0 to 3.
    let mut quarters = [_mm512_set1_epi32(base); 4];
    for (plane, [words, odd]) in wide.iter().enumerate() {
        let even = _mm512_sub_epi16(*words, _mm512_slli_epi16::<8>(*odd));
        let count = _mm_cvtsi32_si128((shift + 8 * plane as u32).cast_signed());
        let low = _mm512_set1_epi32(0xFFFF);
        let parts = [
            _mm512_and_si512(even, low),
            _mm512_and_si512(*odd, low),
            _mm512_srli_epi32::<16>(even),
            _mm512_srli_epi32::<16>(*odd),
        ];
        for (quarter, part) in quarters.iter_mut().zip(parts) {
            *quarter = _mm512_add_epi32(*quarter, _mm512_sll_epi32(part, count));
        }
    }
    let [a, b, c, d] = quarters;
    let (ab0, ab1) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let (cd0, cd1) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    // 128-bit part `p` of entry `i` holds lanes `16 * p + 4 * i` and the three after.
    let parts = [
        _mm512_unpacklo_epi64(ab0, cd0),
        _mm512_unpackhi_epi64(ab0, cd0),
        _mm512_unpacklo_epi64(ab1, cd1),
        _mm512_unpackhi_epi64(ab1, cd1),
    ];
    for (part, sums) in super::transpose_parts(parts).into_iter().zip(sums.as_chunks_mut::<16>().0) {
        // SAFETY: `sums` is 64 bytes long, and unaligned access is asked for.
        unsafe {
            let sums = sums.as_mut_ptr().cast();
            _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), part));
        }
    }
}
