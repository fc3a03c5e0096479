//! The operands of a layer with weights, and the errors of their products.

use super::channels::{Channel, Channels, Sums};
use super::errors::ErrorTable;
use crate::kernel::{LANES, Lanes, Tile, WeightMatrix, for_simd_levels};
use crate::layer::{ActivationCounts, Patch, WeightedLayer, Window};
use crate::quant::LayerParams;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Weights of an output channel whose means are found together.
const BLOCK: usize = 32;

/// Output channels whose sums are found together.
const ROWS: usize = 32;

/// How often activations meet the weights of a layer, and which meet in some output positions.
pub(super) struct WeightOperands {
    /// The weights, output channels first.
    weights: Vec<u8>,
    /// What an integer of each output channel's sums stands for.
    scales: Vec<f64>,
    groups: usize,
    /// How often each weight of a group meets each activation at an output position, `[group][weight]`.
    met: Vec<[f32; 256]>,
    positions: Vec<Positions>,
}

/// Output positions in which the same weights take part.
struct Positions {
    /// These weights, output channels first.
    weights: Vec<u8>,
    /// How many of each output channel.
    depth: usize,
    /// Activations, `[group][tile]`.
    tiles: Vec<Vec<Tile>>,
    /// How many of each sample lie side by side.
    lengths: Vec<usize>,
    count: usize,
    /// Sums of exact products less their zero points, `[output][position]`.
    exact: Vec<f32>,
}

impl WeightOperands {
    /// Of a quantized layer that slides `window`, over `outputs` positions of each output channel; `None` where there
    /// is nothing to predict.
    pub fn new(
        layer: &dyn WeightedLayer,
        window: &Window,
        counts: &ActivationCounts,
        outputs: u64,
        patches: impl IntoIterator<Item = (u64, Patch)>,
    ) -> Option<Self> {
        let (weights, params) = (layer.weight_bytes()?.to_vec(), layer.params()?);
        let per_output = weights.len() / window.outputs;
        let share = |count: u32| (f64::from(count) / outputs as f64) as f32;
        let met = (0..window.groups * per_output).into_par_iter();
        let met = met.map(|lane| counts.of_weight(lane / per_output, lane % per_output).map(share)).collect();
        let scale = |output| f64::from(params.input.scale()) * f64::from(params.weight.scale(output));
        let scales = (0..window.outputs).map(scale).collect();
        let mut by_taps: BTreeMap<Vec<usize>, Vec<(u64, Vec<u8>)>> = BTreeMap::new();
        for (sample, Patch { taps, bytes }) in patches {
            by_taps.entry(taps).or_default().push((sample, bytes));
        }
        let of_taps = |(taps, patches): (Vec<usize>, Vec<(u64, Vec<u8>)>)| {
            let taken = window.weights_of(&taps);
            let rows = weights.chunks_exact(per_output).flat_map(|row| taken.iter().map(|&k| row[k]));
            Positions::new(rows.collect(), &patches, window, params)
        };
        let positions = by_taps.into_iter().map(of_taps).collect();
        Some(WeightOperands { weights, scales, groups: window.groups, met, positions })
    }

    /// The errors of every output channel.
    pub fn errors(&self, table: &ErrorTable) -> Channels {
        let means = self.means(table);
        let mut sums = vec![Sums::default(); self.scales.len()];
        for positions in &self.positions {
            positions.add_errors(table, self.groups, &mut sums);
        }
        let channels = self.scales.iter().zip(means).zip(sums);
        Channels(channels.map(|((&scale, mean), sums)| Channel { scale, mean, sums }).collect())
    }

    /// The mean error of the sums of each output channel.
    fn means(&self, table: &ErrorTable) -> Vec<f64> {
        let outputs = self.scales.len();
        let (group_outputs, per_output) = (outputs / self.groups, self.weights.len() / outputs);
        let blocks = self.met.par_chunks(per_output).enumerate().flat_map_iter(|(group, met)| {
            met.chunks(BLOCK).enumerate().map(move |(block, met)| (group, block * BLOCK, met))
        });
        let of_block = |(group, first, met): (usize, usize, &[[f32; 256]])| {
            let mut means = vec![0.0f64; group_outputs];
            let mut known = [f32::NAN; 256];
            for (k, met) in met.iter().enumerate() {
                known.fill(f32::NAN);
                for (o, mean) in means.iter_mut().enumerate() {
                    let weight = self.weights[(group * group_outputs + o) * per_output + first + k];
                    let known = &mut known[usize::from(weight)];
                    if known.is_nan() {
                        *known = dot(met, table.row(weight));
                    }
                    *mean += f64::from(*known);
                }
            }
            (group, means)
        };
        let found: Vec<(usize, Vec<f64>)> = blocks.map(of_block).collect();
        let mut means = vec![0.0; outputs];
        for (group, of_block) in found {
            let means = &mut means[group * group_outputs..][..group_outputs];
            means.iter_mut().zip(of_block).for_each(|(mean, part)| *mean += part);
        }
        means
    }
}

