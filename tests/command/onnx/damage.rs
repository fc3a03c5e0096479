//! ONNX files that cannot be run: exit code 2 and one message that says why.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::float_set;
use crate::common::network::Array;
use crate::common::onnx::{Attr, Onnx, field, floats};
use crate::common::random::Random;
use Attr::{Int, Ints, Text};
use rten_onnx::onnx::{ModelProto, OperatorSetIdProto};

const IMAGE: [usize; 3] = [1, 4, 4];

/// A small network that is whole.
fn small() -> Onnx {
    let mut onnx = Onnx::new(17, &IMAGE);
    onnx.random("w", &[2, 1, 3, 3]).random("b", &[2]).ints("to", &[0, -1]);
    onnx.node("conv", "Conv", &["x", "w", "b"], &["c"], &[("pads", Ints(&[1, 1, 1, 1]))]);
    onnx.node("relu", "Relu", &["c"], &["r"], &[]).node("flat", "Reshape", &["r", "to"], &["out"], &[]);
    onnx
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([1, 1, 4, 4], &Random::new(15).floats(16, -1.0, 1.0), &[0]));
    folder
}

/// Refuses a file with a message that has all of `needles`.
fn refuse(folder: &Folder, file: &[u8], needles: &[&str]) {
    folder.write("net.onnx", file);
    let outputs = "-o report.json --predictions p.csv --logits l.safetensors";
    let run = folder.refuses(&format!("--model net.onnx --data set.safetensors {outputs}"), needles);
    assert!(run.stderr.contains("net.onnx") && !run.stderr.contains("memory allocation"), "{run:?}");
}

/// A file that is cut off anywhere is no network.
#[test]
fn every_prefix_is_refused() {
    let folder = folder();
    let whole = small().bytes("out");
    folder.write("net.onnx", &whole);
    folder.run_to(0, "--model net.onnx --data set.safetensors");
    for length in 0..whole.len() {
        folder.write("net.onnx", &whole[..length]);
        let run = folder.run("model info net.onnx");
        assert_eq!(run.code, Some(2), "{length} of {}: {run:?}", whole.len());
        assert!(run.stderr.starts_with("error: net.onnx") && !run.stderr.contains("panicked"), "{length}: {run:?}");
    }
}

/// Whatever a byte is changed to, there is an answer and no panic.
#[test]
fn changed_bytes_do_not_panic() {
    let folder = folder();
    let whole = small().bytes("out");
    let mut random = Random::new(16);
    for _ in 0..200 {
        let mut file = whole.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(file.len() as u64) as usize;
            file[at] = random.next() as u8;
        }
        folder.write("net.onnx", &file);
        let run = folder.run("--model net.onnx --data set.safetensors -q");
        assert!(matches!(run.code, Some(0 | 2)) && !run.stderr.contains("panicked"), "{file:?}: {run:?}");
    }
}

#[test]
fn files_that_are_no_network() {
    let folder = folder();
    refuse(
        &folder,
        b"this is not the file that you are looking for\n",
        &["net.onnx", "truncated or malformed ONNX file"],
    );
    refuse(&folder, b"", &["net.onnx"]);
    refuse(&folder, &Random::new(17).bytes(5000), &["net.onnx"]);
    let set = |model: &mut ModelProto, version| {
        model.opset_import = vec![OperatorSetIdProto { domain: None, version: Some(version) }];
    };
    let mut model = small().model("out");
    set(&mut model, 6);
    refuse(&folder, &model.write_buf().unwrap(), &["operator set 6", "7 to", "opset_version"]);
    set(&mut model, 99);
    refuse(&folder, &model.write_buf().unwrap(), &["operator set 99"]);
    model.opset_import = Vec::new();
    refuse(&folder, &model.write_buf().unwrap(), &["operator set none"]);
    model.graph = None;
    refuse(&folder, &model.write_buf().unwrap(), &["net.onnx"]);
    let folder_args = "--model none.onnx --data set.safetensors";
    folder.refuses(folder_args, &["none.onnx"]);
}

/// Types of sequences of sequences, and graphs in attributes of nodes of graphs: a parser that calls itself for
/// each would overflow its stack.
#[test]
fn messages_in_messages() {
    let folder = folder();
    let nested = |fields: &[u64], levels: usize| {
        let around = |inner: Vec<u8>, number: &u64| field(*number, &inner);
        (0..levels).fold(Vec::new(), |inner, _| fields.iter().fold(inner, around))
    };
    let ty = |levels| field(7, &field(11, &field(2, &nested(&[1, 4], levels))));
    let graph = |levels| field(7, &nested(&[6, 5, 1], levels));
    for_each_case([ty(10_000), ty(100), graph(7_000), graph(100)], |bytes| {
        refuse(&folder, &[small().bytes("out"), bytes].concat(), &["messages nested too deep"]);
    });
    let shallow = [small().bytes("out"), field(7, &field(11, &field(2, &nested(&[1, 4], 5))))].concat();
    refuse(&folder, &shallow, &["expected images of real numbers"]);
}

