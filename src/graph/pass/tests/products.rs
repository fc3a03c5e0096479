//! Products of two activations: which are swapped, and what they are called.

use crate::cases::for_each_case;
use crate::graph::op::{Add, MatMul, Reshape, Scale, Softmax, Transpose};
use crate::graph::pass::products::{Product, products};
use crate::graph::pass::{name_attention, product_params, swap_layers};
use crate::graph::{Dim, Graph, ValueId, ValueType};
use crate::layer::{ApproxLayer, InferenceMode, SampleAxis};
use crate::quant::{ActivationParams, IntRange, Observer, Operands};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;

/// An attention over tokens `[N, 4, 6]` of two heads, its products called `name` as exporters call them.
fn attention(graph: &mut Graph, name: &str, x: ValueId) -> ValueId {
    let at = |part: &str| format!("{name}/{part}");
    let heads = vec![Dim::Batch(1), Dim::Fixed(4), Dim::Fixed(2), Dim::Fixed(3)];
    let split = graph.add_one(&at("split"), Reshape { shape: heads }, &[x]).unwrap();
    let queries = graph.add_one(&at("q"), Transpose { order: vec![0, 2, 1, 3] }, &[split]).unwrap();
    let keys = graph.add_one(&at("k"), Transpose { order: vec![0, 2, 3, 1] }, &[split]).unwrap();
    let scores = graph.add_one(name, MatMul, &[queries, keys]).unwrap();
    let scaled = graph.add_one(&at("scale"), Scale { factor: 0.5 }, &[scores]).unwrap();
    let mask = graph.parameter(&at("mask"), &[1, 1, 4, 4], false).unwrap();
    let masked = graph.add_one(&at("masked"), Add::default(), &[scaled, mask]).unwrap();
    let weights = graph.add_one(&at("softmax"), Softmax { axis: 3, log: false }, &[masked]).unwrap();
    let values = graph.add_one(&format!("{name}#2"), MatMul, &[weights, queries]).unwrap();
    let merged = graph.add_one(&at("merge"), Transpose { order: vec![0, 2, 1, 3] }, &[values]).unwrap();
    let tokens = vec![Dim::Batch(1), Dim::Fixed(4), Dim::Fixed(6)];
    graph.add_one(&at("merged"), Reshape { shape: tokens }, &[merged]).unwrap()
}

fn network() -> Graph {
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::batch_of(&[4, 6])).unwrap();
    let y = attention(&mut graph, "blocks.0.attn", x);
    let y = attention(&mut graph, "blocks.1.attn", y);
    graph.set_outputs(&[y]);
    let masks = ["blocks.0.attn", "blocks.1.attn"].map(|name| {
        let numbers: Vec<f32> = (0..16).map(|i| (i as f32).sin()).collect();
        (format!("{name}/mask"), Tensor::from_vec(numbers, (1, 1, 4, 4), &Device::Cpu).unwrap())
    });
    graph.bind(BTreeMap::from(masks)).unwrap();
    graph
}

fn images(count: usize) -> Tensor {
    let numbers = (0..count * 24).map(|i| (i as f32 * 0.7).sin());
    Tensor::from_iter(numbers, &Device::Cpu).unwrap().reshape((count, 4, 6)).unwrap()
}

fn run(graph: &Graph, images: &Tensor) -> Vec<f32> {
    graph.run(std::slice::from_ref(images), 0).unwrap()[0].flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn products_are_swapped_and_named_by_their_part() {
    let mut graph = network();
    let (before, counts) = (run(&graph, &images(3)), graph.layer_counts());
    name_attention(&mut graph);
    swap_layers(&mut graph).unwrap();
    let names: Vec<&str> = graph.layers().map(ApproxLayer::name).collect();
    assert_eq!(names, ["blocks.0.attn.qk", "blocks.0.attn.av", "blocks.1.attn.qk", "blocks.1.attn.av"]);
    assert_eq!(graph.layer_counts().iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(), names);
    // Two heads of 4 x 4 products of 3, and of 4 x 3 of 4.
    let macs = |counts: &[crate::graph::LayerCounts]| -> Vec<(u64, usize)> {
        counts.iter().map(|layer| (layer.opcount, layer.fan_in)).collect()
    };
    assert_eq!(macs(&graph.layer_counts()), [(96, 3), (96, 4), (96, 3), (96, 4)]);
    assert_eq!(macs(&counts), macs(&graph.layer_counts()));
    assert_eq!(run(&graph, &images(3)), before, "not a bit changes");
    let elements = [Operands::both(24, 24), Operands::both(32, 24)];
    assert_eq!(graph.layer_input_elements(), [elements, elements].concat());
    // Repeated passes find nothing more.
    name_attention(&mut graph);
    swap_layers(&mut graph).unwrap();
    assert_eq!(graph.layers().count(), 4);
}

/// A name that is taken is numbered, and what is not part of an attention keeps its own.
#[test]
fn names_are_kept_where_nothing_is_known() {
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::batch_of(&[4, 4])).unwrap();
    let plain = graph.add_one("gram", MatMul, &[x, x]).unwrap();
    // Softmax before and after, with nothing but a product between.
    let weights = graph.add_one("weights", Softmax { axis: 2, log: false }, &[plain]).unwrap();
    let both = graph.add_one("both", MatMul, &[weights, x]).unwrap();
    let again = graph.add_one("again", Softmax { axis: 2, log: false }, &[both]).unwrap();
    let taken = graph.parameter("gram.qk", &[4], true).unwrap();
    let y = graph.add_one("add", Add::default(), &[again, taken]).unwrap();
    let last = graph.add_one("last", MatMul, &[y, x]).unwrap();
    let plain = graph.add_one("plain", MatMul, &[x, x]).unwrap();
    graph.set_outputs(&[last, plain]);
    name_attention(&mut graph);
    let names: Vec<String> = graph.layer_counts().into_iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["gram.qk#2", "both", "last.av", "plain"]);
}

