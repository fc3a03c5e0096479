//! The forms in which files bring scales and integers along: the layers get them all the same.

use super::operators::{Case, both, case};
use super::quantized::IMAGE;
use crate::common::Folder;
use crate::common::files::{float_set, read_logits};
use crate::common::network::Array;
use crate::common::onnx::{Attr, Onnx};
use crate::common::qdq::{integers, rounded, weight};
use crate::common::random::Random;
use Attr::{Float, Int, Ints};
use rten_onnx::onnx::{AttributeProto, AttributeType, DataType, NodeProto};

const OPTIONS: &str = "--model net.onnx --data set.safetensors --layout nchw --logits l.safetensors";

/// Whether base and quantized mode give `expected`, by the file's own scales.
fn check(folder: &Folder, expected: &[f32], name: &str, more: &str) {
    let largest = expected.iter().fold(0f32, |max, x| max.max(x.abs()));
    for mode in ["base", "quant"] {
        let report = folder.json(&format!("{OPTIONS} --mode {mode} {more}"));
        let source = &report["config"]["quantization"]["source"];
        assert!(mode == "base" || source == "model-file", "{name}: {report:#}");
        let found = read_logits(&folder.read("l.safetensors")).concat();
        let differs = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-5 * largest;
        let is_same = found.len() == expected.len() && !found.iter().zip(expected).any(differs);
        assert!(is_same, "{name}, {mode}: {found:?} {expected:?}");
    }
}

/// A convolution, its attributes spelt out.
pub fn conv(net: &mut Onnx, inputs: &[&str], output: &str) {
    let attrs = [("strides", Ints(&[1, 1])), ("dilations", Ints(&[1, 1])), ("pads", Ints(&[0; 4]))];
    net.op("Conv", inputs, output, &attrs);
}

/// One convolution of integers that lie in the file as they are.
fn plain(net: &mut Onnx) {
    rounded(net, "x", "x8", DataType::UINT8, 1.0 / 64.0, 120);
    weight(net, "conv.weight", &[3, 2, 3, 3], 0, 0.001);
    conv(net, &["x8", "conv.weight"], "y");
}

/// Gives an initial value another name, and its old one to what `op` makes of it.
fn through(net: &mut Onnx, name: &str, op: &str, more: &[&str], attrs: &[(&str, Attr)]) {
    let before = format!("{name}_before");
    let tensor = net.graph.initializer.iter_mut().find(|tensor| tensor.name.as_deref() == Some(name)).unwrap();
    tensor.name = Some(before.clone());
    net.op(op, &[&[before.as_str()], more].concat(), name, attrs);
    net.graph.node.rotate_right(1);
}

fn dims(net: &mut Onnx, name: &str, dims: &[i64]) {
    let tensor = net.graph.initializer.iter_mut().find(|tensor| tensor.name.as_deref() == Some(name)).unwrap();
    tensor.dims = dims.to_vec();
}

/// Makes every initial value a node.
fn constants(net: &mut Onnx) {
    let node = |tensor: rten_onnx::onnx::TensorProto| NodeProto {
        op_type: Some("Constant".to_owned()),
        output: tensor.name.clone().into_iter().collect(),
        attribute: vec![AttributeProto {
            name: Some("value".to_owned()),
            r#type: Some(AttributeType::TENSOR),
            t: Some(tensor),
            ..Default::default()
        }],
        ..Default::default()
    };
    let nodes: Vec<NodeProto> = net.graph.initializer.drain(..).map(node).collect();
    net.graph.node.splice(0..0, nodes);
}

