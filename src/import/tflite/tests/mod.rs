//! Tests of the importer, on files that [`writer`] makes.

mod damage;
mod layers;
mod quantized;
mod refusals;
mod shapes;
pub(super) mod writer;

use super::{ImportOptions, Network, TfliteProblem, from_bytes};
use crate::printable::with_causes;
use candle_core::{Device, Tensor};
use writer::Net;

/// The network of a file.
fn import(net: Net) -> Result<Network, TfliteProblem> {
    from_bytes(&net.bytes(), &ImportOptions::default())
}

/// The network of a file that is valid.
fn network(net: Net) -> Network {
    import(net).unwrap_or_else(|problem| panic!("{}", with_causes(&problem)))
}

/// What a network computes of samples, each given with its channels last; one row for each.
fn run(network: &Network, samples: usize, numbers: &[f32]) -> Vec<Vec<f32>> {
    let [channels, height, width] = network.input;
    let images = Tensor::from_slice(numbers, (samples, height, width, channels), &Device::Cpu).unwrap();
    let images = images.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
    network.graph.run(&[images], 0).unwrap()[0].to_vec2::<f32>().unwrap()
}

/// The kinds of a network's nodes, in order.
fn kinds(network: &Network) -> Vec<&'static str> {
    network.graph.nodes().iter().map(|node| node.op().kind()).collect()
}

/// The names of a network's layers.
fn layers(network: &Network) -> Vec<String> {
    network.graph.layer_counts().into_iter().map(|layer| layer.name).collect()
}

/// Whole numbers from 0 on.
fn ramp(count: usize) -> Vec<f32> {
    (0..count).map(|i| i as f32).collect()
}