#[test]
fn graphs_that_do_not_hold_together() {
    let folder = folder();
    refuse(&folder, &small().bytes("elsewhere"), &["'elsewhere', read by the graph's output, has no producer"]);
    let mut none = small().model("out");
    none.graph.as_mut().unwrap().output.clear();
    refuse(&folder, &none.write_buf().unwrap(), &["no output"]);
    let with = |change: &dyn Fn(&mut Onnx)| {
        let mut onnx = small();
        change(&mut onnx);
        onnx.bytes("out")
    };
    let cut = |onnx: &mut Onnx| onnx.graph.node[1].input[0] = "gone".to_owned();
    refuse(&folder, &with(&cut), &["'gone', read by node 'relu', has no producer"]);
    let cycle = |onnx: &mut Onnx| onnx.graph.node[0].input[0] = "r".to_owned();
    refuse(&folder, &with(&cycle), &["cycle"]);
    let twice = |onnx: &mut Onnx| onnx.graph.node[0].output[0] = "r".to_owned();
    refuse(&folder, &with(&twice), &["'r' has two producers"]);
    let tensor_twice = |onnx: &mut Onnx| {
        onnx.random("w", &[2, 1, 3, 3]);
    };
    refuse(&folder, &with(&tensor_twice), &["'w' has two producers"]);
    let two_inputs = |onnx: &mut Onnx| {
        let mut other = onnx.graph.input[0].clone();
        other.name = Some("z".to_owned());
        onnx.graph.input.push(other);
    };
    refuse(&folder, &with(&two_inputs), &["inputs", "\"x\", \"z\""]);
}

