//! Sums in the registers of AVX2 and AVX-512.

#![allow(clippy::inline_always, reason = "helpers must take the caller's instruction set")]

use super::LANES;
use std::arch::x86_64::{
    __m256d, __m512d, _mm256_fmadd_pd, _mm256_loadu_pd, _mm256_set1_pd, _mm256_storeu_pd, _mm512_fmadd_pd,
    _mm512_loadu_pd, _mm512_set1_pd, _mm512_storeu_pd,
};

/// A register of `f64`. Its functions need a processor that has it.
trait Register: Copy {
    const NUMBERS: usize;
    unsafe fn load(from: *const f64) -> Self;
    unsafe fn store(self, to: *mut f64);
    unsafe fn splat(number: f64) -> Self;
    /// `self * factor + sum`, rounded once.
    unsafe fn fused(self, factor: Self, sum: Self) -> Self;
}

macro_rules! register {
    ($register:ty, $numbers:literal, $load:ident, $store:ident, $splat:ident, $fused:ident) => {
        impl Register for $register {
            const NUMBERS: usize = $numbers;

            #[inline(always)]
            unsafe fn load(from: *const f64) -> Self {
                // SAFETY: the caller's processor has the register, and `from` is followed by its numbers.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f64) {
                // SAFETY: the caller's processor has the register, and `to` is followed by its numbers.
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn splat(number: f64) -> Self {
                // SAFETY: the caller's processor has the register.
                unsafe { $splat(number) }
            }

            #[inline(always)]
            unsafe fn fused(self, factor: Self, sum: Self) -> Self {
                // SAFETY: the caller's processor has the register.
                unsafe { $fused(self, factor, sum) }
            }
        }
    };
}

register!(__m256d, 4, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_set1_pd, _mm256_fmadd_pd);
register!(__m512d, 8, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_set1_pd, _mm512_fmadd_pd);

/// [`Add`](super::Add) in two registers of columns for each row.
///
/// # Safety
/// The processor must have the registers, and `C` be the numbers of two.
#[inline(always)]
unsafe fn add<V: Register, const R: usize, const C: usize>(weights: &[[f64; R]], panel: &[[f64; C]], sums: &mut [f64]) {
    assert!(C == 2 * V::NUMBERS && sums.len() >= (R - 1) * LANES + C);
    // SAFETY: the caller's processor has the registers; row `r < R` of the sums is read and written at
    // `r * LANES + 0..C`, which the assertion keeps inside; a line of the panel is `C` numbers.
    unsafe {
        let mut block = [[V::splat(0.0); 2]; R];
        for (r, row) in block.iter_mut().enumerate() {
            for (i, sum) in row.iter_mut().enumerate() {
                *sum = V::load(sums.as_ptr().add(r * LANES + i * V::NUMBERS));
            }
        }
        for (weights, values) in weights.iter().zip(panel) {
            let values = [V::load(values.as_ptr()), V::load(values.as_ptr().add(V::NUMBERS))];
            for (row, &weight) in block.iter_mut().zip(weights) {
                let weight = V::splat(weight);
                for (sum, &value) in row.iter_mut().zip(&values) {
                    *sum = weight.fused(value, *sum);
                }
            }
        }
        for (r, row) in block.iter().enumerate() {
            for (i, sum) in row.iter().enumerate() {
                sum.store(sums.as_mut_ptr().add(r * LANES + i * V::NUMBERS));
            }
        }
    }
}

/// The implementation for processors with AVX-512.
///
/// # Panics
/// On others.
pub(super) fn avx512(weights: &[[f64; 8]], panel: &[[f64; 16]], sums: &mut [f64]) {
    #[target_feature(enable = "avx512f")]
    fn inner(weights: &[[f64; 8]], panel: &[[f64; 16]], sums: &mut [f64]) {
        // SAFETY: the function is only called where the processor has AVX-512.
        unsafe { add::<__m512d, 8, 16>(weights, panel, sums) }
    }
    assert!(is_x86_feature_detected!("avx512f"));
    // SAFETY: just checked.
    unsafe { inner(weights, panel, sums) }
}

/// The implementation for processors with AVX2 and FMA.
///
/// # Panics
/// On others.
pub(super) fn avx2(weights: &[[f64; 4]], panel: &[[f64; 8]], sums: &mut [f64]) {
    #[target_feature(enable = "avx2,fma")]
    fn inner(weights: &[[f64; 4]], panel: &[[f64; 8]], sums: &mut [f64]) {
        // SAFETY: the function is only called where the processor has AVX2 and FMA.
        unsafe { add::<__m256d, 4, 8>(weights, panel, sums) }
    }
    assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
    // SAFETY: just checked.
    unsafe { inner(weights, panel, sums) }
}
