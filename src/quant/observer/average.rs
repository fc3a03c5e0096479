//! The moving average of batches' extremes, as PyTorch's `MovingAverageMinMaxObserver` has it
//! (torch/ao/quantization/observer.py).

/// Ends that every batch moves by a part of their distance to its own: `low += c * (low of the batch - low)`, in
/// `f32`. The first batch's are the first.
#[derive(Debug)]
pub(super) struct MovingAverage {
    constant: f32,
    ends: Option<[f32; 2]>,
    /// Of the values since the last batch ended.
    batch: Option<[f32; 2]>,
}

impl MovingAverage {
    pub fn new(constant: f32) -> Self {
        MovingAverage { constant, ends: None, batch: None }
    }

    /// Sees values of the present batch that lie between `min` and `max`.
    pub fn observe(&mut self, [min, max]: [f32; 2]) {
        let [low, high] = self.batch.unwrap_or([f32::INFINITY, f32::NEG_INFINITY]);
        self.batch = Some([low.min(min), high.max(max)]);
    }

    pub fn end_batch(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        self.ends = Some(match self.ends {
            None => batch,
            Some(ends) => [0, 1].map(|end| ends[end] + self.constant * (batch[end] - ends[end])),
        });
    }

    /// The ends after the last batch.
    pub fn finish(mut self) -> [f32; 2] {
        self.end_batch();
        self.ends.unwrap_or_default()
    }
}
