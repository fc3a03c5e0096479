//! The instruction sets that plain loops are compiled for.

/// Compiles a function for several instruction sets, of which calls take the best that the processor
/// has: one list for all loops that compilers vectorize. Rust contracts no multiplication and addition
/// into one rounding, so that the bits are the same in each.
macro_rules! for_simd_levels {
    ($($function:tt)*) => {
        #[multiversion::multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
        $($function)*
    };
}
pub(crate) use for_simd_levels;
