//! Which integer of a weight comes closest to its exact products under a multiplier.
//!
//! A multiplier sees of a weight the row of its table. Where another integer's row is closer to the products that were
//! meant, over the activations that the weight meets, that integer is the better one to store: nothing else of the
//! hardware changes. With `h(x)` how often a weight meets the activation `x`, the integer `w` becomes the `v` that has the
//! least `sum h(x) e(x)^2`, where `e(x) = T(x, v) - z_x v - (x - z_x) w`: zero points of weights cancel. Squares are summed
//! by powers of `w`, so that a position of the kernel costs one pass over the table for the weights of all outputs.

use super::{ActivationCounts, WeightedLayer};
use crate::kernel::EffectiveTable;
use crate::quant::LayerParams;
use rayon::prelude::*;

/// The integers of a quantized layer's weight.
pub(crate) fn weight_integers(layer: &dyn WeightedLayer) -> Option<Vec<i32>> {
    let quantized = layer.state().quantized.as_ref()?;
    let signedness = quantized.params().weight.range().signedness();
    Some(quantized.weights().bytes().iter().map(|&byte| signedness.value(byte)).collect())
}

/// The integers of a layer's weight that come closest to its exact products under its multiplier, for activations that
/// were counted, in the order of the weight; `None` for a layer without a multiplier. A weight that no other integer is
/// closer to, or that met no activations, stays.
pub(crate) fn nearest_weights(layer: &dyn WeightedLayer, activations: &ActivationCounts) -> Option<Vec<i32>> {
    let quantized = layer.state().quantized.as_ref()?;
    let (params, table) = (quantized.params(), quantized.table()?);
    let (bytes, outputs) = (quantized.weights().bytes(), layer.state().outputs());
    let (per_output, each) = (bytes.len() / outputs, outputs / activations.groups());
    let signedness = params.weight.range().signedness();
    let positions: Vec<(usize, usize)> =
        (0..activations.groups()).flat_map(|group| (0..per_output).map(move |at| (group, at))).collect();
    let of_position = |&(group, at): &(usize, usize)| {
        let rows = Rows::new(table, params, &activations.of_weight(group, at));
        let weight = |output: usize| signedness.value(bytes[output * per_output + at]);
        (group * each..(group + 1) * each).map(|output| rows.nearest(weight(output))).collect::<Vec<i32>>()
    };
    let found: Vec<Vec<i32>> = positions.par_iter().map(of_position).collect();
    let mut nearest = vec![0; bytes.len()];
    for (&(group, at), found) in positions.iter().zip(found) {
        for (output, integer) in (group * each..).zip(found) {
            nearest[output * per_output + at] = integer;
        }
    }
    Some(nearest)
}

/// Rows of a table over the activations that one position of a weight meets.
struct Rows {
    first: i32,
    /// Of each integer `v`: the sums of `h p^2` and `h p (x - z_x)`, with `p = T(x, v) - z_x v`.
    sums: Vec<[f64; 2]>,
    /// `sum h (x - z_x)^2`.
    squares: f64,
}

impl Rows {
    fn new(table: &EffectiveTable, params: &LayerParams, met: &[u32; 256]) -> Self {
        let (input, range) = (&params.input, params.weight.range());
        let zero_point = input.zero_point();
        let met: Vec<(usize, f64, f64)> = (0..=u8::MAX)
            .filter(|&byte| met[usize::from(byte)] > 0)
            .map(|byte| {
                let x = input.range().signedness().value(byte) - zero_point;
                (usize::from(byte), f64::from(met[usize::from(byte)]), f64::from(x))
            })
            .collect();
        let of_integer = |v: i32| {
            let row = table.row(v as u8);
            let mut sums = [0.0; 2];
            for &(byte, count, x) in &met {
                let product = f64::from(row[byte] - zero_point * v);
                sums[0] += count * product * product;
                sums[1] += count * product * x;
            }
            sums
        };
        let sums = range.integers().map(of_integer).collect();
        Rows { first: range.q_min(), sums, squares: met.iter().map(|&(_, count, x)| count * x * x).sum() }
    }

