//! Dot products in the registers of AVX2: 8 sums each, of which 12 leave room for operands.

use super::channels;
use super::instructions::{Depthwise, Instructions, Tile, compiled};
use super::register::Register;
use super::tiles;
use std::arch::x86_64::*;

/// Bytes by `vpdpbusd`.
pub struct Bytes256;

impl Instructions for Bytes256 {
    type Operand = u8;
    type Weight = i8;
    type Sum = i32;
    type Register = __m256i;

    const GROUP: usize = 4;
    const PANELS: usize = 2;
    const UNIT: usize = 4;

    #[inline(always)]
    unsafe fn add(sums: __m256i, operands: __m256i, weights: __m256i) -> __m256i {
        // SAFETY: as the trait states.
        unsafe { _mm256_dpbusd_avx_epi32(sums, operands, weights) }
    }

    #[inline(always)]
    unsafe fn taps<const R: usize>([a, b, c, d]: [*const u8; 4]) -> [__m256i; R] {
        // SAFETY: as the trait states; a unit of four registers is of 32 channels.
        unsafe {
            let mut registers = [__m256i::zero(); R];
            for (unit, registers) in registers.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let (a, b) = (__m256i::load(a.add(32 * unit)), __m256i::load(b.add(32 * unit)));
                let (c, d) = (__m256i::load(c.add(32 * unit)), __m256i::load(d.add(32 * unit)));
                let (ab0, ab1) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
                let (cd0, cd1) = (_mm256_unpacklo_epi8(c, d), _mm256_unpackhi_epi8(c, d));
                *registers = [
                    _mm256_unpacklo_epi16(ab0, cd0),
                    _mm256_unpackhi_epi16(ab0, cd0),
                    _mm256_unpacklo_epi16(ab1, cd1),
                    _mm256_unpackhi_epi16(ab1, cd1),
                ];
            }
            registers
        }
    }

    fn channel(register: usize, lane: usize) -> usize {
        16 * (lane / 4) + 4 * register + lane % 4
    }

    #[inline(always)]
    unsafe fn in_order<const R: usize>(mut sums: [__m256i; R]) -> [__m256i; R] {
        for sums in sums.as_chunks_mut::<4>().0 {
            let [a, b, c, d] = *sums;
            // SAFETY: as the trait states.
            let ([ab0, ab1], [cd0, cd1]) = unsafe { (halves(a, b), halves(c, d)) };
            *sums = [ab0, cd0, ab1, cd1];
        }
        sums
    }

    compiled! {
        "avx2", "avxvnni";
        1 panels: 1 2 3 4 5 6 7 8 9 10 11 12;
        2 panels: 1 2 3 4 5 6;
        channels: 2;
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
    const PANELS: usize = 2;
    const UNIT: usize = 2;

    #[inline(always)]
    unsafe fn add(sums: __m256i, operands: __m256i, weights: __m256i) -> __m256i {
        // SAFETY: as the trait states.
        unsafe { _mm256_add_epi32(sums, _mm256_madd_epi16(operands, weights)) }
    }

    #[inline(always)]
    unsafe fn taps<const R: usize>([a, b, ..]: [*const i16; 4]) -> [__m256i; R] {
        // SAFETY: as the trait states; a unit of two registers is of 16 channels.
        unsafe {
            let mut registers = [__m256i::zero(); R];
            for (unit, registers) in registers.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                let (a, b) = (__m256i::load(a.add(16 * unit).cast()), __m256i::load(b.add(16 * unit).cast()));
                *registers = [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)];
            }
            registers
        }
    }

    fn channel(register: usize, lane: usize) -> usize {
        16 * (register / 2) + 8 * (lane / 4) + 4 * (register % 2) + lane % 4
    }

    #[inline(always)]
    unsafe fn in_order<const R: usize>(mut sums: [__m256i; R]) -> [__m256i; R] {
        for sums in sums.as_chunks_mut::<2>().0 {
            let [a, b] = *sums;
            // SAFETY: as the trait states.
            *sums = unsafe { halves(a, b) };
        }
        sums
    }

    compiled! {
        "avx2";
        1 panels: 1 2 3 4 5 6 7 8 9 10 11 12;
        2 panels: 1 2 3 4 5 6;
        channels: 2;
    }
}

/// The lower halves of two registers, and the upper ones.
#[inline(always)]
unsafe fn halves(a: __m256i, b: __m256i) -> [__m256i; 2] {
    // SAFETY: the caller's processor has AVX2.
    unsafe { [_mm256_permute2x128_si256::<0x20>(a, b), _mm256_permute2x128_si256::<0x31>(a, b)] }
}

/// `f32` by fused multiplication and addition.
pub struct Reals256;

impl Instructions for Reals256 {
    type Operand = f32;
    type Weight = f32;
    type Sum = f32;
    type Register = __m256;

    const GROUP: usize = 1;
    const PANELS: usize = 2;
    const UNIT: usize = 1;

    #[inline(always)]
    unsafe fn add(sums: __m256, operands: __m256, weights: __m256) -> __m256 {
        // SAFETY: as the trait states.
        unsafe { _mm256_fmadd_ps(operands, weights, sums) }
    }

    #[inline(always)]
    unsafe fn taps<const R: usize>([tap, ..]: [*const f32; 4]) -> [__m256; R] {
        // SAFETY: as the trait states.
        unsafe { channels::in_line(tap) }
    }

    compiled! {
        "avx2", "fma";
        1 panels: 1 2 3 4 5 6 7 8 9 10 11 12;
        2 panels: 1 2 3 4 5 6;
        channels: 2;
    }
}
