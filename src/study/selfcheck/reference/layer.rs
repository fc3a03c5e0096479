//! One output of a quantized layer, from the numbers that the layer reads.

use super::rounding::{half_even, quantize, requantize};
use super::sum::{Products, Terms};
use crate::kernel::Clip;
use crate::layer::{Accumulator, Flow, Requantization, Window};
use crate::quant::LayerParams;

/// A linear or convolution layer.
#[derive(Debug, Clone)]
pub struct WeightedReference<'a> {
    /// The layer over its input.
    pub window: Window,
    /// `[images, channels, height, width]`.
    pub input: &'a [f32],
    /// Output channels first: `[outputs, channels of a group, kernel..]`; of a transposed convolution the channels come
    /// last.
    pub weight: &'a [f32],
    pub params: LayerParams,
    pub products: Products<'a>,
    /// What the sum of an output channel's activations, less their zero point, is multiplied by and added.
    pub factors: Option<&'a [i32]>,
    pub bias: Option<&'a [f32]>,
    pub requantization: Option<Requantization>,
    pub clip: Clip,
    pub accumulator: Option<Accumulator>,
}

impl WeightedReference<'_> {
    /// Output `place` of `[images, outputs, height, width]`. `None` where the multiplier lacks a product.
    pub fn output(&self, place: usize) -> Option<f32> {
        let [image, channel, y, x] = self.coordinates(place);
        let pairs = self.pairs(image, channel, [y, x]);
        let LayerParams { input, weight, .. } = &self.params;
        let factor = self.factors.map_or(0, |factors| i64::from(factors[channel]));
        let zero_points = [i64::from(input.zero_point()), i64::from(weight.zero_point(channel)) - factor];
        let terms = Terms { products: self.products, zero_points, accumulator: self.accumulator };
        let sum = terms.sum(&pairs, self.integer_bias(channel).unwrap_or(0))?;
        let scales = [input.scale(), weight.scale(channel)];
        let Clip { low, high } = self.clip;
        if let Some(to) = &self.requantization {
            return Some(requantize(sum, scales, to, [low, high]));
        }
        let y = (sum as f64 * (f64::from(scales[0]) * f64::from(scales[1]))) as f32;
        let bias = self.bias.filter(|_| self.integer_bias(channel).is_none());
        let y = bias.map_or(y, |bias| y + bias[channel]);
        Some(if y < low {
            low
        } else if y > high {
            high
        } else {
            y
        })
    }

    /// Image, channel, row and column of output `place`.
    fn coordinates(&self, place: usize) -> [usize; 4] {
        let [height, width] = self.window.geometry.output;
        let outputs = self.window.outputs;
        [place / (outputs * height * width), place / (height * width) % outputs, place / width % height, place % width]
    }

    /// The bias in steps of the sums, where it is added to these.
    fn integer_bias(&self, channel: usize) -> Option<i64> {
        let LayerParams { input, weight, bias: stated } = &self.params;
        let bias = self.bias?;
        if let Some(stated) = stated.as_ref().filter(|stated| stated.len() == bias.len()) {
            return Some(stated[channel].into());
        }
        self.requantization?;
        let step = f64::from(input.scale()) * f64::from(weight.scale(channel));
        let steps = half_even(f64::from(bias[channel]) / step);
        Some(steps.clamp(i32::MIN.into(), i32::MAX.into()) as i64)
    }

    /// The integers that an output multiplies: input channel by input channel, row by row, column by column. What lies
    /// in the padding is the zero point; a transposed convolution has no padding, but kernel taps without an input.
    fn pairs(&self, image: usize, channel: usize, position: [usize; 2]) -> Vec<[i32; 2]> {
        let Window { geometry, groups, outputs, flow, .. } = &self.window;
        let LayerParams { input, weight, .. } = &self.params;
        let (channels, [height, width], [rows, columns]) = (geometry.channels, geometry.input, geometry.kernel);
        let group = channel / (outputs / groups);
        let mut pairs = Vec::new();
        for c in 0..channels {
            for row in 0..rows {
                for column in 0..columns {
                    let at = match flow {
                        Flow::Forward => ((channel * channels + c) * rows + row) * columns + column,
                        Flow::Transposed => ((channel * rows + row) * columns + column) * channels + c,
                    };
                    let from = [self.source(0, position[0], row), self.source(1, position[1], column)];
                    let x = if let [Some(y), Some(x)] = from {
                        let number =
                            self.input[((image * groups + group) * channels + c) * height * width + y * width + x];
                        quantize(number, input.scale(), input.zero_point(), &input.range().integers())
                    } else if *flow == Flow::Forward {
                        input.zero_point()
                    } else {
                        continue;
                    };
                    let (scale, zero_point) = (weight.scale(channel), weight.zero_point(channel));
                    let w = quantize(self.weight[at], scale, zero_point, &weight.range().integers());
                    pairs.push([x, w]);
                }
            }
        }
        pairs
    }

    /// The input position along an axis that a kernel tap reads for an output position.
    fn source(&self, axis: usize, output: usize, tap: usize) -> Option<usize> {
        let geometry = &self.window.geometry;
        let of = |sizes: [usize; 2]| sizes[axis] as i64;
        let (output, tap) = (output as i64, tap as i64);
        let (stride, offset) = (of(geometry.stride), tap * of(geometry.dilation));
        let from = match self.window.flow {
            Flow::Forward => output * stride + offset - of(geometry.padding),
            Flow::Transposed => {
                let steps = output + of(geometry.padding) - offset;
                if steps % stride != 0 {
                    return None;
                }
                steps / stride
            }
        };
        (0..of(geometry.input)).contains(&from).then_some(from as usize)
    }
}

/// A product of two activations over their last two axes.
#[derive(Debug, Clone)]
pub struct ProductReference<'a> {
    /// `[matrices, rows, depth]`.
    pub first: &'a [f32],
    /// `[matrices, depth, columns]`.
    pub second: &'a [f32],
    pub depth: usize,
    pub rows: usize,
    pub columns: usize,
    pub params: LayerParams,
    pub products: Products<'a>,
    pub accumulator: Option<Accumulator>,
}

impl ProductReference<'_> {
    /// Output `place` of `[matrices, rows, columns]`. `None` where the multiplier lacks a product.
    pub fn output(&self, place: usize) -> Option<f32> {
        let ProductReference { depth, rows, columns, .. } = *self;
        let (matrix, row, column) = (place / (rows * columns), place / columns % rows, place % columns);
        let LayerParams { input, weight, .. } = &self.params;
        let pair = |k: usize| {
            let a = self.first[(matrix * rows + row) * depth + k];
            let b = self.second[(matrix * depth + k) * columns + column];
            [
                quantize(a, input.scale(), input.zero_point(), &input.range().integers()),
                quantize(b, weight.scale(0), weight.zero_point(0), &weight.range().integers()),
            ]
        };
        let pairs: Vec<[i32; 2]> = (0..depth).map(pair).collect();
        let zero_points = [i64::from(input.zero_point()), i64::from(weight.zero_point(0))];
        let terms = Terms { products: self.products, zero_points, accumulator: self.accumulator };
        let sum = terms.sum(&pairs, 0)?;
        Some((sum as f64 * (f64::from(input.scale()) * f64::from(weight.scale(0)))) as f32)
    }
}
