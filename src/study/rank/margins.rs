//! How a classifier's accuracy falls as its outputs get noisy.

use crate::eval::BatchOutputs;
use crate::task::Task;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Outputs that are perturbed for one figure, about.
const OUTPUTS: usize = 1 << 20;

/// The most draws of noise for a sample.
const DRAWS: usize = 8;

/// The outputs of exact layers, and what they should be.
#[derive(Debug, Default)]
pub(super) struct Margins {
    /// Of each sample, `classes` outputs.
    outputs: Vec<f32>,
    labels: Vec<u32>,
    classes: usize,
    is_classifier: bool,
    /// Standard normal numbers, one for each output and draw.
    noise: Vec<f32>,
}

impl Margins {
    /// Adds a batch, as long as there are not enough.
    pub fn add(&mut self, batch: &BatchOutputs) {
        self.is_classifier = batch.predictions.task() == Task::Classification && batch.outputs > 1;
        self.classes = batch.outputs;
        if self.outputs.len() < OUTPUTS {
            self.outputs.extend_from_slice(batch.logits);
            self.labels.extend_from_slice(batch.predictions.labels());
        }
    }

    /// With noise to be added; `None` where outputs are not those of classes.
    pub fn of_classes(mut self) -> Option<Self> {
        let is_whole = self.labels.len() * self.classes == self.outputs.len() && !self.labels.is_empty();
        if !self.is_classifier || !is_whole {
            return None;
        }
        let draws = (OUTPUTS / self.outputs.len()).clamp(1, DRAWS);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        self.noise = StandardNormal.sample_iter(&mut rng).take(self.outputs.len() * draws).collect();
        Some(self)
    }

    /// The fraction of right answers that stay right under noise of this mean square in all outputs of a sample together,
    /// what they share taken off. It only falls as noise rises: each draw grows with it.
    pub fn kept(&self, mean_square: f64) -> f64 {
        let stdev = (mean_square / (self.classes as f64 - 1.0)).sqrt() as f32;
        let samples = self.outputs.chunks_exact(self.classes).zip(&self.labels);
        // A sample, and whether the noise leaves it its label.
        let is_right = |outputs: &[f32], label: u32, noise: &[f32], stdev: f32| {
            let noisy = |class: usize| outputs[class] + stdev * noise[class];
            // Ties go to the lowest class.
            let best = (1..outputs.len()).fold(0, |best, class| if noisy(class) > noisy(best) { class } else { best });
            best == label as usize
        };
        let (mut right, mut kept) = (0, 0);
        for ((outputs, &label), noise) in samples.cycle().zip(self.noise.chunks_exact(self.classes)) {
            if is_right(outputs, label, noise, 0.0) {
                right += 1;
                kept += usize::from(is_right(outputs, label, noise, stdev));
            }
        }
        if right == 0 { 1.0 } else { kept as f64 / f64::from(right) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes whose outputs differ by 2: noise of deviation 1 in each flips them where a normal number of
    /// deviation sqrt(2) is above 2, with probability 0.0786.
    #[test]
    fn answers_are_lost_as_margins_are_crossed() {
        let margins = Margins {
            // A third sample is wrong, and does not count.
            outputs: [1.0, -1.0, 1.0, -1.0, -1.0, 1.0].repeat(10_000),
            labels: vec![0; 30_000],
            classes: 2,
            is_classifier: true,
            noise: Vec::new(),
        };
        let margins = margins.of_classes().unwrap();
        assert_eq!(margins.kept(0.0), 1.0);
        assert!((margins.kept(1.0) - (1.0 - 0.0786)).abs() < 0.003);
        assert!((margins.kept(1e9) - 0.5).abs() < 0.01);
        let falling = (0..20).map(|i| margins.kept(f64::from(i) / 4.0)).collect::<Vec<_>>();
        assert!(falling.is_sorted_by(|a, b| a >= b), "{falling:?}");
        assert!(Margins::default().of_classes().is_none());
    }
}
