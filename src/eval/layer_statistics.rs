//! The error that a multiplier or noise adds to each layer's output.
//!
//! Every layer of a run computes its output twice for the same input: in its own mode, and with exact
//! products in sums of any width. The difference of the two, before the bias, is the error that the layer itself adds;
//! errors of earlier layers are in both.

use crate::graph::pass::{LayerObserver, Observation};
use crate::layer::{Call, InferenceMode, LayerError, LayerProblem};
use crate::quant::ActivationParams;
use crate::stats::Moments;
use candle_core::Tensor;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Error of a layer's output and saturation of its input over a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutputError {
    /// Mean square of the exact output over that of the error, in decibels; `None` without error.
    pub snr_db: Option<f64>,
    /// Sample standard deviation of the error over that of the exact output, as noise mode's `stdev`;
    /// `None` where the exact output is constant.
    pub relative_std: Option<f64>,
    /// Mean of the error, in units of the output, as noise mode's `mean`.
    pub mean: f64,
    /// Fraction of input values that the integer range had to clamp; of both factors of a product of two
    /// activations.
    pub saturation: f64,
}

/// Sums over the passes of one layer in modes that quantize.
#[derive(Debug, Clone, Copy, Default)]
struct LayerSums {
    /// The exact output.
    exact: Moments,
    /// The mode's output minus the exact one.
    error: Moments,
    inputs: u64,
    saturated: u64,
}

/// The sums of one layer, added sample by sample in the order of the data set, so that neither batches
/// nor threads change a bit.
#[derive(Debug, Default)]
struct InOrder {
    total: LayerSums,
    /// The next sample to add.
    next: u64,
    /// Later samples, which wait for their turn.
    pending: BTreeMap<u64, LayerSums>,
}

/// Measures the layers of a network while it runs over a data set from its first sample on.
#[derive(Debug)]
pub struct LayerStatistics {
    is_paused: AtomicBool,
    layers: Mutex<Vec<InOrder>>,
}

impl LayerStatistics {
    /// Measures a network of that many layers.
    pub fn new(layers: usize) -> Self {
        LayerStatistics { is_paused: AtomicBool::new(false), layers: Mutex::new(reset(layers)) }
    }

    /// The statistics so far, in graph order, `None` for layers that ran in fp32; resets them.
    pub fn take(&self) -> Vec<Option<OutputError>> {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = reset(layers.len());
        std::mem::replace(&mut *layers, fresh).iter().map(|layer| layer.total.summary()).collect()
    }

    /// Stops measuring until it is resumed.
    pub fn pause(&self) {
        self.is_paused.store(true, Ordering::Relaxed);
    }

    /// Measures again.
    pub fn resume(&self) {
        self.is_paused.store(false, Ordering::Relaxed);
    }
}

fn reset(layers: usize) -> Vec<InOrder> {
    (0..layers).map(|_| InOrder::default()).collect()
}

impl InOrder {
    fn add(&mut self, sample: u64, sums: LayerSums) {
        self.pending.insert(sample, sums);
        while let Some(sums) = self.pending.remove(&self.next) {
            self.total.merge(&sums);
            self.next += 1;
        }
    }
}

impl LayerSums {
    fn summary(&self) -> Option<OutputError> {
        let (exact, error) = (self.exact.sample_std(), self.error.sample_std());
        let power = self.error.mean_square();
        (self.inputs > 0).then(|| OutputError {
            snr_db: (power > 0.0).then(|| 10.0 * libm::log10(self.exact.mean_square() / power)),
            relative_std: (exact > 0.0).then(|| error / exact),
            mean: self.error.mean(),
            saturation: self.saturated as f64 / self.inputs as f64,
        })
    }

    fn merge(&mut self, other: &LayerSums) {
        self.exact.merge(other.exact);
        self.error.merge(other.error);
        self.inputs += other.inputs;
        self.saturated += other.saturated;
    }

    fn add_inputs(&mut self, inputs: &[f32], params: &ActivationParams) {
        self.inputs += inputs.len() as u64;
        self.saturated += saturated(inputs, params);
    }

    fn add(&mut self, input: &[f32], params: &ActivationParams, exact: &[f32], output: &[f32]) {
        self.add_inputs(input, params);
        self.exact.add(exact.len(), |i| f64::from(exact[i]));
        self.error.add(exact.len(), |i| f64::from(output[i]) - f64::from(exact[i]));
    }
}

/// How many of `values` round to an integer outside the range.
fn saturated(values: &[f32], params: &ActivationParams) -> u64 {
    let (scale, zero_point) = (params.scale(), f64::from(params.zero_point()));
    let range = f64::from(params.range().q_min())..=f64::from(params.range().q_max());
    let is_outside = |&&x: &&f32| !range.contains(&(f64::from(x / scale).round_ties_even() + zero_point));
    values.par_chunks(1 << 14).map(|chunk| chunk.iter().filter(is_outside).count() as u64).sum()
}

