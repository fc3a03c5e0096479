//! How a layer's outputs under a multiplier lie beside its exact ones, channel by channel: what corrections follow from.
//!
//! Sums are taken image by image and added in the order of the images, so that neither batches nor threads change a bit.

use crate::layer::{Call, InferenceMode, LayerError, LayerProblem, WeightedLayer, activation_sums, with_values};
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::AddAssign;

/// What moments are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// The output of exact products, before the bias.
    Exact,
    /// The output of the multiplier's products, before the bias.
    Approximate,
    /// The sum of the activations, in steps, that an output reads.
    Activations,
}

/// Sums over the positions of an output channel.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ChannelMoments {
    count: f64,
    /// Of each quantity.
    sums: [f64; 3],
    /// Of the products of any two of them.
    products: [[f64; 3]; 3],
}

impl ChannelMoments {
    /// Adds a position.
    fn add(&mut self, values: [f64; 3]) {
        self.count += 1.0;
        for i in 0..3 {
            self.sums[i] += values[i];
            for j in i..3 {
                self.products[i][j] += values[i] * values[j];
            }
        }
    }

    /// The mean of a quantity; 0 of no positions.
    pub fn mean(&self, quantity: Quantity) -> f64 {
        self.sums[quantity as usize] / self.count.max(1.0)
    }

    /// The mean of the product of two quantities.
    pub fn mean_product(&self, a: Quantity, b: Quantity) -> f64 {
        let (a, b) = (a as usize, b as usize);
        self.products[a.min(b)][a.max(b)] / self.count.max(1.0)
    }

    /// Their covariance, of all positions.
    pub fn covariance(&self, a: Quantity, b: Quantity) -> f64 {
        let covariance = self.mean_product(a, b) - self.mean(a) * self.mean(b);
        // What rounding leaves of a constant.
        if a == b { covariance.max(0.0) } else { covariance }
    }
}

impl FromIterator<[f64; 3]> for ChannelMoments {
    /// The moments of positions, of each its [quantities](Quantity).
    fn from_iter<I: IntoIterator<Item = [f64; 3]>>(positions: I) -> Self {
        let mut moments = ChannelMoments::default();
        positions.into_iter().for_each(|values| moments.add(values));
        moments
    }
}

impl AddAssign for ChannelMoments {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        for i in 0..3 {
            self.sums[i] += other.sums[i];
            for j in i..3 {
                self.products[i][j] += other.products[i][j];
            }
        }
    }
}

/// A layer as it is and as it could be, all of one geometry and input.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// Gives the exact outputs.
    pub exact: &'a dyn WeightedLayer,
    /// Each gives outputs under its multiplier.
    pub approximate: &'a [&'a dyn WeightedLayer],
    /// Whether sums of activations are needed.
    pub with_activations: bool,
}

