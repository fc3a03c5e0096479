//! Planned runs against the operators one after another, on tensors.

use crate::graph::op::{
    Add, AveragePool, Binary, Concat, Conv, Flatten, GlobalAveragePool, Linear, MaxPool, PoolWindow, Relu, Softmax,
    Transpose, Unary,
};
use crate::graph::pass::{fuse_clips, swap_layers};
use crate::graph::{Graph, InputObserver, RunContext, ValueId, ValueType};
use crate::kernel::{self, Signedness};
use crate::layer::{ApproxLayer, Call, ConvAttributes, InferenceMode};
use crate::lut::{Coding, Lut};
use crate::quant::{ActScheme, Observer, QuantConfig};
use candle_core::{Device, Tensor};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Mutex;

/// A network under construction, whose weights are a sine of growing frequency.
struct Network {
    graph: Graph,
    tensors: BTreeMap<String, Tensor>,
    count: usize,
}

fn tensor(shape: &[usize], frequency: f32) -> Tensor {
    let numbers = (0..shape.iter().product()).map(|i: usize| ((i * i % 10_007) as f32 * frequency).sin());
    Tensor::from_iter(numbers, &Device::Cpu).unwrap().reshape(shape).unwrap()
}

impl Network {
    fn parameter(&mut self, name: String, shape: &[usize]) -> ValueId {
        self.tensors.insert(name.clone(), tensor(shape, 0.37 + self.count as f32));
        self.graph.parameter(&name, shape, true).unwrap()
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("node{}", self.count)
    }

    fn channels(&self, x: ValueId) -> usize {
        self.graph.ty(x).sizes(1)[1]
    }

    fn conv(&mut self, x: ValueId, outputs: usize, kernel: [usize; 2], attributes: ConvAttributes<2>) -> ValueId {
        let (name, inputs) = (self.name(), self.channels(x));
        let shape = [outputs, inputs / attributes.groups, kernel[0], kernel[1]];
        let weight = self.parameter(format!("{name}.weight"), &shape);
        let bias = self.parameter(format!("{name}.bias"), &[outputs]);
        self.graph.add_one(&name, Conv(attributes), &[x, weight, bias]).unwrap()
    }

    fn linear(&mut self, x: ValueId, outputs: usize) -> ValueId {
        let name = self.name();
        let inputs = *self.graph.ty(x).sizes(1).last().unwrap();
        let weight = self.parameter(format!("{name}.weight"), &[outputs, inputs]);
        self.graph.add_one(&name, Linear, &[x, weight]).unwrap()
    }

    fn add(&mut self, op: impl crate::graph::Operator, inputs: &[ValueId]) -> ValueId {
        let name = self.name();
        self.graph.add_one(&name, op, inputs).unwrap()
    }

    /// One of several structures that networks have, which keeps height and width above 0.
    fn block(&mut self, kind: usize, x: ValueId) -> ValueId {
        let same = ConvAttributes { padding: [[1, 1]; 2], ..ConvAttributes::default() };
        let strided = ConvAttributes { stride: [2, 2], ..same };
        let channels = self.channels(x);
        match kind {
            // A residual block, without a shortcut and with one before or after the convolution that is added to.
            0 => {
                let y = self.conv(x, channels, [3, 3], same);
                let y = self.add(Relu, &[y]);
                let y = self.conv(y, channels, [3, 3], same);
                let y = self.add(Add::default(), &[y, x]);
                self.add(Relu, &[y])
            }
            1 | 2 => {
                let pointwise = ConvAttributes { stride: [2, 2], ..ConvAttributes::default() };
                let first = (kind == 1).then(|| self.conv(x, 18, [1, 1], pointwise));
                let y = self.conv(x, 18, [3, 3], strided);
                let shortcut = first.unwrap_or_else(|| self.conv(x, 18, [1, 1], pointwise));
                let y = self.add(Add::default(), &[y, shortcut]);
                self.add(Relu, &[y])
            }
            // An inverted residual, with squeeze and excitation.
            3 => {
                let expanded = 3 * channels;
                let y = self.conv(x, expanded, [1, 1], ConvAttributes::default());
                let y = self.add(Unary::HardSwish, &[y]);
                let y = self.conv(y, expanded, [3, 3], ConvAttributes { groups: expanded, ..same });
                let y = self.add(Unary::Clip { min: 0.0, max: 6.0 }, &[y]);
                let scale = self.add(GlobalAveragePool, &[y]);
                let scale = self.conv(scale, expanded, [1, 1], ConvAttributes::default());
                let scale = self.add(Unary::Sigmoid, &[scale]);
                let y = self.add(Binary::Mul, &[y, scale]);
                let y = self.conv(y, channels, [1, 1], ConvAttributes::default());
                self.add(Add::default(), &[x, y])
            }
            // Branches that are joined, one of groups and one dilated.
            4 => {
                let groups = if channels.is_multiple_of(2) { 2 } else { 1 };
                let a = self.conv(x, 6, [3, 1], ConvAttributes { groups, padding: [[1, 1], [0, 0]], ..same });
                let dilated = ConvAttributes { dilation: [2, 1], padding: [[2, 2], [1, 1]], ..same };
                let b = self.conv(x, 5, [3, 3], dilated);
                let b = self.add(Relu, &[b]);
                self.add(Concat { axis: 1 }, &[a, b])
            }
            // Pools, whose padding is no operand.
            5 => {
                let window = PoolWindow { padding: [[1, 1]; 2], stride: [1, 2], ..PoolWindow::square(3) };
                let y = self.add(MaxPool(window), &[x]);
                self.conv(y, 8, [1, 1], ConvAttributes::default())
            }
            6 => {
                let window = PoolWindow { padding: [[0, 1]; 2], stride: [1, 1], ..PoolWindow::square(2) };
                self.add(AveragePool { window, count_include_pad: true }, &[x])
            }
            // An operator that knows no images.
            _ => self.add(Softmax { axis: 1, log: false }, &[x]),
        }
    }
}