impl LayerObserver for LayerStatistics {
    fn observe(&self, seen: Observation) -> Result<(), LayerError> {
        let Observation { index, layer, input, second, output, first_sample, samples, axis, threads } = seen;
        let Some(params) = layer.params().filter(|_| layer.mode().is_quantized()) else { return Ok(()) };
        if self.is_paused.load(Ordering::Relaxed) {
            return Ok(());
        }
        let exact = if layer.mode() == InferenceMode::Quantized && layer.accumulator_findings().is_none() {
            output.clone()
        } else {
            let inputs: Vec<&Tensor> = std::iter::once(input).chain(second).collect();
            let call = Call { threads, keeps_sums_whole: true, ..Call::default() };
            layer.unbiased_fwd(InferenceMode::Quantized, &inputs, call)?
        };
        // Each sample's values side by side.
        let values = |tensor: &Tensor| tensor.transpose(0, axis)?.flatten_all()?.to_vec1::<f32>();
        let tensors = values(input).and_then(|input| Ok([input, values(&exact)?, values(output)?]));
        let tensors = tensors.and_then(|tensors| Ok((tensors, second.map(values).transpose()?)));
        let (tensors, second) = tensors.map_err(|error| LayerProblem::from(error).in_layer(layer.name()))?;
        // The second factor is quantized as weights are called, with one scale.
        let second = second.zip(params.weight.as_activation());
        let sample = |i: usize| {
            let of = |values: &'_ [f32]| {
                let elements = values.len() / samples;
                i * elements..(i + 1) * elements
            };
            let [input, exact, output] = tensors.each_ref().map(|values| &values[of(values)]);
            let mut sums = LayerSums::default();
            sums.add(input, &params.input, exact, output);
            if let Some((values, params)) = &second {
                sums.add_inputs(&values[of(values)], params);
            }
            sums
        };
        let sums: Vec<LayerSums> = (0..samples).map(sample).collect();
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        (first_sample..).zip(sums).for_each(|(i, sums)| layers[index].add(i, sums));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::IntRange;

    /// Exact outputs 1, -1, 3, 5 and errors 1, 0, -1, 2: mean squares 9 and 1.5; sample variances
    /// 20 / 3 and 5 / 3; in units of 0.5 under [-4, 4], 2.3 rounds to 5, outside, and -2.2 to -4.
    #[test]
    fn errors_by_hand() {
        let params = ActivationParams::new(0.5, 0, IntRange::new(-4, 4).unwrap()).unwrap();
        let mut sums = LayerSums::default();
        // Two passes, as of two batches.
        sums.add(&[2.3, -2.2], &params, &[1.0], &[2.0]);
        sums.add(&[0.0, 100.0], &params, &[-1.0, 3.0, 5.0], &[-1.0, 2.0, 7.0]);
        let found = sums.summary().unwrap();
        assert!((found.snr_db.unwrap() - 10.0 * (9.0f64 / 1.5).log10()).abs() < 1e-12);
        assert!((found.relative_std.unwrap() - 0.5).abs() < 1e-12);
        assert_eq!((found.mean, found.saturation), (0.5, 0.5));
    }

    /// Threads finish samples in any order.
    #[test]
    fn samples_are_added_in_order() {
        let params = ActivationParams::new(0.1, 0, IntRange::new(-4, 4).unwrap()).unwrap();
        let found = |order: [u64; 5]| {
            let mut layer = InOrder::default();
            for i in order {
                let (x, mut sums) = (0.1 + i as f32 * 0.7, LayerSums::default());
                sums.add(&[x], &params, &[x * 3.0], &[x]);
                layer.add(i, sums);
            }
            (layer.total.summary(), layer.pending.len())
        };
        assert_eq!(found([4, 0, 3, 1, 2]), found([0, 1, 2, 3, 4]));
        assert_eq!(found([4, 3, 2, 1, 0]), found([0, 1, 2, 3, 4]));
    }

    #[test]
    fn no_error_has_no_ratio() {
        let params = ActivationParams::new(1.0, 0, IntRange::new(-4, 4).unwrap()).unwrap();
        let mut sums = LayerSums::default();
        assert_eq!(sums.summary(), None);
        sums.add(&[f32::INFINITY], &params, &[2.0, 2.0], &[2.0, 2.0]);
        assert_eq!(sums.summary(), Some(OutputError { snr_db: None, relative_std: None, mean: 0.0, saturation: 1.0 }));
    }
}
