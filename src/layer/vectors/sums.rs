//! A layer's sums, one addition after the other.

use crate::kernel::EffectiveTable;
use crate::layer::{AccOverflow, Accumulator, Flow, Window};
use crate::quant::LayerParams;
use rayon::prelude::*;

/// What a layer sums up.
pub struct Sums<'a> {
    pub window: &'a Window,
    pub params: &'a LayerParams,
    /// The terms; `None` for exact products.
    pub table: Option<&'a EffectiveTable>,
    /// As the layer keeps them: output channels first.
    pub weights: &'a [u8],
    /// One of each output channel, or none.
    pub bias: &'a [i64],
    pub accumulator: Option<Accumulator>,
}

impl Sums<'_> {
    /// The sums of all outputs for the bytes of `input`, `[images, channels, height, width]`, in the order of the output.
    pub fn of_input(&self, input: &[u8]) -> Vec<i64> {
        let Window { geometry, outputs, images, .. } = self.window;
        let (positions, width) = (geometry.positions(), geometry.output[1]);
        let elements = self.window.channels() * geometry.input.iter().product::<usize>();
        let mut sums = vec![0; images * outputs * positions];
        let channels = sums.par_chunks_mut(positions.max(1)).enumerate();
        channels.for_each_init(Vec::new, |pairs, (i, sums)| {
            let (image, channel) = (i / outputs, i % outputs);
            let input = &input[image * elements..][..elements];
            for (at, sum) in sums.iter_mut().enumerate() {
                self.operands(input, channel, [at / width, at % width], pairs);
                *sum = self.add_up(channel, pairs);
            }
        });
        sums
    }

    /// The pairs of bytes that an output multiplies, in the order of the weight's elements: input channel, then height,
    /// then width. Padding is the quantized zero; a transposed convolution has products of real inputs alone.
    fn operands(&self, input: &[u8], output: usize, [oy, ox]: [usize; 2], pairs: &mut Vec<[u8; 2]>) {
        let Window { geometry, flow, .. } = self.window;
        let (channels, [height, width], [rows, columns]) = (geometry.channels, geometry.input, geometry.kernel);
        let first = output / self.window.group_outputs() * channels;
        let zero = self.params.input.zero_point() as u8;
        pairs.clear();
        for channel in 0..channels {
            for ky in 0..rows {
                for kx in 0..columns {
                    let weight = match flow {
                        Flow::Forward => ((output * channels + channel) * rows + ky) * columns + kx,
                        Flow::Transposed => ((output * rows + ky) * columns + kx) * channels + channel,
                    };
                    let position = self.window.source(0, oy, ky).zip(self.window.source(1, ox, kx));
                    let real = position.map(|(iy, ix)| input[((first + channel) * height + iy) * width + ix]);
                    if let Some(byte) = real.or((*flow == Flow::Forward).then_some(zero)) {
                        pairs.push([byte, self.weights[weight]]);
                    }
                }
            }
        }
    }

    /// The sum of an output of `channel`: its products, then its zero-point terms, then its bias.
    fn add_up(&self, channel: usize, pairs: &[[u8; 2]]) -> i64 {
        let (input, weight) = (&self.params.input, &self.params.weight);
        let values = |[x, w]: [u8; 2]| {
            [input.range().signedness().value(x), weight.range().signedness().value(w)].map(i64::from)
        };
        let (z_x, z_w) = (i64::from(input.zero_point()), i64::from(weight.zero_point(channel)));
        let (mut sum, mut sum_x, mut sum_w) = (0, 0, 0);
        for &[x, w] in pairs {
            let [x_q, w_q] = values([x, w]);
            let term = self.table.map_or(x_q * w_q, |table| table.term(x, w).into());
            sum = self.kept(i128::from(sum) + i128::from(term));
            sum_x += x_q;
            sum_w += w_q;
        }
        let bias = self.bias.get(channel).copied().unwrap_or(0);
        let others = [-z_w * sum_x, -z_x * sum_w, pairs.len() as i64 * z_x * z_w, bias];
        others.into_iter().fold(sum, |sum, term| self.kept(i128::from(sum) + i128::from(term)))
    }

    /// What an accumulator keeps of a sum.
    fn kept(&self, sum: i128) -> i64 {
        let kept = match self.accumulator.and_then(|accumulator| Some((accumulator.overflow, accumulator.range()?))) {
            None => sum,
            Some((overflow, range)) => {
                let [low, high] = range.map(i128::from);
                match overflow {
                    AccOverflow::Wrap => (sum - low).rem_euclid(high - low + 1) + low,
                    AccOverflow::Saturate => sum.clamp(low, high),
                }
            }
        };
        // Products are fewer than 2^40, each of 32 bits.
        kept as i64
    }
}
