//! Networks that are quantized already, in QDQ format.

use super::operators::{both, case};
use super::quantized_forms::conv;
use crate::common::Folder;
use crate::common::files::{float_set, read_logits};
use crate::common::network::Array;
use crate::common::onnx::{Attr, Onnx};
use crate::common::qdq::{integers, rounded, weight};
use crate::common::random::Random;
use Attr::{Int, Ints};
use rten_onnx::onnx::DataType;

pub const IMAGE: [usize; 3] = [2, 4, 4];

fn network(net: &mut Onnx) {
    rounded(net, "x", "x8", DataType::UINT8, 1.0 / 64.0, 120);
    weight(net, "conv.weight", &[4, 2, 3, 3], 0, 0.001);
    integers(net, "b_quantized", DataType::INT32, &[4], &[100, -2000, 30, 5]);
    net.scalar("b_scale", 1e-4).op("DequantizeLinear", &["b_quantized", "b_scale"], "b", &[]);
    let attrs = [("pads", Ints(&[1; 4])), ("strides", Ints(&[1, 1])), ("dilations", Ints(&[1, 1]))];
    net.op("Conv", &["x8", "conv.weight", "b"], "c", &attrs);
    rounded(net, "c", "c8", DataType::INT8, 0.03, -5);
    weight(net, "up.weight", &[4, 3, 2, 2], 1, 0.002);
    let attrs = [("strides", Ints(&[2, 2])), ("group", Int(2)), ("dilations", Ints(&[1, 1])), ("pads", Ints(&[0; 4]))];
    net.op("ConvTranspose", &["c8", "up.weight"], "u", &attrs);
    rounded(net, "u", "u8", DataType::UINT8, 0.02, 128);
    weight(net, "head.weight", &[8, 5], 1, 0.003);
    net.op("MatMul", &["u8", "head.weight"], "m", &[]);
    net.ints("axes", &[2, 3]).op("ReduceMean", &["m", "axes"], "r", &[("keepdims", Int(0))]);
    rounded(net, "r", "r8", DataType::INT8, 0.01, 0);
    weight(net, "fc.weight", &[6, 3], 1, 0.004);
    net.op("Gemm", &["r8", "fc.weight"], "y", &[]);
}

/// Base mode is the file's own rounding; quantized mode multiplies the same integers, which sum up to
/// the same numbers but for the rounding of sums.
#[test]
fn the_file_s_scales_are_the_layers() {
    let folder = Folder::new();
    let (base, expected) = both(&folder, &case("QDQ", IMAGE, network)).unwrap();
    let largest = expected.iter().fold(0f32, |max, x| max.max(x.abs()));
    let differs = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-5 * largest;
    assert!(base.len() == expected.len() && !base.iter().zip(&expected).any(differs), "{base:?} {expected:?}");

    let options = "--model net.onnx --data set.safetensors --layout nchw --logits l.safetensors";
    let report = folder.json(&format!("{options} --mode quant --save-qparams q.json"));
    let source = ["source", "path"].map(|key| report["config"]["quantization"][key].as_str());
    assert_eq!(source, [Some("model-file"), Some("net.onnx")]);
    let quant = read_logits(&folder.read("l.safetensors")).concat();
    assert!(!quant.iter().zip(&expected).any(differs), "{quant:?} {expected:?}");
    folder.run_to(0, &format!("{options} --coding affine --lut exact"));
    let approx = read_logits(&folder.read("l.safetensors")).concat();
    assert!(!approx.iter().zip(&expected).any(differs), "{approx:?} {expected:?}");

    let params: serde_json::Value = serde_json::from_slice(&folder.read("q.json")).unwrap();
    let scales = |layer: &str| -> Vec<f32> {
        let scales = params["layers"][layer]["weight"]["scale"].as_array().unwrap();
        scales.iter().map(|scale| scale.as_f64().unwrap() as f32).collect()
    };
    let steps = |step: f32, count: usize| (0..count).map(|i| step * (i + 1) as f32).collect::<Vec<_>>();
    assert_eq!(scales("conv"), steps(0.001, 4));
    // Each of two groups has the file's three.
    assert_eq!(scales("up"), [steps(0.002, 3), steps(0.002, 3)].concat());
    assert_eq!(scales("head"), steps(0.003, 5));
    assert_eq!(scales("fc"), steps(0.004, 3));
    assert_eq!(params["layers"]["conv"]["input"]["zero_point"], 120);
}

