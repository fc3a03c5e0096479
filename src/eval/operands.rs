//! The operands in use: which pairs of integers the layers of a run multiply, and what the multiplier's errors are
//! over these.
//!
//! The first samples of a run are counted while they pass; nothing of the run changes.

use super::{Arithmetic, Assignment};
use crate::graph::{Graph, InputObserver};
use crate::kernel::for_simd_levels;
use crate::layer::{ActivationCounts, ApproxLayer, InferenceMode, WeightedLayer, with_values};
use crate::lut::{EntryUse, OperandErrors};
use candle_core::Tensor;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Weights whose activations are paired together.
const BLOCK: usize = 64;

/// Values that one thread quantizes at a time.
const PIECE: usize = 1 << 16;

/// What a multiplier does to the operands of a layer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CountedOperands {
    /// Its errors over them.
    pub errors: OperandErrors,
    /// Its products that contribute most to these.
    pub costliest: Vec<EntryUse>,
}

/// Counts the operands of approximate layers over the first samples of a run.
#[derive(Debug)]
pub struct OperandCounter {
    samples: u64,
    layers: Mutex<BTreeMap<String, Arc<Counts>>>,
}

/// What was counted of a layer. Threads add to it side by side.
#[derive(Debug)]
enum Counts {
    /// How often each weight of an output channel meets each activation byte.
    Activations(ActivationCounts),
    /// How often each byte of the second factor meets each of the first.
    Pairs(Mutex<Vec<u64>>),
}

impl OperandCounter {
    /// Counts the first `samples` samples.
    pub fn new(samples: u64) -> Self {
        OperandCounter { samples, layers: Mutex::new(BTreeMap::new()) }
    }

    /// The errors of each layer's multiplier over the operands that were counted, with as many of its costliest products,
    /// in graph order; `None` for layers without a multiplier.
    pub fn finish(self, graph: &Graph, assignment: &Assignment, costliest: usize) -> Vec<Option<CountedOperands>> {
        let mut layers = self.layers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut counts = pairs_for_threads();
        let mut errors = |(layer, config): (&dyn ApproxLayer, &super::LayerConfig)| {
            let Arithmetic::Approx(lut) = &config.arithmetic else { return None };
            let counted = layers.remove(layer.name())?;
            let of_products;
            let pairs = match &*counted {
                Counts::Activations(activations) => pairs(layer.as_weighted()?, activations, &mut counts)?,
                Counts::Pairs(pairs) => {
                    of_products = pairs.lock().unwrap_or_else(PoisonError::into_inner);
                    &of_products
                }
            };
            let params = layer.params()?;
            let coding = config.quantization.coding;
            let kinds = [params.input.range(), params.weight.range()]
                .map(|range| coding.operand_signedness(range.signedness()));
            let errors = OperandErrors::compute(lut, coding, kinds, pairs)?;
            let costliest = match costliest {
                0 => Vec::new(),
                most => EntryUse::costliest(lut, coding, kinds, pairs, most),
            };
            Some(CountedOperands { errors, costliest })
        };
        graph.layers().zip(assignment.layers()).map(&mut errors).collect()
    }

    /// What was counted of a layer until now, or else what `new` begins with.
    fn layer(&self, name: &str, new: impl FnOnce() -> Counts) -> Arc<Counts> {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = layers.get(name) {
            return Arc::clone(known);
        }
        let new = Arc::new(new());
        layers.insert(name.to_owned(), Arc::clone(&new));
        new
    }

    /// Counts the activations of the first `counted` of `all` samples of `input`.
    fn count_activations(&self, layer: &dyn WeightedLayer, input: &Tensor, [counted, all]: [usize; 2]) -> Option<()> {
        let (params, window) = (layer.params()?, layer.window(input.dims()).ok()?);
        if !input.elem_count().is_multiple_of(all) {
            return None;
        }
        let count = |values: &[f32]| {
            let values = &values[..values.len() / all * counted];
            let mut bytes = vec![0; values.len()];
            let pieces = values.par_chunks(PIECE).zip(bytes.par_chunks_mut(PIECE));
            pieces.for_each(|(values, bytes)| {
                params.input.quantize_slice(values, bytes);
            });
            let counts = self.layer(layer.name(), || Counts::Activations(ActivationCounts::new(&window)));
            if let Counts::Activations(counts) = &*counts {
                counts.count(&window, &bytes, params.input.zero_point() as u8);
            }
        };
        with_values(input, count).ok()
    }

