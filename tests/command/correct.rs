//! `approx-eval correct`: networks that are corrected for a multiplier, and what runs them.

use crate::common::cases::for_each_case;
use crate::common::files::{byte_set, float_set, safetensors, stored};
use crate::common::network::{TINY, Tiny};
use crate::common::onnx::Attr::{Int, Ints};
use crate::common::onnx::Onnx;
use crate::common::random::Random;
use crate::common::{Folder, number};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

/// The numbers of a tensor of `f32`.
fn floats(file: &SafeTensors, name: &str) -> Vec<f32> {
    let tensor = file.tensor(name).unwrap_or_else(|_| panic!("no tensor {name}"));
    tensor.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

/// Every corrected weight is an integer times its channel's scale, within the range of `qparams.json`.
fn weights_are_integers(folder: &Folder, directory: &str) -> usize {
    let bytes = folder.read(&format!("{directory}/corrections.safetensors"));
    let (tensors, qparams) =
        (SafeTensors::deserialize(&bytes).unwrap(), folder.read_json(&format!("{directory}/qparams.json")));
    let config = folder.read_json(&format!("{directory}/config.json"));
    let mut mapped = 0;
    for (name, layer) in config["correction"]["layers"].as_object().unwrap() {
        let parts = layer["parts"].as_array().unwrap();
        if parts.is_empty() {
            assert!(tensors.tensor(&format!("{name}.weight")).is_err(), "{name} stays as it is");
            continue;
        }
        if !parts.contains(&json!("map")) {
            continue;
        }
        mapped += 1;
        let weight = floats(&tensors, &format!("{name}.weight"));
        let params = &qparams["layers"][name]["weight"];
        let scales = params["scale"].as_array().unwrap();
        let zero_points = params["zero_point"].as_array().unwrap();
        let each = weight.len() / scales.len();
        for (i, &w) in weight.iter().enumerate() {
            let scale = scales[i / each].as_f64().unwrap() as f32;
            let steps = w / scale;
            let integer = f64::from(steps.round()) + zero_points[i / each].as_f64().unwrap();
            let range = params["q_min"].as_f64().unwrap()..=params["q_max"].as_f64().unwrap();
            assert!((steps - steps.round()).abs() < 1e-4 && range.contains(&integer), "{name}: {w} by {scale}");
        }
    }
    mapped
}

/// A small network and its set, labeled by what it says itself with exact products under `options`: on that, errors of a
/// multiplier are those of the network.
fn tiny(seed: u64, options: &str) -> (Tiny, Folder) {
    let (mut tiny, folder) = Tiny::folder(seed);
    folder.run_to(0, &format!("{TINY} --mode quant {options} --predictions p.csv"));
    let lines = String::from_utf8(folder.read("p.csv")).unwrap();
    let prediction = |line: &str| line.split(',').nth(2).unwrap().parse().unwrap();
    tiny.labels = lines.lines().skip(1).map(prediction).collect();
    tiny.write(&folder);
    (tiny, folder)
}

/// The directory runs as its document says, on the samples that were kept out, and is what hardware needs.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn a_corrected_network_runs_as_it_was_judged() {
    let (tiny, folder) = tiny(900, "--lut truncated-8");
    let image = tiny.images.len() / Tiny::SAMPLES;
    let kept = float_set([2, Tiny::CHANNELS, Tiny::SIDE, Tiny::SIDE], &tiny.images[8 * image..], &tiny.labels[8..]);
    folder.write("kept.safetensors", kept);
    for (parts, out) in [("--parts map,bias,affine", "named"), ("", "chosen")] {
        let report = folder.json(&format!("correct {TINY} --lut truncated-8 {parts} -o {out}"));
        assert_eq!((&report["schema"], &report["kind"]), (&json!(1), &json!("correct")));
        assert_eq!((&report["calibration"]["fitted_on"], &report["calibration"]["kept_out"]), (&json!(8), &json!(2)));
        assert_eq!(folder.read_json(&format!("{out}/correction.json")), report);
        for format in ["table", "csv", "markdown", "latex", "junit"] {
            let output = folder
                .run_to(0, &format!("correct {TINY} --lut truncated-8 {parts} -o {format} --format {format}"))
                .stdout;
            assert!(format != "table" || output.lines().all(|line| line.chars().count() <= 80), "{output}");
            std::fs::remove_dir_all(folder.path(format)).unwrap();
        }
        let before = folder.json("--model tiny --data kept.safetensors --lut truncated-8");
        let after = folder.json(&format!("--model {out} --data kept.safetensors --lut truncated-8"));
        let top1 = |report: &Value| number(report, "/accuracy/top1");
        assert_eq!(number(&report, "/kept_out/before/metric"), top1(&before), "{report:#}");
        assert_eq!(number(&report, "/kept_out/after/metric"), top1(&after), "{report:#}");
        assert!(top1(&after) >= top1(&before));
        assert_eq!(
            (&after["model"]["name"], &after["config"]["quantization"]["source"]),
            (&json!(out), &json!("model-file"))
        );
        assert_ne!(after["model"]["blake3"], before["model"]["blake3"]);
        let is_noted = |report: &Value| report["notes"].to_string().contains("is corrected for");
        assert!(!is_noted(&after), "{}", after["notes"]);
        weights_are_integers(&folder, out);
    }
    let config = folder.read_json("named/config.json");
    assert_eq!((&config["architecture"], &config["input"]["shape"]), (&json!("lenet5"), &json!([2, 12, 12])));
    let correction = &config["correction"];
    assert_eq!(correction["source"]["path"], "tiny");
    let plain = folder.json(&format!("{TINY} --lut truncated-8"));
    assert_eq!(correction["source"]["blake3"], plain["model"]["blake3"]);
    assert_eq!(correction["layers"]["conv1"]["lut"]["blake3"], plain["lut"]["blake3"]);
}

