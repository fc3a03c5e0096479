//! Parameters that a network computes: of an image, they are that image's own, whatever the batch.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::float_set;
use crate::common::onnx::{Attr, Onnx};
use crate::common::random::Random;
use Attr::{Float, Int, Ints};

const IMAGE: [usize; 3] = [3, 4, 5];
const SAMPLES: usize = 5;

/// Adds the value `p` of `shape` to a network: computed from the image, from shapes, or from constants.
fn parameter(net: &mut Onnx, random: &mut Random, shape: &[i64]) {
    let elements = shape.iter().product::<i64>();
    match random.below(5) {
        // Numbers of the image.
        0..=2 => {
            net.ints("pixels", &[0]).ints("end", &[elements]).ints("first axis", &[1]).ints("row", &[0, -1]);
            net.op("Reshape", &["x", "row"], "rows", &[]);
            net.op("Slice", &["rows", "pixels", "end", "first axis"], "some", &[]);
            let reduced = random.below(2) == 0;
            let source = if reduced {
                // A mean over the batch, which no single sample has.
                net.ints("batch axis", &[0]);
                match random.below(2) {
                    0 => net.op("ReduceMean", &["some"], "mean", &[("axes", Ints(&[0])), ("keepdims", Int(1))]),
                    _ => net.op("ReduceMax", &["some"], "mean", &[("axes", Ints(&[0])), ("keepdims", Int(1))]),
                };
                "mean"
            } else {
                "some"
            };
            net.ints("shape of p", shape).op("Reshape", &[source, "shape of p"], "p", &[]);
        }
        // The size of the batch.
        3 => {
            net.op("Shape", &["x"], "sizes", &[]).ints("first", &[0]).op("Gather", &["sizes", "first"], "size", &[]);
            net.op("Cast", &["size"], "number", &[("to", Int(1))]).scalar("tenth", 0.1);
            net.op("Mul", &["number", "tenth"], "scaled", &[]).ints("shape of p", shape);
            net.op("Expand", &["scaled", "shape of p"], "p", &[]);
        }
        _ => {
            let sizes: Vec<usize> = shape.iter().map(|&size| size as usize).collect();
            net.random("raw", &sizes).op("Tanh", &["raw"], "p", &[]);
        }
    }
}

/// An operator over `x` that has the parameter `p`, and its output `y`.
fn operator(net: &mut Onnx, random: &mut Random) {
    let node = random.below(14);
    let mut with = |net: &mut Onnx, shape: &[i64]| parameter(net, random, shape);
    let vector = [3usize];
    match node {
        0 => {
            with(net, &[2, 3, 1, 1]);
            net.op("Conv", &["x", "p"], "y", &[]);
        }
        1 => {
            with(net, &[3, 1, 2, 2]);
            net.op("Conv", &["x", "p"], "y", &[("group", Int(3))]);
        }
        2 => {
            with(net, &[2]);
            net.random("w", &[2, 3, 3, 3]).op("Conv", &["x", "w", "p"], "y", &[]);
        }
        3 => {
            with(net, &[3, 2, 2, 2]);
            net.op("ConvTranspose", &["x", "p"], "y", &[("strides", Ints(&[2, 2]))]);
        }
        4 => {
            with(net, &[2]);
            net.random("w", &[3, 2, 2, 2]).op("ConvTranspose", &["x", "w", "p"], "y", &[]);
        }
        5 => {
            with(net, &[4, 6]);
            net.ints("cut", &[0, -1]).ints("a", &[0]).ints("b", &[4]).ints("axis", &[1]);
            net.op("Reshape", &["x", "cut"], "flat", &[]).op("Slice", &["flat", "a", "b", "axis"], "four", &[]);
            net.op("Gemm", &["four", "p"], "y", &[]);
        }
        6 => {
            with(net, &[6]);
            net.ints("cut", &[0, -1]).random("w", &[60, 6]).op("Reshape", &["x", "cut"], "flat", &[]);
            net.op("Gemm", &["flat", "w", "p"], "y", &[]);
        }
        7 => {
            with(net, &[1, 1, 5, 2]);
            net.op("MatMul", &["x", "p"], "y", &[]);
        }
        8 => {
            with(net, &[3, 1, 1]);
            net.op("PRelu", &["x", "p"], "y", &[]);
        }
        9 => {
            with(net, &[3]);
            net.random("shift", &vector).op("InstanceNormalization", &["x", "p", "shift"], "y", &[]);
        }
        10 => {
            with(net, &[5]);
            net.op("LayerNormalization", &["x", "p"], "y", &[("axis", Int(-1)), ("epsilon", Float(1e-3))]);
        }
        11 => {
            with(net, &[3]);
            net.random("shift", &vector).random("mean", &vector).random_between("var", &vector, 0.5, 2.0);
            net.op("BatchNormalization", &["x", "p", "shift", "mean", "var"], "y", &[]);
        }
        12 => {
            with(net, &[1, 3, 4, 5]);
            net.op("Mul", &["x", "p"], "y", &[]);
        }
        _ => {
            with(net, &[5, 1]);
            net.op("MatMul", &["x", "p"], "y", &[]);
        }
    }
}

/// Either a network is refused for every batch size, or its outputs are those of each sample alone.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn parameters_of_an_image_are_its_own() {
    let folder = Folder::new();
    let images = Random::new(3).floats(SAMPLES * IMAGE.iter().product::<usize>(), -2.0, 2.0);
    folder.write("set.safetensors", float_set([SAMPLES, IMAGE[0], IMAGE[1], IMAGE[2]], &images, &[0; SAMPLES]));
    let mut run = 0;
    for_each_case(0..120u64, |seed| {
        let mut random = Random::new(seed);
        let mut net = Onnx::new(17, &IMAGE);
        operator(&mut net, &mut random);
        net.op("Flatten", &["y"], "out", &[("axis", Int(1))]);
        folder.write("net.onnx", net.bytes("out"));
        let args = "--model net.onnx --data set.safetensors --layout nchw -b";
        if folder.run(&format!("{args} 1")).code != Some(0) {
            [2, 5].into_iter().for_each(|batch| drop(folder.refuses(&format!("{args} {batch}"), &["net.onnx"])));
            return;
        }
        run += 1;
        let logits = |batch: usize| folder.logits(&format!("{args} {batch}")).concat();
        let alone = logits(1);
        assert_eq!(alone.len() % SAMPLES, 0);
        for batch in [2, 5] {
            for (&found, &expected) in logits(batch).iter().zip(&alone) {
                let [found, expected] = [found, expected].map(f32::from_bits);
                assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "-b {batch}: {found} {expected}");
            }
        }
    });
    assert!(run > 60, "{run} networks were not refused");
}
