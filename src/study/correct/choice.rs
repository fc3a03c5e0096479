//! What one layer's correction is: chosen by the power of its error that is left, from moments of its output channels.
//!
//! With `y` the exact output of a channel, `a` that of the multiplier's products and `S` the sum of activations, both for
//! the same integers of the input, a correction makes it `g (a + f u S) + d`: `f` an integer, `u` the real number of one
//! step of the sums. Means, variances and covariances say what is left of `y` minus that, for any of them.

use super::part::{Part, Parts};
use crate::eval::ChannelMoments;
use crate::eval::Quantity::{Activations, Approximate, Exact};
use std::ops::RangeInclusive;

/// Of the error's power, what a constant times the sum of activations has to remove to be worth its hardware: 1 dB.
const WORTH_AN_ADDER: f64 = 0.794;
/// Of the error's power, what another scale has to leave at most.
const WORTH_A_SCALE: f64 = 0.98;
/// Gains beyond this are of channels that tell nothing.
const LARGEST_GAIN: f64 = 4.0;

/// A layer's weights as they are, or mapped, under its multiplier.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights<'a> {
    /// Of each output channel.
    pub moments: &'a [ChannelMoments],
    /// The real number that one step of the sums is, of each output channel.
    pub units: &'a [f64],
    /// The factors that an output channel can have.
    pub factors: &'a [RangeInclusive<i32>],
    /// Mean exact output of each channel in the exact network.
    pub targets: &'a [f64],
}

/// A correction of one layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// Which parts it has.
    pub parts: Parts,
    /// Of each output channel.
    pub factors: Option<Vec<i32>>,
    /// What each output channel's scale is multiplied by.
    pub gains: Option<Vec<f64>>,
    /// What is added to each output channel's bias.
    pub shifts: Option<Vec<f64>>,
    /// Mean square of the exact output over all channels.
    pub signal: f64,
    /// Mean square of the error that is left.
    pub error: f64,
}

impl Choice {
    /// The signal's power over the error's, in decibels; `None` without error.
    pub fn snr_db(&self) -> Option<f64> {
        snr_db(self.signal, self.error)
    }
}

/// The ratio of two powers in decibels; `None` without error.
pub(super) fn snr_db(signal: f64, error: f64) -> Option<f64> {
    (error > 0.0).then(|| 10.0 * libm::log10(signal / error))
}

/// Moments of a channel after its factor.
#[derive(Debug, Clone, Copy)]
struct Channel {
    exact: [f64; 2],
    approximate: [f64; 2],
    covariance: f64,
}

impl Channel {
    fn new(moments: &ChannelMoments, added: f64) -> Self {
        let mean = moments.mean(Approximate) + added * moments.mean(Activations);
        let variance = moments.covariance(Approximate, Approximate)
            + 2.0 * added * moments.covariance(Approximate, Activations)
            + added * added * moments.covariance(Activations, Activations);
        let covariance = moments.covariance(Exact, Approximate) + added * moments.covariance(Exact, Activations);
        let exact = [moments.mean(Exact), moments.covariance(Exact, Exact)];
        Channel { exact, approximate: [mean, variance.max(0.0)], covariance }
    }

    /// The gain that gives the outputs the exact ones' variance.
    fn gain(&self) -> f64 {
        let gain = (self.exact[1] / self.approximate[1]).sqrt();
        if gain.is_finite() && gain > 0.0 { gain.clamp(1.0 / LARGEST_GAIN, LARGEST_GAIN) } else { 1.0 }
    }

    /// The mean square of the error with that gain, and the mean taken off if it is.
    fn error(&self, gain: f64, is_centered: bool) -> f64 {
        let mean = if is_centered { 0.0 } else { self.exact[0] - gain * self.approximate[0] };
        let spread = self.exact[1] - 2.0 * gain * self.covariance + gain * gain * self.approximate[1];
        spread.max(0.0) + mean * mean
    }
}