    /// The integer whose row is closest to the exact products of `w`; of several, the closest to `w`.
    fn nearest(&self, w: i32) -> i32 {
        let error = |v: i32| {
            let ([squares, products], w) = (self.sums[(v - self.first) as usize], f64::from(w));
            squares - 2.0 * w * products + w * w * self.squares
        };
        // What rounding makes of equal sums is no reason to change a weight.
        let is_less = |a: f64, b: f64| a < b - 1e-12 * (b.abs() + f64::from(w * w) * self.squares);
        let mut nearest = (w, error(w));
        let last = self.first + self.sums.len() as i32 - 1;
        for distance in 1..=last - self.first {
            for v in [w - distance, w + distance] {
                if (self.first..=last).contains(&v) && is_less(error(v), nearest.1) {
                    nearest = (v, error(v));
                }
            }
        }
        nearest.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel;
    use crate::layer::{
        ApproxConv2d, ApproxConvTranspose2d, ApproxLayer, ConvAttributes, ConvTransposeAttributes, WeightedCore,
        with_values,
    };
    use crate::lut::{Coding, design};
    use crate::quant::{Observer, QuantConfig};
    use candle_core::{Device, Tensor};

    fn values(dims: &[usize], seed: i64) -> Tensor {
        let count = dims.iter().product::<usize>() as i64;
        let value = |i: i64| ((i * 7919 + seed) % 41 - 20) as f32 / 20.0;
        Tensor::from_vec((0..count).map(value).collect(), dims, &Device::Cpu).unwrap()
    }

    /// The layer quantized for a multiplier, and what its weights meet of `input`.
    fn prepared(layer: &mut impl WeightedLayer, input: &Tensor, coding: Coding, lut: &str) -> ActivationCounts {
        layer.begin_calibration(Observer::MinMax.start(input.elem_count()).into());
        let _ = layer.baseline_fwd(input).unwrap();
        let lut = design::resolve(lut, Some(coding.table_signedness())).unwrap();
        layer.finish_calibration(&QuantConfig::new(coding), Some(&lut), kernel::best()).unwrap();
        let (window, params) = (layer.window(input.dims()).unwrap(), layer.params().unwrap());
        let counts = ActivationCounts::new(&window);
        let count = |values: &[f32]| {
            let mut bytes = vec![0; values.len()];
            params.input.quantize_slice(values, &mut bytes);
            counts.count(&window, &bytes, params.input.zero_point() as u8);
        };
        with_values(input, count).unwrap();
        counts
    }

    /// Against the error of every integer at every activation, one by one.
    fn check(mut layer: impl WeightedLayer, input: &Tensor, lut: &str, coding: Coding) -> usize {
        let counts = prepared(&mut layer, input, coding, lut);
        let found = nearest_weights(&layer, &counts).unwrap();
        let quantized = layer.state().quantized.as_ref().unwrap();
        let (params, table) = (quantized.params(), quantized.table().unwrap());
        let (bytes, outputs) = (layer.weight_bytes().unwrap(), layer.state().outputs());
        let signs = [params.input.range(), params.weight.range()].map(crate::quant::IntRange::signedness);
        let mut moved = 0;
        for (i, &byte) in bytes.iter().enumerate() {
            let (output, at) = (i / (bytes.len() / outputs), i % (bytes.len() / outputs));
            let met = counts.of_weight(output / (outputs / counts.groups()), at);
            let w = i64::from(signs[1].value(byte));
            let z_x = i64::from(params.input.zero_point());
            let error = |v: i32| -> i64 {
                let of_activation = |x: u8| {
                    let product = i64::from(table.term(x, v as u8)) - z_x * i64::from(v);
                    let error = product - (i64::from(signs[0].value(x)) - z_x) * w;
                    i64::from(met[usize::from(x)]) * error * error
                };
                (0..=u8::MAX).map(of_activation).sum()
            };
            let best = params.weight.range().integers().map(error).min().unwrap();
            assert_eq!(error(found[i]), best, "{lut} {coding}: weight {i}, {w} to {}", found[i]);
            if error(w as i32) == best {
                assert_eq!(i64::from(found[i]), w, "{lut} {coding}: weight {i} moved for nothing");
            }
            moved += usize::from(i64::from(found[i]) != w);
        }
        moved
    }

    #[test]
    fn nearest_weights_are_those_of_every_integer_tried() {
        let attributes = ConvAttributes::<2> { padding: [[1, 1]; 2], stride: [2, 1], groups: 2, ..Default::default() };
        let up = ConvTransposeAttributes::<2> { stride: [2, 3], padding: [[1, 0], [0, 1]], ..Default::default() };
        for (lut, coding) in [
            ("truncated-8", Coding::SignMagnitude),
            ("mitchell", Coding::SignMagnitude),
            ("truncated-8", Coding::Affine),
            ("exact", Coding::Signed),
        ] {
            let conv = ApproxConv2d::new("conv", attributes, &values(&[6, 2, 3, 3], 5), None).unwrap();
            let moved = check(conv, &values(&[2, 4, 5, 6], 3), lut, coding);
            assert_eq!(moved == 0, lut == "exact", "{lut} {coding}: {moved} moved");
            let conv = ApproxConvTranspose2d::new("up", up, &values(&[3, 2, 3, 2], 1), None).unwrap();
            check(conv, &values(&[2, 3, 3, 2], 9), lut, coding);
        }
    }

    #[test]
    fn weights_that_meet_nothing_stay() {
        let mut layer = ApproxConv2d::new("conv", ConvAttributes::default(), &values(&[4, 3, 1, 1], 5), None).unwrap();
        let input = values(&[1, 3, 2, 2], 3);
        let _ = prepared(&mut layer, &input, Coding::SignMagnitude, "truncated-8");
        let nothing = ActivationCounts::new(&layer.window(input.dims()).unwrap());
        let nearest = nearest_weights(&layer, &nothing).unwrap();
        let signedness = layer.params().unwrap().weight.range().signedness();
        let own: Vec<i32> = layer.weight_bytes().unwrap().iter().map(|&byte| signedness.value(byte)).collect();
        assert_eq!(nearest, own);
        let plain = ApproxConv2d::new("conv", ConvAttributes::default(), &values(&[4, 3, 1, 1], 5), None).unwrap();
        assert_eq!(nearest_weights(&plain, &nothing), None);
    }
}
