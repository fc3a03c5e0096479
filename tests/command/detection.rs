//! Anomaly detectors: what they cannot give back, and what the area under their curve is.

use crate::common::cases::for_each_case;
use crate::common::files::{Stored, f32_bytes, float_set, read_logits, safetensors, stored};
use crate::common::onnx::{Attr, Onnx};
use crate::common::random::Random;
use crate::common::{Folder, csv_rows, integer, markdown, number};
use Attr::Ints;
use approx_eval::zoo::{Architecture, random_weights};
use safetensors::Dtype;

const WINDOW: usize = 640;
const WINDOWS: usize = 24;
/// Windows of a recording.
const ROWS: usize = 4;
const ARCH: &str = "--arch autoencoder --weights w.safetensors";
const RUN: &str = "--arch autoencoder --weights w.safetensors -d set.safetensors --calib-data set.safetensors";

/// Labels of the windows: a third is anomalous.
fn labels() -> Vec<u8> {
    (0..WINDOWS).map(|i| u8::from(i % 3 == 1)).collect()
}

/// Windows, of which the anomalous ones are somewhat larger.
fn windows() -> Vec<f32> {
    let mut random = Random::new(31);
    let window = |label: &u8| random.floats(WINDOW, -1.0, 1.0 + 0.2 * f32::from(*label));
    labels().iter().flat_map(window).collect()
}

/// A folder with the zoo's autoencoder of random weights, and its windows.
fn folder() -> Folder {
    let folder = Folder::new();
    let graph = Architecture::find("autoencoder").unwrap().build([1, 5, 128], WINDOW, None).unwrap();
    let tensor = |(name, tensor): (String, candle_core::Tensor)| -> Stored {
        let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        stored(&name, Dtype::F32, tensor.dims(), f32_bytes(&values))
    };
    let tensors: Vec<Stored> = random_weights(&graph, 5).into_iter().map(tensor).collect();
    folder.write("w.safetensors", safetensors(&tensors));
    folder.write("set.safetensors", float_set([WINDOWS, 1, 5, 128], &windows(), &labels()));
    folder
}

/// The mean squared difference of a sample and what the network gave back.
fn score(image: &[f32], output: &[f32]) -> f64 {
    let squares: f64 = image.iter().zip(output).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    squares / image.len() as f64
}

/// The share of pairs of a normal and an anomalous sample that are in order.
fn auc(scores: &[f64], labels: &[u8]) -> f64 {
    let of = |kind: u8| scores.iter().zip(labels).filter(move |(_, label)| **label == kind).map(|(score, _)| *score);
    let pairs = of(1).flat_map(|a| of(0).map(move |n| (a, n)));
    let count = pairs.clone().count() as f64;
    pairs
        .map(|(a, n)| {
            if a > n {
                1.0
            } else if a == n {
                0.5
            } else {
                0.0
            }
        })
        .sum::<f64>()
        / count
}

#[test]
fn the_autoencoder_has_an_area() {
    let folder = folder();
    let mut reports = Vec::new();
    for mode in ["base", "quant"] {
        let args = format!("{RUN} --mode {mode} --logits l.st --predictions {mode}.csv -o {mode}.json");
        let report = folder.json(&args);
        let outputs = read_logits(&folder.read("l.st"));
        let images = windows();
        let scores: Vec<f64> = images.chunks(WINDOW).zip(&outputs).map(|(x, y)| score(x, y)).collect();
        let expected = auc(&scores, &labels());
        assert!((number(&report, "/detection/auc") - expected).abs() < 1e-12, "{mode}: {report:#}");
        assert!(report["accuracy"].is_null() && report["classes"].as_array().unwrap().is_empty(), "{report:#}");
        assert_eq!((integer(&report, "/detection/normal"), integer(&report, "/detection/anomalous")), (16, 8));
        let rows = csv_rows(&folder.read(&format!("{mode}.csv")));
        assert_eq!(rows[0], ["index", "label", "score"]);
        let written: Vec<f64> = rows[1..].iter().map(|row| row[2].parse().unwrap()).collect();
        let close = scores.iter().zip(&written).all(|(a, b)| (a - b).abs() <= 1e-12 * a);
        assert!(close && written.len() == WINDOWS, "{mode}: {written:?}, expected {scores:?}");
        reports.push(report);
    }
    // Runs of the same samples are compared by DeLong's test, in the same pass or later.
    let [base, quant] = reports.as_slice() else { unreachable!() };
    let difference = number(quant, "/detection/auc") - number(base, "/detection/auc");
    let report = folder.json(&format!("{RUN} --mode quant --compare base"));
    let compared = folder.json("compare base.json quant.json");
    for comparison in [&report["comparisons"][0], &compared["runs"][0]["comparison"]] {
        assert!((number(comparison, "/difference") - difference).abs() < 1e-12, "{comparison:#}");
        assert!((0.0..=1.0).contains(&number(comparison, "/delong_p")) && comparison["mcnemar_p"].is_null());
    }
    assert_eq!(number(&report["comparisons"][0], "/reference_auc"), number(base, "/detection/auc"));
    assert_eq!(number(&compared, "/reference/auc"), number(base, "/detection/auc"));
    // An exact multiplier gives the same scores, bit for bit.
    folder.run_to(0, &format!("{RUN} --lut exact --coding signed --predictions exact.csv"));
    assert_eq!(folder.read("exact.csv"), folder.read("quant.csv"));
}