    /// Counts the pairs of the first `counted` of `all` samples of two factors.
    fn count_pairs(&self, layer: &dyn ApproxLayer, inputs: &[&Tensor], counted: [usize; 2]) -> Option<()> {
        let pairs = layer.count_pairs(inputs, counted)?;
        let counts = self.layer(layer.name(), || Counts::Pairs(Mutex::new(vec![0; pairs.len()])));
        if let Counts::Pairs(all) = &*counts {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.iter_mut().zip(pairs).for_each(|(all, more)| *all += more);
        }
        Some(())
    }
}

impl InputObserver for OperandCounter {
    fn wants(&self, layer: &dyn ApproxLayer, samples: Range<u64>) -> bool {
        samples.start < self.samples && layer.mode() == InferenceMode::Approximate
    }

    fn observe(&self, layer: &dyn ApproxLayer, inputs: &[&Tensor], samples: Range<u64>) {
        let all = (samples.end - samples.start) as usize;
        let counted = self.samples.saturating_sub(samples.start).min(all as u64) as usize;
        if counted == 0 || layer.mode() != InferenceMode::Approximate {
            return;
        }
        // A layer that gets what it does not take fails, or has no values to count.
        let _ = match layer.as_weighted() {
            Some(layer) => inputs.first().and_then(|input| self.count_activations(layer, input, [counted, all])),
            None => self.count_pairs(layer, inputs, [counted, all]),
        };
    }
}

/// Counts of all pairs for each thread; memory that none uses is not touched.
fn pairs_for_threads() -> Vec<Vec<u64>> {
    (0..rayon::current_num_threads()).map(|_| vec![0; 1 << 16]).collect()
}

/// How often each pair of bytes meets in a layer, `[weight][activation]`: at each weight of an output channel, its
/// activations meet the weights of all output channels of the group. In one of the `counts` of all pairs, which are as
/// many as threads may count.
fn pairs<'a>(
    layer: &dyn WeightedLayer,
    activations: &ActivationCounts,
    counts: &'a mut [Vec<u64>],
) -> Option<&'a [u64]> {
    let weights = layer.weight_bytes()?;
    let outputs = layer.state().outputs();
    let per_output = weights.len() / outputs;
    let groups = activations.groups();
    let group_outputs = outputs / groups;
    let block = |start: usize| {
        let (group, first) = (start / per_output.div_ceil(BLOCK), start % per_output.div_ceil(BLOCK) * BLOCK);
        let lanes = first..(first + BLOCK).min(per_output);
        let mut counts = vec![0u32; lanes.len() * 256];
        for output in group * group_outputs..(group + 1) * group_outputs {
            let row = &weights[output * per_output..][lanes.clone()];
            row.iter().enumerate().for_each(|(lane, &byte)| counts[lane * 256 + usize::from(byte)] += 1);
        }
        (group, first, counts)
    };
    let add = |pairs: &mut [u64], start: usize| {
        let (group, first, weights) = block(start);
        for (lane, weights) in weights.chunks_exact(256).enumerate() {
            let activations = activations.of_weight(group, first + lane);
            for (pairs, &weight) in pairs.chunks_exact_mut(256).zip(weights).filter(|(_, weight)| **weight > 0) {
                add_products(pairs, &activations, weight);
            }
        }
    };
    let starts: Vec<usize> = (0..groups * per_output.div_ceil(BLOCK)).collect();
    let pieces = starts.par_chunks(starts.len().div_ceil(counts.len()).max(1));
    let counts = &mut counts[..pieces.len()];
    counts.par_iter_mut().zip(pieces).for_each(|(pairs, starts)| {
        pairs.fill(0);
        starts.iter().for_each(|&start| add(pairs, start));
    });
    let (pairs, others) = counts.split_first_mut()?;
    for other in others {
        pairs.iter_mut().zip(&*other).for_each(|(pair, other)| *pair += other);
    }
    Some(pairs)
}

