//! Gaussian noise on a layer's quantized output.

use super::LayerProblem;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// A layer's perturbation: `y + mean + stdev * std * g`, with `std` the sample standard deviation of
/// the layer's output over the batch and `g` standard normal.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Noise {
    pub stdev: f64,
    pub mean: f64,
    /// Seed of all draws.
    pub seed: u64,
    /// The layer's index in its network, which makes its draws independent of other layers'.
    pub layer_index: u64,
}

impl Noise {
    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        self.stdev == 0.0 && self.mean == 0.0
    }

    pub fn set_stdev(&mut self, stdev: f64) -> Result<(), LayerProblem> {
        if !stdev.is_finite() || stdev < 0.0 {
            return Err(LayerProblem::Noise { what: "stdev", value: stdev, non_negative: true });
        }
        self.stdev = stdev;
        Ok(())
    }

    pub fn set_mean(&mut self, mean: f64) -> Result<(), LayerProblem> {
        if !mean.is_finite() {
            return Err(LayerProblem::Noise { what: "mean", value: mean, non_negative: false });
        }
        self.mean = mean;
        Ok(())
    }

    /// Perturbs `samples` equal parts of `output`, the first being sample `first_sample` of the data
    /// set. Draws come in the order of a sample's elements from the stream
    /// `layer_index << 40 | sample`, and so do not depend on batches or threads.
    pub fn perturb(&self, output: &mut [f32], samples: usize, first_sample: u64) {
        if self.is_none() || output.is_empty() {
            return;
        }
        let spread = self.stdev * sample_standard_deviation(output);
        output.par_chunks_mut(output.len() / samples).enumerate().for_each(|(i, sample)| {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(self.layer_index << 40 | (first_sample + i as u64));
            for y in sample {
                let g: f64 = StandardNormal.sample(&mut rng);
                *y = (f64::from(*y) + (self.mean + spread * g)) as f32;
            }
        });
    }
}

/// With `n - 1` in the denominator; 0 for a single value. Summed in blocks of fixed size, so that the
/// bits do not depend on threads.
fn sample_standard_deviation(values: &[f32]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let sum = |term: &(dyn Fn(f64) -> f64 + Sync)| -> f64 {
        const BLOCK: usize = 1 << 12;
        let blocks: Vec<f64> =
            values.par_chunks(BLOCK).map(|block| block.iter().map(|&y| term(f64::from(y))).sum()).collect();
        blocks.iter().sum()
    };
    let mean = sum(&|y| y) / values.len() as f64;
    (sum(&|y| (y - mean) * (y - mean)) / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2, 4, 4, 4, 5, 5, 7, 9 have mean 5 and squared deviations summing to 32.
    #[test]
    fn standard_deviation_by_hand() {
        assert_eq!(sample_standard_deviation(&[2., 4., 4., 4., 5., 5., 7., 9.]), (32f64 / 7.0).sqrt());
        assert_eq!(sample_standard_deviation(&[3.0]), 0.0);
        assert_eq!(sample_standard_deviation(&[]), 0.0);
    }

    #[test]
    fn draws_belong_to_the_sample() {
        // Two values that keep the batch's standard deviation the same however samples are grouped.
        let noise = Noise { stdev: 0.5, mean: 0.25, seed: 7, layer_index: 3 };
        let batch = [1.0f32, -1.0].repeat(8);
        let mut whole = batch.clone();
        noise.perturb(&mut whole, 4, 10);
        let mut tail = batch.clone();
        noise.perturb(&mut tail, 4, 12);
        assert_eq!(whole[8..], tail[..8], "sample 12 is third of one batch and first of the other");
        assert_ne!(whole[..4], whole[4..8]);
    }

    #[test]
    fn moments_are_those_asked_for() {
        let noise = Noise { stdev: 0.5, mean: 3.0, seed: 1, layer_index: 0 };
        let clean: Vec<f32> = [2.0f32, -2.0].repeat(50_000);
        let mut noisy = clean.clone();
        noise.perturb(&mut noisy, 100, 0);
        let errors: Vec<f32> = noisy.iter().zip(&clean).map(|(noisy, clean)| noisy - clean).collect();
        let mean = errors.iter().map(|&e| f64::from(e)).sum::<f64>() / errors.len() as f64;
        // Standard errors over 100,000 draws are 0.003 and 0.002.
        assert!((mean - 3.0).abs() < 0.02, "{mean}");
        assert!((sample_standard_deviation(&errors) - 1.0).abs() < 0.02);
    }

    #[test]
    fn settings_are_checked() {
        let mut noise = Noise::default();
        for stdev in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(noise.set_stdev(stdev).is_err());
        }
        assert!(noise.set_mean(f64::NAN).is_err());
        noise.set_mean(-3.0).unwrap();
        assert_eq!(noise.mean, -3.0);
    }
}
