//! Random weights, for benchmarks and tests of networks whose trained weights are not at hand.

use crate::graph::op::{Add, BatchNorm, Binary, LayerNorm, MatMul, Relu, Scale, Softmax, Unary};
use crate::graph::{Graph, OpError, Operator, Pass, ValueId, ValueType};
use crate::kernel::ConvGeometry;
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

    /// A number of this mean and expected square.
    fn of_square(mean: f64, square: f64) -> Self {
        Normal { mean, variance: square - mean * mean }
    }

    /// The sum with an independent number.
    fn plus(self, other: Self) -> Self {
        Normal { mean: self.mean + other.mean, variance: self.variance + other.variance }
    }

    /// The product with an independent number.
    fn times(self, other: Self) -> Self {
        Self::of_square(self.mean * other.mean, self.square() * other.square())
    }

    /// The sum of `count` independent numbers alike.
    fn sum(self, count: f64) -> Self {
        Normal { mean: count * self.mean, variance: count * self.variance }
    }

    /// The multiple by a constant.
    fn scaled(self, factor: f64) -> Self {
        Normal { mean: factor * self.mean, variance: factor * factor * self.variance }
    }

    /// What a pointwise operator makes of it, by the trapezoid rule over five standard deviations on
    /// both sides.
    fn through(self, op: &dyn Operator) -> Result<Self, OpError> {
        const POINTS: u16 = 201;
        let std = self.variance.sqrt();
        let at = |i: u16| 10.0 * (f64::from(i) / f64::from(POINTS - 1) - 0.5);
        let x = (0..POINTS).map(|i| (self.mean + std * at(i)) as f32);
        let x = Tensor::from_iter(x, &Device::Cpu)?;
        let y = op.run(&[&x], &Pass::default())?[0].to_vec1::<f32>()?;
        let (mut total, mut mean, mut square) = (0.0, 0.0, 0.0);
        for (y, i) in y.into_iter().map(f64::from).zip(0..) {
            let density = libm::exp(-0.5 * at(i) * at(i));
            total += density;
            mean += density * y;
            square += density * y * y;
        }
        Ok(Self::of_square(mean / total, square / total))
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
/// after a ReLU that is He's `2 / fan_in` (He et al., 2015, <https://arxiv.org/abs/1502.01852>), where
/// padding does not count; after a residual sum it is less. Normalisations have gains and variances near 1, shifts and means near 0,
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
    let mut draws = HashMap::new();
    let mut values: HashMap<ValueId, Normal> = HashMap::new();
    for node in graph.nodes() {
        let op: &dyn Any = node.op();
        let types: Vec<&ValueType> = node.inputs().iter().map(|&id| graph.ty(id)).collect();
        let like = |id: &ValueId| values.get(id).copied().unwrap_or(Normal::STANDARD);
        let inputs: Vec<Normal> = node.inputs().iter().map(like).collect();
        let parameters: &[Normal] = match node.op().window(&types) {
            Some(Ok(window)) => {
                &[Normal { mean: 0.0, variance: (products(&window.geometry) * inputs[0].square()).recip() }, SHIFT]
            }
            _ if op.is::<BatchNorm>() => &[SCALE, SHIFT, SHIFT, SCALE],
            _ if op.is::<LayerNorm>() => &[SCALE, SHIFT],
            _ if op.is::<Binary>() => &[SCALE],
            _ => &[],
        };
        draws.extend(node.inputs().iter().skip(1).copied().zip(parameters.iter().copied()));
        let output = output(node.op(), &inputs, &types);
        values.extend(node.outputs().iter().map(|&id| (id, output)));
    }
    draws
}

/// Products of one sum that are not of padding, on average over the positions of the output.
fn products(geometry: &ConvGeometry) -> f64 {
    let taps = |axis: usize| {
        let reads = |(at, tap): (usize, usize)| {
            let position = at * geometry.stride[axis] + tap * geometry.dilation[axis];
            (geometry.padding[axis]..geometry.padding[axis] + geometry.input[axis]).contains(&position)
        };
        let pairs = (0..geometry.output[axis]).flat_map(|at| (0..geometry.kernel[axis]).map(move |tap| (at, tap)));
        pairs.filter(|&pair| reads(pair)).count() as f64 / geometry.output[axis] as f64
    };
    geometry.channels as f64 * taps(0) * taps(1)
}

/// Roughly what an operator makes of such inputs. Operators that are not listed, such as poolings, are
/// taken to change little.
fn output(op: &dyn Operator, inputs: &[Normal], types: &[&ValueType]) -> Normal {
    let x = inputs[0];
    let other = inputs.get(1).copied().unwrap_or(x);
    let last = types[0].shape.last().map_or(1, |dim| dim.size(1)) as f64;
    let any: &dyn Any = op;
    if op.window(types).is_some() || any.is::<BatchNorm>() || any.is::<LayerNorm>() {
        Normal::STANDARD
    } else if any.is::<Relu>() || any.is::<Unary>() || any.is::<Scale>() {
        x.through(op).unwrap_or(x)
    } else if any.is::<Add>() {
        x.plus(other)
    } else if any.downcast_ref() == Some(&Binary::Mul) {
        x.times(other)
    } else if any.is::<MatMul>() {
        x.times(other).sum(last)
    } else if any.is::<Softmax>() {
        // Of numbers that are standard normal.
        Normal::of_square(1.0, std::f64::consts::E).scaled(last.recip())
    } else {
        x
    }
}
