//! Operators that take and give integers, against the same network in QDQ format.

use super::quantized::IMAGE;
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::float_set;
use crate::common::network::Array;
use crate::common::onnx::{Attr, Onnx};
use crate::common::qdq::{integers, rounded, weight};
use crate::common::random::Random;
use Attr::{Float, Int, Ints};
use rten_onnx::onnx::DataType;

const OPTIONS: &str = "--model net.onnx --data set.safetensors --layout nchw";

/// An operator: its domain and name, the operator of real numbers that it stands for, the attributes of both.
#[derive(Debug)]
struct Case {
    domain: &'static str,
    integers: &'static str,
    real: &'static str,
    attributes: &'static [(&'static str, Attr<'static>)],
    operands: Operands,
}

#[derive(Debug)]
enum Operands {
    One,
    Two,
    /// The output's scale comes first.
    Concatenated,
    /// Selected by a comparison.
    Selected,
    /// With the dimensions of a weight and the axis of its outputs.
    Weight(&'static [usize], usize),
}
use Operands::{Concatenated, One, Selected, Two, Weight};

const fn case(
    integers: &'static str,
    real: &'static str,
    attributes: &'static [(&'static str, Attr<'static>)],
    operands: Operands,
) -> Case {
    Case { domain: "com.microsoft", integers, real, attributes, operands }
}

const KERNEL: (&str, Attr) = ("kernel_shape", Ints(&[3, 3]));

const CASES: [Case; 15] = [
    case("QLinearAdd", "Add", &[], Two),
    case("QLinearMul", "Mul", &[], Two),
    case("QLinearConcat", "Concat", &[("axis", Int(1))], Concatenated),
    case("QLinearWhere", "Where", &[], Selected),
    case("QLinearAveragePool", "AveragePool", &[KERNEL, ("pads", Ints(&[1; 4]))], One),
    case("QLinearAveragePool", "AveragePool", &[KERNEL, ("pads", Ints(&[1; 4])), ("count_include_pad", Int(1))], One),
    case("QLinearGlobalAveragePool", "GlobalAveragePool", &[], One),
    case("QLinearLeakyRelu", "LeakyRelu", &[("alpha", Float(0.3))], One),
    case("QLinearSigmoid", "Sigmoid", &[], One),
    case("QLinearSoftmax", "Softmax", &[("axis", Int(1)), ("opset", Int(13))], One),
    Case { domain: "", ..case("QLinearConv", "Conv", &[("pads", Ints(&[1; 4]))], Weight(&[3, 2, 3, 3], 0)) },
    Case { domain: "", ..case("QLinearConv", "Conv", &[("group", Int(2))], Weight(&[6, 1, 3, 3], 0)) },
    Case { domain: "", ..case("QLinearMatMul", "MatMul", &[], Weight(&[4, 3], 1)) },
    case("QGemm", "Gemm", &[("alpha", Float(0.5))], Weight(&[32, 3], 1)),
    case("QGemm", "Gemm", &[("transB", Int(1))], Weight(&[3, 32], 0)),
];

const OUTPUT: (f32, i32) = (1.0 / 20.0, 100);

/// A node of a domain.
fn node(net: &mut Onnx, domain: &str, op: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attr)]) {
    net.op(op, inputs, output, attributes);
    net.graph.node.last_mut().unwrap().domain = Some(domain.to_owned());
}

/// The network of a case, in QOperator or QDQ format.
fn network(net: &mut Onnx, case: &Case, on_integers: bool) {
    let &Case { domain, integers: op, real, attributes, ref operands } = case;
    net.op("Flatten", &["x"], "f", &[]);
    let x = if op == "QGemm" { "f" } else { "x" };
    rounded(net, x, "a", DataType::UINT8, 1.0 / 64.0, 120);
    rounded(net, "x", "b", DataType::UINT8, 1.0 / 30.0, 90);
    net.scalar("y_scale", OUTPUT.0);
    integers(net, "y_zero", DataType::UINT8, &[], &[OUTPUT.1]);
    net.scalar("nothing", 0.0).op("Greater", &["x", "nothing"], "positive", &[]);
    let has_bias = matches!(operands, Weight(..)) && op != "QLinearMatMul";
    if let Weight(shape, axis) = *operands {
        weight(net, "w", shape, axis, 0.001);
        let outputs = shape[axis];
        let bias: Vec<i32> = (0..outputs as i32).map(|i| 900 * i - 700).collect();
        integers(net, "bias_q", DataType::INT32, &[outputs], &bias);
        let alpha = if attributes.iter().any(|(name, _)| *name == "alpha") { 0.5 } else { 1.0 };
        let values = (0..outputs).map(|i| alpha * (1.0 / 64.0) * (0.001 * (i + 1) as f32)).collect();
        net.tensor("bias_scale", &Array { shape: vec![outputs], values });
        net.op("DequantizeLinear", &["bias_q", "bias_scale"], "bias", &[("axis", Int(0))]);
    }
    let [a, b] = [["a_q", "a_scale", "a_zero"], ["b_q", "b_scale", "b_zero"]];
    let (w, y) = (["w_quantized", "w_scale", "w_zero"], ["y_scale", "y_zero"]);
    let (whole, parts): (Vec<&str>, Vec<&str>) = match operands {
        One => ([&a[..], &y].concat(), vec!["a"]),
        Two => ([&a[..], &b, &y].concat(), vec!["a", "b"]),
        Concatenated => ([&y[..], &a, &b].concat(), vec!["a", "b"]),
        Selected => ([&["positive"][..], &a, &b, &y].concat(), vec!["positive", "a", "b"]),
        Weight(..) if op == "QLinearConv" => ([&a[..], &w, &y, &["bias_q"]].concat(), vec!["a", "w", "bias"]),
        Weight(..) if has_bias => ([&a[..], &w, &["bias_q"], &y].concat(), vec!["a", "w", "bias"]),
        Weight(..) => ([&a[..], &w, &y].concat(), vec!["a", "w"]),
    };
    if on_integers {
        node(net, domain, op, &whole, "r_q", attributes);
    } else {
        let attributes: Vec<(&str, Attr)> = attributes.iter().copied().filter(|(name, _)| *name != "opset").collect();
        net.op(real, &parts, "r", &attributes);
        net.op("QuantizeLinear", &["r", "y_scale", "y_zero"], "r_q", &[]);
    }
    net.op("DequantizeLinear", &["r_q", "y_scale", "y_zero"], "y", &[]);
}

