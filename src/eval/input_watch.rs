//! What layers' inputs are like while a network runs: whether all are zero, and how they fill the range that they
//! are quantized to.
//!
//! Watching changes no result. Whether an input is zero is looked at until one is not, which mostly is the first
//! pixel; ranges are counted of the layers for which that is asked, since it is a pass over the input.

use crate::graph::{Graph, InputObserver};
use crate::kernel::for_simd_levels;
use crate::layer::{ApproxLayer, with_values};
use crate::quant::ActivationParams;
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A layer's inputs over some passes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SeenInputs {
    /// Whether any was not zero; in modes that quantize, not rounded to zero.
    pub has_nonzero: bool,
    /// How they filled the range, where that was counted.
    pub range: Option<SeenRange>,
}

/// Inputs against the range that they are quantized to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeenRange {
    /// Values seen.
    pub values: u64,
    /// Those that were clamped: that round to an integer outside the range.
    pub clamped: u64,
    /// The smallest; infinite where none was seen.
    pub low: f32,
    /// The largest.
    pub high: f32,
}

impl Default for SeenRange {
    fn default() -> Self {
        SeenRange { values: 0, clamped: 0, low: f32::INFINITY, high: f32::NEG_INFINITY }
    }
}

impl SeenRange {
    /// Counts and extremes do not depend on the order of what is added.
    fn add(&mut self, other: SeenRange) {
        self.values += other.values;
        self.clamped += other.clamped;
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }
}

/// Watches the inputs of one layer, from any thread.
#[derive(Debug, Default)]
struct InputWatch {
    has_nonzero: AtomicBool,
    range: Option<Mutex<SeenRange>>,
}

impl InputWatch {
    /// Watches for a value that is not zero, and counts ranges where asked to.
    pub fn new(counts_range: bool) -> Self {
        InputWatch { has_nonzero: AtomicBool::new(false), range: counts_range.then(Mutex::default) }
    }

    /// Whether more values are worth a look.
    pub fn is_open(&self) -> bool {
        self.range.is_some() || !self.has_nonzero.load(Ordering::Relaxed)
    }

    /// Looks at some values, quantized by `params` if at all.
    pub fn see(&self, values: &[f32], params: Option<&ActivationParams>) {
        if !self.has_nonzero.load(Ordering::Relaxed) {
            // Half a step is rounded to zero, half to even.
            let zero = params.map_or(0.0, |params| params.scale() / 2.0);
            if values.iter().any(|x| x.abs() > zero) {
                self.has_nonzero.store(true, Ordering::Relaxed);
            }
        }
        if let Some((range, params)) = self.range.as_ref().zip(params) {
            let [low, high] = limits(params);
            let seen = count(values, low, high);
            range.lock().unwrap_or_else(PoisonError::into_inner).add(seen);
        }
    }

    /// What was seen.
    pub fn finish(self) -> SeenInputs {
        let range = self.range.map(|range| range.into_inner().unwrap_or_else(PoisonError::into_inner));
        SeenInputs { has_nonzero: self.has_nonzero.into_inner(), range }
    }
}

/// Watches the inputs of all layers for zeros, and the range of the first that is quantized: no multiplier has touched
/// what it gets.
#[derive(Debug)]
pub(super) struct LayerWatches(BTreeMap<String, InputWatch>);

impl LayerWatches {
    /// Watches the layers of `graph`, which have their modes.
    pub fn new(graph: &Graph) -> Self {
        let first = graph.layers().position(|layer| layer.mode().is_quantized());
        let layers = graph.layers().enumerate();
        LayerWatches(layers.map(|(i, layer)| (layer.name().to_owned(), InputWatch::new(Some(i) == first))).collect())
    }

    /// What was seen, by layer name.
    pub fn finish(self) -> BTreeMap<String, SeenInputs> {
        self.0.into_iter().map(|(name, watch)| (name, watch.finish())).collect()
    }
}

