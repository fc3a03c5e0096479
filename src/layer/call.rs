//! What a layer is told for one batch, besides its input: the executor above decides on it, layers read it.

use crate::kernel::Clip;

/// How a layer is called.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Index in the data set of the batch's first sample, which determines the draws of noise.
    pub first_sample: u64,
    /// The range that outputs are clamped to, in the same pass over them.
    pub clip: Clip,
    /// Threads that the layer may use.
    pub threads: usize,
    /// Whether baseline mode sums in `f64` in order of depth, with the same bits on every processor; it
    /// always does while the layer's inputs are observed.
    pub is_ordered: bool,
    /// Whether sums are exact even where the layer has an accumulator, which then sees nothing of this call.
    pub keeps_sums_whole: bool,
}

impl Default for Call {
    /// The first batch, with all threads.
    fn default() -> Self {
        Call {
            first_sample: 0,
            clip: Clip::default(),
            threads: rayon::current_num_threads(),
            is_ordered: false,
            keeps_sums_whole: false,
        }
    }
}