/// Images in a set, for networks that are written as `net.onnx`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([3, 2, 4, 4], &Random::new(5).floats(96, -2.0, 2.0), &[0; 3]));
    folder
}

#[test]
fn operators_of_integers_are_those_of_real_numbers_between_roundings() {
    let folder = folder();
    for_each_case(&CASES, |case| {
        let modes: &[&str] = if let Weight(..) = case.operands { &["base", "quant"] } else { &["base"] };
        for mode in modes {
            let [found, expected] = [true, false].map(|on_integers| {
                let mut net = Onnx::new(17, &IMAGE);
                network(&mut net, case, on_integers);
                net.op("Flatten", &["y"], "out", &[]);
                folder.write("net.onnx", net.bytes("out"));
                folder.logits(&format!("{OPTIONS} --mode {mode}"))
            });
            assert_eq!(found, expected, "{}, {mode}", case.integers);
            let first = expected[0][0];
            assert!(expected.concat().iter().any(|&logit| logit != first), "{}: all alike", case.integers);
        }
    });
}

/// Integers without scales: their sums, by hand and as other operators make real numbers of them.
#[test]
fn sums_of_integers() {
    let folder = folder();
    let cases: [(&str, &[usize]); 2] = [("ConvInteger", &[3, 2, 2, 2]), ("MatMulInteger", &[4, 3])];
    for_each_case(cases, |(op, shape)| {
        let mut net = Onnx::new(17, &IMAGE);
        rounded(&mut net, "x", "a", DataType::UINT8, 1.0 / 64.0, 120);
        let mut random = Random::new(3);
        let values: Vec<i32> = (0..shape.iter().product()).map(|_| random.below(255) as i32 - 127).collect();
        integers(&mut net, "w", DataType::INT8, shape, &values);
        net.op(op, &["a_q", "w", "a_zero"], "sums", &[]).op("Cast", &["sums"], "s", &[("to", Int(1))]);
        net.scalar("scale", 0.25).op("Mul", &["s", "scale"], "y", &[]).op("Flatten", &["y"], "out", &[]);
        folder.write("net.onnx", net.bytes("out"));
        let [base, quant] = ["base", "quant"].map(|mode| folder.logits(&format!("{OPTIONS} --mode {mode}")));
        assert_eq!(base, quant, "{op}");

        let images = Random::new(5).floats(96, -2.0, 2.0);
        let steps = |sample: usize, at: usize| {
            let q = (images[32 * sample + at] * 64.0).round_ties_even() as i32;
            q.clamp(-120, 135)
        };
        let sum = |sample: usize, output: usize| -> i32 {
            if op == "MatMulInteger" {
                let (row, column) = (output / 3, output % 3);
                return (0..4).map(|i| steps(sample, 4 * row + i) * values[3 * i + column]).sum();
            }
            let (channel, y, x) = (output / 9, output / 3 % 3, output % 3);
            let taps = (0..8).map(|tap| (tap / 4, tap / 2 % 2, tap % 2));
            let products = taps.enumerate().map(|(tap, (plane, dy, dx))| {
                steps(sample, 16 * plane + 4 * (y + dy) + x + dx) * values[8 * channel + tap]
            });
            products.sum()
        };
        for (sample, logits) in quant.iter().enumerate() {
            let expected: Vec<u32> =
                (0..logits.len()).map(|output| (sum(sample, output) as f32 * 0.25).to_bits()).collect();
            assert_eq!(logits, &expected, "{op}, sample {sample}");
        }
    });
}

/// What depends on the images, or is no operator of whole numbers, is refused by name.
#[test]
fn what_is_refused() {
    let folder = folder();
    let cases: [(&str, &str, &[&str], &[&str]); 5] = [
        ("", "DynamicQuantizeLinear", &["x"], &["DynamicQuantizeLinear", "quantize statically"]),
        ("com.microsoft", "QLinearSoftplus", &["x"], &["com.microsoft.QLinearSoftplus", "QDQ format"]),
        ("qonnx.custom_op.general", "BipolarQuant", &["x"], &["qonnx.custom_op.general.BipolarQuant", "by Quant"]),
        ("onnx.brevitas", "Trunc", &["x"], &["onnx.brevitas.Trunc", "by Quant"]),
        ("com.microsoft", "QLinearAdd", &["x", "s", "z", "x", "s", "z", "s", "z"], &["QLinearAdd", "real numbers"]),
    ];
    for_each_case(cases, |(domain, op, inputs, needles)| {
        let mut net = Onnx::new(17, &IMAGE);
        net.scalar("s", 0.1);
        integers(&mut net, "z", DataType::UINT8, &[], &[0]);
        node(&mut net, domain, op, inputs, "y", &[]);
        net.op("Flatten", &["y"], "out", &[]);
        folder.write("net.onnx", net.bytes("out"));
        folder.refuses(OPTIONS, needles);
    });
}
