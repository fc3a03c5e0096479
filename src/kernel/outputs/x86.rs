//! Registers of sixteen outputs, whose constants, scales and biases stay in registers from position to position:
//! compilers load them again for each.
//!
//! Conversions, minima, maxima and additions share two ports of current processors, which are what limits the rate, and
//! multiplications have two of their own. So a bias is added by `fma(y, 1, bias)`: `y` is the exact product, and the
//! sum is rounded once, as that of an addition is. The factor is hidden from the compiler, which knows this too.

#![allow(clippy::wildcard_imports, clippy::cast_ptr_alignment, reason = "intrinsics by the dozen, unaligned loads")]

use super::Outputs;
use std::arch::x86_64::*;
use std::hint::black_box;

/// Outputs of a register.
const LANES: usize = 16;
/// Registers side by side.
const BLOCK: usize = 4;

/// Whether the processor has the instructions.
pub fn is_supported() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl")
}

/// [`super::dequantize_outputs`].
///
/// # Panics
/// When the slices are too short, the outputs are not as many of each, or the processor lacks the instructions.
pub fn dequantize(outputs: &Outputs, sums: &[i32], width: usize, numbers: &mut [f32], stride: usize) {
    let count = outputs.scales.len();
    assert!(count == outputs.constants.len() && count == outputs.biases.len(), "one of each for {count} outputs");
    assert!(count <= width && count <= stride, "{count} outputs in rows of {width} and {stride}");
    let rows = (sums.len() / width).min(numbers.len().div_ceil(stride));
    assert!(rows == 0 || (rows - 1) * stride + count <= numbers.len(), "{rows} rows of {stride}");
    assert!(is_supported());
    let rows = Rows { count: rows, sums: sums.as_ptr(), width, numbers: numbers.as_mut_ptr(), stride };
    let mut first = 0;
    // SAFETY: the processor has the instructions, and all rows have `count` sums and numbers.
    unsafe {
        while first + BLOCK * LANES <= count {
            columns::<BLOCK>(outputs, first, LANES, rows);
            first += BLOCK * LANES;
        }
        while first < count {
            let lanes = (count - first).min(LANES);
            columns::<1>(outputs, first, lanes, rows);
            first += lanes;
        }
    }
}

/// Where the sums and numbers of positions are.
#[derive(Clone, Copy)]
struct Rows {
    count: usize,
    sums: *const i32,
    width: usize,
    numbers: *mut f32,
    stride: usize,
}

/// Overwrites the numbers of `N` registers of outputs from `first` on: of `lanes` in one, and of whole ones in several.
///
/// # Safety
/// The processor has the instructions, and there are such outputs, sums and numbers.
#[target_feature(enable = "avx512f,avx512vl")]
unsafe fn columns<const N: usize>(outputs: &Outputs, first: usize, lanes: usize, rows: Rows) {
    let mask: __mmask16 = if N == 1 { !0 >> (LANES - lanes) } else { !0 };
    let Outputs { constants, scales, biases, clip } = outputs;
    let halves = [(0, mask as u8), (LANES / 2, (mask >> (LANES / 2)) as u8)];
    let one = _mm512_set1_ps(black_box(1.0));
    let (low, high) = (_mm512_set1_ps(clip.low), _mm512_set1_ps(clip.high));
    // SAFETY: what is not in a mask is not read, and as the caller states; a pointer to none of it may be past the end.
    unsafe {
        let integers =
            |from: *const i32| halves.map(|(at, mask)| _mm256_maskz_loadu_epi32(mask, from.wrapping_add(at)));
        let reals = |from: *const f64| halves.map(|(at, mask)| _mm512_maskz_loadu_pd(mask, from.wrapping_add(at)));
        let of = |i: usize| {
            let at = first + i * LANES;
            let bias = _mm512_maskz_loadu_ps(mask, biases.as_ptr().add(at));
            (integers(constants.as_ptr().add(at)), reals(scales.as_ptr().add(at)), bias)
        };
        let registers: [_; N] = std::array::from_fn(of);
        for row in 0..rows.count {
            let sums = rows.sums.add(row * rows.width + first);
            let numbers = rows.numbers.add(row * rows.stride + first);
            for (i, (constants, scales, biases)) in registers.iter().enumerate() {
                let sums = integers(sums.add(i * LANES));
                let half = |half: usize| {
                    let acc = _mm512_cvtepi32_pd(_mm256_add_epi32(sums[half], constants[half]));
                    _mm512_cvtpd_ps(_mm512_mul_pd(acc, scales[half]))
                };
                let [lower, upper] = [half(0), half(1)].map(|half| _mm256_castps_pd(half));
                let scaled = _mm512_castpd_ps(_mm512_insertf64x4::<1>(_mm512_castpd256_pd512(lower), upper));
                let y = _mm512_fmadd_ps(scaled, one, *biases);
                // The number comes second: that is what remains where one of both is NaN.
                let y = _mm512_min_ps(high, _mm512_max_ps(low, y));
                _mm512_mask_storeu_ps(numbers.add(i * LANES), mask, y);
            }
        }
    }
}