/// A shipped network gets most of what it lost back, by few samples of calibration.
#[test]
fn accuracy_comes_back() {
    let folder = Folder::new();
    let report = folder.json("correct -m lenet5 -l etm --calib-samples 256 -o out");
    assert_eq!(report["calibration"]["fitted_on"], 192);
    let top1 = |model: &str| number(&folder.json(&format!("-m {model} -l etm -n 500")), "/accuracy/top1");
    let exact = number(&folder.json("-m lenet5 --mode quant -l etm -n 500"), "/accuracy/top1");
    let (before, after) = (top1("lenet5"), top1("out"));
    assert!(after - before > 0.5 * (exact - before), "{before} {after} {exact}");
    assert!(weights_are_integers(&folder, "out") > 0, "{report:#}");
    // Its dataset is the network's own, by name, and so is all else that it says.
    let config = folder.read_json("out/config.json");
    assert_eq!((&config["dataset"], &config["labels"][0]), (&json!("fashion-mnist"), &json!("T-shirt/top")));
}

/// What a run of a corrected network is that is not the one it was corrected for.
#[test]
fn other_runs_are_noted() {
    let (_, folder) = tiny(901, "--lut truncated-8");
    folder.run_to(0, &format!("correct {TINY} --lut truncated-8 --parts map,bias -o out"));
    let run = |args: &str| folder.run_to(0, &format!("--model out --data tiny.safetensors {args} --format json"));
    for_each_case(
        [
            ("--lut drum-4", "multiply by another multiplier, such as drum-4", true),
            ("--lut truncated-8 --coding affine", "are quantized otherwise", true),
            ("--lut truncated-8 --calib-data tiny.safetensors --act-bits 5", "are quantized otherwise", true),
            ("--lut truncated-8 --swap-operands --set fc1:mode=quant", "1 of 5 corrected layers, in mode quant", false),
            ("--mode quant", "5 of 5 corrected layers, in mode quant", false),
            ("--mode base", "in mode base", false),
        ],
        |(args, note, is_warning)| {
            let run = run(args);
            let notes = run.json()["notes"].to_string();
            assert!(notes.contains(note), "{args}: {notes}");
            assert_eq!(run.stderr.contains("is corrected for"), is_warning, "{args}: {}", run.stderr);
        },
    );
    // Other scales, where they are asked for.
    let source = |args: &str| run(args).json()["config"]["quantization"]["source"].clone();
    assert_eq!(source("--lut truncated-8"), "model-file");
    assert_eq!(source("--lut truncated-8 --calib-data tiny.safetensors"), "calib-data");
    folder.run_to(0, &format!("{TINY} --lut truncated-8 --save-qparams q.json"));
    assert_eq!(source("--lut truncated-8 --qparams q.json"), "qparams");
}

