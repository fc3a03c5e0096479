//! What follows a layer's sums, in the same pass over them: the bias, and the bounds of a fused activation.
//! Every arithmetic ends in it.

use super::after_sums::AfterSums;
use crate::kernel::Clip;

/// What happens to a layer's sums before they leave it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Epilogue<'a> {
    /// Added first, one number per output channel.
    pub bias: Option<&'a [f32]>,
    /// What integer sums become in place of it, where integers follow them.
    pub after_sums: Option<&'a AfterSums>,
    /// The range that outputs are then clamped to.
    pub clip: Clip,
}

impl Epilogue<'_> {
    /// Rounds sums of `channel` to outputs after the bias is added.
    pub fn round(&self, channel: usize, sums: &[f64], outputs: &mut [f32]) {
        let bias = self.bias.map_or(0.0, |bias| f64::from(bias[channel]));
        for (y, &sum) in outputs.iter_mut().zip(sums) {
            *y = self.clip.apply((sum + bias) as f32);
        }
    }

    /// Applies it to outputs of `channel`.
    pub fn apply(&self, channel: usize, outputs: &mut [f32]) {
        if let Some(bias) = self.bias {
            for y in &mut *outputs {
                *y += bias[channel];
            }
        }
        if self.clip != Clip::default() {
            for y in outputs {
                *y = self.clip.apply(*y);
            }
        }
    }
}
