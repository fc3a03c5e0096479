//! How many samples a network's nodes run on at a time.
//!
//! A node that runs on a whole batch writes megabytes that the next one reads again. Nodes run one
//! after another on a few samples instead, whose values stay in a core's cache, while other cores
//! take other samples. How few is a matter of the layers: kernels compute the columns of a tile side
//! by side, and late layers have few columns a sample. A [`Schedule`] therefore cuts a network into
//! levels, each on more samples at a time than the one before, down to the classifier at the end,
//! which has one column a sample.

use super::{Graph, Node};
use crate::kernel::TilingModel;
use crate::layer::LayerCore;
use std::ops::Range;

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
        if !graph.nodes.iter().all(|node| node.op.as_approximate().is_none_or(LayerCore::is_samplewise)) {
            return Schedule { levels: vec![whole(0..all)] };
        }
        let bytes = graph
            .values
            .iter()
            .filter(|value| value.ty.has_batch())
            .map(|value| value.ty.sizes(1).iter().product::<usize>() * size_of::<f32>());
        let cached = TilingModel::CPU.cached_samples(bytes.max().unwrap_or(0));
        // A node is followed by layers of at most so many columns a sample.
        let mut columns = 0;
        let mut samples: Vec<usize> = (0..all)
            .rev()
            .map(|node| {
                columns = columns.max(columns_per_sample(graph, &graph.nodes[node]));
                TilingModel::CPU.samples_to_fill_tiles(columns).max(cached).clamp(1, batch.max(1))
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
    graph.window(node).map_or(0, |window| window.images * window.geometry.positions())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::op::{Add, Conv, Flatten, GlobalAveragePool, Linear};
    use crate::graph::pass::swap_layers;
    use crate::graph::{ValueId, ValueType};
    use crate::kernel;
    use crate::layer::{ConvAttributes, InferenceMode};
    use crate::lut::Coding;
    use crate::quant::{Observer, QuantConfig};
    use candle_core::{Device, Tensor};
    use std::collections::BTreeMap;

    /// Two convolutions, the second over every other `stride` positions, a residual sum and a
    /// classifier; weights are a sine of growing frequency.
    fn network(channels: usize, size: usize, stride: usize) -> Graph {
        let mut graph = Graph::new();
        let x = graph.input("x", ValueType::batch_of(&[3, size, size])).unwrap();
        let mut tensors = BTreeMap::new();
        let mut parameter = |graph: &mut Graph, name: &str, shape: &[usize]| -> ValueId {
            let numbers = (0..shape.iter().product()).map(|i: usize| ((i * i) as f32 * 0.37).sin());
            let tensor = Tensor::from_iter(numbers, &Device::Cpu).unwrap().reshape(shape).unwrap();
            tensors.insert(name.to_owned(), tensor);
            graph.parameter(name, shape, true).unwrap()
        };
        let conv = |stride| Conv(ConvAttributes { stride: [stride; 2], padding: [[1; 2]; 2], ..Default::default() });
        let w1 = parameter(&mut graph, "conv1.weight", &[channels, 3, 3, 3]);
        let w2 = parameter(&mut graph, "conv2.weight", &[channels, channels, 3, 3]);
        let w3 = parameter(&mut graph, "fc.weight", &[5, channels]);
        let y = graph.add_one("conv1", conv(1), &[x, w1]).unwrap();
        let y = graph.add_one("conv2", conv(stride), &[y, w2]).unwrap();
        let y = graph.add_one("add", Add::default(), &[y, y]).unwrap();
        let y = graph.add_one("pool", GlobalAveragePool, &[y]).unwrap();
        let y = graph.add_one("flatten", Flatten { axis: 1 }, &[y]).unwrap();
        let y = graph.add_one("fc", Linear, &[y, w3]).unwrap();
        graph.set_outputs(&[y]);
        graph.bind(tensors).unwrap();
        swap_layers(&mut graph).unwrap();
        graph
    }

    fn level(nodes: Range<usize>, samples: usize) -> Level {
        Level { nodes, samples }
    }

    #[test]
    fn levels_by_hand() {
        // The largest value has 8 x 32 x 32 numbers, 32 KiB: eight of them read and eight written are
        // 512 KiB. 8 x 8 positions of four samples fill a tile.
        let small = network(8, 32, 4);
        let levels = Schedule::new(&small, 64).levels;
        assert_eq!(levels, [level(0..2, 8), level(2..6, 64), level(6..6, 64)]);
        // 224 x 224 positions of 64 channels exceed the cache, and 7 x 7 fill a tile five times.
        let large = network(64, 224, 32);
        let levels = Schedule::new(&large, 64).levels;
        assert_eq!(levels, [level(0..1, 1), level(1..2, 5), level(2..6, 64), level(6..6, 64)]);
        assert_eq!(Schedule::new(&large, 1).levels, [level(0..6, 1), level(6..6, 1)]);
    }

    #[test]
    fn layers_that_need_the_whole_batch_have_it() {
        let mut graph = network(8, 32, 4);
        graph.layers_mut().nth(1).unwrap().set_mode(InferenceMode::Noise);
        assert_eq!(Schedule::new(&graph, 64).levels, [level(0..6, 64)]);
    }

    #[test]
    fn parts_are_even_and_all() {
        let parts = |samples, range| -> Vec<[usize; 2]> {
            level(0..0, samples).parts(range).iter().map(|part| [part.start, part.end]).collect()
        };
        assert_eq!(parts(5, 3..19), [[3, 7], [7, 11], [11, 15], [15, 19]]);
        assert_eq!(parts(4, 0..4), [[0, 4]]);
        assert_eq!(parts(4, 2..7), [[2, 4], [4, 7]]);
        assert_eq!(parts(4, 7..7), [[7, 7]]);
    }

    /// Of every number of threads, and of every batch size.
    #[test]
    fn parts_make_no_difference() {
        let mut graph = network(8, 32, 4);
        let pixels = (0..37 * 3 * 32 * 32).map(|i| (i as f32 * 0.11).sin());
        let images = Tensor::from_iter(pixels, &Device::Cpu).unwrap().reshape((37, 3, 32, 32)).unwrap();
        let elements = graph.layer_input_elements();
        for (layer, elements) in graph.layers_mut().zip(elements) {
            layer.begin_calibration(elements.map(|elements| Observer::MinMax.start(37 * elements)));
        }
        graph.run(std::slice::from_ref(&images), 0).unwrap();
        for layer in graph.layers_mut() {
            layer.finish_calibration(&QuantConfig::new(Coding::Signed), None, kernel::best()).unwrap();
            layer.set_mode(InferenceMode::Quantized);
        }
        let run = |images: &Tensor, threads: usize| -> Vec<Vec<f32>> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| graph.run(std::slice::from_ref(images), 0).unwrap()[0].to_vec2().unwrap())
        };
        let alone: Vec<Vec<f32>> = (0..37).flat_map(|i| run(&images.narrow(0, i, 1).unwrap(), 1)).collect();
        assert!(alone.windows(2).any(|two| two[0] != two[1]));
        for threads in [1, 2, 3, 16] {
            assert_eq!(run(&images, threads), alone, "{threads} threads");
        }
    }
}
