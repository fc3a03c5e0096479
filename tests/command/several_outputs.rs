//! ONNX files with several outputs, and outputs with axes of 1.

use crate::common::cases::for_each_case;
use crate::common::files::float_set;
use crate::common::onnx::{Attr, Onnx};
use crate::common::random::Random;
use crate::common::{Folder, integer, text};

const RUN: &str = "-m net.onnx -d set.safetensors --mode base";

fn folder() -> Folder {
    let folder = Folder::new();
    let images = Random::new(11).floats(4 * 3 * 6 * 5, -1.0, 1.0);
    folder.write("set.safetensors", float_set([4, 3, 6, 5], &images, &[0, 1, 2, 3]));
    folder
}

/// Features `map` and their means `pooled`, four classes `y` of these, `probabilities`, and what no network
/// can be judged by.
fn net() -> Onnx {
    let mut net = Onnx::new(17, &[3, 6, 5]);
    net.random("c", &[7, 3, 3, 3]).op("Conv", &["x", "c"], "map", &[]);
    net.op("GlobalAveragePool", &["map"], "means", &[]).op("Flatten", &["means"], "pooled", &[]);
    net.random("w", &[7, 4]).op("MatMul", &["pooled", "w"], "y", &[]);
    net.op("Softmax", &["y"], "probabilities", &[("axis", Attr::Int(1))]);
    net.op("ArgMax", &["y"], "class", &[("axis", Attr::Int(1))]);
    net.random("v", &[7, 2]).op("MatMul", &["pooled", "v"], "other", &[]);
    net.op("Sigmoid", &["map"], "mask", &[]);
    net
}

#[test]
fn the_one_that_fits_is_used() {
    let (folder, net) = (folder(), net());
    let alone = |output: &str| {
        folder.write("net.onnx", net.bytes(output));
        folder.logits(RUN)
    };
    let [y, probabilities, pooled] = ["y", "probabilities", "pooled"].map(alone);
    let cases = [
        (&["map", "y"][..], "y", &y),
        (&["y", "map"], "y", &y),
        (&["y", "mask"], "y", &y),
        (&["mask", "y", "class"], "y", &y),
        // Those that others are computed from are not the last.
        (&["pooled", "y"], "y", &y),
        (&["y", "probabilities"], "probabilities", &probabilities),
        (&["map", "pooled", "mask"], "pooled", &pooled),
    ];
    for_each_case(cases, |(outputs, used, expected)| {
        folder.write("net.onnx", net.bytes_of(outputs));
        assert_eq!(&folder.logits(RUN), expected, "{outputs:?}");
        let report = folder.json(RUN);
        let note = report["notes"].to_string();
        assert!(note.contains(&format!("output is '{used}'")), "{outputs:?}: {note}");
        // The option overrules, and what no other node needs is not there.
        assert_eq!(folder.logits(&format!("{RUN} --output-name {used}")), *expected, "{outputs:?}");
        let layers = |model: &str| folder.json(model)["layers"].as_array().unwrap().len();
        let needed = if used == "pooled" { 1 } else { 2 };
        assert_eq!(layers("model info net.onnx"), needed, "{outputs:?}");
    });
}

#[test]
fn several_that_fit_are_named() {
    let (folder, net) = (folder(), net());
    for outputs in [&["y", "other"][..], &["other", "map", "probabilities"]] {
        folder.write("net.onnx", net.bytes_of(outputs));
        let first = if outputs[0] == "y" { "'y' f32[N, 4]" } else { "'probabilities' f32[N, 4]" };
        let run = folder.refuses(RUN, &["net.onnx", "'other' f32[N, 2]", first, "--output-name"]);
        assert!(!run.stderr.contains("map"), "{run:?}");
        folder.run_to(2, "model info net.onnx");
        assert_eq!(integer(&folder.json("model info net.onnx --output-name other"), "/model/num_classes"), 2);
    }
    let report = folder.json("-m net.onnx -d set.safetensors --mode base --output-name probabilities -o r.json");
    assert_eq!(text(&report, "/config/output_name"), "probabilities");
    folder.refuses(&format!("{RUN} --output-name probabilites"), &["'probabilites'", "did you mean 'probabilities'"]);
    folder.refuses(&format!("{RUN} --output-name map"), &["'map' is f32[N, 7, 4, 3]"]);
    folder.refuses(&format!("{RUN} --output-name w"), &["'w'", "--output-name"]);
    folder.refuses("--output-name y --mode base", &["--output-name", "lenet5"]);
    let run = folder.run_to(2, "model info resnet20 --output-name y");
    assert!(run.stderr.contains("--output-name"), "{run:?}");
}

