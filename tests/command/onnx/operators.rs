//! Small networks of random weights, one for each operator, against the `rten` engine.

use crate::common::Folder;
use crate::common::files::{float_set, read_logits};
use crate::common::onnx::{Attr, Onnx};
use crate::common::random::Random;
use Attr::{Float, Int, Ints, Text};
use rten::{Model, ValueView};

const SAMPLES: usize = 3;

/// A network from `x` to `y`: the dimensions of an image, and what computes `y` from it.
pub struct Case {
    name: &'static str,
    opset: i64,
    image: [usize; 3],
    build: fn(&mut Onnx),
}

pub const fn case(name: &'static str, image: [usize; 3], build: fn(&mut Onnx)) -> Case {
    Case { name, opset: 18, image, build }
}

/// What the command computes for some images, and what rten does.
pub fn both(folder: &Folder, case: &Case) -> Result<(Vec<f32>, Vec<f32>), String> {
    let mut onnx = Onnx::new(case.opset, &case.image);
    (case.build)(&mut onnx);
    // A row of numbers for each sample, as the command takes it.
    onnx.op("Flatten", &["y"], "out", &[("axis", Int(1))]);
    let bytes = onnx.bytes("out");
    let [channels, height, width] = case.image;
    let images = Random::new(7).floats(SAMPLES * channels * height * width, -2.0, 2.0);
    folder.write("net.onnx", &bytes);
    folder.write("set.safetensors", float_set([SAMPLES, channels, height, width], &images, &[0; SAMPLES]));
    let run = folder.run("--model net.onnx --data set.safetensors --layout nchw --logits l.safetensors -b 2");
    if run.code != Some(0) {
        return Err(run.stderr);
    }
    let found = read_logits(&folder.read("l.safetensors")).concat();

    let text = |error: &dyn std::error::Error| format!("rten: {error}");
    let model = Model::load(bytes).map_err(|error| text(&error))?;
    let input = ValueView::from_shape([SAMPLES, channels, height, width].as_slice(), images.as_slice());
    let output = model.run_one(input.map_err(|error| text(&error))?.into(), None).map_err(|error| text(&error))?;
    let (_, expected) = output.into_shape_vec::<f32, 2>().map_err(|error| text(&error))?;
    Ok((found, expected))
}

