//! Dot products in the registers of AVX2.

use super::channels::{self, Channels, channels};
use super::instructions::Instructions;
use super::tiles::{self, tiles};
use std::arch::x86_64::*;

/// Bytes by `vpdpbusd`.
pub struct Bytes256;

impl Instructions for Bytes256 {
    type Operand = u8;
    type Weight = i8;
    type Sum = i32;
    type Register = __m256i;

    const GROUP: usize = 4;
    const LANES: usize = 8;
    const PANELS: usize = 2;

    fn is_supported() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni")
    }

    #[inline(always)]
    unsafe fn zero() -> __m256i {
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn splat(from: *const u8) -> __m256i {
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const i8) -> __m256i {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add(sums: __m256i, operands: __m256i, weights: __m256i) -> __m256i {
        unsafe { _mm256_dpbusd_avx_epi32(sums, operands, weights) }
    }

    #[inline(always)]
    unsafe fn multiply(sums: __m256i, factor: i32) -> __m256i {
        unsafe { _mm256_mullo_epi32(sums, _mm256_set1_epi32(factor)) }
    }

    #[inline(always)]
    unsafe fn store(sums: __m256i, to: *mut i32) {
        unsafe { _mm256_storeu_si256(to.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn taps(taps: [*const u8; 4]) -> [__m256i; 4] {
        unsafe {
            let [a, b, c, d] = taps.map(<*const u8>::cast);
            let (a, b) = (_mm256_loadu_si256(a), _mm256_loadu_si256(b));
            let (c, d) = (_mm256_loadu_si256(c), _mm256_loadu_si256(d));
            let (ab0, ab1) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
            let (cd0, cd1) = (_mm256_unpacklo_epi8(c, d), _mm256_unpackhi_epi8(c, d));
            [
                _mm256_unpacklo_epi16(ab0, cd0),
                _mm256_unpackhi_epi16(ab0, cd0),
                _mm256_unpacklo_epi16(ab1, cd1),
                _mm256_unpackhi_epi16(ab1, cd1),
            ]
        }
    }

    fn channel(register: usize, lane: usize) -> usize {
        16 * (lane / 4) + 4 * register + lane % 4
    }

    #[inline(always)]
    unsafe fn in_order(sums: [__m256i; 4]) -> [__m256i; 4] {
        unsafe {
            let ([a, b], [c, d]) = (halves(sums[0], sums[1]), halves(sums[2], sums[3]));
            [a, c, b, d]
        }
    }

    channels!("avx2,avxvnni", 2);

    tiles! {
        "avx2,avxvnni",
        1 x 1: 1 2 3 4 5 6 7 8 9 10 11 12;
        2 x 1: 1 2 3 4 5 6;
    }
}

/// Words by `vpmaddwd`.
pub struct Words256;

impl Instructions for Words256 {
    type Operand = i16;
    type Weight = i16;
    type Sum = i32;
    type Register = __m256i;

    const GROUP: usize = 2;
    const LANES: usize = 8;
    const PANELS: usize = 2;

    fn is_supported() -> bool {
        is_x86_feature_detected!("avx2")
    }

    #[inline(always)]
    unsafe fn zero() -> __m256i {
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn splat(from: *const i16) -> __m256i {
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const i16) -> __m256i {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add(sums: __m256i, operands: __m256i, weights: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(sums, _mm256_madd_epi16(operands, weights)) }
    }

    #[inline(always)]
    unsafe fn multiply(sums: __m256i, factor: i32) -> __m256i {
        unsafe { _mm256_mullo_epi32(sums, _mm256_set1_epi32(factor)) }
    }

    #[inline(always)]
    unsafe fn store(sums: __m256i, to: *mut i32) {
        unsafe { _mm256_storeu_si256(to.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn taps(taps: [*const i16; 4]) -> [__m256i; 4] {
        unsafe {
            let [a, b, ..] = taps.map(<*const i16>::cast::<__m256i>);
            let (a0, b0) = (_mm256_loadu_si256(a), _mm256_loadu_si256(b));
            let (a1, b1) = (_mm256_loadu_si256(a.add(1)), _mm256_loadu_si256(b.add(1)));
            [
                _mm256_unpacklo_epi16(a0, b0),
                _mm256_unpackhi_epi16(a0, b0),
                _mm256_unpacklo_epi16(a1, b1),
                _mm256_unpackhi_epi16(a1, b1),
            ]
        }
    }

    fn channel(register: usize, lane: usize) -> usize {
        16 * (register / 2) + 8 * (lane / 4) + 4 * (register % 2) + lane % 4
    }

    #[inline(always)]
    unsafe fn in_order(sums: [__m256i; 4]) -> [__m256i; 4] {
        unsafe {
            let ([a, b], [c, d]) = (halves(sums[0], sums[1]), halves(sums[2], sums[3]));
            [a, b, c, d]
        }
    }

    channels!("avx2", 2);

    tiles! {
        "avx2",
        1 x 1: 1 2 3 4 5 6 7 8 9 10 11 12;
        2 x 1: 1 2 3 4 5 6;
    }
}

/// `f32` by fused multiplication and addition.
pub struct Reals256;

impl Instructions for Reals256 {
    type Operand = f32;
    type Weight = f32;
    type Sum = f32;
    type Register = __m256;

    const GROUP: usize = 1;
    const LANES: usize = 8;
    const PANELS: usize = 2;

    fn is_supported() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }

    #[inline(always)]
    unsafe fn zero() -> __m256 {
        unsafe { _mm256_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn splat(from: *const f32) -> __m256 {
        unsafe { _mm256_set1_ps(*from) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn add(sums: __m256, operands: __m256, weights: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(operands, weights, sums) }
    }

    #[inline(always)]
    unsafe fn multiply(sums: __m256, _: i32) -> __m256 {
        sums
    }

    #[inline(always)]
    unsafe fn store(sums: __m256, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, sums) }
    }

    #[inline(always)]
    unsafe fn taps(taps: [*const f32; 4]) -> [__m256; 4] {
        let [tap, ..] = taps;
        unsafe {
            [
                _mm256_loadu_ps(tap),
                _mm256_loadu_ps(tap.add(Self::LANES)),
                _mm256_loadu_ps(tap.add(2 * Self::LANES)),
                _mm256_loadu_ps(tap.add(3 * Self::LANES)),
            ]
        }
    }

    fn channel(register: usize, lane: usize) -> usize {
        register * Self::LANES + lane
    }

    #[inline(always)]
    unsafe fn in_order(sums: [__m256; 4]) -> [__m256; 4] {
        sums
    }

    channels!("avx2,fma", 2);

    tiles! {
        "avx2,fma",
        1 x 1: 1 2 3 4 5 6 7 8 9 10 11 12;
        2 x 1: 1 2 3 4 5 6;
    }
}

/// The lower halves of two registers, and the upper ones.
#[inline(always)]
unsafe fn halves(a: __m256i, b: __m256i) -> [__m256i; 2] {
    unsafe { [_mm256_permute2x128_si256::<0x20>(a, b), _mm256_permute2x128_si256::<0x31>(a, b)] }
}