/// A network of blocks, and a classifier on the mean or on a sequence of positions.
fn network(blocks: &[usize], size: [usize; 2], on_sequence: bool) -> Graph {
    let mut network = Network { graph: Graph::new(), tensors: BTreeMap::new(), count: 0 };
    let x = network.graph.input("x", ValueType::batch_of(&[3, size[0], size[1]])).unwrap();
    let first = ConvAttributes { padding: [[1, 1]; 2], ..ConvAttributes::default() };
    let mut y = network.conv(x, 9, [3, 3], first);
    for &block in blocks {
        y = network.block(block, y);
    }
    if on_sequence {
        let [_, c, h, w] = *network.graph.ty(y).sizes(1).as_slice() else { panic!() };
        let shape = [crate::graph::Dim::Batch(1), crate::graph::Dim::Fixed(c), crate::graph::Dim::Fixed(h * w)];
        y = network.add(crate::graph::op::Reshape { shape: shape.to_vec() }, &[y]);
        y = network.add(Transpose { order: vec![0, 2, 1] }, &[y]);
        let z = network.linear(y, 12);
        let z = network.add(Unary::Gelu, &[z]);
        let z = network.linear(z, c);
        y = network.add(Add::default(), &[z, y]);
    } else {
        y = network.add(GlobalAveragePool, &[y]);
    }
    y = network.add(Flatten { axis: 1 }, &[y]);
    y = network.linear(y, 7);
    let Network { mut graph, tensors, .. } = network;
    graph.set_outputs(&[y]);
    graph.bind(tensors).unwrap();
    swap_layers(&mut graph).unwrap();
    fuse_clips(&mut graph);
    graph
}

fn sum(tensor: &Tensor) -> f64 {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|&x| f64::from(x)).sum()
}

/// The output of a run of every operator on tensors, and the sums of the layers' inputs.
fn reference(graph: &Graph, images: &Tensor) -> (Tensor, HashMap<String, f64>) {
    let mut sums = HashMap::new();
    let mut values: HashMap<ValueId, Tensor> = HashMap::from([(graph.inputs()[0], images.clone())]);
    for node in graph.nodes() {
        let inputs: Vec<&Tensor> = node.inputs().iter().map(|id| &values[id]).collect();
        let context = RunContext { samples: images.dims()[0], ..RunContext::default() };
        if node.op().as_approximate().is_some() {
            sums.insert(node.name().to_owned(), sum(inputs[0]));
        }
        let outputs = node.op().run(&inputs, &context).unwrap();
        values.extend(node.outputs().iter().copied().zip(outputs));
    }
    (values[&graph.outputs()[0]].clone(), sums)
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()
}

/// Tables that are one, two and no short sums of products.
fn luts(is_signed: bool) -> Vec<Lut> {
    let signedness = if is_signed { Signedness::Signed } else { Signedness::Unsigned };
    let noise = |a: i32, b: i32| (a * 31 + b * 17).rem_euclid(97);
    vec![
        Lut::from_fn("exact", signedness, |a, b| a * b),
        Lut::from_fn("rank 1", signedness, |a, b| (a & !1) * (b & !3)),
        Lut::from_fn("rank 2", signedness, |a, b| a * b - (a & 7) * (b & 3)),
        Lut::from_fn(
            "any",
            signedness,
            move |a, b| if is_signed { a * b + noise(a, b) } else { a * b / 2 + noise(a, b) },
        ),
    ]
}

/// Counts what it sees of every layer, as long as it wants to.
#[derive(Debug, Default)]
struct Seen {
    until: u64,
    sums: Mutex<HashMap<String, f64>>,
}

