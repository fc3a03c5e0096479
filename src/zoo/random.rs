//! Random weights, for benchmarks and tests of networks whose trained weights are not at hand.

use crate::graph::op::{Add, BatchNorm, Relu, Relu6};
use crate::graph::{Graph, Node, ValueId};
use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use std::any::Any;
use std::collections::{BTreeMap, HashMap};

/// A normal distribution: what a parameter's numbers are drawn from, or what those of a value are
/// taken to follow.
#[derive(Debug, Clone, Copy)]
struct Normal {
    mean: f64,
    variance: f64,
}

impl Normal {
    const STANDARD: Self = Normal { mean: 0.0, variance: 1.0 };

    /// Mean and variance of the sum with an independent number.
    fn plus(self, other: Self) -> Self {
        Normal { mean: self.mean + other.mean, variance: self.variance + other.variance }
    }

    /// Mean and variance of the rectified number.
    fn relu(self) -> Self {
        let std = self.variance.sqrt();
        let ratio = self.mean / std;
        // How likely the number is positive, and the density at 0 times the deviation.
        let positive = 0.5 * libm::erfc(-ratio * std::f64::consts::FRAC_1_SQRT_2);
        let density = libm::exp(-0.5 * ratio * ratio) / (2.0 * std::f64::consts::PI).sqrt();
        let mean = self.mean * positive + std * density;
        let square = self.square() * positive + self.mean * std * density;
        Normal { mean, variance: square - mean * mean }
    }

    /// The expected square.
    fn square(self) -> f64 {
        self.mean * self.mean + self.variance
    }
}

/// Weights for every parameter of `graph`, to be bound: the same for the same graph and seed on every
/// machine.
///
/// They keep a deep network alive, as training does. Weights of linear and convolution layers are
/// normal, scaled so that the layer's output has a variance near 1 whatever the network does before it:
/// after a ReLU that is He's `2 / fan_in` (He et al., 2015, <https://arxiv.org/abs/1502.01852>), after
/// a residual sum it is less. Normalisations have gains and variances near 1, shifts and means near 0,
/// so that folding them changes every number.
pub fn random_weights(graph: &Graph, seed: u64) -> BTreeMap<String, Tensor> {
    let draws = draws(graph);
    let parameters: Vec<ValueId> = graph.parameters().collect();
    let tensor = |(stream, id): (usize, ValueId)| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        let Normal { mean, variance } = draws.get(&id).copied().unwrap_or(SHIFT);
        let std = variance.sqrt();
        let shape = graph.ty(id).sizes(1);
        let number = |_| {
            let g: f64 = StandardNormal.sample(&mut rng);
            (mean + std * g) as f32
        };
        let numbers: Vec<f32> = (0..shape.iter().product::<usize>()).map(number).collect();
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu).expect("as many numbers as the shape has");
        (graph.value_name(id).to_owned(), tensor)
    };
    parameters.into_par_iter().enumerate().map(tensor).collect()
}

/// Gains and variances: ten standard deviations away from 0.
const SCALE: Normal = Normal { mean: 1.0, variance: 0.01 };
/// Shifts, means and biases.
const SHIFT: Normal = Normal { mean: 0.0, variance: 0.01 };

/// What each parameter is drawn from, by what reads it; along the way, what each value is like under
/// inputs of mean 0 and variance 1.
fn draws(graph: &Graph) -> HashMap<ValueId, Normal> {
    let fan_in: HashMap<String, usize> =
        graph.products().into_iter().map(|product| (product.name, product.fan_in)).collect();
    let mut draws = HashMap::new();
    let mut values: HashMap<ValueId, Normal> = HashMap::new();
    for node in graph.nodes() {
        let mut inputs = node.inputs().iter().map(|id| values.get(id).copied().unwrap_or(Normal::STANDARD));
        let input = inputs.next().unwrap_or(Normal::STANDARD);
        let parameters: &[Normal] = match fan_in.get(node.name()) {
            Some(&fan_in) => &[Normal { mean: 0.0, variance: (fan_in as f64 * input.square()).recip() }, SHIFT],
            None if is::<BatchNorm>(node) => &[SCALE, SHIFT, SHIFT, SCALE],
            None => &[],
        };
        let output = if !parameters.is_empty() {
            Normal::STANDARD
        } else if is::<Relu>(node) || is::<Relu6>(node) {
            input.relu()
        } else if is::<Add>(node) {
            inputs.fold(input, Normal::plus)
        } else {
            input
        };
        draws.extend(node.inputs().iter().skip(1).copied().zip(parameters.iter().copied()));
        values.extend(node.outputs().iter().map(|&id| (id, output)));
    }
    draws
}

fn is<T: 'static>(node: &Node) -> bool {
    (node.op() as &dyn Any).is::<T>()
}