type Form = (&'static str, fn(&mut Onnx));

const FORMS: [Form; 8] = [
    ("constant nodes", constants),
    ("a zero point by Identity", |net| through(net, "x8_zero", "Identity", &[], &[])),
    ("a zero point by Cast", |net| {
        net.graph.initializer.retain(|tensor| tensor.name.as_deref() != Some("x8_zero"));
        integers(net, "x8_zero", DataType::INT32, &[], &[120]);
        through(net, "x8_zero", "Cast", &[], &[("to", Int(2))]);
    }),
    ("integer weights by Reshape", |net| {
        dims(net, "conv.weight_quantized", &[3, 18]);
        net.ints("shape", &[3, 2, 3, 3]);
        through(net, "conv.weight_quantized", "Reshape", &["shape"], &[]);
    }),
    ("integer weights by Transpose", |net| {
        // Turned around twice.
        through(net, "conv.weight_quantized", "Transpose", &[], &[("perm", Ints(&[1, 0, 3, 2]))]);
        through(net, "conv.weight_quantized_before", "Transpose", &[], &[("perm", Ints(&[1, 0, 3, 2]))]);
    }),
    ("integer weights by Clip", |net| {
        integers(net, "low", DataType::INT8, &[], &[-127]);
        through(net, "conv.weight_quantized", "Clip", &["low"], &[]);
    }),
    ("real weights by Reshape", |net| {
        dims(net, "conv.weight_quantized", &[3, 18]);
        net.ints("shape", &[3, 2, 3, 3]).op("Reshape", &["conv.weight", "shape"], "reshaped", &[]);
        net.graph.node.swap(3, 4);
        "reshaped".clone_into(&mut net.graph.node[4].input[1]);
    }),
    ("activations by Clip", |net| {
        integers(net, "high", DataType::UINT8, &[], &[255]);
        net.op("Clip", &["x8_q", "", "high"], "clipped", &[]);
        net.graph.node[1..].rotate_right(1);
        "clipped".clone_into(&mut net.graph.node[2].input[0]);
    }),
];

#[test]
fn any_form_of_the_same_network() {
    let folder = Folder::new();
    let (_, expected) = both(&folder, &case("plain", IMAGE, plain)).unwrap();
    for (name, form) in FORMS {
        let mut net = Onnx::new(17, &IMAGE);
        plain(&mut net);
        form(&mut net);
        net.op("Flatten", &["y"], "out", &[]);
        folder.write("net.onnx", net.bytes("out"));
        check(&folder, &expected, name, "");
    }
}

/// `x8` is rounded, and integers of its scale reach the layers through operators that keep them.
const EXACT: [Case; 6] = [
    case("DQ to ReLU, MaxPool and transposed convolution", IMAGE, |net| {
        rounded(net, "x", "x8", DataType::INT8, 1.0 / 32.0, -7);
        net.op("Relu", &["x8"], "r", &[]);
        net.op("MaxPool", &["r"], "p", &[("kernel_shape", Ints(&[2, 2])), ("strides", Ints(&[1, 1]))]);
        weight(net, "up.weight", &[2, 3, 2, 2], 1, 0.002);
        let attrs = [("strides", Ints(&[2, 2])), ("dilations", Ints(&[1, 1])), ("pads", Ints(&[0; 4]))];
        net.op("ConvTranspose", &["p", "up.weight"], "y", &attrs);
    }),
    case("DQ to Flatten and Gemm of a factor", IMAGE, |net| {
        rounded(net, "x", "x8", DataType::UINT8, 1.0 / 32.0, 100);
        net.op("Flatten", &["x8"], "f", &[]);
        weight(net, "fc.weight", &[5, 32], 0, 0.002);
        net.op("Gemm", &["f", "fc.weight"], "y", &[("transB", Int(1)), ("alpha", Float(0.3))]);
    }),
    case("DQ to ReduceMin and Gemm", IMAGE, |net| reduced(net, "ReduceMin")),
    case("DQ to ReduceMax and Gemm", IMAGE, |net| reduced(net, "ReduceMax")),
    case("DQ to zeros around it", IMAGE, |net| {
        rounded(net, "x", "x8", DataType::UINT8, 1.0 / 32.0, 100);
        net.ints("pads", &[0, 0, 1, 1, 0, 0, 1, 1]).op("Pad", &["x8", "pads"], "padded", &[]);
        weight(net, "conv.weight", &[3, 2, 3, 3], 0, 0.001);
        conv(net, &["padded", "conv.weight"], "y");
    }),
    case("normalization after a layer", IMAGE, |net| {
        plain(net);
        "c".clone_into(&mut net.graph.node.last_mut().unwrap().output[0]);
        net.random("g", &[3]).random("b", &[3]).random("m", &[3]).random_between("v", &[3], 0.5, 2.0);
        net.op("BatchNormalization", &["c", "g", "b", "m", "v"], "y", &[]);
    }),
];

/// What is added to a network, by the name of its case.
type Addition = (&'static str, fn(&mut Onnx));

/// Functions of rounded numbers that are on the same steps: clips to steps, selections, mirrored numbers.
const STEPS: [Addition; 7] = [
    ("Clip", |net| {
        net.scalar("low", -0.5).scalar("high", 0.75).op("Clip", &["x8", "low", "high"], "s", &[]);
    }),
    ("Where", |net| {
        net.scalar("zero", 0.0).op("Greater", &["x8", "zero"], "c", &[]).op("Where", &["c", "x8", "zero"], "s", &[]);
    }),
    ("Max", |net| {
        net.scalar("zero", 0.0).op("Max", &["x8", "zero"], "s", &[]);
    }),
    ("Min", |net| {
        net.scalar("half", 0.5).op("Min", &["half", "x8"], "s", &[]);
    }),
    ("Abs", |net| {
        net.op("Abs", &["x8"], "s", &[]);
    }),
    ("Neg", |net| {
        net.op("Neg", &["x8"], "s", &[]);
    }),
    ("PRelu", |net| {
        net.tensor("slope", &Array { shape: vec![2, 1, 1], values: vec![0.0; 2] });
        net.op("PRelu", &["x8", "slope"], "s", &[]);
    }),
];

#[test]
fn functions_that_stay_on_the_steps() {
    for (name, function) in STEPS {
        let folder = Folder::new();
        let mut net = Onnx::new(18, &IMAGE);
        let build = |net: &mut Onnx| {
            rounded(net, "x", "x8", DataType::UINT8, 1.0 / 64.0, 120);
            function(net);
            weight(net, "conv.weight", &[3, 2, 3, 3], 0, 0.001);
            conv(net, &["s", "conv.weight"], "y");
            net.op("Flatten", &["y"], "out", &[]);
        };
        build(&mut net);
        folder.write("net.onnx", net.bytes("out"));
        folder.write("set.safetensors", float_set([3, 2, 4, 4], &Random::new(7).floats(96, -2.0, 2.0), &[0; 3]));
        let base = folder.logits(&format!("{OPTIONS} --mode base")).concat();
        let base: Vec<f32> = base.into_iter().map(f32::from_bits).collect();
        check(&folder, &base, name, "");
    }
}

/// The smallest or largest of rounded numbers is one of them.
fn reduced(net: &mut Onnx, reduction: &str) {
    rounded(net, "x", "x8", DataType::UINT8, 1.0 / 32.0, 100);
    net.op(reduction, &["x8"], "m", &[("axes", Ints(&[2])), ("keepdims", Int(0))]);
    net.op("Flatten", &["m"], "f", &[]);
    weight(net, "fc.weight", &[5, 8], 0, 0.002);
    net.op("Gemm", &["f", "fc.weight"], "y", &[("transB", Int(1))]);
}

#[test]
fn scales_reach_the_layers() {
    for (i, case) in EXACT.iter().enumerate() {
        let folder = Folder::new();
        let (_, expected) = both(&folder, case).unwrap();
        check(&folder, &expected, &format!("case {i}"), "");
        check(&folder, &expected, &format!("case {i}"), "--no-fold-bn");
    }
}

/// A layer without scales does not take those of the others away.
#[test]
fn layers_that_are_left_out_may_stay_in_floating_point() {
    let folder = Folder::new();
    let network = |net: &mut Onnx| {
        plain(net);
        "c".clone_into(&mut net.graph.node.last_mut().unwrap().output[0]);
        net.op("Flatten", &["c"], "f", &[]).random("fc.weight", &[5, 12]);
        net.op("Gemm", &["f", "fc.weight"], "y", &[("transB", Int(1))]);
    };
    let (_, expected) = both(&folder, &case("partial", IMAGE, network)).unwrap();
    folder.refuses(&format!("{OPTIONS} --mode quant"), &["1 of 2 layers, 'fc'", "--calib-data"]);
    check(&folder, &expected, "partial", "--set fc:mode=base");
}

/// Zero points of 128 are symmetric, as sign-magnitude operands are.
#[test]
fn sign_magnitude_takes_unsigned_integers_around_128() {
    let network = |net: &mut Onnx| {
        rounded(net, "x", "x8", DataType::UINT8, 1.0 / 60.0, 128);
        weight(net, "conv.weight", &[3, 2, 3, 3], 0, 0.001);
        conv(net, &["x8", "conv.weight"], "y");
    };
    let folder = Folder::new();
    let (_, expected) = both(&folder, &case("symmetric", IMAGE, network)).unwrap();
    let report = folder.json(&format!("{OPTIONS} --lut exact --coding sign-magnitude"));
    assert!(report["notes"].to_string().contains("shifted by 128"), "{report:#}");
    let found = read_logits(&folder.read("l.safetensors")).concat();
    let largest = expected.iter().fold(0f32, |max, x| max.max(x.abs()));
    assert!(!found.iter().zip(&expected).any(|(a, b)| (a - b).abs() > 1e-5 * largest), "{found:?} {expected:?}");
}

/// What is said of the file's scales is true whether they are used or not.
#[test]
fn notes_and_messages() {
    let folder = Folder::new();
    let set = float_set([1, 2, 4, 4], &Random::new(1).floats(32, -1.0, 1.0), &[0]);
    folder.write("set.safetensors", set);
    let mut net = Onnx::new(17, &IMAGE);
    plain(&mut net);
    net.op("Flatten", &["y"], "out", &[]);
    folder.write("net.onnx", net.bytes("out"));
    let notes = |more: &str| folder.json(&format!("{OPTIONS} {more}"))["notes"].to_string();
    assert!(notes("--mode base").contains("quantized already"));
    let unused = "scales are those of the model's own file, which act_bits, calib_data did not change";
    assert!(notes("--mode quant --calib-data set.safetensors --act-bits 6").contains(unused));
    assert!(!notes("--mode quant").contains("scales"));

    let mut net = Onnx::new(17, &IMAGE);
    plain(&mut net);
    net.graph.initializer.retain(|tensor| tensor.name.as_deref() != Some("conv.weight_scale"));
    net.tensor("conv.weight_scale", &Array { shape: vec![2], values: vec![0.1; 2] });
    folder.write("net.onnx", net.bytes("y"));
    folder.refuses(OPTIONS, &["quantization by 2 scales and 3 zero points"]);
}
