//! Elements of registers in another order.

#![allow(clippy::wildcard_imports, clippy::cast_ptr_alignment, reason = "intrinsics by the dozen, unaligned loads")]

use std::arch::x86_64::*;

/// Bytes of four registers in turn: 128-bit part `p` of entry `i` holds those of lanes
/// `16 * p + 4 * i` to `16 * p + 4 * i + 3`.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub fn interleave([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let (ab0, ab1) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
    let (cd0, cd1) = (_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d));
    [
        _mm512_unpacklo_epi16(ab0, cd0),
        _mm512_unpackhi_epi16(ab0, cd0),
        _mm512_unpacklo_epi16(ab1, cd1),
        _mm512_unpackhi_epi16(ab1, cd1),
    ]
}

/// Turns part `p` of entry `i` into part `i` of entry `p`, for the four 128-bit parts of four registers.
#[target_feature(enable = "avx512f")]
#[inline]
pub fn transpose_parts([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let (ab0, ab1) = (_mm512_shuffle_i32x4::<0b01_00_01_00>(a, b), _mm512_shuffle_i32x4::<0b11_10_11_10>(a, b));
    let (cd0, cd1) = (_mm512_shuffle_i32x4::<0b01_00_01_00>(c, d), _mm512_shuffle_i32x4::<0b11_10_11_10>(c, d));
    [
        _mm512_shuffle_i32x4::<0b10_00_10_00>(ab0, cd0),
        _mm512_shuffle_i32x4::<0b11_01_11_01>(ab0, cd0),
        _mm512_shuffle_i32x4::<0b10_00_10_00>(ab1, cd1),
        _mm512_shuffle_i32x4::<0b11_01_11_01>(ab1, cd1),
    ]
}

/// Transposes `N` registers of as many elements each: what halves of the rows interleave to, as often as `N` can be
/// halved. Elements are what `low` and `high` interleave, of the lower and of the upper halves of two registers.
#[inline]
fn transposed<const N: usize>(
    mut rows: [__m128i; N],
    low: impl Fn(__m128i, __m128i) -> __m128i,
    high: impl Fn(__m128i, __m128i) -> __m128i,
) -> [__m128i; N] {
    for _ in 0..N.ilog2() {
        let mut next = rows;
        for i in 0..N / 2 {
            next[2 * i] = low(rows[i], rows[i + N / 2]);
            next[2 * i + 1] = high(rows[i], rows[i + N / 2]);
        }
        rows = next;
    }
    rows
}

macro_rules! transpose {
    ($(#[$doc:meta])* $name:ident, $element:ty, $side:literal, $low:ident, $high:ident) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// As many elements are at each of as many steps of `stride` from `from` on, and likewise writable at `to`.
        pub unsafe fn $name(from: *const $element, stride: usize, to: *mut $element, out_stride: usize) {
            // SAFETY: as the caller states; these instructions are part of the architecture.
            unsafe {
                let mut rows = [_mm_setzero_si128(); $side];
                for (i, row) in rows.iter_mut().enumerate() {
                    *row = _mm_loadu_si128(from.add(i * stride).cast());
                }
                let rows = transposed(rows, |a, b| $low(a, b), |a, b| $high(a, b));
                for (j, row) in rows.into_iter().enumerate() {
                    _mm_storeu_si128(to.add(j * out_stride).cast(), row);
                }
            }
        }
    };
}

transpose! {
    /// Transposes 16 x 16 bytes.
    transpose_bytes, u8, 16, _mm_unpacklo_epi8, _mm_unpackhi_epi8
}

transpose! {
    /// Transposes 8 x 8 words.
    transpose_words, u16, 8, _mm_unpacklo_epi16, _mm_unpackhi_epi16
}

transpose! {
    /// Transposes 4 x 4 doublewords.
    transpose_doublewords, u32, 4, _mm_unpacklo_epi32, _mm_unpackhi_epi32
}