/// What an output is shows only when the network is built up to it: of very many, one has to be named.
#[test]
fn only_a_few_are_tried() {
    let folder = folder();
    let mut net = net();
    let maps: Vec<String> = (0..16).map(|i| format!("m{i}")).collect();
    for map in &maps {
        net.op("Neg", &["map"], map, &[]);
    }
    folder.write("net.onnx", net.bytes("y"));
    let expected = folder.logits(RUN);
    let mut outputs: Vec<&str> = maps.iter().map(String::as_str).collect();
    outputs[15] = "y";
    folder.write("net.onnx", net.bytes_of(&outputs));
    assert_eq!(folder.logits(RUN), expected);
    outputs.push("m15");
    folder.write("net.onnx", net.bytes_of(&outputs));
    folder.refuses(RUN, &["net.onnx", "17 outputs", "'m3'", "'y'", "--output-name"]);
    assert_eq!(folder.logits(&format!("{RUN} --output-name y")), expected);

    // Those that others are computed from do not count.
    let mut net = self::net();
    let steps: Vec<String> = (0..40).map(|i| format!("s{i}")).collect();
    let mut last = "y";
    for step in &steps {
        net.op("Neg", &[last], step, &[]);
        last = step;
    }
    let outputs: Vec<&str> = steps.iter().map(String::as_str).collect();
    folder.write("net.onnx", net.bytes_of(&outputs));
    // Forty times the other sign.
    assert_eq!(folder.logits(RUN), expected);
}

/// What none can be judged by names why.
#[test]
fn none_that_fits_says_why() {
    let (folder, net) = (folder(), net());
    folder.write("net.onnx", net.bytes_of(&["map", "mask"]));
    folder.refuses(RUN, &["net.onnx", "'mask' is f32[N, 7, 4, 3]", "[batch, classes]"]);
    folder.write("net.onnx", net.bytes_of(&["class", "mask"]));
    folder.refuses(RUN, &["net.onnx", "ArgMax"]);
}

#[test]
fn axes_of_1_are_squeezed() {
    let (folder, net) = (folder(), net());
    folder.write("net.onnx", net.bytes("y"));
    let expected = folder.logits(RUN);
    let cases: [&[i64]; 6] =
        [&[-1, 4, 1, 1], &[-1, 1, 4], &[-1, 1, 1, 4], &[-1, 1, 4, 1], &[-1, 4, 1], &[0, 1, 1, 1, 4]];
    for_each_case(cases, |shape| {
        let mut wide = self::net();
        wide.ints("shape", shape).op("Reshape", &["y", "shape"], "wide", &[]);
        folder.write("net.onnx", wide.bytes("wide"));
        for batch in [1, 3] {
            assert_eq!(folder.logits(&format!("{RUN} -b {batch}")), expected, "{shape:?}");
        }
        assert_eq!(text(&folder.json(RUN), "/model/task"), "classification", "{shape:?}");
    });
    let mut two = self::net();
    two.ints("shape", &[-1, 2, 2]).op("Reshape", &["y", "shape"], "two", &[]);
    folder.write("net.onnx", two.bytes("two"));
    folder.refuses(RUN, &["'two' is f32[N, 2, 2]", "[batch, classes]"]);
}
