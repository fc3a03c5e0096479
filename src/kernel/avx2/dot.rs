//! Exact products: an integer matrix product over tile rows interleaved by twos or fours.

use crate::kernel::operands::{ByteOperands, Operands, WordOperands};
use crate::kernel::tiling::COLUMN_BLOCK;
use crate::kernel::{Lanes, Signedness, Tile};
use std::arch::x86_64::*;
use std::ops::Range;

/// Lanes that one register of bytes holds.
const BLOCK: usize = 32;
const _: () = assert!(COLUMN_BLOCK.is_multiple_of(BLOCK), "tiles are computed in whole registers");
/// Outputs computed side by side: with four registers of lanes each, they leave room for operands.
const ROWS: usize = 3;

/// Interleaved tile rows: a 32-bit lane holds the operands that one output position multiplies.
#[derive(Debug, Default)]
pub(super) struct Panel {
    /// `[block][group]`.
    groups: Vec<Group>,
    groups_in_block: usize,
}

/// The operands of a block: part `p` of register `i` holds those of lanes `16 * p + 4 * i` to
/// `16 * p + 4 * i + 3`.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
struct Group([u8; 4 * BLOCK]);

impl Panel {
    /// Interleaves `rows` by `N`, each byte XORed with `flip`; rows past the last are zeros.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn fill<const N: usize>(
        &mut self,
        rows: &[Lanes<u8>],
        columns: usize,
        flip: u8,
        interleave: impl Fn([__m256i; N]) -> [__m256i; 4],
    ) {
        let blocks = columns.div_ceil(BLOCK);
        self.groups_in_block = rows.len().div_ceil(N);
        self.groups.resize(blocks * self.groups_in_block, Group([0; 4 * BLOCK]));
        for (block, groups) in self.groups.chunks_exact_mut(self.groups_in_block).enumerate() {
            for (rows, group) in rows.chunks(N).zip(groups) {
                // SAFETY: the caller has AVX2. A row is 256 aligned bytes, as many as the blocks of
                // the columns that a tile can have, and a group is four aligned registers.
                unsafe {
                    let flip = _mm256_set1_epi8(flip.cast_signed());
                    let mut bytes = [_mm256_setzero_si256(); N];
                    for (bytes, row) in bytes.iter_mut().zip(rows) {
                        let row = _mm256_load_si256(row.0[block * BLOCK..][..BLOCK].as_ptr().cast());
                        *bytes = _mm256_xor_si256(row, flip);
                    }
                    let registers = group.0.as_mut_ptr().cast::<__m256i>();
                    for (i, operands) in interleave(bytes).into_iter().enumerate() {
                        _mm256_store_si256(registers.add(i), operands);
                    }
                }
            }
        }
    }
}

/// Overwrites `sums` with slopes times activations, 16-bit operands in twos, and constants.
///
/// # Panics
/// When rows or depth reach past the operands or the tile, or either is empty.
#[target_feature(enable = "avx2")]
pub(super) fn word_products(
    operands: &WordOperands,
    panel: &mut Panel,
    tile: &Tile,
    rows: Range<usize>,
    depth: Range<usize>,
    sums: &mut [Lanes<i32>],
) {
    let zero = _mm256_setzero_si256();
    let signed = operands.activation_signedness() == Signedness::Signed;
    let extension = |bytes| if signed { _mm256_cmpgt_epi8(zero, bytes) } else { zero };
    let interleave = |[a, b]: [__m256i; 2]| {
        let (a_upper, b_upper) = (extension(a), extension(b));
        let (a0, a1) = (_mm256_unpacklo_epi8(a, a_upper), _mm256_unpackhi_epi8(a, a_upper));
        let (b0, b1) = (_mm256_unpacklo_epi8(b, b_upper), _mm256_unpackhi_epi8(b, b_upper));
        [
            _mm256_unpacklo_epi16(a0, b0),
            _mm256_unpackhi_epi16(a0, b0),
            _mm256_unpacklo_epi16(a1, b1),
            _mm256_unpackhi_epi16(a1, b1),
        ]
    };
    let dot = |sum, activations, slopes| _mm256_add_epi32(sum, _mm256_madd_epi16(activations, slopes));
    let constant = |row| operands.constant(row, depth.clone());
    // SAFETY: this function has AVX2.
    unsafe {
        panel.fill(&tile.rows()[depth.clone()], tile.columns(), 0, interleave);
        products::<_, 2>(operands, panel, rows, depth.clone(), sums, constant, dot);
    }
}