/// Grouped, depthwise and transposed convolutions and linear layers of an ONNX file; a state dict; several multipliers.
#[test]
fn every_source_can_be_corrected() {
    let folder = Folder::new();
    let images = Random::new(9).floats(12 * 4 * 9 * 8, -1.0, 1.0);
    let labels: Vec<u8> = (0..12).map(|i| i % 3).collect();
    folder.write("set.safetensors", float_set([12, 4, 9, 8], &images, &labels));
    let mut net = Onnx::new(17, &[4, 9, 8]);
    let attributes = [("group", Int(2)), ("strides", Ints(&[2, 1])), ("pads", Ints(&[2, 0, 1, 3]))];
    net.random("a.weight", &[6, 2, 3, 2]).random("a.bias", &[6]);
    net.op("Conv", &["x", "a.weight", "a.bias"], "a", &attributes).op("Relu", &["a"], "b", &[]);
    let attributes = [("group", Int(6)), ("pads", Ints(&[1, 1, 1, 1]))];
    net.random("dw.weight", &[6, 1, 3, 3]).op("Conv", &["b", "dw.weight"], "dw", &attributes);
    let attributes = [("group", Int(3)), ("strides", Ints(&[2, 3])), ("pads", Ints(&[1, 0, 0, 2]))];
    net.random("c.weight", &[6, 2, 3, 2]).op("ConvTranspose", &["dw", "c.weight"], "c", &attributes);
    net.op("GlobalAveragePool", &["c"], "pooled", &[]).op("Flatten", &["pooled"], "flat", &[]);
    net.random("fc.weight", &[6, 3]).op("Gemm", &["flat", "fc.weight"], "logits", &[]);
    folder.write("net.onnx", net.bytes("logits"));
    let onnx = "--model net.onnx --layout nchw";
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/models/lenet5/model.safetensors");
    let state_dict = format!("--arch lenet5 --weights {weights}");
    folder.write("gray.safetensors", byte_set([12, 1, 28, 28], &Random::new(10).bytes(12 * 784), &labels));
    for (out, network, data, lut) in [
        ("onnx", onnx, "set", "--lut truncated-8"),
        ("affine", onnx, "set", "--lut truncated-8 --coding affine --act-scheme affine"),
        ("integers", onnx, "set", "--lut mitchell --requantize once"),
        ("mixed", onnx, "set", "--lut truncated-8 --set fc:lut=drum-3 --set dw:mode=quant"),
        ("state-dict", &state_dict, "gray", "--lut truncated-8"),
    ] {
        let data = format!("--data {data}.safetensors");
        let calibration = data.replace("--data", "--calib-data");
        let report =
            folder.json(&format!("correct {network} {data} {calibration} {lut} --parts map,bias,affine -o {out}"));
        let run = folder.json(&format!("--model {out} {data} {lut}"));
        let notes = run["notes"].to_string();
        assert!(!notes.contains("multiply by another") && !notes.contains("quantized otherwise"), "{out}: {notes}");
        assert_eq!(number(&run, "/accuracy/total"), 12.0);
        let before = number(&report, "/kept_out/before/distance");
        let after = number(&report, "/kept_out/after/distance");
        assert!(after <= before, "{out}: {report:#}");
        weights_are_integers(&folder, out);
        // What was written is what was judged: the directory can be moved.
        let logits = folder.logits(&format!("--model {out} {data} {lut}"));
        std::fs::create_dir_all(folder.path("moved")).unwrap();
        std::fs::rename(folder.path(out), folder.path(format!("moved/{out}"))).unwrap();
        assert_eq!(folder.logits(&format!("--model moved/{out} {data} {lut}")), logits, "{out}");
    }
    let mixed = folder.read_json("moved/mixed/config.json");
    let layers = mixed["correction"]["layers"].as_object().unwrap();
    assert_eq!(layers.keys().collect::<Vec<_>>(), ["a", "c", "fc"]);
    assert_eq!((&layers["a"]["lut"]["name"], &layers["fc"]["lut"]["name"]), (&json!("truncated-8"), &json!("drum-3")));
}

