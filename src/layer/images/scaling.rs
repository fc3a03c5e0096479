//! What sums are scaled by: one number an output channel of each.

use crate::kernel::Clip;
use crate::kernel::outputs::{Outputs, RequantizedOutputs, dequantize_outputs, requantize_outputs};
use crate::layer::after_sums::AfterSums;
use std::ops::Range;
use std::sync::Arc;

/// How a layer's sums become numbers: `f32(f64(sum + constant) * scale) + bias`, channel by channel.
#[derive(Debug, Clone, Default)]
pub(super) struct Scaling {
    /// Added to sums; empty where these are not integers.
    pub constants: Vec<i64>,
    /// The same modulo 2^32, for sums that fit 32 bits.
    narrow: Vec<i32>,
    /// The real number that one unit of a sum represents; empty where sums are not integers.
    pub scales: Vec<f64>,
    /// Added to numbers; -0 where there is none, which changes no number.
    pub biases: Vec<f32>,
    /// What integer sums become instead of real numbers, once their biases are among the constants.
    after_sums: Option<Arc<AfterSums>>,
}

impl Scaling {
    /// For `outputs` of a layer of integers, or of real numbers, which have neither constants nor scales.
    pub fn new(constants: Vec<i64>, scales: Vec<f64>, biases: Option<&[f32]>, outputs: usize) -> Self {
        let narrow = constants.iter().map(|&constant| constant as i32).collect();
        let biases = biases.map_or_else(|| vec![-0.0; outputs], <[f32]>::to_vec);
        Scaling { constants, narrow, scales, biases, after_sums: None }
    }

    /// The same with every sum one too large: a fault made on purpose.
    pub fn one_too_large(&self) -> Self {
        let constants = self.constants.iter().map(|constant| constant + 1).collect();
        let narrow = self.narrow.iter().map(|constant| constant.wrapping_add(1)).collect();
        Scaling { constants, narrow, ..self.clone() }
    }

    /// The same with integers after the sums, whose biases take the place of others.
    pub fn followed_by(self, after: &Arc<AfterSums>) -> Self {
        let constants = self.constants.iter().enumerate().map(|(i, constant)| constant + after.bias(i)).collect();
        let outputs = self.biases.len();
        Scaling { after_sums: Some(Arc::clone(after)), ..Scaling::new(constants, self.scales, None, outputs) }
    }

    /// Overwrites the numbers of `outputs` of each position, clamped, for sums that fit 32 bits, of which there are
    /// `width` a position; of numbers there are `stride`.
    pub fn narrow_numbers(
        &self,
        outputs: Range<usize>,
        clip: Clip,
        sums: &[i32],
        width: usize,
        numbers: &mut [f32],
        stride: usize,
    ) {
        let constants = &self.narrow[outputs.clone()];
        if let Some((rule, multipliers)) = self.after_sums.as_ref().and_then(|after| after.requantize(clip)) {
            let of_outputs = RequantizedOutputs { constants, multipliers: &multipliers[outputs], rule };
            return requantize_outputs(&of_outputs, sums, width, numbers, stride);
        }
        let (scales, biases) = (&self.scales[outputs.clone()], &self.biases[outputs]);
        dequantize_outputs(&Outputs { constants, scales, biases, clip }, sums, width, numbers, stride);
    }

    /// Overwrites the numbers of `outputs` of each position for sums of any size, of which there are `width` a
    /// position; of numbers there are `stride`.
    pub fn wide_numbers(
        &self,
        outputs: Range<usize>,
        clip: Clip,
        sums: &[i64],
        width: usize,
        numbers: &mut [f32],
        stride: usize,
    ) {
        let requantize = self.after_sums.as_ref().and_then(|after| after.requantize(clip));
        for (sums, numbers) in sums.chunks_exact(width).zip(numbers.chunks_mut(stride)) {
            for ((output, &sum), number) in outputs.clone().zip(sums).zip(numbers) {
                let acc = sum + self.constants[output];
                *number = match &requantize {
                    Some((rule, multipliers)) => rule.number(multipliers[output], acc),
                    None => clip.apply((acc as f64 * self.scales[output]) as f32 + self.biases[output]),
                };
            }
        }
    }
}