impl Beside<'_> {
    /// Adds the moments of all output channels over `input` to `totals`, one list for each of the approximate layers.
    ///
    /// # Errors
    /// When the input does not fit the layers, or they are not quantized.
    pub fn add(&self, input: &Tensor, totals: &mut [Vec<ChannelMoments>]) -> Result<(), LayerError> {
        let call = || Call { keeps_sums_whole: true, ..Call::default() };
        let exact = self.exact.unbiased_fwd(InferenceMode::Quantized, &[input], call())?;
        let window = self.exact.window(input.dims())?;
        let activations = if self.with_activations { activation_sums(self.exact, input)? } else { Vec::new() };
        for (layer, totals) in self.approximate.iter().zip(totals) {
            let output = layer.unbiased_fwd(InferenceMode::Approximate, &[input], call())?;
            let positions = window.geometry.positions();
            let each = window.group_outputs();
            let of_image = |exact: &[f32], output: &[f32], image: usize| -> Vec<ChannelMoments> {
                let of_channel = |channel: usize| {
                    let mut moments = ChannelMoments::default();
                    let (exact, output) =
                        (&exact[channel * positions..][..positions], &output[channel * positions..][..positions]);
                    let start = (image * window.groups + channel / each) * positions;
                    for at in 0..positions {
                        let sum = activations.get(start + at).copied().unwrap_or_default();
                        moments.add([exact[at].into(), output[at].into(), sum.into()]);
                    }
                    moments
                };
                (0..window.outputs).map(of_channel).collect()
            };
            let image = (window.outputs * positions).max(1);
            let pairs = with_values(&exact, |exact| {
                with_values(&output, |output| {
                    let images = exact.par_chunks(image).zip(output.par_chunks(image)).enumerate();
                    images.map(|(i, (exact, output))| of_image(exact, output, i)).collect::<Vec<_>>()
                })
            });
            let images = pairs.and_then(|images| images);
            let images = images.map_err(|error| LayerProblem::from(error).in_layer(layer.name()))?;
            totals.resize(window.outputs, ChannelMoments::default());
            for image in images {
                totals.iter_mut().zip(image).for_each(|(total, moments)| *total += moments);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity::{Activations, Approximate, Exact};
    use super::*;
    use crate::kernel;
    use crate::layer::{ApproxConv2d, ApproxLayer, ConvAttributes};
    use crate::lut::{Coding, design};
    use crate::quant::{Observer, QuantConfig};
    use candle_core::Device;

    fn values(dims: &[usize], seed: i64) -> Tensor {
        let count = dims.iter().product::<usize>() as i64;
        let value = |i: i64| ((i * 7919 + seed) % 41 - 11) as f32 / 20.0;
        Tensor::from_vec((0..count).map(value).collect(), dims, &Device::Cpu).unwrap()
    }

    /// Against means and covariances of all positions, channel by channel; in batches and at once.
    #[test]
    fn moments_are_those_of_all_positions() {
        let conv = ConvAttributes::<2> { padding: [[1, 1]; 2], groups: 2, ..Default::default() };
        let mut layer = ApproxConv2d::new("conv", conv, &values(&[6, 2, 3, 3], 5), None).unwrap();
        let input = values(&[5, 4, 5, 6], 3);
        layer.begin_calibration(Observer::MinMax.start(input.elem_count()).into());
        let _ = layer.baseline_fwd(&input).unwrap();
        let lut = design::resolve("mitchell", None).unwrap();
        layer.finish_calibration(&QuantConfig::new(Coding::SignMagnitude), Some(&lut), kernel::best()).unwrap();
        let beside = Beside { exact: &layer, approximate: &[&layer], with_activations: true };
        let mut totals = [Vec::new()];
        beside.add(&input.narrow(0, 0, 2).unwrap(), &mut totals).unwrap();
        beside.add(&input.narrow(0, 2, 3).unwrap(), &mut totals).unwrap();
        let mut once = [Vec::new()];
        beside.add(&input, &mut once).unwrap();
        assert_eq!(totals, once);

        let flat = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (exact, output) = (flat(layer.quant_fwd(&input).unwrap()), flat(layer.approx_fwd(&input).unwrap()));
        let sums = activation_sums(&layer, &input).unwrap();
        for (channel, moments) in totals[0].iter().enumerate() {
            let places = (0..5).flat_map(|image| (0..30).map(move |at| (image, at)));
            let rows: Vec<[f64; 3]> = places
                .map(|(image, at)| {
                    let i = (image * 6 + channel) * 30 + at;
                    [exact[i].into(), output[i].into(), sums[(image * 2 + channel / 3) * 30 + at].into()]
                })
                .collect();
            let mean = |q: usize| rows.iter().map(|row| row[q]).sum::<f64>() / 150.0;
            for a in [Exact, Approximate, Activations] {
                assert!((moments.mean(a) - mean(a as usize)).abs() < 1e-9);
                for b in [Exact, Approximate, Activations] {
                    let terms = rows
                        .iter()
                        .map(|row| (row[a as usize] - mean(a as usize)) * (row[b as usize] - mean(b as usize)));
                    let covariance = terms.sum::<f64>() / 150.0;
                    assert!((moments.covariance(a, b) - covariance).abs() < 1e-6 * (1.0 + covariance.abs()));
                }
            }
        }
    }
}