/// The scales of dead channels are smaller than any that calibration would find.
#[test]
fn scales_of_dead_channels() {
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([3, 2, 4, 4], &Random::new(5).floats(96, -1.0, 1.0), &[0; 3]));
    let mut net = Onnx::new(17, &IMAGE);
    rounded(&mut net, "x", "x8", DataType::INT8, 0.01, 3);
    let [ints, zeros] = [(0..72).map(|i| i * 7 % 255 - 127).collect::<Vec<i32>>(), vec![0; 4]];
    integers(&mut net, "conv.weight_quantized", DataType::INT8, &[4, 2, 3, 3], &ints);
    integers(&mut net, "conv.weight_zero", DataType::INT8, &[4], &zeros);
    let scales = vec![0.01, 1e-8, 1e-40, f32::from_bits(1)];
    net.tensor("conv.weight_scale", &Array { shape: vec![4], values: scales.clone() });
    net.op(
        "DequantizeLinear",
        &["conv.weight_quantized", "conv.weight_scale", "conv.weight_zero"],
        "conv.weight",
        &[("axis", Int(0))],
    );
    net.random("b", &[4]).op("Conv", &["x8", "conv.weight", "b"], "y", &[]).op("Flatten", &["y"], "out", &[]);
    folder.write("net.onnx", net.bytes("out"));

    let args = "--model net.onnx --data set.safetensors";
    let quant = folder.logits(&format!("{args} --mode quant --save-qparams q.json"));
    let stored = folder.read_json("q.json");
    let stored = stored["layers"]["conv"]["weight"]["scale"].as_array().unwrap().clone();
    assert_eq!(stored.iter().map(|scale| scale.as_f64().unwrap() as f32).collect::<Vec<_>>(), scales);
    assert_eq!(folder.logits(&format!("{args} --mode quant --qparams q.json")), quant);
    assert_eq!(folder.logits(&format!("{args} --mode approx --lut exact --coding signed")), quant);
    for (base, quant) in folder.logits(args).concat().into_iter().zip(quant.concat()) {
        let [base, quant] = [base, quant].map(f32::from_bits);
        assert!((base - quant).abs() <= 1e-5 * quant.abs().max(1.0), "{base} and {quant}");
    }
}

/// Fails unless a network of rounded images `x8`, and of what `build` makes `y` of them, is refused.
fn refuse(build: &dyn Fn(&mut Onnx), needles: &[&str]) {
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([1, 2, 4, 4], &Random::new(1).floats(32, -1.0, 1.0), &[0]));
    let mut net = Onnx::new(17, &IMAGE);
    rounded(&mut net, "x", "x8", DataType::UINT8, 0.1, 3);
    build(&mut net);
    net.op("Flatten", &["y"], "out", &[]);
    folder.write("net.onnx", net.bytes("out"));
    folder.refuses("--model net.onnx --data set.safetensors", needles);
}

#[test]
fn scales_that_no_layer_can_have() {
    let inputs = |net: &mut Onnx| {
        weight(net, "w", &[4, 5], 0, 0.1);
        net.op("MatMul", &["x8", "w"], "y", &[]);
    };
    refuse(&inputs, &["scales along axis", "per output channel"]);
    let zero = |net: &mut Onnx| rounded(net, "x8", "y", DataType::INT8, 0.0, 0);
    refuse(&zero, &["QuantizeLinear", "scale 0"]);
    let wide = |net: &mut Onnx| {
        net.scalar("s", 0.5).int_tensor("z", &[], &[0]).op("QuantizeLinear", &["x8", "s", "z"], "y", &[]);
    };
    refuse(&wide, &["QuantizeLinear", "INT64", "16 bits"]);
    let several = |net: &mut Onnx| {
        net.tensor("s", &Array { shape: vec![2], values: vec![0.7, 0.3] });
        net.op("DequantizeLinear", &["x8_q", "s"], "y", &[]);
    };
    refuse(&several, &["DequantizeLinear", "several scales"]);
}

