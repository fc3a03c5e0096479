//! Dot products in the registers of AVX-512.

use super::channels::{self, Channels, channels};
use super::instructions::Instructions;
use super::tiles::{self, tiles};
use crate::kernel::shuffle::{interleave, transpose_parts};
use std::arch::x86_64::*;

/// Bytes by `vpdpbusd`.
pub struct Bytes512;

impl Instructions for Bytes512 {
    type Operand = u8;
    type Weight = i8;
    type Sum = i32;
    type Register = __m512i;

    const GROUP: usize = 4;
    const LANES: usize = 16;
    const PANELS: usize = 4;

    fn is_supported() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni")
    }

    #[inline(always)]
    unsafe fn zero() -> __m512i {
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn splat(from: *const u8) -> __m512i {
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const i8) -> __m512i {
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn add(sums: __m512i, operands: __m512i, weights: __m512i) -> __m512i {
        unsafe { _mm512_dpbusd_epi32(sums, operands, weights) }
    }

    #[inline(always)]
    unsafe fn multiply(sums: __m512i, factor: i32) -> __m512i {
        unsafe { _mm512_mullo_epi32(sums, _mm512_set1_epi32(factor)) }
    }

    #[inline(always)]
    unsafe fn store(sums: __m512i, to: *mut i32) {
        unsafe { _mm512_storeu_si512(to.cast(), sums) }
    }

    #[inline(always)]
    unsafe fn taps(taps: [*const u8; 4]) -> [__m512i; 4] {
        unsafe {
            let [a, b, c, d] = taps;
            interleave([
                _mm512_loadu_si512(a.cast()),
                _mm512_loadu_si512(b.cast()),
                _mm512_loadu_si512(c.cast()),
                _mm512_loadu_si512(d.cast()),
            ])
        }
    }

    fn channel(register: usize, lane: usize) -> usize {
        16 * (lane / 4) + 4 * register + lane % 4
    }

    #[inline(always)]
    unsafe fn in_order(sums: [__m512i; 4]) -> [__m512i; 4] {
        unsafe { transpose_parts(sums) }
    }

    channels!("avx512f,avx512bw,avx512vnni", 4);

    tiles! {
        "avx512f,avx512bw,avx512vnni",
        1 x 1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24;
        2 x 1: 1 2 3 4 5 6 7 8 9 10 11 12;
        3 x 1: 1 2 3 4 5 6 7 8;
        4 x 1: 1 2 3 4 5 6;
    }
}

/// `f32` by fused multiplication and addition.
pub struct Reals512;

impl Instructions for Reals512 {
    type Operand = f32;
    type Weight = f32;
    type Sum = f32;
    type Register = __m512;

    const GROUP: usize = 1;
    const LANES: usize = 16;
    const PANELS: usize = 4;

    fn is_supported() -> bool {
        is_x86_feature_detected!("avx512f")
    }

    #[inline(always)]
    unsafe fn zero() -> __m512 {
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn splat(from: *const f32) -> __m512 {
        unsafe { _mm512_set1_ps(*from) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn add(sums: __m512, operands: __m512, weights: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(operands, weights, sums) }
    }

    #[inline(always)]
    unsafe fn multiply(sums: __m512, _: i32) -> __m512 {
        sums
    }

    #[inline(always)]
    unsafe fn store(sums: __m512, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, sums) }
    }

    #[inline(always)]
    unsafe fn taps(taps: [*const f32; 4]) -> [__m512; 4] {
        let [tap, ..] = taps;
        unsafe {
            [
                _mm512_loadu_ps(tap),
                _mm512_loadu_ps(tap.add(Self::LANES)),
                _mm512_loadu_ps(tap.add(2 * Self::LANES)),
                _mm512_loadu_ps(tap.add(3 * Self::LANES)),
            ]
        }
    }

    fn channel(register: usize, lane: usize) -> usize {
        register * Self::LANES + lane
    }

    #[inline(always)]
    unsafe fn in_order(sums: [__m512; 4]) -> [__m512; 4] {
        sums
    }

    channels!("avx512f", 4);

    tiles! {
        "avx512f",
        1 x 1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24;
        2 x 1: 1 2 3 4 5 6 7 8 9 10 11 12;
        3 x 1: 1 2 3 4 5 6 7 8;
        4 x 1: 1 2 3 4 5 6;
    }
}
