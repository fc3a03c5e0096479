//! Elements of AVX-512 registers in another order.

#![allow(clippy::wildcard_imports, reason = "intrinsics by the dozen")]

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
