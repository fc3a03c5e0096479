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
    /// Standard deviation, relative as [`stdev`](Noise::stdev), of what is drawn once for each output channel.
    pub channel_stdev: f64,
    /// Seed of all draws.
    pub seed: u64,
    /// The layer's index in its network, which makes its draws independent of other layers'.
    pub layer_index: u64,
}

impl Noise {
    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        self.stdev == 0.0 && self.mean == 0.0 && self.channel_stdev == 0.0
    }

    pub fn set_stdev(&mut self, stdev: f64) -> Result<(), LayerProblem> {
        if !stdev.is_finite() || stdev < 0.0 {
            return Err(LayerProblem::Noise { what: "stdev", value: stdev, non_negative: true });
        }
        self.stdev = stdev;
        Ok(())
    }

    pub fn set_channel_stdev(&mut self, stdev: f64) -> Result<(), LayerProblem> {
        let mut checked = Noise::default();
        checked.set_stdev(stdev)?;
        self.channel_stdev = stdev;
        Ok(())
    }

    pub fn set_mean(&mut self, mean: f64) -> Result<(), LayerProblem> {
        if !mean.is_finite() {
            return Err(LayerProblem::Noise { what: "mean", value: mean, non_negative: false });
        }
        self.mean = mean;
        Ok(())
    }

    /// Draws a number for each of `channels` and adds it at all positions of the channel: `output` has whole channels
    /// of `positions` side by side.
    pub fn shift_channels(&self, output: &mut [f32], [channels, positions]: [usize; 2]) {
        if self.channel_stdev == 0.0 || output.is_empty() {
            return;
        }
        let spread = self.channel_stdev * sample_standard_deviation(output);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // No sample has this stream.
        rng.set_stream(self.layer_index << 40 | ((1 << 40) - 1));
        let shifts: Vec<f64> = StandardNormal.sample_iter(&mut rng).take(channels).map(|g: f64| spread * g).collect();
        output.par_chunks_mut(positions).enumerate().for_each(|(i, channel)| {
            channel.iter_mut().for_each(|y| *y = (f64::from(*y) + shifts[i % channels]) as f32);
        });
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
        let noise = Noise { stdev: 0.5, mean: 0.25, seed: 7, layer_index: 3, ..Noise::default() };
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
        let noise = Noise { stdev: 0.5, mean: 3.0, seed: 1, ..Noise::default() };
        let clean: Vec<f32> = [2.0f32, -2.0].repeat(50_000);
        let mut noisy = clean.clone();
        noise.perturb(&mut noisy, 100, 0);
        let errors: Vec<f32> = noisy.iter().zip(&clean).map(|(noisy, clean)| noisy - clean).collect();
        let mean = errors.iter().map(|&e| f64::from(e)).sum::<f64>() / errors.len() as f64;
        // Standard errors over 100,000 draws are 0.003 and 0.002.
        assert!((mean - 3.0).abs() < 0.02, "{mean}");
        assert!((sample_standard_deviation(&errors) - 1.0).abs() < 0.02);
    }

    /// The same in all images and at all positions, and nothing else.
    #[test]
    fn channels_are_shifted_as_a_whole() {
        let noise = Noise { channel_stdev: 0.5, seed: 1, ..Noise::default() };
        let clean: Vec<f32> = (0..3 * 400 * 5).map(|i| if i % 2 == 0 { 2.0 } else { -2.0 }).collect();
        let mut noisy = clean.clone();
        noise.shift_channels(&mut noisy, [400, 5]);
        let shifts: Vec<f32> = noisy.iter().zip(&clean).map(|(noisy, clean)| noisy - clean).collect();
        let (first, others) = shifts.split_at(400 * 5);
        assert!(others.chunks(400 * 5).all(|image| image.iter().zip(first).all(|(a, b)| (a - b).abs() < 1e-5)));
        assert!(first.chunks(5).all(|channel| channel.iter().all(|shift| (shift - channel[0]).abs() < 1e-5)));
        // A standard error over 400 draws is 0.035.
        assert!((sample_standard_deviation(first) - 1.0).abs() < 0.12);
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