impl InputObserver for LayerWatches {
    fn wants(&self, layer: &dyn ApproxLayer, _: Range<u64>) -> bool {
        self.0.get(layer.name()).is_some_and(InputWatch::is_open)
    }

    fn observe(&self, layer: &dyn ApproxLayer, inputs: &[&Tensor], _: Range<u64>) {
        let watch = self.0.get(layer.name()).filter(|watch| watch.is_open());
        let Some((watch, input)) = watch.zip(inputs.first()) else { return };
        let params = layer.params().filter(|_| layer.mode().is_quantized()).map(|params| &params.input);
        // An input of another type is an error of the layer itself.
        let _ = with_values(input, |values| watch.see(values, params));
    }
}

/// The values beyond which integers are clamped.
fn limits(params: &ActivationParams) -> [f32; 2] {
    let (scale, zero_point, range) = (f64::from(params.scale()), f64::from(params.zero_point()), params.range());
    let value = |q: f64| ((q - zero_point) * scale) as f32;
    [value(f64::from(range.q_min()) - 0.5), value(f64::from(range.q_max()) + 0.5)]
}

for_simd_levels! {
    fn count(values: &[f32], low_limit: f32, high_limit: f32) -> SeenRange {
        const LANES: usize = 16;
        let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        let mut clamped = 0;
        // Lanes of 32 bits count a block without overflow.
        for block in values.chunks(1 << 16) {
            let mut counts = [0u32; LANES];
            let mut see = |values: &[f32]| {
                for (((low, high), count), &x) in low.iter_mut().zip(&mut high).zip(&mut counts).zip(values) {
                    *low = if x < *low { x } else { *low };
                    *high = if x > *high { x } else { *high };
                    *count += u32::from(x < low_limit) + u32::from(x > high_limit);
                }
            };
            let (lines, rest) = block.as_chunks::<LANES>();
            lines.iter().for_each(|line| see(line));
            see(rest);
            clamped += counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        }
        SeenRange {
            values: values.len() as u64,
            clamped,
            low: low.into_iter().fold(f32::INFINITY, f32::min),
            high: high.into_iter().fold(f32::NEG_INFINITY, f32::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::IntRange;

    fn params(scale: f32, zero_point: i32, q_min: i32, q_max: i32) -> ActivationParams {
        ActivationParams::new(scale, zero_point, IntRange::new(q_min, q_max).unwrap()).unwrap()
    }

    /// Clamped values against the quantizer's definition, one by one.
    #[test]
    fn clamped_values_are_those_that_round_outside() {
        for params in [params(0.5, 0, -7, 7), params(0.1, 100, 0, 255), params(0.02, -3, -128, 127)] {
            let range = f64::from(params.range().q_min())..=f64::from(params.range().q_max());
            let values: Vec<f32> = (-5000..5000).map(|i| i as f32 * 0.00731).collect();
            let is_outside = |x: &&f32| {
                let q = f64::from(**x / params.scale()).round_ties_even() + f64::from(params.zero_point());
                !range.contains(&q)
            };
            let expected = values.iter().filter(is_outside).count() as u64;
            let watch = InputWatch::new(true);
            values.chunks(77).for_each(|values| watch.see(values, Some(&params)));
            let seen = watch.finish().range.unwrap();
            assert_eq!((seen.values, seen.clamped), (10_000, expected), "{params:?}");
            assert_eq!((seen.low, seen.high), (values[0], values[9999]));
        }
    }

    #[test]
    fn zeros_are_what_rounds_to_zero() {
        let seen = |values: &[f32], params: Option<&ActivationParams>| {
            let watch = InputWatch::new(false);
            assert!(watch.is_open());
            watch.see(values, params);
            let is_open = watch.is_open();
            assert_eq!(watch.finish().has_nonzero, !is_open);
            !is_open
        };
        let params = params(1.0, 3, 0, 255);
        assert!(!seen(&[0.0, -0.0], None) && seen(&[0.0, 1e-30], None));
        assert!(!seen(&[0.4, -0.5], Some(&params)) && seen(&[0.4, -0.6], Some(&params)));
    }
}
