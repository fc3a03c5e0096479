//! Stochastic gradient descent with Nesterov momentum, and its learning rate.

use super::layers::Layers;
use anyhow::{Context, Result};
use candle_core::Tensor;
use std::collections::BTreeMap;

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

/// The one-cycle rate (Smith and Topin, 2018, <https://arxiv.org/abs/1708.07120>): a cosine from
/// `peak / 25` to `peak` over the first 30 % of the steps, then a cosine to nearly nothing.
pub fn one_cycle(peak: f64, step: usize, steps: usize) -> f64 {
    let cosine = |from: f64, to: f64, t: f64| to + (from - to) * (1.0 + (std::f64::consts::PI * t).cos()) / 2.0;
    let (t, rise) = (step as f64 / steps as f64, 0.3);
    if t < rise {
        cosine(peak / 25.0, peak, t / rise)
    } else {
        cosine(peak, peak / 250_000.0, (t - rise) / (1.0 - rise))
    }
}