#[test]
fn what_cannot_be_corrected_is_refused() {
    let (_, folder) = tiny(903, "--lut truncated-8");
    folder.run_to(0, &format!("correct {TINY} --lut truncated-8 -o out"));
    folder.write("few.safetensors", byte_set([3, 1, 28, 28], &Random::new(1).bytes(3 * 784), &[0, 1, 2]));
    let cases = [
        (format!("correct {TINY} -o new"), &["no layer with weights is in mode approx", "--lut"][..]),
        (format!("correct {TINY} --lut drum-4 --mode quant -o new"), &["no layer with weights is in mode approx"]),
        (format!("correct {TINY} --lut drum-4 --no-fold-bn -o new"), &["batch normalization", "--no-fold-bn"]),
        (format!("correct {TINY} --lut drum-4 -o out"), &["out", "not empty"]),
        (format!("correct {TINY} --lut drum-4 -o missing/new"), &["missing/new", "does not exist"]),
        (format!("correct {TINY} --lut drum-4 --parts maps -o new"), &["maps", "--parts"]),
        ("correct --model out --data tiny.safetensors --lut drum-4 -o new".to_owned(), &["corrected already"]),
        ("--model out --data tiny.safetensors --lut drum-4 --no-fold-bn".to_owned(), &["fold", "--no-fold-bn"]),
        ("correct -m lenet5 --lut drum-4 --calib-data few.safetensors -o new".to_owned(), &["3 calibration samples"]),
    ];
    for_each_case(cases, |(args, needles)| {
        folder.refuses(&args, needles);
        assert!(!folder.path("new").exists(), "{args} left something behind");
    });
    // Files of the directory that are not what they should be.
    let config = folder.read_json("out/config.json");
    let mut newer = config.clone();
    newer["correction"]["schema"] = json!(2);
    folder.write("out/config.json", newer.to_string());
    folder.refuses("--model out --data tiny.safetensors", &["config.json", "schema 2"]);
    folder.write("out/config.json", config.to_string());
    // As many numbers in another shape.
    let bytes = folder.read("out/corrections.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let flat = |(name, tensor): (String, TensorView)| {
        let shape = [tensor.shape().iter().product()];
        stored(&name, tensor.dtype(), &shape, tensor.data().to_vec())
    };
    let flat: Vec<_> = tensors.tensors().into_iter().map(flat).collect();
    folder.write("out/corrections.safetensors", safetensors(&flat));
    folder.refuses(
        "--model out --data tiny.safetensors",
        &["the correction's weight of layer", "has shape [", "expected ["],
    );
    folder.write("out/corrections.safetensors", "{}");
    folder.refuses("--model out --data tiny.safetensors", &["corrections.safetensors", "not a safetensors file"]);
    std::fs::remove_file(folder.path("out/corrections.safetensors")).unwrap();
    folder.refuses("--model out --data tiny.safetensors", &["corrections.safetensors"]);
}
