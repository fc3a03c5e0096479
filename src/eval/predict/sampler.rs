//! Gathering operands while a network runs.

use super::products::ProductOperands;
use super::sampling::Sampling;
use super::weighted::WeightOperands;
use super::{LayerOperands, OperandStatistics, Operands};
use crate::graph::InputObserver;
use crate::kernel::Kernel;
use crate::layer::{ActivationCounts, ApproxLayer, Patch, WeightedLayer, Window, with_values};
use crate::lut::Coding;
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Gathers the operands of some layers of a network, which run on integers, over all samples.
#[derive(Debug)]
pub(crate) struct OperandSampler {
    layers: BTreeMap<String, Layer>,
}

/// What is gathered of a layer. Threads add to it side by side.
#[derive(Debug)]
struct Layer {
    sampling: Sampling,
    /// Output positions; of products of two activations, outputs.
    outputs: AtomicU64,
    operands: Gathered,
}

#[derive(Debug)]
enum Gathered {
    Weights { seen: OnceLock<(Window, ActivationCounts)>, patches: Mutex<BTreeMap<usize, (u64, Patch)>> },
    Products { pairs: Mutex<Vec<u64>>, outputs: Mutex<BTreeMap<usize, (u64, [Vec<u8>; 2])>> },
}

impl OperandSampler {
    /// Gathers these layers, over `samples` samples.
    pub fn new<'a>(layers: impl IntoIterator<Item = &'a dyn ApproxLayer>, samples: usize) -> Self {
        let layers = layers.into_iter().map(|layer| (layer.name().to_owned(), Layer::new(layer, samples as u64)));
        OperandSampler { layers: layers.collect() }
    }

    /// Whether no layer is gathered.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// What was gathered of a network's `layers`, with the coding of each. `kernel` is to sum errors.
    pub fn finish<'a>(
        mut self,
        layers: impl IntoIterator<Item = (&'a dyn ApproxLayer, Coding)>,
        kernel: &'static dyn Kernel,
    ) -> OperandStatistics {
        let of = |(layer, coding): (&dyn ApproxLayer, Coding)| self.layers.remove(layer.name())?.finish(layer, coding);
        OperandStatistics { layers: layers.into_iter().map(of).collect(), kernel }
    }
}

impl Layer {
    fn new(layer: &dyn ApproxLayer, samples: u64) -> Self {
        let products = layer.as_weighted().map_or(1, |layer| layer.weight_shape().iter().product());
        let operands = if layer.as_weighted().is_some() {
            Gathered::Weights { seen: OnceLock::new(), patches: Mutex::default() }
        } else {
            Gathered::Products { pairs: Mutex::default(), outputs: Mutex::default() }
        };
        Layer { sampling: Sampling::new(samples, products), outputs: AtomicU64::new(0), operands }
    }

    fn finish(self, layer: &dyn ApproxLayer, coding: Coding) -> Option<LayerOperands> {
        let (params, outputs) = (layer.params()?.clone(), self.outputs.into_inner());
        let operands = match self.operands {
            Gathered::Weights { seen, patches } => {
                let (window, counts) = seen.into_inner()?;
                let patches = patches.into_inner().unwrap_or_else(PoisonError::into_inner);
                let layer = layer.as_weighted()?;
                Operands::Weights(WeightOperands::new(layer, &window, &counts, outputs, patches.into_values())?)
            }
            Gathered::Products { pairs, outputs: read } => {
                let pairs = pairs.into_inner().unwrap_or_else(PoisonError::into_inner);
                let read = read.into_inner().unwrap_or_else(PoisonError::into_inner);
                if pairs.is_empty() {
                    return None;
                }
                Operands::Products(ProductOperands::new(&params, &pairs, outputs, read.into_values().collect()))
            }
        };
        Some(LayerOperands { params, coding, operands })
    }

    /// Adds what a layer with weights reads. A layer that gets what it does not take fails by itself.
    fn add_input(&self, layer: &dyn WeightedLayer, input: &Tensor, samples: &Range<u64>) -> Option<()> {
        let Gathered::Weights { seen, patches } = &self.operands else { return None };
        let (params, window) = (layer.params()?, layer.window(input.dims()).ok()?);
        let (all, positions) = ((samples.end - samples.start) as usize, window.geometry.positions());
        let add = |values: &[f32]| {
            let mut bytes = vec![0; values.len()];
            params.input.quantize_slice(values, &mut bytes);
            let padding = params.input.zero_point() as u8;
            let (_, counts) = seen.get_or_init(|| (window.clone(), ActivationCounts::new(&window)));
            counts.count(&window, &bytes, padding);
            self.outputs.fetch_add((window.images * positions) as u64, Ordering::Relaxed);
            let per_sample = window.images * positions / all.max(1);
            let places = self.sampling.places(samples, per_sample);
            let read = places.into_iter().map(|(number, place)| {
                let patch = window.patch(&bytes, [place / positions, place % positions], padding);
                (number, (samples.start + (place / per_sample) as u64, patch))
            });
            let read: Vec<_> = read.collect();
            patches.lock().unwrap_or_else(PoisonError::into_inner).extend(read);
        };
        with_values(input, add).ok()
    }

    /// Adds what a product of two activations multiplies.
    fn add_factors(&self, layer: &dyn ApproxLayer, inputs: &[&Tensor], samples: &Range<u64>) -> Option<()> {
        let Gathered::Products { pairs, outputs } = &self.operands else { return None };
        let all = (samples.end - samples.start) as usize;
        let found = layer.count_pairs(inputs, [all, all])?;
        {
            let mut pairs = pairs.lock().unwrap_or_else(PoisonError::into_inner);
            pairs.resize(found.len(), 0);
            pairs.iter_mut().zip(found).for_each(|(all, more)| *all += more);
        }
        // Which outputs were chosen, once their number is known.
        let chosen = OnceLock::new();
        let read = layer.read_outputs(inputs, &|count| {
            let per_sample = count / all.max(1);
            self.outputs.fetch_add(count as u64, Ordering::Relaxed);
            let places = chosen.get_or_init(|| (per_sample, self.sampling.places(samples, per_sample)));
            places.1.iter().map(|&(_, place)| place).collect()
        })?;
        let (per_sample, places) = chosen.get()?;
        let read = places.iter().zip(read);
        let read = read.map(|(&(number, place), pairs)| (number, (samples.start + (place / per_sample) as u64, pairs)));
        outputs.lock().unwrap_or_else(PoisonError::into_inner).extend(read);
        Some(())
    }
}

impl InputObserver for OperandSampler {
    fn wants(&self, layer: &dyn ApproxLayer, _: Range<u64>) -> bool {
        layer.mode().is_quantized() && self.layers.contains_key(layer.name())
    }

    fn observe(&self, layer: &dyn ApproxLayer, inputs: &[&Tensor], samples: Range<u64>) {
        let Some(gathered) = self.layers.get(layer.name()).filter(|_| layer.mode().is_quantized()) else { return };
        let _ = match layer.as_weighted() {
            Some(layer) => inputs.first().and_then(|input| gathered.add_input(layer, input, &samples)),
            None => gathered.add_factors(layer, inputs, &samples),
        };
    }
}