#[test]
fn gates_and_formats_know_areas() {
    let folder = folder();
    let run = format!("{RUN} --mode base");
    let area = number(&folder.json(&format!("{run} -o base.json --predictions b.csv")), "/detection/auc");
    folder.run_to(0, &format!("{run} --min-accuracy {}", area - 0.01));
    let failed = folder.run_to(1, &format!("{run} --min-accuracy {}", area + 0.01));
    assert!(failed.stdout.contains("AUC") && failed.stdout.contains("FAILED"), "{failed:?}");
    folder.run_to(0, &format!("{run} --baseline base.json --max-drop 0 --alpha 0.05"));
    let csv = folder.run_to(0, &format!("{run} --format csv")).csv();
    let column = csv[0].iter().position(|name| name == "auc").unwrap();
    assert_eq!(csv[1][column].parse::<f64>().unwrap(), area);
    for format in ["table", "markdown", "junit"] {
        let shown = folder.run_to(0, &format!("{run} --compare quant --min-accuracy 0 --format {format}"));
        assert!(shown.stdout.contains(&format!("{area:.4}")), "{format}: {shown:?}");
    }
    folder.refuses(&format!("{run} --confusion c.csv"), &["--confusion", "anomaly-detection"]);
    folder.refuses(&format!("{run} -n 1"), &["first 1 of 24", "at least 2"]);
    folder.run_to(0, "-n 5 --mode base -o lenet.json --predictions l.csv");
    folder
        .refuses(&format!("{run} --baseline lenet.json --max-drop 1"), &["--baseline", "lenet.json", "classification"]);
    folder.refuses("compare base.json lenet.json", &["lenet.json"]);
    folder.write("three.safetensors", float_set([3, 1, 5, 128], &windows()[..3 * WINDOW], &[0, 1, 2]));
    folder.refuses(&format!("{ARCH} -d three.safetensors"), &["sample 2 has label 2"]);
    folder.refuses("--mode base --task anomaly-detection", &["--task", "10 numbers"]);
}

/// A recording of windows has the mean of their scores, and the multiplications of all.
#[test]
fn recordings_are_scored_by_their_windows() {
    let folder = folder();
    let recordings = WINDOWS / ROWS;
    let labels: Vec<u8> = (0..recordings).map(|i| u8::from(i % 2 == 1)).collect();
    folder.write("recordings.safetensors", float_set([recordings, 1, ROWS, WINDOW], &windows(), &labels));
    folder.write("rows.safetensors", float_set([WINDOWS, 1, 1, WINDOW], &windows(), &self::labels()));
    for mode in ["base", "quant"] {
        let scores = |set: &str| -> Vec<f64> {
            folder.run_to(0, &format!("{ARCH} -d {set} --calib-data {set} --mode {mode} --predictions p.csv"));
            csv_rows(&folder.read("p.csv"))[1..].iter().map(|row| row[2].parse().unwrap()).collect()
        };
        let means: Vec<f64> =
            scores("rows.safetensors").chunks(ROWS).map(|rows| rows.iter().sum::<f64>() / ROWS as f64).collect();
        let found = scores("recordings.safetensors");
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-5 * a;
        assert!(found.len() == recordings && found.iter().zip(&means).all(close), "{mode}: {found:?}, {means:?}");
    }
    let opcount = |set: &str| integer(&folder.json(&format!("{ARCH} -d {set} --mode base")), "/opcount/per_sample");
    assert_eq!(opcount("recordings.safetensors"), ROWS as u64 * opcount("rows.safetensors"));
}