for_simd_levels! {
    /// Adds `weight` times the count of each activation to its pairs.
    fn add_products(pairs: &mut [u64], activations: &[u32], weight: u32) {
        pairs.iter_mut().zip(activations).for_each(|(pair, &count)| *pair += u64::from(count) * u64::from(weight));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel;
    use crate::layer::WeightedCore;
    use crate::layer::{
        ApproxConv2d, ApproxConvTranspose2d, ApproxLinear, ApproxMatMul, ConvAttributes, ConvTransposeAttributes,
    };
    use crate::lut::{Coding, design};
    use crate::quant::{ActivationParams, IntRange, LayerParams, Observer, QuantConfig};
    use candle_core::Device;

    fn values(dims: &[usize], seed: i64) -> Tensor {
        let count = dims.iter().product::<usize>() as i64;
        let value = |i: i64| ((i * 7919 + seed) % 41 - 20) as f32 / 20.0;
        Tensor::from_vec((0..count).map(value).collect(), dims, &Device::Cpu).unwrap()
    }

    /// The layer in approximate mode, and what a counter of `counted` samples saw of `input`, in two calls.
    fn counted(layer: &mut impl WeightedLayer, input: &Tensor, counted: u64) -> Vec<u64> {
        layer.begin_calibration(Observer::MinMax.start(input.elem_count()).into());
        let _ = layer.baseline_fwd(input).unwrap();
        let lut = design::resolve("drum-4", None).unwrap();
        layer.finish_calibration(&QuantConfig::new(Coding::Affine), Some(&lut), kernel::best()).unwrap();
        layer.set_mode(InferenceMode::Approximate);
        let counter = OperandCounter::new(counted);
        let samples = input.dims()[0];
        let part = |from: usize, len: usize| {
            let part = input.narrow(0, from, len).unwrap();
            counter.observe(&*layer, &[&part], from as u64..(from + len) as u64);
        };
        part(1, samples - 1);
        part(0, 1);
        let mut layers = counter.layers.into_inner().unwrap();
        let counts = layers.remove(layer.name()).expect("counts");
        let Counts::Activations(counts) = &*counts else { panic!("pairs were counted") };
        pairs(layer, counts, &mut pairs_for_threads()).unwrap().to_vec()
    }

    /// Every product of a convolution of one group after another, output by output: `read` gives the input position of
    /// an output and a tap, and whether there is one: `None` is no product.
    fn naive(
        layer: &dyn WeightedLayer,
        input: &Tensor,
        groups: usize,
        output: [usize; 2],
        read: impl Fn(usize, usize, usize) -> Option<Option<usize>>,
        weight_at: impl Fn(usize, usize, [usize; 2]) -> usize,
        kernel: [usize; 2],
    ) -> Vec<u64> {
        let params = layer.params().unwrap();
        let outputs = layer.weight().dims()[0];
        let weight = layer.weight().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let weight = params.weight.quantize(&weight, outputs).unwrap();
        let &[samples, channels, height, width] = input.dims() else { panic!("images") };
        let values = input.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (in_group, out_group) = (channels / groups, outputs / groups);
        let mut pairs = vec![0u64; 1 << 16];
        for (sample, o) in (0..samples).flat_map(|sample| (0..outputs).map(move |o| (sample, o))) {
            for (y, x) in (0..output[0]).flat_map(|y| (0..output[1]).map(move |x| (y, x))) {
                for (c, ky, kx) in (0..in_group)
                    .flat_map(|c| (0..kernel[0]).flat_map(move |ky| (0..kernel[1]).map(move |kx| (c, ky, kx))))
                {
                    let (Some(row), Some(column)) = (read(0, y, ky), read(1, x, kx)) else { continue };
                    let byte = match (row, column) {
                        (Some(row), Some(column)) if row < height && column < width => {
                            let channel = sample * channels + o / out_group * in_group + c;
                            params.input.quantize(values[(channel * height + row) * width + column])
                        }
                        _ => params.input.zero_point() as u8,
                    };
                    pairs[usize::from(weight[weight_at(o, c, [ky, kx])]) << 8 | usize::from(byte)] += 1;
                }
            }
        }
        pairs
    }

    #[test]
    fn pairs_of_a_grouped_convolution_are_those_of_every_product() {
        let attributes = ConvAttributes::<2> { stride: [2, 1], padding: [[1, 1], [2, 0]], dilation: [1, 2], groups: 2 };
        let weight = values(&[6, 2, 3, 2], 5);
        let mut layer = ApproxConv2d::new("conv", attributes, &weight, None).unwrap();
        let input = values(&[3, 4, 5, 6], 3);
        let found = counted(&mut layer, &input, 2);
        let [_, _, height, width] = *layer.window(input.dims()).unwrap().output_shape.as_slice() else { panic!() };
        let read = |axis: usize, at: usize, tap: usize| {
            let (stride, dilation, padding) = [(2, 1, 1), (1, 2, 2)][axis];
            Some((at * stride + tap * dilation).checked_sub(padding))
        };
        let weight_at = |o: usize, c: usize, [ky, kx]: [usize; 2]| ((o * 2 + c) * 3 + ky) * 2 + kx;
        let first = input.narrow(0, 0, 2).unwrap();
        assert_eq!(found, naive(&layer, &first, 2, [height, width], read, weight_at, [3, 2]));
    }

    #[test]
    fn pairs_of_a_transposed_convolution_leave_the_gaps_out() {
        let attributes =
            ConvTransposeAttributes::<2> { stride: [2, 3], padding: [[1, 0], [0, 1]], ..Default::default() };
        let mut layer = ApproxConvTranspose2d::new("up", attributes, &values(&[3, 2, 3, 2], 1), None).unwrap();
        let input = values(&[2, 3, 3, 2], 9);
        let found = counted(&mut layer, &input, 9);
        let [_, _, height, width] = *layer.window(input.dims()).unwrap().output_shape.as_slice() else { panic!() };
        let read = |axis: usize, at: usize, tap: usize| {
            let (stride, padding, size) = [(2, 1, 3), (3, 0, 2)][axis];
            let steps = (at + padding).checked_sub(tap)?;
            (steps % stride == 0 && steps / stride < size).then_some(Some(steps / stride))
        };
        // The layer keeps a row of channels for each tap of an output.
        let weight_at = |o: usize, c: usize, [ky, kx]: [usize; 2]| ((o * 3 + ky) * 2 + kx) * 3 + c;
        assert_eq!(found, naive(&layer, &input, 1, [height, width], read, weight_at, [3, 2]));
    }

    #[test]
    fn pairs_of_a_linear_layer_over_positions() {
        let mut layer = ApproxLinear::new("fc", &values(&[70, 130], 2), None).unwrap();
        let input = values(&[2, 3, 130], 4);
        let found = counted(&mut layer, &input, 2);
        // As a pointwise convolution over six samples.
        let images = input.reshape((6, 130, 1, 1)).unwrap();
        let expected = naive(&layer, &images, 1, [1, 1], |_, at, _| Some(Some(at)), |o, c, _| o * 130 + c, [1, 1]);
        assert_eq!(found, expected);
    }

    /// Against every product of every pair of rows and columns; the first factor is shared by all samples.
    #[test]
    fn pairs_of_a_product_of_two_activations() {
        let mut layer = ApproxMatMul::new("qk");
        let (a, b) = (values(&[1, 2, 3, 5], 8), values(&[4, 2, 5, 7], 6));
        let integers = ActivationParams::new(0.25, 0, IntRange::new(-127, 127).unwrap()).unwrap();
        let params = LayerParams::new(integers, integers.as_weight());
        let lut = design::resolve("drum-4", None).unwrap();
        layer.quantize(params, Coding::SignMagnitude, Some(&lut), kernel::best()).unwrap();
        layer.set_mode(InferenceMode::Approximate);
        let counter = OperandCounter::new(3);
        let part = |from: usize, len: usize| {
            let part = b.narrow(0, from, len).unwrap();
            counter.observe(&layer, &[&a, &part], from as u64..(from + len) as u64);
        };
        part(2, 2);
        part(0, 2);
        let mut layers = counter.layers.into_inner().unwrap();
        let counts = layers.remove("qk").expect("counts");
        let Counts::Pairs(found) = &*counts else { panic!("activations were counted") };
        let [a, b] = [a, b].map(|factor| factor.flatten_all().unwrap().to_vec1::<f32>().unwrap());
        let mut expected = vec![0u64; 1 << 16];
        for (sample, head, row, column, k) in (0..3).flat_map(|s| {
            (0..2).flat_map(move |h| {
                (0..3).flat_map(move |r| (0..7).flat_map(move |c| (0..5).map(move |k| (s, h, r, c, k))))
            })
        }) {
            let first = integers.quantize(a[(head * 3 + row) * 5 + k]);
            let second = integers.quantize(b[((sample * 2 + head) * 5 + k) * 7 + column]);
            expected[usize::from(second) << 8 | usize::from(first)] += 1;
        }
        assert_eq!(*found.lock().unwrap(), expected);
    }
}
