//! Passes against the graph that they rewrite, and folded numbers against the formula.

mod products;
mod sums;

use super::*;
use crate::cases::for_each_case;
use crate::graph::network::{Source, Value};
use crate::graph::op::{Add, BatchNorm, Conv, Linear, Relu};
use crate::graph::{Graph, Node, ValueId, ValueType};
use crate::layer::{ApproxLayer, ConvAttributes, ConvTransposeAttributes, InferenceMode};
use crate::quant::{Observer, Operands};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;

const EPS: f64 = 1e-3;

/// A graph under construction, with numbers for its parameters.
struct Net {
    graph: Graph,
    tensors: BTreeMap<String, Tensor>,
}

impl Net {
    fn new(sample: &[usize]) -> (Self, ValueId) {
        let mut graph = Graph::new();
        let x = graph.input("x", ValueType::batch_of(sample)).unwrap();
        (Net { graph, tensors: BTreeMap::new() }, x)
    }

    fn parameter(&mut self, name: String, shape: &[usize]) -> ValueId {
        let count = shape.iter().product::<usize>();
        // Irregular numbers in 0.5 to 1.5: variances are positive, and nothing cancels.
        let seed = name.bytes().map(f64::from).sum::<f64>();
        let numbers: Vec<f32> = (0..count).map(|i| ((seed + 1.7 * i as f64).sin() / 2.0 + 1.0) as f32).collect();
        let id = self.graph.parameter(&name, shape, true).unwrap();
        self.tensors.insert(name, Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap());
        id
    }

    /// A convolution with 2 outputs, or a linear layer, by the rank of the weight.
    fn layer(&mut self, name: &str, x: ValueId, weight: &[usize], bias: bool) -> ValueId {
        let mut inputs = vec![x, self.parameter(format!("{name}.weight"), weight)];
        if bias {
            inputs.push(self.parameter(format!("{name}.bias"), &weight[..1]));
        }
        match weight.len() {
            2 => self.graph.add_one(name, Linear, &inputs),
            3 => self.graph.add_one(name, Conv(ConvAttributes::<1>::default()), &inputs),
            _ => {
                self.graph.add_one(name, Conv(ConvAttributes { groups: 2, ..ConvAttributes::<2>::default() }), &inputs)
            }
        }
        .unwrap()
    }

    fn norm(&mut self, name: &str, x: ValueId, channels: usize) -> ValueId {
        let parts = ["weight", "bias", "running_mean", "running_var"];
        let parameters = parts.map(|part| self.parameter(format!("{name}.{part}"), &[channels]));
        self.graph.add_one(name, BatchNorm { eps: EPS }, &[&[x][..], &parameters].concat()).unwrap()
    }

    fn bound(mut self, outputs: &[ValueId]) -> (Graph, BTreeMap<String, Tensor>) {
        self.graph.set_outputs(outputs);
        self.graph.bind(self.tensors.clone()).unwrap();
        (self.graph, self.tensors)
    }
}

fn input(graph: &Graph, batch: usize) -> Tensor {
    let sizes = graph.ty(graph.inputs()[0]).sizes(batch);
    let numbers: Vec<f32> = (0..sizes.iter().product()).map(|i: usize| (i as f32 * 0.37).cos()).collect();
    Tensor::from_vec(numbers, sizes, &Device::Cpu).unwrap()
}

fn outputs(graph: &Graph) -> Vec<Vec<f32>> {
    let outputs = graph.run(&[input(graph, 3)], 0).unwrap();
    outputs.iter().map(|output| output.flatten_all().unwrap().to_vec1().unwrap()).collect()
}

fn kinds(graph: &Graph) -> Vec<&'static str> {
    graph.nodes().iter().map(|node| node.op().kind()).collect()
}

