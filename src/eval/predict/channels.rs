//! From the errors of single channels to those of a layer.

use super::{ErrorParts, LayerNoise, PredictedError};
use crate::kernel::for_simd_levels;

/// Sums over output positions of one channel, of errors `e` and of exact outputs `y`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub count: f64,
    pub samples: f64,
    pub e: f64,
    pub y: f64,
    /// Of all positions.
    pub all: Products,
    /// Of the means of samples, each as often as the sample has positions.
    pub of_samples: Products,
}

/// Sums of squares and products.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Products {
    pub ee: f64,
    pub yy: f64,
    pub ey: f64,
}

impl Products {
    fn of([e, y]: [f64; 2]) -> Self {
        Products { ee: e * e, yy: y * y, ey: e * y }
    }

    fn add(&mut self, other: Products, weight: f64) {
        self.ee += weight * other.ee;
        self.yy += weight * other.yy;
        self.ey += weight * other.ey;
    }

    /// Squares of errors less `gain` times exact outputs.
    fn left(&self, gain: f64) -> f64 {
        self.ee - 2.0 * gain * self.ey + gain * gain * self.yy
    }
}

impl Sums {
    /// Those of errors and exact outputs side by side, `lengths` of which are of one sample after the other.
    pub fn new(errors: &[f64], exact: &[f32], lengths: &[usize]) -> Self {
        let mut sums = moments(errors, exact);
        let mut start = 0;
        for &length in lengths {
            let e: f64 = errors[start..start + length].iter().sum();
            let y: f64 = exact[start..start + length].iter().map(|&y| f64::from(y)).sum();
            sums.of_samples.add(Products::of([e, y]), 1.0 / length as f64);
            start += length;
        }
        sums.samples = lengths.len() as f64;
        sums
    }

    pub fn merge(&mut self, other: Sums) {
        self.count += other.count;
        self.samples += other.samples;
        self.e += other.e;
        self.y += other.y;
        self.all.add(other.all, 1.0);
        self.of_samples.add(other.of_samples, 1.0);
    }
}

for_simd_levels! {
    /// Sums without those of samples.
    fn moments(errors: &[f64], exact: &[f32]) -> Sums {
        const SIDE: usize = 8;
        let mut found = [[0f64; SIDE]; 5];
        for (errors, exact) in errors.chunks(SIDE).zip(exact.chunks(SIDE)) {
            for (i, (&e, &y)) in errors.iter().zip(exact).enumerate() {
                let y = f64::from(y);
                for (found, value) in found.iter_mut().zip([e, e * e, y, y * y, e * y]) {
                    found[i] += value;
                }
            }
        }
        let [e, ee, y, yy, ey] = found.map(|lanes| lanes.iter().sum());
        Sums { count: exact.len() as f64, e, y, all: Products { ee, yy, ey }, ..Sums::default() }
    }
}

/// One channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    /// What an integer of its sums stands for.
    pub scale: f64,
    /// Mean error of its sums, over all positions.
    pub mean: f64,
    /// Of some positions.
    pub sums: Sums,
}

/// All channels of a layer.
#[derive(Debug)]
pub(super) struct Channels(pub Vec<Channel>);

impl Channel {
    /// Means of error and exact output, in units of the output.
    fn means(&self) -> [f64; 2] {
        [self.mean * self.scale, self.sums.y / self.sums.count.max(1.0) * self.scale]
    }

    /// Products of the deviations from the channel's means over the positions that were summed: of all positions, and
    /// of the means of samples.
    fn within(&self) -> [Products; 2] {
        let Sums { count, e, y, all, of_samples, .. } = self.sums;
        let square = self.scale * self.scale;
        [all, of_samples].map(|mut products| {
            products.add(Products::of([e, y]), -1.0 / count.max(1.0));
            let mut scaled = Products::default();
            scaled.add(products, square);
            scaled
        })
    }
}

impl Channels {
    /// Mean and deviation of the error of all elements.
    pub fn summary(&self) -> PredictedError {
        let channels = &self.0;
        let total = |of: fn(&Sums) -> f64| channels.iter().map(|channel| of(&channel.sums)).sum::<f64>();
        let (count, samples) = (total(|sums| sums.count), total(|sums| sums.samples));
        let mean_of = |which: usize| {
            let parts = channels.iter().map(|channel| channel.sums.count * channel.means()[which]);
            parts.sum::<f64>() / count.max(1.0)
        };
        let [mean, exact_mean] = [0, 1].map(mean_of);
        let [mut within, mut of_samples, mut between] = [Products::default(); 3];
        for channel in channels {
            let [all, means] = channel.within();
            within.add(all, 1.0);
            of_samples.add(means, 1.0);
            let [e, y] = channel.means();
            between.add(Products::of([e - mean, y - exact_mean]), channel.sums.count);
        }
        let (ee, yy) = (within.ee + between.ee, within.yy + between.yy);
        let relative = |squares: f64| if yy > 0.0 { (squares.max(0.0) / yy).sqrt() } else { 0.0 };
        let gain = if yy > 0.0 { (within.ey + between.ey) / yy } else { 0.0 };
        let exact_std = if count > 1.0 { (yy / (count - 1.0)).sqrt() } else { 0.0 };
        // The part of samples, from the spread of their means over what the spread inside of them explains.
        let (left, left_of_samples) = (within.left(gain), of_samples.left(gain));
        let free = [samples - channels.len() as f64, count - samples];
        let common = if free.iter().all(|&free| free > 0.0) {
            let inside = (left - left_of_samples).max(0.0) / free[1];
            ((left_of_samples / free[0] - inside) * samples).clamp(0.0, left.max(0.0))
        } else {
            0.0
        };
        PredictedError {
            noise: LayerNoise { stdev: relative(ee), mean },
            parts: ErrorParts {
                mean: if exact_std > 0.0 { mean / exact_std } else { 0.0 },
                gain,
                channels: relative(between.left(gain)),
                samples: relative(common),
                scatter: relative(left - common),
            },
        }
    }
}
