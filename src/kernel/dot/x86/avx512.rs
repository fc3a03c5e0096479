//! Dot products in the registers of AVX-512: 16 sums each, of which 24 leave room for operands.

use super::channels;
use super::instructions::{Depthwise, Instructions, Tile, compiled};
use super::register::Register;
use super::tiles;
use std::arch::x86_64::*;

/// Bytes by `vpdpbusd`.
pub struct Bytes512;

/// Of two registers, each of two taps of 32 channels, the bytes of 16 channels from `first` on, four by four.
const fn fours(first: u8) -> [u8; 64] {
    let mut fours = [0; 64];
    let mut i = 0;
    while i < 64 {
        fours[i] = first + (i / 4) as u8 + 32 * (i % 4) as u8;
        i += 1;
    }
    fours
}

impl Instructions for Bytes512 {
    type Operand = u8;
    type Weight = i8;
    type Sum = i32;
    type Register = __m512i;

    const GROUP: usize = 4;
    const PANELS: usize = 4;
    const UNIT: usize = 2;

    #[inline(always)]
    unsafe fn add(sums: __m512i, operands: __m512i, weights: __m512i) -> __m512i {
        // SAFETY: as the trait states.
        unsafe { _mm512_dpbusd_epi32(sums, operands, weights) }
    }

    #[inline(always)]
    unsafe fn taps<const R: usize>(taps: [*const u8; 4]) -> [__m512i; R] {
        const FOURS: [[u8; 64]; 2] = [fours(0), fours(16)];
        // SAFETY: as the trait states; a unit of two registers is of 32 channels.
        unsafe {
            let mut registers = [__m512i::zero(); R];
            let fours = [__m512i::load(FOURS[0].as_ptr()), __m512i::load(FOURS[1].as_ptr())];
            for unit in 0..R / 2 {
                let [a, b, c, d] = taps;
                let ab = both(a.add(32 * unit), b.add(32 * unit));
                let cd = both(c.add(32 * unit), d.add(32 * unit));
                registers[2 * unit] = _mm512_permutex2var_epi8(ab, fours[0], cd);
                registers[2 * unit + 1] = _mm512_permutex2var_epi8(ab, fours[1], cd);
            }
            registers
        }
    }

    compiled! {
        "avx512f", "avx512bw", "avx512vbmi", "avx512vnni";
        1 panels: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24;
        2 panels: 1 2 3 4 5 6 7 8 9 10 11 12;
        3 panels: 1 2 3 4 5 6 7 8;
        4 panels: 1 2 3 4 5 6;
        channels: 4;
    }
}

/// 32 bytes of each of two taps.
#[inline(always)]
unsafe fn both(a: *const u8, b: *const u8) -> __m512i {
    // SAFETY: the caller's processor has AVX-512, and both are followed by 32 bytes.
    unsafe {
        let low = _mm512_castsi256_si512(_mm256_loadu_si256(a.cast()));
        _mm512_inserti64x4::<1>(low, _mm256_loadu_si256(b.cast()))
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
    const PANELS: usize = 4;
    const UNIT: usize = 1;

    #[inline(always)]
    unsafe fn add(sums: __m512, operands: __m512, weights: __m512) -> __m512 {
        // SAFETY: as the trait states.
        unsafe { _mm512_fmadd_ps(operands, weights, sums) }
    }

    #[inline(always)]
    unsafe fn taps<const R: usize>([tap, ..]: [*const f32; 4]) -> [__m512; R] {
        // SAFETY: as the trait states.
        unsafe { channels::in_line(tap) }
    }

    compiled! {
        "avx512f";
        1 panels: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24;
        2 panels: 1 2 3 4 5 6 7 8 9 10 11 12;
        3 panels: 1 2 3 4 5 6 7 8;
        4 panels: 1 2 3 4 5 6;
        channels: 4;
    }
}
