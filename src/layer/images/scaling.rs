//! What sums are scaled by: one number an output channel of each.

use crate::kernel::Clip;
use crate::kernel::outputs::Outputs;
use std::ops::Range;

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
}

impl Scaling {
    /// For `outputs` of a layer of integers, or of real numbers, which have neither constants nor scales.
    pub fn new(constants: Vec<i64>, scales: Vec<f64>, biases: Option<&[f32]>, outputs: usize) -> Self {
        let narrow = constants.iter().map(|&constant| constant as i32).collect();
        let biases = biases.map_or_else(|| vec![-0.0; outputs], <[f32]>::to_vec);
        Scaling { constants, narrow, scales, biases }
    }

    /// Those of some outputs, whose numbers are then clamped, for sums that fit 32 bits.
    pub fn outputs(&self, outputs: Range<usize>, clip: Clip) -> Outputs<'_> {
        Outputs {
            constants: &self.narrow[outputs.clone()],
            scales: &self.scales[outputs.clone()],
            biases: &self.biases[outputs],
            clip,
        }
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
        for (sums, numbers) in sums.chunks_exact(width).zip(numbers.chunks_mut(stride)) {
            for ((output, &sum), number) in outputs.clone().zip(sums).zip(numbers) {
                let acc = (sum + self.constants[output]) as f64;
                *number = clip.apply((acc * self.scales[output]) as f32 + self.biases[output]);
            }
        }
    }
}
