//! The operands of a product of two activations, and the errors of their products.

use super::channels::{Channel, Channels, Sums};
use super::errors::ErrorTable;
use crate::quant::LayerParams;

/// How often the bytes of two factors meet, and which meet in some outputs.
pub(super) struct ProductOperands {
    /// What an integer of its sums stands for.
    scale: f64,
    /// How often each pair of bytes meets in an output, `[second][first]`.
    met: Vec<f64>,
    /// Pairs of bytes of some outputs, and the sums of their exact products less their zero points.
    outputs: Vec<[Vec<u8>; 2]>,
    exact: Vec<f32>,
    /// How many of each sample lie side by side.
    lengths: Vec<usize>,
}

impl ProductOperands {
    /// Of a layer whose pairs were counted over so many outputs.
    pub fn new(params: &LayerParams, pairs: &[u64], outputs: u64, read: Vec<(u64, [Vec<u8>; 2])>) -> Self {
        let LayerParams { input, weight, .. } = params;
        let exact = |[first, second]: &[Vec<u8>; 2]| {
            let products = first.iter().zip(second).map(|(&x, &w)| {
                let x = input.range().signedness().value(x) - input.zero_point();
                let w = weight.range().signedness().value(w) - weight.zero_point(0);
                i64::from(x * w)
            });
            products.sum::<i64>() as f32
        };
        ProductOperands {
            scale: f64::from(input.scale()) * f64::from(weight.scale(0)),
            met: pairs.iter().map(|&count| count as f64 / outputs as f64).collect(),
            exact: read.iter().map(|(_, pairs)| exact(pairs)).collect(),
            lengths: read.chunk_by(|(a, _), (b, _)| a == b).map(<[_]>::len).collect(),
            outputs: read.into_iter().map(|(_, pairs)| pairs).collect(),
        }
    }

    /// The errors of all outputs, as of one channel.
    pub fn errors(&self, table: &ErrorTable) -> Channels {
        let rows = (0..=255u8).map(|second| (table.row(second), &self.met[usize::from(second) * 256..][..256]));
        let mean =
            rows.map(|(errors, met)| errors.iter().zip(met).map(|(&error, met)| f64::from(error) * met).sum::<f64>());
        let error = |[first, second]: &[Vec<u8>; 2]| {
            first.iter().zip(second).map(|(&x, &w)| i64::from(table.of(x, w))).sum::<i64>() as f64
        };
        let errors: Vec<f64> = self.outputs.iter().map(error).collect();
        let sums = Sums::new(&errors, &self.exact, &self.lengths);
        Channels(vec![Channel { scale: self.scale, mean: mean.sum(), sums }])
    }
}
