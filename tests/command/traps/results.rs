//! Results that no working network has.

use super::{fires, is_silent};
use crate::common::Folder;
use crate::common::files::{byte_set, float_set, idx, safetensors};
use crate::common::network::{StateDict, TINY, Tiny};
use crate::common::random::Random;
use serde_json::json;

/// A LeNet-5 of random weights, and 200 random images whose labels are `label` of the place and of the prediction.
fn guessing(label: impl Fn(usize, u8) -> u8) -> (Folder, String) {
    const SAMPLES: usize = 200;
    let folder = Folder::new();
    folder.write("w.safetensors", safetensors(&StateDict::lenet5(7, 1, 28, 10).stored()));
    let mut random = Random::new(330);
    // Some pixels of each image, which tell images apart.
    let bytes: Vec<u8> = (0..SAMPLES)
        .flat_map(|_| {
            let (first, value) = (random.below(600) as usize, random.next() as u8);
            (0..784).map(move |i| if (first..first + 184).contains(&i) { value } else { 0 })
        })
        .collect();
    let write = |labels: &[u8]| folder.write("set.safetensors", byte_set([SAMPLES, 1, 28, 28], &bytes, labels));
    write(&[0; SAMPLES]);
    let args = "--arch lenet5 --weights w.safetensors --data set.safetensors --mode base".to_owned();
    folder.run_to(0, &format!("{args} --predictions p.csv"));
    let predictions = crate::common::csv_rows(&folder.read("p.csv"));
    let labels: Vec<u8> =
        predictions[1..].iter().enumerate().map(|(i, row)| label(i, row[2].parse().unwrap())).collect();
    write(&labels);
    (folder, args)
}

#[test]
fn accuracy_of_guessing() {
    let (folder, args) = guessing(|i, _| (i % 10) as u8);
    fires(&folder, &args, &["no better than chance", "10.00 %", "top-1", "mean, std"]);
    let modes = args.replace("--mode base", "--mode quant --calib-data set.safetensors");
    fires(&folder, &modes, &["no better than chance", "compare with mode base"]);
    // Of few samples nothing can be said.
    for few in [1, 2, 5, 10] {
        is_silent(&folder, &format!("{args} -n {few}"), "chance");
    }
    // A network that is right half of the time.
    let (folder, args) = guessing(|i, prediction| if i % 2 == 0 { prediction } else { (i % 10) as u8 });
    is_silent(&folder, &args, "chance");
}

#[test]
fn classes_numbered_from_another_start() {
    let (folder, args) =
        guessing(|i, prediction| if i % 10 == 0 { (i / 10 % 10) as u8 } else { (prediction + 1) % 10 });
    fires(&folder, &args, &["the prediction is one less than the label", "another start"]);
    is_silent(&folder, &args, "chance");
}

/// The trained network on images whose labels are another permutation of the classes.
#[test]
fn classes_in_another_order() {
    let folder = Folder::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/fashion-mnist");
    let unpacked = |name: &str| {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(root.join(name)).unwrap();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut bytes).unwrap();
        bytes
    };
    let (images, labels) = (unpacked("t10k-images-idx3-ubyte.gz"), unpacked("t10k-labels-idx1-ubyte.gz"));
    let write = |name: &str, label: fn(u8) -> u8| {
        folder.write(&format!("{name}/t10k-images-idx3-ubyte"), idx(&[300, 28, 28], &images[16..][..300 * 784]));
        let labels: Vec<u8> = labels[8..][..300].iter().map(|&byte| label(byte)).collect();
        folder.write(&format!("{name}/t10k-labels-idx1-ubyte"), idx(&[300], &labels));
    };
    write("right", |label| label);
    write("permuted", |label| label * 3 % 10);
    for silent in ["chance", "order"] {
        is_silent(&folder, "--data right --mode base", silent);
    }
    // 0 and 5 stay where they are, so that a fifth is right.
    fires(&folder, "--data permuted --mode base", &["another order", "the order of the labels"]);
    is_silent(&folder, "--data permuted --mode base -n 50", "order");
}

/// A baseline that says that fp32 is right nine times in ten, on the same samples.
#[test]
fn next_to_nothing_of_fp32() {
    let (folder, args) = guessing(|_, prediction| (prediction + 5) % 10);
    folder.run_to(0, &format!("{args} -o base.json"));
    let mut base = folder.read_json("base.json");
    let accuracy =
        |top1: f64| json!({"top1": top1, "top5": null, "correct": 0, "total": 200, "ci95": [0, 1], "loss": 1});
    base["accuracy"] = accuracy(0.9);
    folder.write("base.json", base.to_string());
    let quant = args.replace("--mode base", "--mode quant --calib-data set.safetensors");
    let gates = "--baseline base.json --max-drop 1";
    fires(&folder, &format!("{quant} {gates}"), &["less than a tenth of fp32's 90.00 %", "0.00 %", "mode quant"]);
    is_silent(&folder, &format!("{quant} {gates} -n 50"), "fp32's");
    // What is no fp32 run, or hardly better.
    base["accuracy"] = accuracy(0.05);
    folder.write("base.json", base.to_string());
    is_silent(&folder, &format!("{quant} {gates}"), "fp32's");
    is_silent(&folder, &format!("{quant} --compare base"), "fp32's");
}

/// A network whose first layer has no weights: what follows sees zeros.
#[test]
fn layers_that_see_only_zeros() {
    let (tiny, folder) = Tiny::folder(331);
    is_silent(&folder, &format!("{TINY} --mode quant"), "zero");
    // A scale that rounds all that reaches fc2 to zero.
    folder.run_to(0, &format!("{TINY} --mode quant --save-qparams q.json"));
    let mut params = folder.read_json("q.json");
    params["layers"]["fc2"]["input"]["scale"] = json!(1e6);
    folder.write("q.json", params.to_string());
    for mode in ["quant", "approx --lut exact"] {
        let needles = ["the inputs of 'fc2' were zero in every sample", "mode quant and base"];
        fires(&folder, &format!("{TINY} --qparams q.json --mode {mode}"), &needles);
    }
    is_silent(&folder, &format!("{TINY} --qparams q.json --mode base"), "zero");
    let mut weights = tiny.weights.clone();
    for name in ["conv1.weight", "conv1.bias"] {
        weights.get_mut(name).values.fill(0.0);
    }
    folder.write("tiny/model.safetensors", safetensors(&weights.stored()));
    fires(&folder, &format!("{TINY} --mode base"), &["the inputs of 'conv2' were zero", "check the weights"]);
    let quant = format!("{TINY} --mode quant");
    fires(&folder, &quant, &["calibration saw only zeros in the inputs of 'conv2'", "calib_data"]);
    is_silent(&folder, &quant, "were zero");
    // One value of 2,880 is not zero, which a percentile clips.
    tiny.write(&folder);
    let mut images = vec![0.0; tiny.images.len()];
    images[0] = 1.0;
    folder.write("sparse.safetensors", float_set(Tiny::SHAPE, &images, &tiny.labels));
    let sparse = format!("{TINY} --mode quant --calib-data sparse.safetensors");
    fires(
        &folder,
        &format!("{sparse} --calib percentile:99"),
        &["percentile:99 found a range of 0", "'conv1'", "minmax"],
    );
    is_silent(&folder, &sparse, "only zeros");
}
