//! Stochastic gradient descent with Nesterov momentum, and its learning rate.

use super::layers::Layers;
use anyhow::{Context, Result, bail};
use candle_core::Tensor;
use serde::Serialize;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Momentum buffers by parameter name.
#[derive(Default)]
pub struct Sgd(pub BTreeMap<String, Tensor>);

impl Sgd {
    const MOMENTUM: f64 = 0.9;

    /// One step down the gradient of `loss`.
    pub fn step(&mut self, layers: &Layers, loss: &Tensor, lr: f64, weight_decay: f64) -> Result<()> {
        let grads = loss.backward()?;
        for (name, param) in &layers.params {
            let grad = grads.get(param).with_context(|| format!("{name} has no gradient"))?;
            let grad = (grad + (param.as_tensor() * weight_decay)?)?.detach();
            let velocity = match self.0.get(name) {
                Some(velocity) => ((velocity * Self::MOMENTUM)? + &grad)?,
                None => grad.clone(),
            };
            let step = (grad + (&velocity * Self::MOMENTUM)?)?;
            param.set(&(param.as_tensor() - (step * lr)?)?.detach())?;
            self.0.insert(name.clone(), velocity);
        }
        Ok(())
    }
}

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