/// Integers are no numbers: what computes with them would take them for others than the file does.
#[test]
fn integers_that_are_computed_with() {
    let hint = "a DequantizeLinear before";
    let cast = |net: &mut Onnx| {
        net.op("Cast", &["x8_q"], "y", &[("to", Int(3))]);
    };
    refuse(&cast, &["(Cast)", "0 to 255", "INT8"]);
    let conv = |net: &mut Onnx| {
        net.random("w", &[2, 2, 1, 1]).op("Conv", &["x8_q", "w"], "y", &[]);
    };
    refuse(&conv, &["(Conv)", hint]);
    let both = |net: &mut Onnx| {
        net.op("Concat", &["x8_q", "x8"], "y", &[("axis", Int(1))]);
    };
    refuse(&both, &["(Concat)", hint]);
    let relu = |net: &mut Onnx| {
        net.op("Relu", &["x8_q"], "y", &[]);
    };
    refuse(&relu, &["(Relu)", hint]);
    let scales = |net: &mut Onnx| {
        rounded(net, "x", "z", DataType::UINT8, 0.2, 3);
        net.op("Concat", &["x8_q", "z_q"], "y", &[("axis", Int(1))]);
    };
    refuse(&scales, &["scale 0.1 and zero point 3", "scale 0.2 and zero point 3"]);
}

/// Integers taken for others, by another scale and zero point or as they are, and what keeps them on their grid: each
/// beside what the same numbers are.
#[test]
fn integers_that_mean_others() {
    type Build = fn(&mut Onnx);
    // Integers q of scale 1/64 and zero point 120, rounded from the images.
    let cases: [(Build, Build); 3] = [
        (
            |net| {
                integers(net, "z", DataType::UINT8, &[], &[100]);
                net.scalar("s", 0.5).op("DequantizeLinear", &["x8_q", "s", "z"], "y", &[]);
            },
            |net| {
                net.scalar("f", 32.0).op("Mul", &["x8", "f"], "m", &[]);
                net.scalar("t", 10.0).op("Add", &["m", "t"], "y", &[]);
            },
        ),
        (
            |net| {
                net.op("Cast", &["x8_q"], "y", &[("to", Int(1))]);
            },
            |net| {
                net.scalar("f", 64.0).op("Mul", &["x8", "f"], "m", &[]);
                net.scalar("t", 120.0).op("Add", &["m", "t"], "y", &[]);
            },
        ),
        (
            |net| {
                net.op("Cast", &["x8_q"], "c", &[("to", Int(5))]);
                net.op("DequantizeLinear", &["c", "x8_scale", "x8_zero"], "y", &[]);
            },
            |net| {
                net.op("Identity", &["x8"], "y", &[]);
            },
        ),
    ];
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([1, 2, 4, 4], &Random::new(1).floats(32, -1.0, 1.0), &[0]));
    for (i, builds) in cases.into_iter().enumerate() {
        let [found, expected] = <[Build; 2]>::from(builds).map(|build| {
            let mut net = Onnx::new(17, &IMAGE);
            rounded(&mut net, "x", "x8", DataType::UINT8, 1.0 / 64.0, 120);
            build(&mut net);
            net.op("Flatten", &["y"], "out", &[]);
            folder.write("net.onnx", net.bytes("out"));
            folder.logits("--model net.onnx --data set.safetensors --task classification")
        });
        assert_eq!(found, expected, "case {i}");
    }
}