/// The numbers of input `input` of node `node`, a bound parameter.
fn parameter(graph: &Graph, node: usize, input: usize) -> Vec<f32> {
    let Source::Parameter { data: Some(tensor), .. } = &graph.values[graph.nodes[node].inputs[input].0].source else {
        panic!("not a bound parameter");
    };
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Parameters that hold numbers.
fn bound_parameters(graph: &Graph) -> usize {
    let bound = |value: &&Value| matches!(value.source, Source::Parameter { data: Some(_), .. });
    graph.values.iter().filter(bound).count()
}

#[test]
fn folded_layers_have_the_formulas_numbers() {
    let cases: [(&[usize], &[usize]); 3] = [(&[4, 5, 5], &[6, 2, 3, 3]), (&[2, 9], &[3, 2, 4]), (&[7], &[5, 7])];
    for_each_case(cases, |(sample, weight)| {
        for bias in [false, true] {
            let (mut net, x) = Net::new(sample);
            let y = net.layer("conv1", x, weight, bias);
            let y = net.norm("bn1", y, weight[0]);
            let y = net.graph.add_one("relu", Relu, &[y]).unwrap();
            let (mut graph, tensors) = net.bound(&[y]);
            let before = outputs(&graph);
            fold_batch_norm(&mut graph).unwrap();

            assert_eq!(graph.nodes().iter().map(Node::name).collect::<Vec<_>>(), ["conv1", "relu"]);
            let of = |name: &str| -> Vec<f64> {
                let flat = tensors[name].flatten_all().unwrap().to_vec1::<f32>().unwrap();
                flat.into_iter().map(f64::from).collect()
            };
            let (gain, beta) = (of("bn1.weight"), of("bn1.bias"));
            let (mean, variance) = (of("bn1.running_mean"), of("bn1.running_var"));
            let old_bias = if bias { of("conv1.bias") } else { vec![0.0; weight[0]] };
            let depth: usize = weight[1..].iter().product();
            let expected: Vec<f32> = of("conv1.weight")
                .into_iter()
                .enumerate()
                .map(|(i, w)| (w * gain[i / depth] / (variance[i / depth] + EPS).sqrt()) as f32)
                .collect();
            assert_eq!(parameter(&graph, 0, 1), expected, "weight {weight:?}, bias {bias}");
            let expected: Vec<f32> = (0..weight[0])
                .map(|o| (beta[o] + (old_bias[o] - mean[o]) * gain[o] / (variance[o] + EPS).sqrt()) as f32)
                .collect();
            assert_eq!(parameter(&graph, 0, 2), expected, "bias of {weight:?}, {bias}");

            for (before, after) in before[0].iter().zip(&outputs(&graph)[0]) {
                assert!((before - after).abs() <= 1e-4 * before.abs().max(1.0), "{before} {after}");
            }
        }
    });
}

/// Outputs are second in the weight of a transposed convolution, and those of a group at that.
#[test]
fn transposed_convolutions_fold() {
    let (mut net, x) = Net::new(&[4, 3, 3]);
    let attributes = ConvTransposeAttributes::<2> { stride: [2, 2], groups: 2, ..Default::default() };
    let inputs = [x, net.parameter("up.weight".to_owned(), &[4, 3, 2, 3]), net.parameter("up.bias".to_owned(), &[6])];
    let y = net.graph.add_one("up", Conv(attributes), &inputs).unwrap();
    let y = net.norm("bn", y, 6);
    let (mut graph, _) = net.bound(&[y]);
    let (before, products) = (outputs(&graph), graph.layer_counts());
    fold_batch_norm(&mut graph).unwrap();
    assert_eq!(kinds(&graph), ["conv_transpose2d"]);
    let close = |graph: &Graph| {
        let after = outputs(graph);
        before[0].len() == after[0].len() && before[0].iter().zip(&after[0]).all(|(b, a)| (b - a).abs() <= 1e-4)
    };
    assert!(close(&graph));
    swap_layers(&mut graph).unwrap();
    assert!(close(&graph));
    assert_eq!(graph.layer_counts(), products, "counts and shapes do not change");
    // 3 x 3 inputs by 2 x 3 taps of 3 outputs, for each of 4 channels; 2 taps of 2 channels meet at most.
    assert_eq!((products[0].opcount, products[0].fan_in), (9 * 6 * 3 * 4, 4));
    assert_eq!(products[0].weight_shape, [4, 3, 2, 3]);
}

#[test]
fn chains_fold_and_outputs_follow() {
    let (mut net, x) = Net::new(&[2, 6, 6]);
    let y = net.layer("conv1", x, &[4, 1, 3, 3], false);
    let y = net.norm("bn1", y, 4);
    let y = net.layer("conv2", y, &[2, 2, 3, 3], true);
    let y = net.norm("bn2", y, 2);
    let y = net.norm("bn3", y, 2);
    let (mut graph, _) = net.bound(&[y, y]);
    let before = outputs(&graph);
    fold_batch_norm(&mut graph).unwrap();
    assert_eq!(kinds(&graph), ["conv2d", "conv2d"]);
    let after = outputs(&graph);
    assert_eq!(after.len(), 2);
    for (before, after) in before.concat().iter().zip(&after.concat()) {
        assert!((before - after).abs() <= 1e-4 * before.abs().max(1.0), "{before} {after}");
    }
    // The numbers that nothing reads any more are let go.
    assert_eq!(bound_parameters(&graph), 4);
}

#[test]
fn what_others_read_is_not_folded() {
    let read_twice = || {
        let (mut net, x) = Net::new(&[2, 4, 4]);
        let conv = net.layer("conv", x, &[4, 1, 1, 1], false);
        let norm = net.norm("bn", conv, 4);
        let sum = net.graph.add_one("sum", Add::default(), &[norm, conv]).unwrap();
        net.bound(&[sum]).0
    };
    let is_output = || {
        let (mut net, x) = Net::new(&[2, 4, 4]);
        let conv = net.layer("conv", x, &[4, 1, 1, 1], false);
        let norm = net.norm("bn", conv, 4);
        net.bound(&[norm, conv]).0
    };
    let before_the_layer = || {
        let (mut net, x) = Net::new(&[2, 4, 4]);
        let norm = net.norm("bn", x, 2);
        let conv = net.layer("conv", norm, &[4, 1, 1, 1], false);
        net.bound(&[conv]).0
    };
    let after_an_activation = || {
        let (mut net, x) = Net::new(&[2, 4, 4]);
        let conv = net.layer("conv", x, &[4, 1, 1, 1], false);
        let relu = net.graph.add_one("relu", Relu, &[conv]).unwrap();
        let norm = net.norm("bn", relu, 4);
        net.bound(&[norm]).0
    };
    // Channels of the normalization are positions of the sequence.
    let over_a_sequence = || {
        let (mut net, x) = Net::new(&[5, 3]);
        let linear = net.layer("fc", x, &[4, 3], false);
        let norm = net.norm("bn", linear, 5);
        net.bound(&[norm]).0
    };
    let computed_weight = || {
        let (mut net, x) = Net::new(&[3]);
        let weight = net.parameter("weight".to_owned(), &[4, 3]);
        let weight = net.graph.add_one("relu", Relu, &[weight]).unwrap();
        let linear = net.graph.add_one("fc", Linear, &[x, weight]).unwrap();
        let norm = net.norm("bn", linear, 4);
        net.bound(&[norm]).0
    };
    let cases: [(&str, &dyn Fn() -> Graph); 6] = [
        ("read twice", &read_twice),
        ("an output", &is_output),
        ("before the layer", &before_the_layer),
        ("after an activation", &after_an_activation),
        ("over a sequence", &over_a_sequence),
        ("computed weight", &computed_weight),
    ];
    for (name, build) in cases {
        let mut graph = build();
        let (before, nodes) = (outputs(&graph), kinds(&graph));
        fold_batch_norm(&mut graph).unwrap();
        assert_eq!(kinds(&graph), nodes, "{name}");
        assert_eq!(outputs(&graph), before, "{name}");
    }
}

#[test]
fn unbound_normalization_is_left_alone() {
    let (mut net, x) = Net::new(&[2, 4, 4]);
    let conv = net.layer("conv", x, &[4, 1, 1, 1], false);
    let norm = net.norm("bn", conv, 4);
    net.graph.set_outputs(&[norm]);
    fold_batch_norm(&mut net.graph).unwrap();
    assert_eq!(kinds(&net.graph), ["conv2d", "batch_norm"]);
}

#[test]
fn every_layer_is_swapped_in_order() {
    let (mut net, x) = Net::new(&[2, 6]);
    let y = net.layer("stem", x, &[4, 2, 3], true);
    let y = net.graph.add_one("relu", Relu, &[y]).unwrap();
    let y = net.layer("block.0.fc", y, &[5, 4], false);
    let y = net.layer("head", y, &[3, 5], true);
    let (mut graph, _) = net.bound(&[y]);
    let (before, products) = (outputs(&graph), graph.layer_counts());
    assert_eq!(graph.layers().count(), 0);
    swap_layers(&mut graph).unwrap();

    let found: Vec<_> = graph.layers().map(|layer| (layer.name(), layer.kind(), layer.mode())).collect();
    let base = InferenceMode::Baseline;
    assert_eq!(found, [("stem", "conv1d", base), ("block.0.fc", "linear", base), ("head", "linear", base)]);
    assert_eq!(kinds(&graph), ["conv1d", "relu", "linear", "linear"]);
    // By hand: 4 positions of 4 outputs of 2 x 3 products; 4 rows of 4 x 5; 4 rows of 5 x 3.
    assert_eq!(products.iter().map(|p| (p.opcount, p.fan_in)).collect::<Vec<_>>(), [(96, 6), (80, 4), (60, 5)]);
    assert_eq!(graph.layer_counts(), products, "counts do not change");
    // Sums of layers that are not swapped are those of an observed pass.
    graph.layers_mut().for_each(|layer| layer.begin_calibration(Observer::MinMax.start(0).into()));
    assert_eq!(outputs(&graph), before, "nor do results");
    assert_eq!(graph.layer_input_elements(), [12, 16, 20].map(Operands::from));
    assert_eq!(bound_parameters(&graph), 0, "layers hold their weights themselves");
    swap_layers(&mut graph).unwrap();
    assert_eq!(graph.layers().count(), 3, "what is swapped stays");
}

#[test]
fn layers_with_computed_or_unbound_weights_stay() {
    let (mut net, x) = Net::new(&[3]);
    let raw = net.parameter("raw".to_owned(), &[3, 3]);
    let weight = net.graph.add_one("relu", Relu, &[raw]).unwrap();
    let y = net.graph.add_one("computed", Linear, &[x, weight]).unwrap();
    let y = net.layer("plain", y, &[2, 3], false);
    let (mut graph, _) = net.bound(&[y]);
    let before = outputs(&graph);
    swap_layers(&mut graph).unwrap();
    assert_eq!(graph.layers().map(ApproxLayer::name).collect::<Vec<_>>(), ["plain"]);
    assert_eq!(graph.layer_counts().len(), 2, "both are counted");
    graph.layers_mut().for_each(|layer| layer.begin_calibration(Observer::MinMax.start(0).into()));
    assert_eq!(outputs(&graph), before);

    let (mut net, x) = Net::new(&[3]);
    net.layer("fc", x, &[2, 3], true);
    swap_layers(&mut net.graph).unwrap();
    assert_eq!(net.graph.layers().count(), 0);
}

/// Three of the six ReLUs follow a layer or an addition that only they read.
#[test]
fn relus_fuse_where_they_alone_read() {
    let (mut net, x) = Net::new(&[2, 4, 4]);
    let relu = |net: &mut Net, name: &str, of: ValueId| net.graph.add_one(name, Relu, &[of]).unwrap();
    let of_the_input = relu(&mut net, "relu0", x);
    let conv = net.layer("conv1", of_the_input, &[2, 1, 1, 1], true);
    let fused = relu(&mut net, "relu1", conv);
    // Read by a ReLU and by an addition.
    let shared = net.layer("conv2", fused, &[2, 1, 1, 1], false);
    let apart = relu(&mut net, "relu2", shared);
    let sum = net.graph.add_one("sum", Add::default(), &[apart, shared]).unwrap();
    let sum = relu(&mut net, "relu3", sum);
    let conv = net.layer("conv3", sum, &[2, 1, 1, 1], true);
    // An output itself, before the ReLU.
    let output = net.layer("conv4", conv, &[2, 1, 1, 1], true);
    let last = relu(&mut net, "relu4", output);
    let twice = net.layer("conv5", last, &[2, 1, 1, 1], true);
    let twice = relu(&mut net, "relu5", twice);
    let (mut graph, _) = net.bound(&[twice, output]);
    // Weights of both signs, so that the ReLUs have something to do.
    for (i, node) in [1, 3, 7, 8, 10].into_iter().enumerate() {
        let id = graph.nodes[node].inputs[1];
        let weight: Vec<f32> = if i % 2 == 0 { vec![-1.0, 2.0] } else { vec![1.0, -1.0] };
        let Source::Parameter { data, .. } = &mut graph.values[id.0].source else { panic!("not a parameter") };
        *data = Some(Tensor::from_vec(weight, (2, 1, 1, 1), &Device::Cpu).unwrap());
    }
    swap_layers(&mut graph).unwrap();
    let (before, products) = (outputs(&graph), graph.layer_counts());
    assert!(before.concat().iter().any(|&y| y > 0.0) && before[0].contains(&0.0));
    fuse_clips(&mut graph);
    let names: Vec<&str> = graph.nodes().iter().map(Node::name).collect();
    assert_eq!(names, ["relu0", "conv1", "conv2", "relu2", "sum", "conv3", "conv4", "relu4", "conv5"]);
    assert_eq!((outputs(&graph), graph.layer_counts()), (before, products), "no bit changes");
}
