//! Networks whose files leave height, width or channels of their input open.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{byte_set, float_set};
use crate::common::onnx::{Attr, Onnx};
use crate::common::random::Random;

const SAMPLE: [usize; 3] = [3, 6, 5];

/// A network that takes images of any size.
fn network(sample: &[usize], open: &[usize]) -> Onnx {
    let mut onnx = Onnx::new(17, sample);
    for &axis in open {
        onnx.open(axis);
    }
    let is_nhwc = sample[2] == 3;
    let order = [("perm", Attr::Ints(if is_nhwc { &[0, 3, 1, 2] } else { &[0, 1, 2, 3] }))];
    onnx.random("w", &[4, 3, 3, 3]).op("Transpose", &["x"], "t", &order).op("Conv", &["t", "w"], "c", &[]);
    onnx.op("GlobalAveragePool", &["c"], "g", &[]).op("Flatten", &["g"], "out", &[]);
    onnx
}

fn folder() -> Folder {
    let folder = Folder::new();
    let images = Random::new(3).floats(4 * 90, -1.0, 1.0);
    folder.write("set.safetensors", float_set([4, 3, 6, 5], &images, &[0; 4]));
    folder.write("bytes.safetensors", byte_set([4, 3, 12, 10], &Random::new(4).bytes(4 * 360), &[0; 4]));
    folder
}

#[test]
fn sizes_are_those_of_the_data() {
    let folder = folder();
    folder.write("fixed.onnx", network(&SAMPLE, &[]).bytes("out"));
    let expected = folder.logits("--model fixed.onnx --data set.safetensors");
    let cases: [(&[usize], &[usize], &str); 5] = [
        (&SAMPLE, &[2, 3], ""),
        (&SAMPLE, &[1, 2, 3], "--layout nchw"),
        (&SAMPLE, &[3], "--input 3,6,5"),
        (&[6, 5, 3], &[1, 2], ""),
        (&[6, 5, 3], &[1, 2, 3], "--layout nhwc"),
    ];
    for_each_case(cases, |(sample, open, args)| {
        folder.write("open.onnx", network(sample, open).bytes("out"));
        assert_eq!(folder.logits(&format!("--model open.onnx --data set.safetensors {args}")), expected);
    });
    // After preprocessing.
    folder.write("open.onnx", network(&SAMPLE, &[2, 3]).bytes("out"));
    folder.write("fixed.onnx", network(&[3, 5, 5], &[]).bytes("out"));
    let [found, expected] = ["open", "fixed"]
        .map(|name| folder.logits(&format!("--model {name}.onnx --data bytes.safetensors --resize 6 --crop 5")));
    assert_eq!(found, expected);
}

#[test]
fn without_data_a_size_is_stated() {
    let folder = folder();
    folder.write("open.onnx", network(&SAMPLE, &[2, 3]).bytes("out"));
    folder.write("fixed.onnx", network(&SAMPLE, &[]).bytes("out"));
    let open = folder.json("model info open.onnx --input 3,6,5");
    let fixed = folder.json("model info fixed.onnx --input 3,6,5");
    assert_eq!((&open["layers"], &open["opcount"]), (&fixed["layers"], &fixed["opcount"]));
    let needles = ["open.onnx", "input 'x' is FLOAT[n, 3, d2, d3]", "--data", "--resize", "--crop", "--input"];
    folder.refuses("model info open.onnx", &needles);
    folder.refuses("--model open.onnx", &needles);
    let other = ["takes input [3, 6, 5]", "not [3, 9, 9]", "--input"];
    folder.refuses("model info fixed.onnx --input 3,9,9", &other);
    folder.refuses("--model fixed.onnx --data set.safetensors --input 3,9,9", &other);
    folder.refuses("--model lenet5 --input 1,32,32", &["lenet5 takes input [1, 28, 28]", "--input"]);
    // What is stated holds, whatever the data are.
    folder.refuses("--model open.onnx --data set.safetensors --input 3,9,9", &["images are 6 x 5", "takes 9 x 9"]);
    folder
        .refuses("--model open.onnx --data set.safetensors --input 1,6,5", &["takes input [3, 6, 5]", "not [1, 6, 5]"]);
    folder.refuses("model info open.onnx --input 3,2,2", &["'c' (Conv)"]);
    folder.refuses("model info open.onnx --input 3,2", &["--input", "three numbers"]);
}
