//! The numbers of outputs that lie side by side: their sums, scaled and clamped, with the same bits in each instruction
//! set.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::convert::Clip;
use super::fixed_point::{FixedPoint, Requantize};
use super::for_simd_levels;

/// How sums of outputs become numbers: `f32(f64(sum + constant) * scale) + bias`, clamped.
#[derive(Debug, Clone, Copy)]
pub struct Outputs<'a> {
    /// Added to each sum, modulo 2^32.
    pub constants: &'a [i32],
    /// The real number that one unit of each sum represents.
    pub scales: &'a [f64],
    /// Added to the scaled sums; -0 where there is none, which changes no number.
    pub biases: &'a [f32],
    /// The range that numbers are then clamped to.
    pub clip: Clip,
}

/// Overwrites the numbers of some outputs of each position, of which there are `stride` a position in `numbers` and
/// `width` in `sums`, and which are the first of either; positions are as many as `sums` has whole ones.
///
/// # Panics
/// When the slices are too short, or not of as many outputs.
pub fn dequantize_outputs(outputs: &Outputs, sums: &[i32], width: usize, numbers: &mut [f32], stride: usize) {
    #[cfg(target_arch = "x86_64")]
    if x86::is_supported() {
        return x86::dequantize(outputs, sums, width, numbers, stride);
    }
    dequantize_plainly(outputs, sums, width, numbers, stride);
}

for_simd_levels! {
    /// [`dequantize_outputs`], on any processor.
    fn dequantize_plainly(outputs: &Outputs, sums: &[i32], width: usize, numbers: &mut [f32], stride: usize) {
        let Outputs { constants, scales, biases, clip } = *outputs;
        let count = scales.len();
        let (constants, biases) = (&constants[..count], &biases[..count]);
        for (sums, numbers) in sums.chunks_exact(width).zip(numbers.chunks_mut(stride)) {
            let (sums, numbers) = (&sums[..count], &mut numbers[..count]);
            for i in 0..count {
                let acc = f64::from(sums[i].wrapping_add(constants[i]));
                numbers[i] = clip.apply((acc * scales[i]) as f32 + biases[i]);
            }
        }
    }
}

/// How sums of outputs become integers, and these numbers.
#[derive(Debug, Clone, Copy)]
pub struct RequantizedOutputs<'a> {
    /// Added to each sum, modulo 2^32.
    pub constants: &'a [i32],
    /// What scales each sum to steps of the output.
    pub multipliers: &'a [FixedPoint],
    /// The rounding and the output's integers.
    pub rule: Requantize,
}

for_simd_levels! {
    /// [`dequantize_outputs`] for outputs that are integers.
    ///
    /// # Panics
    /// When the slices are too short, or not of as many outputs.
    pub fn requantize_outputs(outputs: &RequantizedOutputs, sums: &[i32], width: usize, numbers: &mut [f32], stride: usize) {
        let RequantizedOutputs { constants, multipliers, rule } = *outputs;
        let count = multipliers.len();
        let constants = &constants[..count];
        for (sums, numbers) in sums.chunks_exact(width).zip(numbers.chunks_mut(stride)) {
            let (sums, numbers) = (&sums[..count], &mut numbers[..count]);
            for i in 0..count {
                numbers[i] = rule.number(multipliers[i], i64::from(sums[i].wrapping_add(constants[i])));
            }
        }
    }
}

for_simd_levels! {
    /// The same for sums of real numbers, to which biases are added.
    ///
    /// # Panics
    /// When the slices are too short.
    pub fn add_biases(biases: &[f32], clip: Clip, sums: &[f32], width: usize, numbers: &mut [f32], stride: usize) {
        let count = biases.len();
        for (sums, numbers) in sums.chunks_exact(width).zip(numbers.chunks_mut(stride)) {
            let (sums, numbers) = (&sums[..count], &mut numbers[..count]);
            for i in 0..count {
                numbers[i] = clip.apply(sums[i] + biases[i]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