/// Overwrites `sums` with slopes times activations, bytes in fours, and constants.
///
/// # Panics
/// When rows or depth reach past the operands or the tile, or either is empty.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) fn byte_products(
    operands: &ByteOperands,
    panel: &mut Panel,
    tile: &Tile,
    rows: Range<usize>,
    depth: Range<usize>,
    sums: &mut [Lanes<i32>],
) {
    let interleave = |[a, b, c, d]: [__m256i; 4]| {
        let (ab0, ab1) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
        let (cd0, cd1) = (_mm256_unpacklo_epi8(c, d), _mm256_unpackhi_epi8(c, d));
        [
            _mm256_unpacklo_epi16(ab0, cd0),
            _mm256_unpackhi_epi16(ab0, cd0),
            _mm256_unpacklo_epi16(ab1, cd1),
            _mm256_unpackhi_epi16(ab1, cd1),
        ]
    };
    let constant = |row| operands.constant(row, depth.clone());
    // SAFETY: this function has AVX2.
    unsafe {
        panel.fill(&tile.rows()[depth.clone()], tile.columns(), operands.flip(), interleave);
        // The instruction takes the unsigned operand first.
        match operands.slope_signedness() {
            Signedness::Signed => {
                let dot = |sum, activations, slopes| _mm256_dpbusd_avx_epi32(sum, activations, slopes);
                products::<_, 4>(operands, panel, rows, depth.clone(), sums, constant, dot);
            }
            Signedness::Unsigned => {
                let dot = |sum, activations, slopes| _mm256_dpbusd_avx_epi32(sum, slopes, activations);
                products::<_, 4>(operands, panel, rows, depth.clone(), sums, constant, dot);
            }
        }
    }
}

/// Overwrites `sums` with the products of a panel and weight rows, `N` of whose slopes `dot`
/// multiplies by a lane's operands, and the rows' constants.
///
/// # Safety
/// The processor has AVX2, and `N` slopes are four bytes.
#[inline(always)]
unsafe fn products<T: Copy + Default, const N: usize>(
    operands: &Operands<T>,
    panel: &Panel,
    rows: Range<usize>,
    depth: Range<usize>,
    sums: &mut [Lanes<i32>],
    constant: impl Fn(usize) -> i32,
    dot: impl Fn(__m256i, __m256i, __m256i) -> __m256i + Copy,
) {
    assert!(panel.groups_in_block == depth.len().div_ceil(N) && panel.groups_in_block > 0);
    assert!(rows.end <= operands.rows() && depth.end <= operands.depth() && sums.len() == rows.len());
    for (first, sums) in rows.step_by(ROWS).zip(sums.chunks_mut(ROWS)) {
        let constants = std::array::from_fn(|row| if row < sums.len() { constant(first + row) } else { 0 });
        let slopes = std::array::from_fn(|row| operands.from((first + row).min(operands.rows() - 1), depth.start));
        for (block, groups) in panel.groups.chunks_exact(panel.groups_in_block).enumerate() {
            // SAFETY: the caller has AVX2. A row's slopes from `depth.start` on are as many as the
            // groups ask for, or followed by those of the next row or by padding.
            unsafe {
                match sums.len() {
                    1 => micro::<T, 1, N>(slopes, groups, constants, block, sums, dot),
                    2 => micro::<T, 2, N>(slopes, groups, constants, block, sums, dot),
                    _ => micro::<T, 3, N>(slopes, groups, constants, block, sums, dot),
                }
            }
        }
    }
}

/// `COUNT` outputs over one block of lanes.
///
/// # Safety
/// The processor has AVX2; the first `COUNT` slices of slopes have `N` slopes, four bytes, for each
/// group.
#[inline(always)]
unsafe fn micro<T, const COUNT: usize, const N: usize>(
    slopes: [&[T]; ROWS],
    groups: &[Group],
    constants: [i32; ROWS],
    block: usize,
    sums: &mut [Lanes<i32>],
    dot: impl Fn(__m256i, __m256i, __m256i) -> __m256i,
) {
    debug_assert!(slopes[..COUNT].iter().all(|slopes| slopes.len() >= N * groups.len()));
    // SAFETY: as the caller states; a group is four aligned registers, and a block's sums are eight
    // halves, whose access is unaligned.
    unsafe {
        let mut wide: [[__m256i; 4]; COUNT] = std::array::from_fn(|row| [_mm256_set1_epi32(constants[row]); 4]);
        for (i, group) in groups.iter().enumerate() {
            let words: [__m256i; COUNT] = std::array::from_fn(|row| {
                _mm256_set1_epi32(slopes[row].as_ptr().add(N * i).cast::<i32>().read_unaligned())
            });
            for register in 0..4 {
                let activations = _mm256_load_si256(group.0.as_ptr().cast::<__m256i>().add(register));
                for (wide, word) in wide.iter_mut().zip(words) {
                    wide[register] = dot(wide[register], activations, word);
                }
            }
        }
        for (wide, sums) in wide.iter().zip(sums) {
            let (parts, _) = sums.0[block * BLOCK..][..BLOCK].as_chunks_mut::<4>();
            for (i, wide) in wide.iter().enumerate() {
                _mm_storeu_si128(parts[i].as_mut_ptr().cast(), _mm256_castsi256_si128(*wide));
                _mm_storeu_si128(parts[4 + i].as_mut_ptr().cast(), _mm256_extracti128_si256::<1>(*wide));
            }
        }
    }
}
