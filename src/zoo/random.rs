//! Random weights, for benchmarks and tests of networks without trained weights.

use crate::graph::op::{BatchNorm, Binary, LayerNorm};
use crate::graph::{Graph, Node, RunContext, ValueId};
use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use std::any::Any;
use std::collections::{BTreeMap, HashMap};

/// A normal distribution.
#[derive(Debug, Clone, Copy)]
struct Normal {
    mean: f64,
    std: f64,
}

/// Gains and variances: ten standard deviations away from 0.
const SCALE: Normal = Normal { mean: 1.0, std: 0.1 };
/// Shifts, means and biases.
const SHIFT: Normal = Normal { mean: 0.0, std: 0.1 };

impl Normal {
    /// As many numbers as `shape` has, drawn from a stream of its own.
    fn tensor(self, shape: &[usize], seed: u64, stream: u64) -> candle_core::Result<Tensor> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let number = |_| {
            let g: f64 = StandardNormal.sample(&mut rng);
            (self.mean + self.std * g) as f32
        };
        let numbers: Vec<f32> = (0..shape.iter().product::<usize>()).map(number).collect();
        Tensor::from_vec(numbers, shape, &Device::Cpu)
    }
}

/// Weights for every parameter of `graph`, to be bound: the same for the same graph and seed.
///
/// They keep a deep network alive, as training does. Weights of linear and convolution layers are
/// He's, normal of variance `2 / fan_in` (He et al., 2015, <https://arxiv.org/abs/1502.01852>), times the
/// power of two that brings the variance of the layer's outputs nearest 1 on an image of noise (Mishkin
/// and Matas, 2015, <https://arxiv.org/abs/1511.06422>, who divide by the deviation itself; a power of
/// two does not follow the last bits of a sum). Normalizations have gains and variances near 1, shifts
/// and means near 0, so that folding them changes every number.
///
/// It costs a pass of one sample through the network in `f32`.
///
/// # Panics
/// When a node of the graph fails on noise.
pub fn random_weights(graph: &Graph, seed: u64) -> BTreeMap<String, Tensor> {
    let draws = draws(graph);
    let parameters: Vec<(u64, ValueId)> = (1..).zip(graph.parameters()).collect();
    let draw = |(stream, id): (u64, ValueId)| {
        let draw = draws.get(&id).copied().unwrap_or(SHIFT);
        (id, draw.tensor(&graph.ty(id).sizes(1), seed, stream).expect("as many numbers as the shape has"))
    };
    let mut tensors: HashMap<ValueId, Tensor> = parameters.into_par_iter().map(draw).collect();
    measure(graph, &mut tensors, seed).expect("a node suits noise as its inputs");
    tensors.into_iter().map(|(id, tensor)| (graph.value_name(id).to_owned(), tensor)).collect()
}

/// What each parameter is drawn from, by what reads it.
fn draws(graph: &Graph) -> HashMap<ValueId, Normal> {
    let mut draws = HashMap::new();
    for node in graph.nodes() {
        let op: &dyn Any = node.op();
        let parameters: &[Normal] = match fan_in(graph, node) {
            Some(fan_in) => &[Normal { mean: 0.0, std: (2.0 / fan_in as f64).sqrt() }, SHIFT],
            None if op.is::<BatchNorm>() => &[SCALE, SHIFT, SHIFT, SCALE],
            None if op.is::<LayerNorm>() => &[SCALE, SHIFT],
            None if op.is::<Binary>() => &[SCALE],
            None => &[],
        };
        draws.extend(node.inputs().iter().skip(1).copied().zip(parameters.iter().copied()));
    }
    draws
}

/// Products summed into one output of a linear or convolution layer.
fn fan_in(graph: &Graph, node: &Node) -> Option<usize> {
    Some(graph.window(node)?.geometry.depth())
}

/// Noise that stays the same for some pixels, since images are smoother than noise.
fn image(shape: &[usize], seed: u64) -> candle_core::Result<Tensor> {
    const PIXELS: usize = 16;
    let count: usize = shape.iter().product();
    let noise = Normal { mean: 0.0, std: 1.0 }.tensor(&[count.div_ceil(PIXELS)], seed, 0)?.to_vec1::<f32>()?;
    Tensor::from_iter((0..count).map(|i| noise[i / PIXELS]), &Device::Cpu)?.reshape(shape)
}

/// Passes noise through the network, and scales each layer's weight on the way.
fn measure(
    graph: &Graph,
    parameters: &mut HashMap<ValueId, Tensor>,
    seed: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let nodes = graph.nodes();
    let readers = nodes.iter().enumerate().flat_map(|(i, node)| node.inputs().iter().map(move |&id| (id, i)));
    let last_reader: HashMap<ValueId, usize> = readers.collect();
    let mut values: HashMap<ValueId, Tensor> = HashMap::new();
    for &id in graph.inputs() {
        values.insert(id, image(&graph.ty(id).sizes(1), seed)?);
    }
    for (i, node) in nodes.iter().enumerate() {
        let run = |parameters: &HashMap<ValueId, Tensor>, inputs: &[ValueId]| {
            let tensors: Vec<&Tensor> = inputs.iter().filter_map(|id| values.get(id).or(parameters.get(id))).collect();
            node.op().run(&tensors, &RunContext::default())
        };
        let mut inputs = node.inputs().to_vec();
        if fan_in(graph, node).is_some() {
            // Without the bias, so that weights follow what they multiply.
            let output = run(parameters, &inputs[..2])?.remove(0);
            let square = f64::from(output.sqr()?.mean_all()?.to_scalar::<f32>()?);
            if let Some(weight) = parameters.get_mut(&inputs[1])
                && square > 0.0
            {
                let scale = (-0.5 * libm::log2(square)).round();
                *weight = (&*weight * libm::exp2(scale))?;
            }
        }
        let outputs = run(parameters, &inputs)?;
        inputs.retain(|id| last_reader[id] == i);
        inputs.iter().for_each(|id| drop(values.remove(id)));
        values.extend(node.outputs().iter().copied().zip(outputs));
    }
    Ok(())
}