impl Weights<'_> {
    /// The correction of these parts, of which `bn` stands for a scale and a bias of any channel.
    pub fn with(&self, parts: Parts) -> Choice {
        let is_centered = parts.has(Part::Bias) || parts.has(Part::Bn);
        let factors: Option<Vec<i32>> = parts.has(Part::Affine).then(|| self.factors(is_centered));
        let added = |channel: usize| {
            let factor = factors.as_ref().map_or(0, |factors| factors[channel]);
            f64::from(factor) * self.units[channel]
        };
        let channels = self.moments.iter().enumerate();
        let channels: Vec<Channel> = channels.map(|(i, moments)| Channel::new(moments, added(i))).collect();
        let gains: Option<Vec<f64>> = parts.has(Part::Bn).then(|| channels.iter().map(Channel::gain).collect());
        let gain = |channel: usize| gains.as_ref().map_or(1.0, |gains| gains[channel]);
        let shift = |(i, channel): (usize, &Channel)| self.targets[i] - gain(i) * channel.approximate[0];
        let shifts = is_centered.then(|| channels.iter().enumerate().map(shift).collect());
        let count = channels.len().max(1) as f64;
        let error = channels.iter().enumerate().map(|(i, channel)| channel.error(gain(i), is_centered)).sum::<f64>();
        let signal = self.moments.iter().map(|moments| moments.mean_product(Exact, Exact)).sum::<f64>();
        Choice { parts, factors, gains, shifts, signal: signal / count, error: error / count }
    }

    /// The integers whose products with the sum of activations are the best guess of each channel's error.
    fn factors(&self, is_centered: bool) -> Vec<i32> {
        let factor = |(i, moments): (usize, &ChannelMoments)| {
            let of = |a, b| if is_centered { moments.covariance(a, b) } else { moments.mean_product(a, b) };
            let slope = (of(Exact, Activations) - of(Approximate, Activations)) / of(Activations, Activations);
            let steps = (slope / self.units[i]).round_ties_even();
            let (low, high) = (*self.factors[i].start(), *self.factors[i].end());
            if steps.is_finite() { steps.clamp(low.into(), high.into()) as i32 } else { 0i32.clamp(low, high) }
        };
        self.moments.iter().enumerate().map(factor).collect()
    }

    /// The one of the corrections of these parts that leaves the least error; those that cost hardware, or scales of their
    /// own, only where they are worth it.
    pub fn best(&self, parts: Parts) -> Choice {
        let of = |used: &[Part]| self.with(used.iter().copied().filter(|part| parts.has(*part)).collect());
        let mut best = of(&[]);
        let mut consider = |choice: Choice, worth: f64| {
            if choice.error < worth * best.error {
                best = choice;
            }
        };
        consider(of(&[Part::Bias]), 1.0);
        consider(of(&[Part::Bn]), WORTH_A_SCALE);
        if parts.has(Part::Affine) {
            let mut with_factors = of(&[Part::Bias, Part::Affine]);
            let scaled = of(&[Part::Bn, Part::Affine]);
            if scaled.parts.has(Part::Bn) && scaled.error < WORTH_A_SCALE * with_factors.error {
                with_factors = scaled;
            }
            consider(with_factors, WORTH_AN_ADDER);
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outputs of three channels at 40 positions: exact, approximate, and the sum of activations.
    fn rows() -> Vec<Vec<[f64; 3]>> {
        let value = |i: usize, seed: usize| ((i * 7919 + seed * 104_729) % 97) as f64 / 9.7 - 5.0;
        let row = |channel: usize, i: usize| {
            let (exact, sum) = (value(i, channel), (i * 31 % 23) as f64);
            let noise = value(i, channel + 50) / 50.0;
            [exact, 0.8 * exact - 0.24 * sum + 1.5 * channel as f64 + noise, sum]
        };
        (0..3).map(|channel| (0..40).map(|i| row(channel, i)).collect()).collect()
    }

    fn moments(rows: &[Vec<[f64; 3]>]) -> Vec<ChannelMoments> {
        rows.iter().map(|rows| rows.iter().copied().collect()).collect()
    }

    /// The mean square of what is left of the error, position by position.
    fn naive(rows: &[Vec<[f64; 3]>], choice: &Choice, units: &[f64], is_centered: bool) -> f64 {
        let of_channel = |(i, rows): (usize, &Vec<[f64; 3]>)| {
            let gain = choice.gains.as_ref().map_or(1.0, |gains| gains[i]);
            let factor = choice.factors.as_ref().map_or(0.0, |factors| f64::from(factors[i]));
            let errors = rows.iter().map(|[y, a, s]| y - gain * (a + factor * units[i] * s));
            let errors: Vec<f64> = errors.collect();
            let mean = if is_centered { errors.iter().sum::<f64>() / 40.0 } else { 0.0 };
            errors.iter().map(|error| (error - mean) * (error - mean)).sum::<f64>() / 40.0
        };
        rows.iter().enumerate().map(of_channel).sum::<f64>() / 3.0
    }

    #[test]
    fn what_is_left_is_that_of_every_position() {
        let rows = rows();
        let (moments, units, targets) = (moments(&rows), [0.1, 0.05, 0.2], [1.0, -2.0, 0.5]);
        let factors = [-128..=127, -128..=127, -1..=1];
        let weights = Weights { moments: &moments, units: &units, factors: &factors, targets: &targets };
        for names in [
            &[][..],
            &[Part::Bias],
            &[Part::Bn],
            &[Part::Affine],
            &[Part::Bias, Part::Affine],
            &[Part::Bn, Part::Affine],
        ] {
            let parts: Parts = names.iter().copied().collect();
            let choice = weights.with(parts);
            let is_centered = parts.has(Part::Bias) || parts.has(Part::Bn);
            let expected = naive(&rows, &choice, &units, is_centered);
            assert!(
                (choice.error - expected).abs() < 1e-9 * (1.0 + expected),
                "{names:?}: {} {expected}",
                choice.error
            );
            let Some(shifts) = &choice.shifts else { continue };
            for (i, rows) in rows.iter().enumerate() {
                let gain = choice.gains.as_ref().map_or(1.0, |gains| gains[i]);
                let factor = choice.factors.as_ref().map_or(0.0, |factors| f64::from(factors[i]));
                let mean = rows.iter().map(|[_, a, s]| gain * (a + factor * units[i] * s)).sum::<f64>() / 40.0;
                assert!((mean + shifts[i] - targets[i]).abs() < 1e-9, "the mean becomes the target");
            }
        }
    }

    /// No other integer leaves less, but one that the channel cannot have.
    #[test]
    fn factors_are_the_best_integers() {
        let rows = rows();
        let (moments, units) = (moments(&rows), [0.1, 0.05, 0.2]);
        let factors = [-128..=127, -128..=127, -1..=0];
        let weights = Weights { moments: &moments, units: &units, factors: &factors, targets: &[0.0; 3] };
        for (parts, is_centered) in [(vec![Part::Affine], false), (vec![Part::Affine, Part::Bias], true)] {
            let choice = weights.with(parts.into_iter().collect());
            let found = choice.factors.clone().unwrap();
            assert!(found.iter().any(|&factor| factor != 0));
            for i in 0..3 {
                for other in factors[i].clone() {
                    let mut all = found.clone();
                    all[i] = other;
                    let tried = Choice { factors: Some(all), ..choice.clone() };
                    let left = naive(&rows, &tried, &units, is_centered);
                    assert!(left >= choice.error - 1e-9, "channel {i}: {other} is better than {}", found[i]);
                }
            }
        }
    }

    #[test]
    fn parts_are_chosen_where_they_are_worth_it() {
        let best = |rows: &[Vec<[f64; 3]>], parts: Parts| {
            let moments = moments(rows);
            let (units, factors) = (vec![0.1; rows.len()], vec![-128..=127; rows.len()]);
            let targets = vec![0.0; rows.len()];
            Weights { moments: &moments, units: &units, factors: &factors, targets: &targets }.best(parts)
        };
        assert_eq!(best(&rows(), Parts::all()).parts.names(), ["affine", "bn"]);
        let without = Parts::all().without(Part::Bn);
        assert_eq!(best(&rows(), without).parts.names(), ["bias", "affine"]);
        assert_eq!(best(&rows(), without.without(Part::Affine)).parts.names(), ["bias"]);
        // An error that does not follow the activations is worth no adder, and one without a mean no bias.
        let even = |i: usize| if i.is_multiple_of(2) { 0.5 } else { -0.5 };
        let noisy: Vec<[f64; 3]> = (0..40).map(|i| [i as f64, i as f64 + even(i), (i / 2) as f64]).collect();
        assert_eq!(best(&[noisy], Parts::all()).parts.names(), [""; 0]);
        let same: Vec<[f64; 3]> = (0..40u8).map(|i| [f64::from(i), f64::from(i), 1.0]).collect();
        let choice = best(&[same], Parts::all());
        assert_eq!((choice.parts, choice.snr_db()), (Parts::default(), None));
    }
}