/// The same operators on the integers, or on the numbers that they stand for.
fn moves(net: &mut Onnx, on_integers: bool) {
    rounded(net, "x", "x8", DataType::UINT8, 1.0 / 64.0, 120);
    let from = if on_integers { "x8_q" } else { "x8" };
    net.op("MaxPool", &[from], "p", &[("kernel_shape", Ints(&[2, 2])), ("strides", Ints(&[1, 1]))]);
    net.op("Transpose", &["p"], "t", &[("perm", Ints(&[0, 1, 3, 2]))]);
    net.op("Concat", &["t", "t"], "c", &[("axis", Int(1))]);
    if on_integers {
        net.op("DequantizeLinear", &["c", "x8_scale", "x8_zero"], "c8", &[]);
    }
    weight(net, "conv.weight", &[3, 4, 2, 2], 0, 0.001);
    conv(net, &[if on_integers { "c8" } else { "c" }, "conv.weight"], "y");
}

#[test]
fn integers_that_are_moved() {
    let folder = Folder::new();
    let (found, expected) = both(&folder, &case("moves", IMAGE, |net| moves(net, false))).unwrap();
    let differs = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-5;
    assert!(found.len() == expected.len() && !found.iter().zip(&expected).any(differs), "{found:?} {expected:?}");
    for on_integers in [false, true] {
        let mut net = Onnx::new(17, &IMAGE);
        moves(&mut net, on_integers);
        net.op("Flatten", &["y"], "out", &[]);
        folder.write("net.onnx", net.bytes("out"));
        for mode in ["base", "quant"] {
            let options = "--model net.onnx --data set.safetensors --layout nchw --logits l.safetensors";
            let report = folder.json(&format!("{options} --mode {mode}"));
            let source = &report["config"]["quantization"]["source"];
            assert!(mode == "base" || source == "model-file", "{report:#}");
            let found = read_logits(&folder.read("l.safetensors")).concat();
            assert!(!found.iter().zip(&expected).any(differs), "{mode}: {found:?} {expected:?}");
        }
    }
}

/// Integers as the output of the network are the numbers that they stand for.
#[test]
fn integers_as_the_output() {
    let folder = Folder::new();
    let mut net = Onnx::new(17, &IMAGE);
    net.op("Flatten", &["x"], "f", &[]);
    rounded(&mut net, "f", "y", DataType::UINT8, 0.5, 10);
    folder.write("net.onnx", net.bytes("y_q"));
    let images: Vec<f32> = [0.0, 0.3, -0.7, 1.9].repeat(8);
    folder.write("set.safetensors", float_set([1, 2, 4, 4], &images, &[0]));
    let options = "--model net.onnx --data set.safetensors --layout nchw --logits l.safetensors";
    let report = folder.json(&format!("{options} --task classification"));
    assert!(report["notes"].to_string().contains("'y_q' is of quantized integers"), "{report:#}");
    assert_eq!(read_logits(&folder.read("l.safetensors"))[0][..4], [0.0, 0.5, -0.5, 2.0]);
}

/// A layer whose input the file leaves in floating point needs calibration, and the report says so.
#[test]
fn layers_without_scales_are_calibrated() {
    let folder = Folder::new();
    let mut net = Onnx::new(17, &IMAGE);
    weight(&mut net, "fc.weight", &[4, 5], 1, 0.01);
    net.op("MatMul", &["x", "fc.weight"], "y", &[]).op("Flatten", &["y"], "out", &[]);
    folder.write("net.onnx", net.bytes("out"));
    folder.write("set.safetensors", float_set([1, 2, 4, 4], &Random::new(1).floats(32, -1.0, 1.0), &[0]));
    let report = folder.json("--model net.onnx --data set.safetensors");
    assert!(report["notes"].to_string().contains("scales for 0 of 1 layers: layer 'fc' has none"), "{report:#}");
    let needles = ["net.onnx", "no quantization parameters for 1 of 1 layers, 'fc'", "--qparams", "--calib-data"];
    folder.refuses("--model net.onnx --data set.safetensors --mode quant", &needles);
    folder.json("--model net.onnx --data set.safetensors --mode quant --calib-data set.safetensors");
}