impl Positions {
    fn new(weights: Vec<u8>, patches: &[(u64, Vec<u8>)], window: &Window, params: &LayerParams) -> Self {
        let depth = weights.len() / window.outputs;
        let tile = |group: usize, patches: &[(u64, Vec<u8>)]| {
            let mut tile = Tile::default();
            tile.reset(depth, patches.len());
            for k in 0..depth {
                let bytes = patches.iter().map(|(_, patch)| patch[group * depth + k]);
                tile.row_mut(k).iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
            }
            tile
        };
        let of_group = |group| patches.chunks(LANES).map(|patches| tile(group, patches)).collect();
        let tiles: Vec<Vec<Tile>> = (0..window.groups).map(of_group).collect();
        let integers = [params.input.range(), params.weight.range()].map(|range| range.signedness());
        let of_output = |output: usize| {
            let zero_points = [params.input.zero_point(), params.weight.zero_point(output)];
            let row = &weights[output * depth..][..depth];
            let mut exact = Vec::with_capacity(patches.len());
            for tile in &tiles[output / window.group_outputs()] {
                let mut sums = [0i64; LANES];
                for (&weight, activations) in row.iter().zip(tile.rows()) {
                    let weight = i64::from(integers[1].value(weight) - zero_points[1]);
                    let products =
                        activations.0.iter().map(|&byte| i64::from(integers[0].value(byte) - zero_points[0]) * weight);
                    sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
                }
                exact.extend(sums[..tile.columns()].iter().map(|&sum| sum as f32));
            }
            exact
        };
        let exact = (0..window.outputs).into_par_iter().flat_map_iter(of_output).collect();
        let lengths = patches.chunk_by(|(a, _), (b, _)| a == b).map(<[_]>::len).collect();
        Positions { weights, depth, tiles, lengths, count: patches.len(), exact }
    }

    /// Adds errors and exact outputs of all positions to the sums of the output channels.
    fn add_errors(&self, table: &ErrorTable, groups: usize, sums: &mut [Sums]) {
        let group_outputs = sums.len() / groups;
        let packed = (self.depth > 0).then(|| table.pack(WeightMatrix::new(&self.weights, self.depth)));
        let blocks = sums.par_chunks_mut(group_outputs).enumerate().flat_map(|(group, sums)| {
            sums.par_chunks_mut(ROWS).enumerate().map(move |(block, sums)| (group, block * ROWS, sums))
        });
        blocks.for_each_init(
            Default::default,
            |(lanes, errors): &mut (Vec<Lanes<i32>>, Vec<f64>), (group, block, sums)| {
                let first = group * group_outputs + block;
                lanes.resize(sums.len(), Lanes::default());
                errors.clear();
                errors.resize(sums.len() * self.count, 0.0);
                for (i, tile) in self.tiles[group].iter().enumerate() {
                    for start in (0..self.depth).step_by(table.safe_depth()) {
                        let depth = start..start.saturating_add(table.safe_depth()).min(self.depth);
                        packed
                            .iter()
                            .for_each(|packed| packed.sums(tile, first..first + sums.len(), depth.clone(), lanes));
                        for (errors, lanes) in errors.chunks_exact_mut(self.count).zip(&*lanes) {
                            let errors = errors[i * LANES..].iter_mut().take(tile.columns());
                            errors.zip(&lanes.0).for_each(|(error, &sum)| *error += f64::from(sum));
                        }
                    }
                }
                for (row, (sums, errors)) in sums.iter_mut().zip(errors.chunks_exact(self.count)).enumerate() {
                    let exact = &self.exact[(first + row) * self.count..][..self.count];
                    sums.merge(Sums::new(errors, exact, &self.lengths));
                }
            },
        );
    }
}

for_simd_levels! {
    /// The mean of `errors` by how often each occurs. Sums of sixteen lie side by side, in an order that no processor
    /// changes.
    fn dot(met: &[f32; 256], errors: &[f32; 256]) -> f32 {
        let (met, _) = met.as_chunks::<16>();
        let (errors, _) = errors.as_chunks::<16>();
        let mut sums = [0f32; 16];
        for (met, errors) in met.iter().zip(errors) {
            sums.iter_mut().zip(met).zip(errors).for_each(|((sum, met), error)| *sum += met * error);
        }
        sums.iter().sum()
    }
}