/// Compares all cases, and then says which of them differ.
pub fn check(cases: &[Case]) {
    let folder = Folder::new();
    let mut wrong = Vec::new();
    for case in cases {
        let (found, expected) = match both(&folder, case) {
            Ok(both) => both,
            Err(error) => {
                wrong.push(format!("{}: {error}", case.name));
                continue;
            }
        };
        let bound = 1e-5 * expected.iter().fold(1f32, |max, x| max.max(x.abs()));
        let differs = |(found, expected): (&f32, &f32)| (found - expected).abs() > bound || found.is_nan();
        if found.len() != expected.len() || found.iter().zip(&expected).any(differs) {
            wrong.push(format!("{}: {found:?}, expected {expected:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn layers() {
    check(&[
        case("Conv", [3, 9, 8], |net| {
            net.random("w", &[4, 3, 3, 3]).random("b", &[4]);
            net.op("Conv", &["x", "w", "b"], "y", &[("kernel_shape", Ints(&[3, 3]))]);
        }),
        case("Conv, asymmetric", [4, 9, 8], |net| {
            net.random("w", &[6, 2, 3, 2]);
            let attrs = [
                ("strides", Ints(&[2, 1])),
                ("pads", Ints(&[0, 1, 2, 0])),
                ("dilations", Ints(&[1, 2])),
                ("group", Int(2)),
            ];
            net.op("Conv", &["x", "w"], "y", &attrs);
        }),
        case("Conv, SAME_UPPER", [2, 8, 7], |net| {
            net.random("w", &[3, 2, 4, 3]);
            let attrs = [("auto_pad", Text("SAME_UPPER")), ("strides", Ints(&[2, 3])), ("dilations", Ints(&[1, 1]))];
            net.op("Conv", &["x", "w"], "y", &attrs);
        }),
        case("Conv, depthwise", [4, 6, 6], |net| {
            net.random("w", &[4, 1, 3, 3]).random("b", &[4]);
            let attrs = [
                ("group", Int(4)),
                ("pads", Ints(&[1, 1, 1, 1])),
                ("strides", Ints(&[1, 1])),
                ("dilations", Ints(&[1, 1])),
            ];
            net.op("Conv", &["x", "w", "b"], "y", &attrs);
        }),
        case("Conv over one axis", [3, 1, 12], |net| {
            net.ints("line", &[0, 3, 12]).random("w", &[4, 3, 3]).random("b", &[4]);
            net.op("Reshape", &["x", "line"], "l", &[]);
            let attrs = [("strides", Ints(&[2])), ("pads", Ints(&[2, 1])), ("dilations", Ints(&[2]))];
            net.op("Conv", &["l", "w", "b"], "y", &attrs);
        }),
        case("Gemm", [2, 3, 2], |net| {
            net.random("w", &[5, 12]).random("b", &[5]);
            net.op("Flatten", &["x"], "f", &[]);
            net.op("Gemm", &["f", "w", "b"], "y", &[("transB", Int(1))]);
        }),
        case("Gemm with factors", [2, 3, 2], |net| {
            net.random("w", &[12, 5]).random("b", &[1, 5]);
            net.op("Flatten", &["x"], "f", &[]);
            net.op("Gemm", &["f", "w", "b"], "y", &[("alpha", Float(0.5)), ("beta", Float(2.0))]);
        }),
        case("Gemm without bias", [2, 3, 2], |net| {
            net.random("w", &[12, 5]);
            net.op("Flatten", &["x"], "f", &[]).op("Gemm", &["f", "w"], "y", &[]);
        }),
        case("MatMul by a constant", [2, 3, 4], |net| {
            net.random("w", &[4, 5]).op("MatMul", &["x", "w"], "y", &[]);
        }),
        case("MatMul and bias", [2, 3, 4], |net| {
            net.random("w", &[4, 5]).random("b", &[5]);
            net.op("MatMul", &["x", "w"], "m", &[]).op("Add", &["b", "m"], "y", &[]);
        }),
        case("MatMul read twice", [2, 3, 4], |net| {
            net.random("w", &[4, 5]).random("b", &[5]);
            net.op("MatMul", &["x", "w"], "m", &[]).op("Add", &["b", "m"], "s", &[]);
            net.op("Mul", &["s", "m"], "y", &[]);
        }),
        case("MatMul, then a constant that is no bias", [2, 3, 4], |net| {
            net.random("w", &[4, 5]).random("c", &[3, 5]);
            net.op("MatMul", &["x", "w"], "m", &[]).op("Add", &["m", "c"], "y", &[]);
        }),
        case("MatMul of two activations", [2, 3, 4], |net| {
            net.op("Transpose", &["x"], "t", &[("perm", Ints(&[0, 1, 3, 2]))]);
            net.op("MatMul", &["x", "t"], "y", &[]);
        }),
        case("MatMul of a constant by activations", [2, 3, 4], |net| {
            net.random("w", &[5, 3]).op("MatMul", &["w", "x"], "y", &[]);
        }),
        case("MatMul by constants of several matrices", [2, 3, 4], |net| {
            net.random("w", &[2, 4, 3]).op("MatMul", &["x", "w"], "y", &[]);
        }),
        case("BatchNormalization", [3, 4, 4], |net| {
            net.random("g", &[3]).random("b", &[3]).random("m", &[3]).random_between("v", &[3], 0.5, 1.5);
            net.op("BatchNormalization", &["x", "g", "b", "m", "v"], "y", &[("epsilon", Float(1e-3))]);
        }),
        case("BatchNormalization after Conv", [3, 4, 4], |net| {
            net.random("w", &[4, 3, 3, 3]);
            net.random("g", &[4]).random("b", &[4]).random("m", &[4]).random_between("v", &[4], 0.5, 1.5);
            let attrs = [("pads", Ints(&[1, 1, 1, 1])), ("strides", Ints(&[1, 1])), ("dilations", Ints(&[1, 1]))];
            net.op("Conv", &["x", "w"], "c", &attrs);
            net.op("BatchNormalization", &["c", "g", "b", "m", "v"], "y", &[]);
        }),
        case("LayerNormalization", [3, 4, 5], |net| {
            net.random("g", &[5]).random("b", &[5]);
            net.op("LayerNormalization", &["x", "g", "b"], "y", &[("axis", Int(-1)), ("epsilon", Float(1e-4))]);
        }),
        case("LayerNormalization without shift", [3, 4, 5], |net| {
            net.random("g", &[5]).op("LayerNormalization", &["x", "g"], "y", &[]);
        }),
    ]);
}

#[test]
fn transposed_convolutions() {
    check(&[
        case("ConvTranspose", [3, 5, 4], |net| {
            net.random("w", &[3, 4, 3, 3]).random("b", &[4]);
            let attrs = [("kernel_shape", Ints(&[3, 3]))];
            net.op("ConvTranspose", &["x", "w", "b"], "y", &attrs);
        }),
        case("ConvTranspose, asymmetric", [4, 5, 6], |net| {
            net.random("w", &[4, 3, 3, 2]);
            let attrs = [
                ("strides", Ints(&[2, 3])),
                ("pads", Ints(&[0, 2, 1, 0])),
                ("dilations", Ints(&[1, 2])),
                ("output_padding", Ints(&[1, 2])),
                ("group", Int(2)),
            ];
            net.op("ConvTranspose", &["x", "w"], "y", &attrs);
        }),
        case("ConvTranspose, SAME_UPPER", [2, 4, 5], |net| {
            net.random("w", &[2, 3, 4, 3]);
            let attrs = [("auto_pad", Text("SAME_UPPER")), ("strides", Ints(&[2, 2])), ("dilations", Ints(&[1, 1]))];
            net.op("ConvTranspose", &["x", "w"], "y", &attrs);
        }),
        case("ConvTranspose over one axis", [3, 1, 6], |net| {
            net.ints("line", &[0, 3, 6]).random("w", &[3, 4, 4]).random("b", &[4]);
            net.op("Reshape", &["x", "line"], "l", &[]);
            let attrs = [("strides", Ints(&[2])), ("pads", Ints(&[1, 2])), ("dilations", Ints(&[1]))];
            net.op("ConvTranspose", &["l", "w", "b"], "y", &attrs);
        }),
        case("BatchNormalization after ConvTranspose", [4, 3, 3], |net| {
            net.random("w", &[4, 3, 3, 3]);
            net.random("g", &[6]).random("b", &[6]).random("m", &[6]).random_between("v", &[6], 0.5, 1.5);
            let attrs = [
                ("strides", Ints(&[2, 2])),
                ("pads", Ints(&[1, 1, 1, 1])),
                ("dilations", Ints(&[1, 1])),
                ("group", Int(2)),
            ];
            net.op("ConvTranspose", &["x", "w"], "c", &attrs);
            net.op("BatchNormalization", &["c", "g", "b", "m", "v"], "y", &[]);
        }),
    ]);
}

#[test]
fn arithmetic() {
    check(&[
        case("Add, Sub, Mul, Div of constants", [3, 4, 5], |net| {
            net.random("a", &[3, 1, 1]).random("s", &[5]).random("m", &[1, 3, 4, 1]).scalar("d", 1.7);
            net.op("Add", &["x", "a"], "1", &[]).op("Sub", &["s", "1"], "2", &[]);
            net.op("Mul", &["2", "m"], "3", &[]).op("Div", &["3", "d"], "y", &[]);
        }),
        case("arithmetic of activations", [3, 4, 5], |net| {
            net.op("GlobalAveragePool", &["x"], "g", &[]);
            net.op("Mul", &["g", "x"], "1", &[]).op("Sub", &["1", "x"], "2", &[]);
            net.op("Add", &["2", "g"], "y", &[]);
        }),
        case("Sum, Max, Min", [2, 3, 4], |net| {
            net.random("a", &[4]).random("b", &[3, 1]);
            net.op("Sum", &["x", "a", "b"], "1", &[]).op("Max", &["1", "a", "x"], "2", &[]);
            net.op("Min", &["2", "b"], "y", &[]);
        }),
        case("Pow, Sqrt", [2, 3, 4], |net| {
            net.scalar("two", 2.0).scalar("three", 3.0);
            net.op("Pow", &["x", "two"], "s", &[]).op("Sqrt", &["s"], "r", &[]);
            net.op("Pow", &["r", "three"], "y", &[]);
        }),
        case("Relu, LeakyRelu", [2, 3, 4], |net| {
            net.op("LeakyRelu", &["x"], "l", &[("alpha", Float(0.2))]).op("Relu", &["x"], "r", &[]);
            net.op("Mul", &["l", "r"], "m", &[]).op("Add", &["m", "l"], "y", &[]);
        }),
        case("Clip", [2, 3, 4], |net| {
            net.scalar("low", -0.5).scalar("high", 1.25).scalar("zero", 0.0).scalar("six", 6.0);
            net.op("Clip", &["x", "low", "high"], "a", &[]).op("Clip", &["x", "", "high"], "b", &[]);
            net.op("Clip", &["x", "low"], "c", &[]).op("Clip", &["x", "zero", "six"], "d", &[]);
            net.op("Sum", &["a", "b", "c", "d"], "y", &[]);
        }),
        case("PRelu", [3, 3, 4], |net| {
            net.random("s", &[3, 1, 1]).op("PRelu", &["x", "s"], "y", &[]);
        }),
        case("Sigmoid, Tanh, Erf", [2, 3, 4], |net| {
            net.op("Sigmoid", &["x"], "s", &[]).op("Tanh", &["x"], "t", &[]).op("Erf", &["x"], "e", &[]);
            net.op("Sum", &["s", "t", "e"], "y", &[]);
        }),
        case("HardSigmoid, HardSwish, Elu", [2, 3, 4], |net| {
            net.op("HardSigmoid", &["x"], "s", &[]).op("HardSwish", &["x"], "w", &[]);
            net.op("HardSigmoid", &["x"], "t", &[("alpha", Float(1.0 / 6.0)), ("beta", Float(0.4))]);
            net.op("Elu", &["x"], "e", &[("alpha", Float(0.7))]).op("Sum", &["s", "w", "t", "e"], "y", &[]);
        }),
        Case {
            name: "Gelu",
            opset: 20,
            image: [2, 3, 4],
            build: |net| {
                net.op("Gelu", &["x"], "a", &[]).op("Gelu", &["x"], "b", &[("approximate", Text("tanh"))]);
                net.op("Mul", &["a", "b"], "y", &[]);
            },
        },
        case("Exp, Log, Neg, Abs, Reciprocal", [2, 3, 4], |net| {
            net.op("Exp", &["x"], "e", &[]).op("Log", &["e"], "l", &[]).op("Neg", &["l"], "n", &[]);
            net.op("Abs", &["n"], "a", &[]).op("Reciprocal", &["e"], "r", &[]).op("Add", &["a", "r"], "y", &[]);
        }),
        case("Softmax, LogSoftmax", [2, 3, 4], |net| {
            net.op("Softmax", &["x"], "s", &[("axis", Int(1))]).op("LogSoftmax", &["x"], "l", &[]);
            net.op("Add", &["s", "l"], "y", &[]);
        }),
    ]);
}

#[test]
fn pooling() {
    check(&[
        case("MaxPool", [2, 9, 8], |net| {
            let attrs = [("kernel_shape", Ints(&[3, 2])), ("strides", Ints(&[2, 1])), ("pads", Ints(&[1, 0, 2, 1]))];
            net.op("MaxPool", &["x"], "y", &attrs);
        }),
        case("MaxPool, rounded up", [2, 8, 7], |net| {
            let attrs = [("kernel_shape", Ints(&[3, 3])), ("strides", Ints(&[2, 2])), ("ceil_mode", Int(1))];
            net.op("MaxPool", &["x"], "y", &attrs);
        }),
        case("MaxPool, SAME_UPPER", [2, 8, 7], |net| {
            let attrs = [("kernel_shape", Ints(&[3, 3])), ("strides", Ints(&[2, 2])), ("auto_pad", Text("SAME_UPPER"))];
            net.op("MaxPool", &["x"], "y", &attrs);
        }),
        case("MaxPool over one axis", [3, 1, 12], |net| {
            net.ints("line", &[0, 3, 12]).op("Reshape", &["x", "line"], "l", &[]);
            net.op("MaxPool", &["l"], "y", &[("kernel_shape", Ints(&[3])), ("strides", Ints(&[2]))]);
        }),
        case("AveragePool", [2, 9, 8], |net| {
            let attrs = [
                ("kernel_shape", Ints(&[3, 3])),
                ("strides", Ints(&[2, 2])),
                ("pads", Ints(&[1, 1, 1, 1])),
                ("count_include_pad", Int(1)),
            ];
            net.op("AveragePool", &["x"], "y", &attrs);
        }),
        case("AveragePool without padding", [2, 9, 8], |net| {
            let attrs = [("kernel_shape", Ints(&[3, 2])), ("strides", Ints(&[2, 2])), ("pads", Ints(&[1, 0, 1, 1]))];
            net.op("AveragePool", &["x"], "y", &attrs);
        }),
        case("AveragePool, rounded up", [2, 8, 8], |net| {
            let attrs = [("kernel_shape", Ints(&[3, 3])), ("strides", Ints(&[2, 2])), ("ceil_mode", Int(1))];
            net.op("AveragePool", &["x"], "y", &attrs);
        }),
        case("GlobalAveragePool, GlobalMaxPool", [3, 4, 5], |net| {
            net.op("GlobalAveragePool", &["x"], "a", &[]).op("GlobalMaxPool", &["x"], "m", &[]);
            net.op("Add", &["a", "m"], "y", &[]);
        }),
        case("ReduceMean", [3, 4, 5], |net| {
            net.ints("axes", &[-1, 2]);
            net.op("ReduceMean", &["x", "axes"], "y", &[("keepdims", Int(0))]);
        }),
        case("ReduceMean that keeps axes", [3, 4, 5], |net| {
            net.ints("axes", &[1]).op("ReduceMean", &["x", "axes"], "y", &[]);
        }),
        case("Resize", [2, 3, 4], |net| {
            net.tensor("scales", &crate::common::network::Array { shape: vec![4], values: vec![1.0, 1.0, 2.0, 2.0] });
            let attrs = [
                ("mode", Text("nearest")),
                ("coordinate_transformation_mode", Text("asymmetric")),
                ("nearest_mode", Text("floor")),
            ];
            net.op("Resize", &["x", "", "scales"], "y", &attrs);
        }),
        case("Resize to sizes", [2, 6, 5], |net| {
            net.ints("tail", &[2, 4, 9]).op("Shape", &["x"], "n", &[("end", Int(1))]);
            net.op("Concat", &["n", "tail"], "sizes", &[("axis", Int(0))]);
            net.op("Resize", &["x", "", "", "sizes"], "y", &[("mode", Text("nearest"))]);
        }),
    ]);
}

#[test]
fn axes() {
    check(&[
        case("Reshape, Transpose", [4, 3, 2], |net| {
            net.ints("groups", &[-1, 2, 2, 3, 2]).ints("back", &[0, 4, 3, 2]);
            net.op("Reshape", &["x", "groups"], "g", &[]);
            net.op("Transpose", &["g"], "t", &[("perm", Ints(&[0, 2, 1, 3, 4]))]);
            net.op("Reshape", &["t", "back"], "y", &[]);
        }),
        case("shapes that are computed", [4, 3, 2], |net| {
            net.ints("zero", &[0]).ints("rest", &[-1]).op("Shape", &["x"], "s", &[]);
            net.op("Gather", &["s", "zero"], "n", &[]).op("Concat", &["n", "rest"], "to", &[("axis", Int(0))]);
            net.op("Reshape", &["x", "to"], "y", &[]);
        }),
        case("Concat", [2, 3, 4], |net| {
            net.op("Neg", &["x"], "n", &[]).op("Concat", &["x", "n", "x"], "y", &[("axis", Int(-2))]);
        }),
        case("Split", [6, 3, 4], |net| {
            net.ints("sizes", &[1, 3, 2]);
            net.node("", "Split", &["x", "sizes"], &["a", "b", "c"], &[("axis", Int(1))]);
            net.op("Concat", &["c", "b", "a"], "y", &[("axis", Int(1))]);
        }),
        case("Split in halves", [2, 3, 4], |net| {
            net.node("", "Split", &["x"], &["a", "b"], &[("axis", Int(-1)), ("num_outputs", Int(2))]);
            net.op("Mul", &["a", "b"], "y", &[]);
        }),
        case("Slice", [5, 6, 7], |net| {
            net.ints("starts", &[1, -1, 0]).ints("ends", &[4, i64::MIN, i64::MAX]);
            net.ints("axes", &[1, 2, 3]).ints("steps", &[2, -2, 1]);
            net.op("Slice", &["x", "starts", "ends", "axes", "steps"], "y", &[]);
        }),
        case("Pad", [2, 3, 4], |net| {
            net.ints("pads", &[0, 0, 1, 0, 0, 1, 0, 2]).scalar("v", -3.0);
            net.op("Pad", &["x", "pads", "v"], "y", &[]);
        }),
        case("Pad by reflection and by the edge", [2, 3, 4], |net| {
            net.ints("pads", &[0, 0, 2, 1, 0, 0, 1, 3]);
            net.op("Pad", &["x", "pads"], "r", &[("mode", Text("reflect"))]);
            net.op("Pad", &["x", "pads"], "e", &[("mode", Text("edge"))]).op("Mul", &["r", "e"], "y", &[]);
        }),
        case("Squeeze, Unsqueeze", [2, 1, 4], |net| {
            net.ints("two", &[2]).ints("around", &[1, -1]);
            net.op("Squeeze", &["x", "two"], "s", &[]).op("Unsqueeze", &["s", "around"], "y", &[]);
        }),
        case("Expand", [2, 1, 4], |net| {
            net.ints("to", &[3, 1]).op("Expand", &["x", "to"], "y", &[]);
        }),
        case("Expand of a constant for no sample", [2, 3, 4], |net| {
            net.random("row", &[1, 4]).ints("to", &[3, 4]).op("Expand", &["row", "to"], "e", &[]);
            net.op("Mul", &["x", "e"], "y", &[]);
        }),
        case("Expand of a constant for every sample", [2, 3, 4], |net| {
            net.random("token", &[1, 1, 3, 4]).ints("tail", &[-1, -1, -1]).ints("four", &[4]);
            net.op("Shape", &["x"], "n", &[("end", Int(1))]);
            net.op("Concat", &["n", "tail"], "want", &[("axis", Int(0))]);
            // What exporters write for -1 in a size: where it is -1, 1.
            net.op("ConstantOfShape", &["four"], "zeros", &[]).op("Cast", &["zeros"], "zero", &[("to", Int(7))]);
            net.ints("one", &[1]).ints("minus", &[-1]).op("Add", &["zero", "one"], "ones", &[]);
            net.op("Mul", &["ones", "minus"], "all", &[]).op("Equal", &["want", "all"], "is", &[]);
            net.op("Where", &["is", "ones", "want"], "to", &[]).op("Expand", &["token", "to"], "t", &[]);
            net.op("Concat", &["t", "x"], "y", &[("axis", Int(1))]);
        }),
        case("Gather", [4, 3, 2], |net| {
            net.ints("order", &[3, 0, -2]).op("Gather", &["x", "order"], "y", &[("axis", Int(1))]);
        }),
        case("Gather of one and of a table", [4, 3, 2], |net| {
            net.int_tensor("one", &[], &[1]).int_tensor("table", &[2, 2], &[0, 1, 2, 1]);
            net.op("Gather", &["x", "one"], "row", &[("axis", Int(1))]);
            net.op("Gather", &["row", "table"], "y", &[("axis", Int(1))]);
        }),
        case("Identity, Cast", [2, 3, 4], |net| {
            net.op("Identity", &["x"], "i", &[]).op("Cast", &["i"], "y", &[("to", Int(1))]);
        }),
        case("Flatten", [2, 3, 4], |net| {
            net.op("Flatten", &["x"], "y", &[("axis", Int(-3))]);
        }),
    ]);
}
