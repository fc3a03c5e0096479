//! The learning rate.

use anyhow::{Result, bail};
use serde::Serialize;
use std::str::FromStr;

/// A rise and fall of the learning rate (Smith and Topin, 2018, <https://arxiv.org/abs/1708.07120>).
#[derive(Clone, Copy, Serialize)]
pub struct Cycle {
    /// Passes over the training set.
    pub epochs: usize,
    /// The peak rate.
    pub peak: f64,
    /// Of each parameter a step, by the rate.
    pub weight_decay: f64,
}

impl Cycle {
    /// The rate at a step of an epoch of `steps`: a cosine from `peak / 25` to `peak` over the first
    /// 30 % of the cycle, then a cosine to nearly nothing.
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        const RISE: f64 = 0.3;
        let cosine = |from: f64, to: f64, t: f64| to + (from - to) * (1.0 + (std::f64::consts::PI * t).cos()) / 2.0;
        let t = step as f64 / (self.epochs * steps) as f64;
        if t < RISE {
            cosine(self.peak / 25.0, self.peak, t / RISE)
        } else {
            cosine(self.peak, self.peak / 250_000.0, (t - RISE) / (1.0 - RISE))
        }
    }
}

impl FromStr for Cycle {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split(',').collect();
        let [epochs, peak, weight_decay] = parts.as_slice() else { bail!("expected epochs, peak rate, weight decay") };
        Ok(Cycle { epochs: epochs.parse()?, peak: peak.parse()?, weight_decay: weight_decay.parse()? })
    }
}