/// A directory takes what the bare weights do, and its configuration may say recordings.
#[test]
fn a_model_directory_takes_windows_and_recordings() {
    let folder = folder();
    let recordings = WINDOWS / ROWS;
    let labels: Vec<u8> = (0..recordings).map(|i| u8::from(i % 2 == 1)).collect();
    folder.write("recordings.safetensors", float_set([recordings, 1, ROWS, WINDOW], &windows(), &labels));
    folder.write("rows.safetensors", float_set([WINDOWS, 1, 1, WINDOW], &windows(), &self::labels()));
    for (name, input) in [("plain", ""), ("windows", r#", "input": {"shape": [1, 4, 640]}"#)] {
        folder.write(&format!("{name}/config.json"), format!(r#"{{"architecture": "autoencoder"{input}}}"#));
        folder.write(&format!("{name}/model.safetensors"), folder.read("w.safetensors"));
        for set in ["set", "rows", "recordings"] {
            let args = |model: &str| format!("{model} -d {set}.safetensors --mode base");
            let expected = folder.logits(&args(ARCH));
            assert_eq!(folder.logits(&args(&format!("-m {name}"))), expected, "{name} {set}");
        }
    }
}

/// Scales that a file gives are nothing that options for calibration change, and the report says so.
#[test]
fn options_of_calibration_are_said_to_be_unused() {
    let folder = folder();
    folder.run_to(0, &format!("{RUN} --mode quant --save-qparams q.json"));
    let notes = |args: &str| folder.json(&format!("{RUN} --mode quant --qparams q.json {args}"))["notes"].to_string();
    assert!(!notes("").contains("did not change"));
    let cases = [
        ("--act-bits 6", "which act_bits did"),
        ("--calib percentile", "which calib did"),
        ("--set fc1:weight_bits=4", "which the widths of rules did"),
    ];
    for_each_case(cases, |(option, name)| {
        assert!(notes(option).contains(name), "{option}: {}", notes(option));
    });
}

#[cfg(unix)]
#[test]
fn the_recipe_of_the_docs_runs() {
    let folder = folder();
    for (from, to) in [("w", "ad"), ("set", "toycar"), ("set", "toycar-train")] {
        folder.write(&format!("{to}.safetensors"), folder.read(&format!("{from}.safetensors")));
    }
    let docs = markdown::of_the_project("docs/data.md");
    let recipes = markdown::blocks(&docs, "sh");
    let recipe = recipes.iter().find(|recipe| recipe.contains("autoencoder")).unwrap();
    folder.shell(recipe).assert().success().stdout(predicates::str::contains("AUC"));
}

/// Networks that give back images are judged by these, channels first or last.
#[test]
fn images_are_given_back() {
    let folder = Folder::new();
    let [channels, height, width] = [3, 5, 4];
    let images = Random::new(3).floats(6 * channels * height * width, 0.0, 1.0);
    let labels = [0, 1, 0, 1, 1, 0];
    folder.write("set.safetensors", float_set([6, channels, height, width], &images, &labels));
    let convolved = |net: &mut Onnx, x: &str, y: &str| {
        net.random("w", &[3, 3, 3, 3]);
        net.op("Conv", &[x, "w"], y, &[("pads", Ints(&[1; 4]))]);
    };
    let mut first = Onnx::new(17, &[channels, height, width]);
    convolved(&mut first, "x", "y");
    let mut last = Onnx::new(17, &[height, width, channels]);
    last.op("Transpose", &["x"], "nchw", &[("perm", Ints(&[0, 3, 1, 2]))]);
    convolved(&mut last, "nchw", "z");
    last.op("Transpose", &["z"], "y", &[("perm", Ints(&[0, 2, 3, 1]))]);
    let mut outputs = Vec::new();
    for (net, layout) in [(&first, "nchw"), (&last, "nhwc")] {
        folder.write("net.onnx", net.bytes("y"));
        let args = format!("-m net.onnx -d set.safetensors --layout {layout} --mode base --logits l.st");
        let report = folder.json(&args);
        let rows = read_logits(&folder.read("l.st"));
        let scores: Vec<f64> = images.chunks(channels * height * width).zip(&rows).map(|(x, y)| score(x, y)).collect();
        assert!((number(&report, "/detection/auc") - auc(&scores, &labels)).abs() < 1e-12, "{report:#}");
        outputs.push(rows);
    }
    assert_eq!(outputs[0], outputs[1]);
}

/// Rows as long as the image's are classes, unless said otherwise.
#[test]
fn rows_are_classes_unless_said_otherwise() {
    let folder = Folder::new();
    let images = Random::new(4).floats(6 * 7, -1.0, 1.0);
    folder.write("set.safetensors", float_set([6, 1, 1, 7], &images, &[0, 1, 0, 1, 1, 0]));
    let mut net = Onnx::new(17, &[7]);
    net.random("w", &[7, 7]).op("MatMul", &["x", "w"], "y", &[]);
    folder.write("net.onnx", net.bytes("y"));
    let plain = folder.json("-m net.onnx -d set.safetensors --mode base");
    assert_eq!(integer(&plain, "/accuracy/total"), 6);
    assert!(plain["notes"].to_string().contains("could also be one for anomaly-detection"), "{plain:#}");
    let asked = folder.json("-m net.onnx -d set.safetensors --mode base --task anomaly-detection");
    assert_eq!((integer(&asked, "/detection/total"), asked["accuracy"].is_null()), (6, true));
}