/// An operator, its inputs and attributes, and what the message has.
type Case<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, Attr<'a>)], &'a [&'a str]);

#[test]
fn operators_that_are_not_supported() {
    let folder = folder();
    let with = |op: &str, inputs: &[&str], attrs: &[(&str, Attr)]| {
        let mut onnx = Onnx::new(17, &IMAGE);
        onnx.random("w", &[1, 2, 3, 3])
            .random("scales", &[4])
            .scalar("s", 0.5)
            .ints("two", &[1, 2])
            .ints("wide", &[1 << 27, 1, 1, 1, 1])
            .ints("big", &[1 << 40, 1 << 40]);
        onnx.node("odd", op, inputs, &["y"], attrs).op("Flatten", &["y"], "out", &[]);
        onnx.bytes("out")
    };
    let cases: [Case; 30] = [
        ("ArgMax", &["x"], &[], &["operator ArgMax", "'odd'", "export the logits"]),
        ("QLinearConv", &["x"], &[], &["(QLinearConv)", "input 1 is missing"]),
        ("DequantizeLinear", &["x", "s"], &[], &["'odd' (DequantizeLinear)", "quantized"]),
        ("QuantizeLinear", &["x", "scales"], &[], &["'odd' (QuantizeLinear)", "per tensor"]),
        ("QuantizeLinear", &["x", "s"], &[("block_size", Int(4))], &["'odd'", "blocked quantization"]),
        ("QuantizeLinear", &["x", "s", "two"], &[], &["'odd'", "1 scales and 2 zero points"]),
        ("Einsum", &["x"], &[("equation", Text("abcd"))], &["'odd' (Einsum)", "equation 'abcd'"]),
        ("Einsum", &["x"], &[("equation", Text("...d->d"))], &["'odd' (Einsum)", "equation '...d->d'"]),
        ("Einsum", &["x"], &[("equation", Text("aacd->ac"))], &["'odd' (Einsum)", "axes aacd, each once"]),
        ("Einsum", &["x", "w"], &[("equation", Text("abcd,efgh->a"))], &["'odd' (Einsum)", "equation"]),
        ("InstanceNormalization", &["x", "scales", "scales"], &[], &["'odd'", "f32[1]"]),
        ("GroupNormalization", &["x", "scales", "scales"], &[], &["'odd'", "a multiple of 0 groups"]),
        ("ScatterND", &["scales", "big", "x"], &[], &["'odd' (ScatterND)"]),
        ("Frobnicate", &["x"], &[], &["operator Frobnicate", "'odd'"]),
        ("Resize", &["x", "", "scales"], &[("mode", Text("cubic"))], &["'odd' (Resize)", "mode 'cubic'", "'linear'"]),
        ("Conv", &["x", "w"], &[], &["'odd' (Conv)", "[batch, 2, 2 sizes]"]),
        ("Conv", &["x"], &[], &["'odd' (Conv)", "input 1 is missing"]),
        ("Conv", &["x", "w"], &[("pads", Ints(&[-1, 0, 0, 0]))], &["'odd'", "'pads'", "-1"]),
        ("Conv", &["x", "w"], &[("auto_pad", Text("SAME"))], &["'odd'", "'auto_pad'", "SAME_UPPER"]),
        ("ConvTranspose", &["x", "w"], &[("group", Int(0))], &["'odd' (ConvTranspose)", "multiple of 0 groups"]),
        ("ConvTranspose", &["x", "w"], &[("output_shape", Ints(&[1 << 30, 1 << 30]))], &["'odd' (ConvTranspose)"]),
        ("MaxPool", &["x"], &[], &["'odd' (MaxPool)", "kernel_shape"]),
        ("MaxPool", &["x"], &[("kernel_shape", Ints(&[1 << 40, 1]))], &["'odd'", "'kernel_shape'"]),
        ("Reshape", &["x", "two"], &[], &["'odd' (Reshape)", "as many elements as [1, 2]"]),
        ("Reshape", &["x", "x"], &[], &["'odd' (Reshape)", "input 1", "constant"]),
        ("Expand", &["x", "big"], &[], &["'odd' (Expand)"]),
        ("Expand", &["x", "wide"], &[], &["'odd' (Expand)", "takes 8.0 GiB for each sample", "1.0 GiB"]),
        ("Gemm", &["x", "s"], &[("transB", Int(1))], &["'odd' (Gemm)", "a weight []", "a matrix"]),
        ("BatchNormalization", &[], &[], &["'odd' (BatchNormalization)", "input 0 is missing"]),
        ("Softmax", &["x"], &[("axis", Int(7))], &["'odd' (Softmax)", "'axis' is 7", "4"]),
    ];
    for_each_case(cases, |(op, inputs, attrs, needles)| {
        refuse(&folder, &with(op, inputs, attrs), needles);
    });
    let mut custom = small();
    custom.graph.node[1].domain = Some("com.example".to_owned());
    refuse(&folder, &custom.bytes("out"), &["operator com.example.Relu", "'relu'"]);
}

/// Numbers that no layer can compute with are refused by the layer's name, however it computes.
#[test]
fn numbers_that_are_none() {
    let folder = folder();
    let normalized = |variance: f32| {
        let mut onnx = Onnx::new(17, &IMAGE);
        onnx.random("w", &[2, 1, 3, 3]).random("g", &[2]).random("b", &[2]).random("m", &[2]);
        onnx.tensor("v", &Array { shape: vec![2], values: vec![1.0, variance] }).node(
            "conv",
            "Conv",
            &["x", "w"],
            &["c"],
            &[],
        );
        onnx.node("norm", "BatchNormalization", &["c", "g", "b", "m", "v"], &["n"], &[]);
        onnx.op("Flatten", &["n"], "out", &[]).bytes("out")
    };
    let modes = ["", "--mode quant --calib-data set.safetensors"];
    let runs =
        modes.iter().flat_map(|mode| ["", "--no-fold-bn"].map(|fold| format!("--data set.safetensors {mode} {fold}")));
    for args in runs.map(|args| format!("--model net.onnx {args}")) {
        folder.write("net.onnx", normalized(0.5));
        folder.run_to(0, &args);
        folder.write("net.onnx", normalized(-0.5));
        folder.refuses(&args, &["'norm'", "running variance of channel 1 is -0.5"]);
    }
    let mut onnx = small();
    onnx.graph.initializer[1] = floats("b", &[2], &[0.0, f32::NAN]);
    refuse(&folder, &onnx.bytes("out"), &["its weights", "NaN"]);
    let run = folder.refuses("--model net.onnx --data set.safetensors", &[]);
    assert!(!run.stderr.contains("replace"), "nothing was to be replaced: {run:?}");
}

#[test]
fn inputs_and_outputs_that_are_not_those_of_a_classifier() {
    let folder = folder();
    let mut flat = Onnx::new(17, &IMAGE);
    flat.op("Concat", &["x", "x"], "out", &[("axis", Attr::Int(1))]);
    refuse(&folder, &flat.bytes("out"), &["output 'out'", "f32[N, 2, 4, 4]", "[batch, classes]"]);
    let mut constant = Onnx::new(17, &IMAGE);
    constant.random("c", &[1, 10]).op("Relu", &["c"], "out", &[]);
    refuse(&folder, &constant.bytes("out"), &["output 'out'", "a constant"]);
    let mut volume = small();
    let ty = volume.graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
    let dims = &mut ty.shape.as_mut().unwrap().dim;
    dims.push(dims[0].clone());
    refuse(&folder, &volume.bytes("out"), &["input 'x'", "[batch, channels, height, width]"]);
}
