//! Registers of sums, of 512 bits and of 256.

use std::arch::x86_64::*;

/// A register of numbers of 32 bits, in which operands and weights are as well. Its functions need a processor that
/// has it.
pub trait Register: Copy {
    /// Numbers of a register.
    const LANES: usize;

    /// Zeros.
    unsafe fn zero() -> Self;

    /// The four bytes from `from` on in every lane.
    unsafe fn splat(from: *const u8) -> Self;

    /// As many bytes from `from` on as the register has.
    unsafe fn load(from: *const u8) -> Self;

    /// Writes its bytes.
    unsafe fn store(self, to: *mut u8);

    /// Integers times `factor`; real numbers as they are.
    unsafe fn multiply(self, factor: i32) -> Self;
}

macro_rules! register {
    (
        $register:ty, $lanes:literal, $zero:ident, $number:ty, $splat:ident, $load:ident, $store:ident,
        multiply($sums:ident, $factor:ident): $multiply:expr
    ) => {
        impl Register for $register {
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the caller's processor has the register.
                unsafe { $zero() }
            }

            #[inline(always)]
            unsafe fn splat(from: *const u8) -> Self {
                // SAFETY: the caller's processor has the register, and `from` is followed by four bytes.
                unsafe { $splat(from.cast::<$number>().read_unaligned()) }
            }

            #[inline(always)]
            unsafe fn load(from: *const u8) -> Self {
                // SAFETY: the caller's processor has the register, and `from` is followed by its bytes.
                unsafe { $load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut u8) {
                // SAFETY: the caller's processor has the register, and `to` is followed by its bytes.
                unsafe { $store(to.cast(), self) }
            }

            #[inline(always)]
            unsafe fn multiply(self, $factor: i32) -> Self {
                let $sums = self;
                $multiply
            }
        }
    };
}

register!(
    __m512i, 16, _mm512_setzero_si512, i32, _mm512_set1_epi32, _mm512_loadu_si512, _mm512_storeu_si512,
    multiply(sums, factor): {
        // SAFETY: the caller's processor has the register.
        unsafe { _mm512_mullo_epi32(sums, _mm512_set1_epi32(factor)) }
    }
);
register!(
    __m512, 16, _mm512_setzero_ps, f32, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps,
    multiply(sums, _factor): sums
);
register!(
    __m256i, 8, _mm256_setzero_si256, i32, _mm256_set1_epi32, _mm256_loadu_si256, _mm256_storeu_si256,
    multiply(sums, factor): {
        // SAFETY: the caller's processor has the register.
        unsafe { _mm256_mullo_epi32(sums, _mm256_set1_epi32(factor)) }
    }
);
register!(
    __m256, 8, _mm256_setzero_ps, f32, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps,
    multiply(sums, _factor): sums
);