impl InputObserver for Seen {
    fn wants(&self, _: &dyn ApproxLayer, samples: Range<u64>) -> bool {
        samples.start < self.until
    }

    fn observe(&self, layer: &dyn ApproxLayer, inputs: &[&Tensor], _: Range<u64>) {
        *self.sums.lock().unwrap().entry(layer.name().to_owned()).or_default() += sum(inputs[0]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn planned_runs_have_the_bits_of_operators(
        blocks in prop::collection::vec(0usize..8, 1..5),
        size in [5usize..14, 5usize..40],
        on_sequence: bool,
        batch in 1usize..6,
        modes in prop::collection::vec(0usize..3, 1..6),
        (coding, affine, table) in (0usize..3, any::<bool>(), 0usize..4),
        (kernel, threads) in (0usize..8, 1usize..4),
        stops in prop::collection::vec(0usize..20, 0..3),
    ) {
        let mut graph = network(&blocks, size, on_sequence);
        let images = tensor(&[batch, 3, size[0], size[1]], 0.11);
        let coding = [Coding::Signed, Coding::SignMagnitude, Coding::Affine][coding];
        let mut config = QuantConfig::new(coding);
        if affine && coding != Coding::SignMagnitude {
            config.act_scheme = ActScheme::Affine;
        }
        let lut = luts(coding == Coding::Signed).swap_remove(table);
        let supported: Vec<_> = kernel::KERNELS.iter().copied().filter(|kernel| kernel.is_supported()).collect();
        let elements = graph.layer_input_elements();
        for (layer, elements) in graph.layers_mut().zip(elements) {
            layer.begin_calibration(elements.map(|elements| Observer::MinMax.start(batch * elements)));
        }
        graph.run(std::slice::from_ref(&images), 0).unwrap();
        for (i, layer) in graph.layers_mut().enumerate() {
            layer.finish_calibration(&config, Some(&lut), supported[kernel % supported.len()]).unwrap();
            let mode = [InferenceMode::Approximate, InferenceMode::Quantized, InferenceMode::Baseline][modes[i % modes.len()]];
            layer.set_mode(mode);
        }
        let (expected, inputs) = reference(&graph, &images);
        let expected = bits(&expected);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for until in [0, 1] {
            let seen = Seen { until, ..Seen::default() };
            // Once as a whole and once in stretches, since memory is used again.
            let whole = pool.install(|| graph.run_observed(std::slice::from_ref(&images), 0, &[&seen]).unwrap());
            prop_assert_eq!(&bits(&whole[0]), &expected);
            let in_stretches = pool.install(|| {
                let layers = graph.layers().count();
                let mut batch = graph.enter(std::slice::from_ref(&images)).unwrap();
                let mut stops: Vec<usize> = stops.iter().map(|stop| stop % layers).collect();
                stops.sort_unstable();
                for stop in stops {
                    batch = graph.advance(&batch, stop, 0, &[&seen]).unwrap();
                }
                graph.finish(&batch, 0, &[&seen]).unwrap()
            });
            prop_assert_eq!(&bits(&in_stretches[0]), &expected);
            let seen = seen.sums.into_inner().unwrap();
            let expected = if until == 0 { HashMap::new() } else { inputs.clone() };
            prop_assert_eq!(seen.len(), expected.len());
            for (name, sum) in expected {
                // Sums of parts, in any order.
                prop_assert!((seen[&name] - 2.0 * sum).abs() <= 1e-6 * (1.0 + sum.abs()), "{}", name);
            }
        }
    }
}

/// Inputs are there before the first step, whenever they are read, if at all.
#[test]
fn inputs_keep_their_places() {
    let mut network = Network { graph: Graph::new(), tensors: BTreeMap::new(), count: 0 };
    let [a, b, c] = ["a", "b", "c"].map(|name| network.graph.input(name, ValueType::batch_of(&[2, 4, 5])).unwrap());
    let left = network.conv(a, 3, [1, 1], ConvAttributes::default());
    let right = network.conv(b, 3, [1, 1], ConvAttributes::default());
    let sum = network.add(Add::default(), &[left, right]);
    let Network { mut graph, tensors, .. } = network;
    graph.set_outputs(&[sum, c]);
    graph.bind(tensors).unwrap();
    swap_layers(&mut graph).unwrap();
    let inputs = [0.1, 0.2, 0.3].map(|frequency| tensor(&[3, 2, 4, 5], frequency));
    let outputs = graph.run(&inputs, 0).unwrap();
    let layers: Vec<Tensor> = graph
        .layers()
        .zip(&inputs)
        .map(|(layer, input)| layer.as_weighted().unwrap().forward_as(input, Call::default()).unwrap())
        .collect();
    assert_eq!(bits(&outputs[0]), bits(&(&layers[0] + &layers[1]).unwrap()));
    assert_eq!(bits(&outputs[1]), bits(&inputs[2]));
}
