//! How many samples a network's nodes run on at a time.
//!
//! A node that runs on a whole batch writes megabytes that the next one reads again. Nodes run one
//! after another on a few samples instead, whose values stay in a core's cache, while other cores
//! take other samples. How few is a matter of the layers: kernels compute the columns of a tile side
//! by side, and late layers have few columns a sample. A [`Schedule`] therefore cuts a network into
//! levels, each on more samples at a time than the one before, down to the classifier at the end,
//! which has one column a sample.

use super::{Dim, Graph, Node, ValueType};
use crate::kernel::LANES;
use crate::layer::ApproxLayer;
use std::ops::Range;

/// Bytes of the values of one node, read and written, that may fill half of a second-level cache.
const CACHE: usize = 1 << 19;

/// Columns that kernels compute at once; filler makes a tile's columns a multiple of it.
const BLOCK: usize = 64;

/// Nodes that run on the same samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Level {
    pub nodes: Range<usize>,
    /// Most samples at a time.
    pub samples: usize,
}

impl Level {
    /// Parts of `samples` to run the nodes on, as even as they can be; one if there are no samples.
    pub fn parts(&self, samples: Range<usize>) -> Vec<Range<usize>> {
        let count = samples.len().div_ceil(self.samples).max(1);
        let start = |part: usize| samples.start + part * samples.len() / count;
        (0..count).map(|part| start(part)..start(part + 1)).collect()
    }
}

/// The levels of a network, of which the last runs on the whole batch; it may have no nodes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    pub levels: Vec<Level>,
}

impl Schedule {
    /// For a batch of that many samples. It does not depend on the number of threads, and so neither
    /// does any result.
    pub fn new(graph: &Graph, batch: usize) -> Self {
        let all = graph.nodes.len();
        let whole = |nodes: Range<usize>| Level { nodes, samples: batch.max(1) };
        if !graph.nodes.iter().all(|node| node.op.layer().is_none_or(ApproxLayer::is_samplewise)) {
            return Schedule { levels: vec![whole(0..all)] };
        }
        let bytes = graph
            .values
            .iter()
            .filter(|value| is_batched(&value.ty))
            .map(|value| value.ty.sizes(1).iter().product::<usize>() * size_of::<f32>());
        let cached = CACHE / (2 * bytes.max().unwrap_or(0).max(1));
        // A node is followed by layers of at most so many columns a sample.
        let mut columns = 0;
        let mut samples: Vec<usize> = (0..all)
            .rev()
            .map(|node| {
                columns = columns.max(columns_per_sample(graph, &graph.nodes[node]));
                samples_for(columns).max(cached).clamp(1, batch.max(1))
            })
            .collect();
        samples.reverse();
        let mut levels: Vec<Level> = Vec::new();
        for (node, samples) in samples.into_iter().enumerate() {
            match levels.last_mut() {
                Some(level) if level.samples == samples => level.nodes.end = node + 1,
                _ => levels.push(Level { nodes: node..node + 1, samples }),
            }
        }
        levels.push(whole(all..all));
        Schedule { levels }
    }
}

/// Output positions of one sample, for linear and convolution layers.
fn columns_per_sample(graph: &Graph, node: &Node) -> usize {
    let types: Vec<&ValueType> = node.inputs.iter().map(|&id| graph.ty(id)).collect();
    let window = node.op.window(&types).and_then(Result::ok);
    window.map_or(0, |window| window.images * window.geometry.positions())
}

/// The fewest samples that fill tiles about as well as any number does.
fn samples_for(columns: usize) -> usize {
    if columns == 0 {
        return 1;
    }
    // A tile costs what its blocks do, and about half a block to begin.
    let fill = |samples: usize| {
        let columns = columns * samples;
        columns as f64 / (columns.div_ceil(BLOCK) as f64 + columns.div_ceil(LANES) as f64 / 2.0)
    };
    let candidates = 1..=LANES.div_ceil(columns).max(8);
    let best = candidates.clone().map(fill).fold(0.0, f64::max);
    candidates.into_iter().find(|&samples| fill(samples) >= 0.97 * best).unwrap_or(1)
}

fn is_batched(ty: &ValueType) -> bool {
    ty.shape.iter().any(|dim| matches!(dim, Dim::Batch(_)))
}