/// A graph whose input is `shape`, and the factors of its only product, which `build` makes.
fn factors(shape: Vec<Dim>, build: impl FnOnce(&mut Graph, ValueId) -> [ValueId; 2]) -> Graph {
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::f32(shape)).unwrap();
    let factors = build(&mut graph, x);
    let y = graph.add_one("product", MatMul, &factors).unwrap();
    graph.set_outputs(&[y]);
    graph
}

#[test]
fn only_products_of_two_activations_are_layers() {
    type Build = fn(&mut Graph, ValueId) -> [ValueId; 2];
    let (n, four) = (Dim::Batch(1), Dim::Fixed(4));
    let cases: [(Vec<Dim>, Build, Option<Option<SampleAxis>>); 5] = [
        (vec![n, four, four], |_, x| [x, x], Some(Some(SampleAxis { axis: 0, elements: 1 }))),
        (vec![four, Dim::Batch(3), four, four], |_, x| [x, x], Some(Some(SampleAxis { axis: 1, elements: 3 }))),
        // Samples one by one.
        (vec![Dim::Fixed(1), four, four], |_, x| [x, x], Some(None)),
        (vec![n, four, four], |graph, x| [x, graph.parameter("w", &[1, 4, 4], true).unwrap()], None),
        (
            vec![n, four, four],
            |graph, x| {
                let w = graph.parameter("w", &[1, 4, 4], true).unwrap();
                [graph.add_one("twice", Scale { factor: 2.0 }, &[w]).unwrap(), x]
            },
            None,
        ),
    ];
    for_each_case(cases.into_iter().enumerate(), |(case, (shape, build, samples))| {
        let mut graph = factors(shape, build);
        let expected: Vec<_> = samples.iter().map(|samples| Product { node: 0, samples: *samples }).collect();
        assert_eq!(products(&graph), expected, "case {case}");
        swap_layers(&mut graph).unwrap();
        assert_eq!((graph.layers().count(), graph.layer_counts().len()), (expected.len(), 1), "all are counted");
    });
}

#[test]
fn factors_that_are_quantized_already_bring_their_scales() {
    let params = ActivationParams::new(0.5, 3, IntRange::new(0, 255).unwrap()).unwrap();
    let mut graph = factors(vec![Dim::Batch(1), Dim::Fixed(4), Dim::Fixed(4)], |_, x| [x, x]);
    assert_eq!(product_params(&graph), []);
    let x = graph.inputs()[0];
    graph.set_quantization(x, params.into());
    let found = product_params(&graph);
    assert_eq!((found[0].0.as_str(), found[0].1.input), ("product", params));
    assert_eq!(found[0].1.weight.as_activation(), Some(params));
}

/// As all layers, products need the whole batch where they have noise, and observe what they multiply.
#[test]
fn products_run_in_every_mode_within_a_graph() {
    use crate::kernel;
    use crate::lut::Coding;
    use crate::quant::QuantConfig;
    let mut graph = network();
    swap_layers(&mut graph).unwrap();
    let images = images(70);
    let base = run(&graph, &images);
    let elements = graph.layer_input_elements();
    for (layer, elements) in graph.layers_mut().zip(elements) {
        layer.begin_calibration(elements.map(|elements| Observer::Percentile(99.0).start(70 * elements)));
    }
    run(&graph, &images);
    for layer in graph.layers_mut() {
        layer.finish_calibration(&QuantConfig::new(Coding::Signed), None, kernel::best()).unwrap();
        layer.set_seed(1, 0);
        layer.set_stdev(0.1).unwrap();
    }
    let mut in_mode = |mode: InferenceMode| {
        graph.layers_mut().for_each(|layer| layer.set_mode(mode));
        run(&graph, &images)
    };
    let [quant, noise] = [InferenceMode::Quantized, InferenceMode::Noise].map(&mut in_mode);
    assert_eq!(in_mode(InferenceMode::Baseline), base);
    assert!(quant != base && noise != quant);
    let worst = quant.iter().zip(&base).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 0.1, "8 bits are {worst} off");
}
