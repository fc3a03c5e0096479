//! Local functions: the same network as without them, and what is refused.

use super::variants::logits;
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::float_set;
use crate::common::onnx::{Attr, Onnx};
use Attr::{Float, Int, Ints};

const IMAGE: [usize; 3] = [2, 4, 5];

/// Fails unless a network with functions gives the bits of one without calls; the folder has both.
fn compare(onnx: &Onnx, functions: &[Vec<u8>], plain: &Onnx) -> Folder {
    let folder = Folder::new();
    let expected = logits(&folder, plain, IMAGE);
    folder.write("plain.onnx", plain.bytes("out"));
    folder.write("net.onnx", [onnx.bytes("out"), functions.concat()].concat());
    assert_eq!(folder.logits("--model net.onnx --data set.safetensors --layout nchw"), expected);
    folder
}

fn weights(onnx: &mut Onnx) {
    onnx.random("first.weight", &[3, 2, 3, 3]).random("first.bias", &[3]).random("second.weight", &[3, 3, 3, 3]);
}

/// Attributes of the call, with and without a default or a value; inputs that are left out; names of layers.
#[test]
fn a_function_for_each_module() {
    let mut body = Onnx::new(17, &IMAGE);
    body.op("Conv", &["x", "w", "b"], "c", &[]).op("LeakyRelu", &["c"], "y", &[]);
    let references = [["Conv", "pads", "padding"], ["LeakyRelu", "alpha", "slope"]];
    let block = body.function("Block", [&["x", "w", "b"], &["y"]], &references, &[("slope", Float(0.25))]);

    let mut onnx = Onnx::new(17, &IMAGE);
    weights(&mut onnx);
    let padding = ("padding", Ints(&[1, 1, 1, 1]));
    onnx.call("block", "Block", &["x", "first.weight", "first.bias"], &["a"], &[padding]);
    onnx.call("block2", "Block", &["a", "second.weight", ""], &["r"], &[("slope", Float(0.5))]);
    onnx.op("Flatten", &["r"], "out", &[]);

    let mut plain = Onnx::new(17, &IMAGE);
    weights(&mut plain);
    plain.op("Conv", &["x", "first.weight", "first.bias"], "c", &[("pads", Ints(&[1, 1, 1, 1]))]);
    plain.op("LeakyRelu", &["c"], "a", &[("alpha", Float(0.25))]).op("Conv", &["a", "second.weight"], "d", &[]);
    plain.op("LeakyRelu", &["d"], "r", &[("alpha", Float(0.5))]).op("Flatten", &["r"], "out", &[]);

    let folder = compare(&onnx, &[block], &plain);
    let layers = |name: &str| folder.json(&format!("model info {name}.onnx"))["layers"].clone();
    assert_eq!(layers("net"), layers("plain"));
    assert_eq!(layers("net")[0]["name"], "first");
}

/// Calls within calls, whose names are those of other values, too; outputs that are inputs.
#[test]
fn functions_that_call_others() {
    let mut body = Onnx::new(17, &IMAGE);
    body.op("Neg", &["x"], "a", &[]).op("Exp", &["a"], "y", &[]);
    let inner = body.function("Inner", [&["x"], &["y"]], &[], &[]);
    let mut body = Onnx::new(17, &IMAGE);
    body.call("", "Inner", &["x"], &["a"], &[]).call("", "Inner", &["a"], &["b"], &[]);
    body.op("Add", &["b", "x"], "y", &[]);
    let outer = body.function("Outer", [&["x"], &["y", "x", "y"]], &[], &[]);

    let mut onnx = Onnx::new(17, &IMAGE);
    onnx.call("n", "Outer", &["x"], &["p", "same", "again"], &[]).op("Relu", &["again"], "n/a", &[]);
    onnx.call("n", "Outer", &["n/a"], &["q"], &[]).op("Sum", &["p", "q", "same"], "s", &[]);
    onnx.op("Flatten", &["s"], "out", &[]);

    let mut plain = Onnx::new(17, &IMAGE);
    let outer_of = |plain: &mut Onnx, x: &str, y: &str| {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| format!("{y}-{name}"));
        plain.op("Neg", &[x], &a, &[]).op("Exp", &[&a], &b, &[]).op("Neg", &[&b], &c, &[]).op("Exp", &[&c], &d, &[]);
        plain.op("Add", &[&d, x], y, &[]);
    };
    outer_of(&mut plain, "x", "p");
    plain.op("Relu", &["p"], "r", &[]);
    outer_of(&mut plain, "r", "q");
    plain.op("Sum", &["p", "q", "x"], "s", &[]).op("Flatten", &["s"], "out", &[]);
    compare(&onnx, &[outer, inner], &plain);
}

/// A softmax over all axes from the second, as before version 13.
#[test]
fn functions_of_an_older_operator_set() {
    let mut body = Onnx::new(12, &IMAGE);
    body.op("Softmax", &["x"], "y", &[]);
    let old = body.function("Old", [&["x"], &["y"]], &[["Softmax", "axis", "from"]], &[]);
    let mut onnx = Onnx::new(17, &IMAGE);
    onnx.call("", "Old", &["x"], &["s"], &[]).op("Flatten", &["s"], "out", &[]);
    let mut plain = Onnx::new(17, &IMAGE);
    plain.op("Flatten", &["x"], "f", &[]).op("Softmax", &["f"], "out", &[]);
    compare(&onnx, &[old], &plain);
}

#[test]
fn functions_that_cannot_be_replaced() {
    let twice = |name: &str| {
        let mut body = Onnx::new(17, &IMAGE);
        body.call("", name, &["x"], &["a"], &[]).call("", name, &["a"], &["y"], &[]);
        body
    };
    let mut relu = Onnx::new(17, &IMAGE);
    relu.op("Relu", &["x"], "y", &[]);
    let [x, y]: [&[&str]; 2] = [&["x"], &["y"]];
    // Each of 40 functions calls the next one twice.
    let doubling = (0..40).map(|i| twice(&format!("F{}", i + 1)).function(&format!("F{i}"), [x, y], &[], &[]));
    let doubling = doubling.chain([relu.function("F40", [x, y], &[], &[])]).collect::<Vec<_>>().concat();
    let old = Onnx::new(6, &IMAGE);
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        ("recursion", twice("F0").function("F0", [x, y], &[], &[]), &["local.F0", "calls itself"]),
        ("doubling", doubling, &["more than", "nodes"]),
        ("two of one name", relu.function("F0", [x, y], &[], &[]).repeat(2), &["local.F0", "defined twice"]),
        ("more inputs", relu.function("F0", [&[], y], &[], &[]), &["node 'f'", "1 inputs", "has 0"]),
        ("another operator set", old.function("F0", [x, y], &[], &[]), &["operator set 6", "local.F0"]),
        ("no producer", relu.function("F0", [x, &["z"]], &[], &[]), &["'r', read by", "has no producer"]),
    ];
    let mut onnx = Onnx::new(17, &IMAGE);
    onnx.call("f", "F0", &["x"], &["r"], &[]).op("Flatten", &["r"], "out", &[("axis", Int(1))]);
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([1, 2, 4, 5], &[0.5; 40], &[0]));
    for_each_case(cases, |(_, functions, needles)| {
        folder.write("net.onnx", [onnx.bytes("out"), functions].concat());
        folder.refuses("--model net.onnx --data set.safetensors", needles);
    });
}
