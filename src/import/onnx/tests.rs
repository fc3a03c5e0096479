//! Networks of one operator each, over inputs and attributes of any kind, rank and value: an answer, and never a
//! panic, whether the network is accepted or not.

use super::{ExternalFiles, File, Functions, ImportOptions, lower};
use crate::cases::for_each_case;
use candle_core::{Device, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rten_onnx::onnx::{
    AttributeProto, DataType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use std::path::Path;

/// The dimensions of a sample.
const SAMPLE: [i64; 3] = [4, 6, 5];

/// Networks of each operator.
const SEEDS: u64 = 500;

fn one_of<T: Copy>(random: &mut ChaCha8Rng, choices: &[T]) -> T {
    choices[random.random_range(0..choices.len())]
}

fn chance(random: &mut ChaCha8Rng, percent: u32) -> bool {
    random.random_range(0..100) < percent
}

/// A small integer, or, now and then, one that no memory holds or that is no size at all.
fn integer(random: &mut ChaCha8Rng) -> i64 {
    match random.random_range(0..40) {
        0 => one_of(random, &[i64::MAX, i64::MIN, 1 << 33, 1 << 40, -(1 << 31)]),
        1..6 => random.random_range(-5..0),
        _ => random.random_range(0..6),
    }
}

fn integers(random: &mut ChaCha8Rng, most: usize) -> Vec<i64> {
    (0..random.random_range(0..=most)).map(|_| integer(random)).collect()
}

fn number(random: &mut ChaCha8Rng) -> f32 {
    match random.random_range(0..20) {
        0 => one_of(random, &[0.0, -0.0, 1e30, 1e-40, f32::NAN, f32::INFINITY]),
        _ => random.random_range(-3.0..3.0),
    }
}

/// A tensor of up to five axes, real numbers or integers.
fn tensor(random: &mut ChaCha8Rng, name: &str) -> TensorProto {
    let dims: Vec<i64> =
        (0..one_of(random, &[0, 0, 1, 1, 2, 2, 3, 4, 5])).map(|_| one_of(random, &[1, 1, 2, 3, 4, 5, 6, 0])).collect();
    let count = dims.iter().product::<i64>() as usize;
    let mut proto = TensorProto { name: Some(name.to_owned()), dims, ..Default::default() };
    match random.random_range(0..8) {
        0..4 => {
            proto.data_type = Some(DataType::FLOAT);
            proto.float_data = (0..count).map(|_| number(random)).collect();
        }
        4..6 => {
            proto.data_type = Some(DataType::INT64);
            proto.int64_data = (0..count).map(|_| integer(random)).collect();
        }
        _ => {
            let types = [DataType::INT8, DataType::UINT8, DataType::INT32, DataType::BOOL, DataType::FLOAT16];
            proto.data_type = Some(one_of(random, &types));
            proto.int32_data = (0..count).map(|_| random.random_range(-3..200)).collect();
        }
    }
    proto
}

/// An integer attribute's name and its usual values; any others come up, too.
const INTS: [(&str, &[i64]); 29] = [
    ("axis", &[-4, -1, 0, 1, 2, 3]),
    ("group", &[1, 2, 4]),
    ("transA", &[0, 1]),
    ("transB", &[0, 1]),
    ("keepdims", &[0, 1]),
    ("noop_with_empty_axes", &[0, 1]),
    ("ceil_mode", &[0, 1]),
    ("count_include_pad", &[0, 1]),
    ("storage_order", &[0, 1]),
    ("blocksize", &[1, 2, 3]),
    ("p", &[1, 2]),
    ("num_groups", &[1, 2, 4]),
    ("size", &[1, 3]),
    ("training_mode", &[0, 1]),
    ("spatial", &[0, 1]),
    ("start", &[-2, 0, 1]),
    ("end", &[-1, 2, 9]),
    ("to", &[1, 7, 3, 9, 10]),
    ("batch_dims", &[0, 1]),
    ("exclusive", &[0, 1]),
    ("reverse", &[0, 1]),
    ("allowzero", &[0, 1]),
    ("num_outputs", &[1, 2]),
    ("block_size", &[0, 2]),
    ("output_dtype", &[0, 3]),
    ("antialias", &[0, 1]),
    ("value_int", &[5]),
    ("fmod", &[0, 1]),
    ("saturate", &[0, 1]),
];

/// A list attribute's name and its usual length.
const LISTS: [(&str, usize); 12] = [
    ("axes", 2),
    ("perm", 4),
    ("kernel_shape", 2),
    ("pads", 4),
    ("strides", 2),
    ("dilations", 2),
    ("output_shape", 2),
    ("output_padding", 2),
    ("split", 2),
    ("starts", 2),
    ("ends", 2),
    ("value_ints", 3),
];

const NUMBERS: [&str; 10] =
    ["alpha", "beta", "gamma", "epsilon", "bias", "ratio", "min", "max", "value_float", "momentum"];

/// A text attribute's name and its usual values.
const TEXTS: [(&str, &[&str]); 10] = [
    ("auto_pad", &["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]),
    ("mode", &["linear", "nearest", "constant", "edge", "reflect", "wrap", "DCR", "CRD"]),
    ("coordinate_transformation_mode", &["half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"]),
    ("nearest_mode", &["floor", "ceil", "round_prefer_ceil"]),
    ("keep_aspect_ratio_policy", &["stretch", "not_larger", "not_smaller"]),
    ("equation", &["abcd->abdc", "abcd,ad->abc", "ab,bc->ac", "abcd->ad", "ij,jk", "->", "a,->a"]),
    ("approximate", &["none", "tanh"]),
    ("reduction", &["none", "add"]),
    ("direction", &["LEFT"]),
    ("", &[""]),
];

fn attribute(random: &mut ChaCha8Rng) -> AttributeProto {
    let mut proto = AttributeProto::default();
    let name = match random.random_range(0..12) {
        0..5 => {
            let (name, usual) = one_of(random, &INTS);
            proto.i = Some(if chance(random, 80) { one_of(random, usual) } else { integer(random) });
            name
        }
        5..8 => {
            let (name, count) = one_of(random, &LISTS);
            let count = if chance(random, 80) { count } else { random.random_range(0..7) };
            proto.ints = (0..count).map(|_| integer(random)).collect();
            name
        }
        8 => {
            proto.f = Some(number(random));
            one_of(random, &NUMBERS)
        }
        9..11 => {
            let (name, usual) = one_of(random, &TEXTS);
            proto.s = Some(one_of(random, usual).to_owned());
            name
        }
        _ => {
            proto.t = Some(tensor(random, ""));
            "value"
        }
    };
    // An attribute of the wrong type.
    let name = if chance(random, 4) { one_of(random, &["axis", "pads", "mode", "alpha", "value"]) } else { name };
    proto.name = Some(name.to_owned());
    proto
}

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let strings = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    NodeProto { op_type: Some(op.to_owned()), input: strings(inputs), output: strings(outputs), ..Default::default() }
}

fn ints(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: vec![values.len() as i64],
        data_type: Some(DataType::INT64),
        int64_data: values.to_vec(),
        ..Default::default()
    }
}

/// A network of a node of `operator`, which reads images of several ranks, constants, and integers.
fn network(random: &mut ChaCha8Rng, domain: &str, operator: &str) -> ModelProto {
    let batch = one_of(random, &[None, None, Some(1), Some(2)]);
    let dim = |dim_value| Dimension { dim_value, dim_param: None };
    let dims = std::iter::once(batch).chain(SAMPLE.map(Some)).map(dim).collect();
    let shape = Some(TensorShapeProto { dim: dims });
    let ty = if chance(random, 10) { DataType::INT8 } else { DataType::FLOAT };
    let tensor_type = Some(TypeProtoTensor { elem_type: Some(ty), shape });
    let input = ValueInfoProto { name: Some("x".to_owned()), r#type: Some(TypeProto { tensor_type, sequence: None }) };
    let mut graph = GraphProto { input: vec![input], ..Default::default() };
    // Values of the images of other ranks, and integers.
    for (name, to) in [("x1", &[-1][..]), ("x2", &[0, -1]), ("x3", &[0, 4, 30]), ("x5", &[0, 2, 2, 6, 5])] {
        graph.initializer.push(ints(&format!("to-{name}"), to));
        graph.node.push(node("Reshape", &["x", &format!("to-{name}")], &[name]));
    }
    graph.initializer.extend([ints("axes", &[1, 2, 3]), ints("none", &[])]);
    graph.node.push(node("ReduceMean", &["x", "axes"], &["m"]));
    graph.node.push(node("Shape", &["x"], &["shape"]));
    let scale = TensorProto { float_data: vec![0.1], data_type: Some(DataType::FLOAT), ..ints("scale", &[]) };
    graph.initializer.push(TensorProto { dims: vec![], ..scale });
    graph.node.push(node("QuantizeLinear", &["x", "scale"], &["q"]));
    // What operators of integers take.
    let byte = |name: &str| TensorProto { data_type: Some(DataType::UINT8), int32_data: vec![3], ..ints(name, &[]) };
    graph.initializer.push(TensorProto { dims: vec![], ..byte("zero") });
    graph.initializer.push(TensorProto {
        dims: vec![2, 4, 2, 2],
        data_type: Some(DataType::INT8),
        int32_data: (0..32).map(|_| random.random_range(-128..128)).collect(),
        ..ints("weight", &[])
    });
    let mut names: Vec<String> =
        ["x", "x", "x", "x1", "x2", "x3", "x5", "m", "shape", "q", "none", ""].map(str::to_owned).to_vec();
    for i in 0..6 {
        let name = format!("c{i}");
        let random_tensor = tensor(random, &name);
        graph.initializer.push(random_tensor);
        names.extend([name.clone(), name]);
    }
    graph.initializer.push(ints("i", &integers(random, 5)));
    names.push("i".to_owned());

    let mut odd = node(operator, &[], &["y0", "y1", "y2"][..random.random_range(1..4)]);
    odd.name = Some("odd".to_owned());
    odd.domain = Some(domain.to_owned());
    let images = ["x", "x2", "x3", "x5", "q"];
    for at in 0..one_of(random, &[0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5]) {
        let first = at == 0 && chance(random, 60);
        odd.input.push(if first {
            one_of(random, &images).to_owned()
        } else {
            names[random.random_range(0..names.len())].clone()
        });
    }
    if !domain.is_empty() && operator.starts_with('Q') || operator.starts_with("QLinear") {
        // Mostly integers, their scales and zero points.
        let usual = ["q", "scale", "zero", "weight", "scale", "zero", "scale", "zero"];
        for (at, usual) in usual.into_iter().enumerate().filter(|_| chance(random, 85)) {
            match odd.input.get_mut(at) {
                Some(input) => usual.clone_into(input),
                None => odd.input.push(usual.to_owned()),
            }
        }
    }
    // Those that the operator does not have are ignored.
    odd.attribute = (0..random.random_range(0..16)).map(|_| attribute(random)).collect();
    graph.node.push(odd);
    let output = if chance(random, 80) {
        graph.node.push(node("Flatten", &["y0"], &["out"]));
        "out"
    } else {
        "y0"
    };
    graph.output.push(ValueInfoProto { name: Some(output.to_owned()), r#type: None });
    let version = Some(one_of(random, &[7, 9, 10, 11, 12, 13, 15, 17, 18, 19, 21, 23, 26]));
    let opset = OperatorSetIdProto { domain: None, version };
    ModelProto { graph: Some(graph), opset_import: vec![opset], ..Default::default() }
}

/// Whatever one operator is given: most of it is refused, but some of it has to run, and what one sample gives
/// does not depend on the others of its batch.
#[test]
fn no_operator_panics_or_mixes_samples() {
    let mut accepted = 0;
    for_each_case(lower::operators().enumerate(), |(i, (domain, operator))| {
        for seed in 0..SEEDS {
            // Every operator has networks of its own.
            let mut random = ChaCha8Rng::seed_from_u64(seed << 8 | i as u64);
            let model = network(&mut random, domain, operator);
            let file = File {
                size: 0,
                model,
                functions: Functions::default(),
                external: ExternalFiles::beside(Path::new("net.onnx")),
                hasher: blake3::Hasher::new(),
            };
            let Ok(network) = file.import(ImportOptions::default()) else { continue };
            let samples = network.graph.batch_size(2.try_into().unwrap()).get();
            let [channels, height, width] = network.input;
            let pixels = (0..samples * channels * height * width).map(|_| random.random_range(-2f32..2.0));
            let images = Tensor::from_iter(pixels, &Device::Cpu).unwrap();
            let images = images.reshape((samples, channels, height, width)).unwrap();
            let run = |images: Tensor| network.graph.run(&[images], 0).map(|mut outputs| outputs.swap_remove(0));
            let Ok(together) = run(images.clone()) else { continue };
            accepted += 1;
            assert_eq!(together.dims(), [samples, network.outputs], "{operator}, seed {seed}");
            for (i, together) in together.to_vec2::<f32>().unwrap().iter().enumerate() {
                let alone = run(images.narrow(0, i, 1).unwrap()).unwrap().flatten_all().unwrap();
                for (&found, expected) in together.iter().zip(alone.to_vec1::<f32>().unwrap()) {
                    let is_same = found == expected || found.is_nan() && expected.is_nan();
                    let error = (found - expected).abs();
                    assert!(
                        is_same || error <= 1e-5 * expected.abs().max(1.0),
                        "{operator}, seed {seed}: sample {i} has {found}, alone {expected}"
                    );
                }
            }
        }
    });
    assert!(accepted > 1000, "only {accepted} networks are accepted");
}
