//! Optimizers, and what a checkpoint keeps of them.

use super::layers::Layers;
use anyhow::{Context, Result};
use candle_core::Tensor;
use candle_core::backprop::GradStore;
use std::collections::BTreeMap;

/// A rule by which gradients change parameters.
pub enum Optimizer {
    /// Stochastic gradient descent with Nesterov momentum; weight decay is part of the gradient.
    Sgd(Moments),
    /// `AdamW` (Loshchilov and Hutter, 2019, <https://arxiv.org/abs/1711.05101>): its weight decay is not.
    AdamW {
        /// Running means of gradients.
        first: Moments,
        /// Of their squares.
        second: Moments,
        /// Steps taken.
        steps: u32,
    },
}

/// Running moments of gradients by parameter name.
type Moments = BTreeMap<String, Tensor>;

/// Keys of moments in a checkpoint, before the parameter's name.
const MOMENTUM: &str = "momentum:";
const SQUARES: &str = "squares:";

impl Optimizer {
    /// Without momentum yet.
    pub fn sgd() -> Self {
        Optimizer::Sgd(Moments::new())
    }

    /// The same.
    pub fn adamw() -> Self {
        Optimizer::AdamW { first: Moments::new(), second: Moments::new(), steps: 0 }
    }

    /// One step down the gradient of `loss`.
    pub fn step(&mut self, layers: &Layers, loss: &Tensor, lr: f64, weight_decay: f64) -> Result<()> {
        let grads = loss.backward()?;
        match self {
            Optimizer::Sgd(velocities) => sgd(velocities, layers, &grads, lr, weight_decay),
            Optimizer::AdamW { first, second, steps } => {
                *steps += 1;
                adamw([first, second], *steps, layers, &grads, lr, weight_decay)
            }
        }
    }

    /// What a checkpoint keeps.
    pub fn state(&self) -> impl Iterator<Item = (String, Tensor)> + '_ {
        let named = |key: &'static str, moments: &Moments| -> Vec<(String, Tensor)> {
            moments.iter().map(|(name, tensor)| (format!("{key}{name}"), tensor.clone())).collect()
        };
        match self {
            Optimizer::Sgd(velocities) => named(MOMENTUM, velocities),
            Optimizer::AdamW { first, second, .. } => [named(MOMENTUM, first), named(SQUARES, second)].concat(),
        }
        .into_iter()
    }

    /// Takes up a tensor of a checkpoint, after `steps_taken`, if it is of an optimizer.
    pub fn restore(&mut self, name: &str, tensor: &Tensor, steps_taken: u32) -> bool {
        let (momentum, squares) = (name.strip_prefix(MOMENTUM), name.strip_prefix(SQUARES));
        match (self, momentum, squares) {
            (Optimizer::Sgd(moments), Some(name), _) => moments.insert(name.to_owned(), tensor.clone()),
            (Optimizer::AdamW { first, steps, .. }, Some(name), _) => {
                *steps = steps_taken;
                first.insert(name.to_owned(), tensor.clone())
            }
            (Optimizer::AdamW { second, .. }, _, Some(name)) => second.insert(name.to_owned(), tensor.clone()),
            _ => return false,
        };
        true
    }
}

fn sgd(velocities: &mut Moments, layers: &Layers, grads: &GradStore, lr: f64, weight_decay: f64) -> Result<()> {
    const MOMENTUM: f64 = 0.9;
    for (name, param) in &layers.params {
        let grad = grads.get(param).with_context(|| format!("{name} has no gradient"))?;
        let grad = (grad + (param.as_tensor() * weight_decay)?)?.detach();
        let velocity = match velocities.get(name) {
            Some(velocity) => ((velocity * MOMENTUM)? + &grad)?,
            None => grad.clone(),
        };
        let step = (grad + (&velocity * MOMENTUM)?)?;
        param.set(&(param.as_tensor() - (step * lr)?)?.detach())?;
        velocities.insert(name.clone(), velocity);
    }
    Ok(())
}

fn adamw(
    moments: [&mut Moments; 2],
    steps: u32,
    layers: &Layers,
    grads: &GradStore,
    lr: f64,
    weight_decay: f64,
) -> Result<()> {
    const BETAS: [f64; 2] = [0.9, 0.999];
    const EPS: f64 = 1e-8;
    let [first, second] = moments;
    for (name, param) in &layers.params {
        let grad = grads.get(param).with_context(|| format!("{name} has no gradient"))?.detach();
        let mean = |moments: &mut Moments, beta: f64, value: Tensor| -> Result<Tensor> {
            let value = (value * (1.0 - beta))?;
            let moment = match moments.get(name) {
                Some(moment) => ((moment * beta)? + value)?,
                None => value,
            };
            moments.insert(name.clone(), moment.clone());
            // Means that began at zero.
            Ok((moment / (1.0 - beta.powf(steps.into())))?)
        };
        let square = grad.sqr()?;
        let (m, v) = (mean(first, BETAS[0], grad)?, mean(second, BETAS[1], square)?);
        let step = (m / (v.sqrt()? + EPS)?)?;
        // As is usual, neither biases nor gains decay.
        let decay = if param.rank() > 1 { lr * weight_decay } else { 0.0 };
        let decayed = (param.as_tensor() * (1.0 - decay))?;
        param.set(&(decayed - (step * lr)?)?.detach())?;
    }
    Ok(())
}
