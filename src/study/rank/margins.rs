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

    /// The fraction of samples whose class the outputs give under noise of this mean square in all outputs of a sample
    /// together, what they share taken off.
    pub fn accuracy(&self, mean_square: f64) -> f64 {
        let stdev = (mean_square / (self.classes as f64 - 1.0)).sqrt() as f32;
        let samples = self.outputs.chunks_exact(self.classes).zip(&self.labels);
        let noise = self.noise.chunks_exact(self.classes);
        let is_correct = |((outputs, &label), noise): ((&[f32], &u32), &[f32])| {
            let noisy = |class: usize| outputs[class] + stdev * noise[class];
            // Ties go to the lowest class.
            let best = (1..outputs.len()).fold(0, |best, class| if noisy(class) > noisy(best) { class } else { best });
            best == label as usize
        };
        let draws = self.noise.len() / self.outputs.len();
        let correct = samples.cycle().zip(noise).filter(|&sample| is_correct(sample)).count();
        correct as f64 / (self.labels.len() * draws) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes whose outputs differ by 2: noise of deviation 1 in each flips them where a normal number of
    /// deviation sqrt(2) is above 2, with probability 0.0786.
    #[test]
    fn accuracy_falls_as_margins_are_crossed() {
        let margins = Margins {
            outputs: [1.0, -1.0].repeat(20_000),
            labels: vec![0; 20_000],
            classes: 2,
            is_classifier: true,
            noise: Vec::new(),
        };
        let margins = margins.of_classes().unwrap();
        assert_eq!(margins.accuracy(0.0), 1.0);
        assert!((margins.accuracy(1.0) - (1.0 - 0.0786)).abs() < 0.003);
        assert!((margins.accuracy(1e9) - 0.5).abs() < 0.01);
        assert!(Margins::default().of_classes().is_none());
    }
}
