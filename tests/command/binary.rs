//! Binary classifiers: one score a sample, a threshold, and the area under the ROC curve.

use crate::common::cases::for_each_case;
use crate::common::files::{float_set, read_logits, safetensors};
use crate::common::network::{Array, StateDict};
use crate::common::onnx::{Attr, Onnx};
use crate::common::pictures::gray_png;
use crate::common::random::Random;
use crate::common::{Folder, csv_rows, integer, number, text};
use serde_json::json;

const SAMPLES: usize = 23;
const FEATURES: usize = 3;
const RUN: &str = "-m net.onnx -d set.safetensors --mode base";

fn labels() -> Vec<u8> {
    (0..SAMPLES).map(|i| u8::from(i % 3 != 0)).collect()
}

fn features() -> Vec<f32> {
    let mut random = Random::new(7);
    labels().iter().flat_map(|&label| random.floats(FEATURES, -1.0, 1.0 + 0.3 * f32::from(label))).collect()
}

const WEIGHT: [f32; FEATURES] = [0.75, -0.5, 1.25];

/// What `features` come to, in `f64`.
fn scores(is_sigmoid: bool) -> Vec<f64> {
    let dot = |x: &[f32]| x.iter().zip(WEIGHT).map(|(x, w)| f64::from(*x) * f64::from(w)).sum::<f64>();
    let score = |x: f64| if is_sigmoid { 1.0 / (1.0 + (-x).exp()) } else { x };
    features().chunks(FEATURES).map(|x| score(dot(x))).collect()
}

/// `x w`, and what `finish` makes of this `z`: the value that is the output.
fn net(finish: impl FnOnce(&mut Onnx) -> &'static str) -> Vec<u8> {
    let mut net = Onnx::new(17, &[FEATURES]);
    net.tensor("w", &Array { shape: vec![FEATURES, 1], values: WEIGHT.to_vec() }).op("MatMul", &["x", "w"], "z", &[]);
    let output = finish(&mut net);
    net.bytes(output)
}

fn sigmoid(net: &mut Onnx) -> &'static str {
    net.op("Sigmoid", &["z"], "y", &[]);
    "y"
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([SAMPLES, 1, 1, FEATURES], &features(), &labels()));
    folder.write("net.onnx", net(sigmoid));
    folder
}

/// The share of pairs of samples of class 1 and 0 that are in order.
fn auc(scores: &[f64], labels: &[u8]) -> f64 {
    let of = |class: u8| scores.iter().zip(labels).filter(move |(_, label)| **label == class).map(|(score, _)| *score);
    let pairs: Vec<f64> = of(1).flat_map(|a| of(0).map(move |b| f64::from(u8::from(a > b)))).collect();
    pairs.iter().sum::<f64>() / pairs.len() as f64
}

/// What follows `x w`, and the value that is the output.
type Finish = fn(&mut Onnx) -> &'static str;

/// Networks of one output are judged by a threshold without being told: of 0.5 after a sigmoid, else of 0.
#[test]
fn accuracy_and_area_follow_from_the_scores() {
    let folder = folder();
    let cases: [(&str, bool, Finish); 5] = [
        ("sigmoid", true, sigmoid),
        ("logit", false, |_| "z"),
        ("one axis", true, |net| {
            sigmoid(net);
            net.ints("axes", &[1]).op("Squeeze", &["y", "axes"], "flat", &[]);
            "flat"
        }),
        ("clipped and reshaped", true, |net| {
            sigmoid(net);
            net.scalar("low", 1e-7).scalar("high", 0.999_999).op("Clip", &["y", "low", "high"], "clipped", &[]);
            net.ints("shape", &[-1, 1, 1]).op("Reshape", &["clipped", "shape"], "wide", &[]);
            "wide"
        }),
        ("a logit behind a sigmoid", false, |net| {
            sigmoid(net);
            net.scalar("half", 0.5).op("Sub", &["y", "half"], "centered", &[]);
            "centered"
        }),
    ];
    for_each_case(cases, |(name, is_probability, finish)| {
        folder.write("net.onnx", net(finish));
        let expected: Vec<f64> = match name {
            "a logit behind a sigmoid" => scores(true).iter().map(|score| score - 0.5).collect(),
            _ => scores(is_probability),
        };
        let threshold = if is_probability { 0.5 } else { 0.0 };
        for batch in [1, 2, 5] {
            let report = folder.json(&format!("{RUN} -b {batch} --predictions p.csv --logits l.st"));
            assert_eq!(text(&report, "/model/task"), "binary-classification");
            assert_eq!(number(&report, "/binary/threshold"), threshold, "{name}");
            assert!((number(&report, "/binary/auc") - auc(&expected, &labels())).abs() < 1e-12, "{report:#}");
            let right = expected.iter().zip(labels()).filter(|(score, label)| u8::from(**score > threshold) == *label);
            let right = right.count() as u64;
            assert_eq!((integer(&report, "/binary/correct"), integer(&report, "/binary/total")), (right, 23));
            assert_eq!(number(&report, "/binary/accuracy"), right as f64 / SAMPLES as f64);
            assert!(report["accuracy"].is_null() && !report["notes"].to_string().contains("ROC"), "{report:#}");
            let rows = csv_rows(&folder.read("p.csv"));
            assert_eq!(rows[0], ["index", "label", "score", "prediction", "correct"]);
            let logits = read_logits(&folder.read("l.st"));
            for ((row, score), (label, logit)) in rows[1..].iter().zip(&expected).zip(labels().iter().zip(logits)) {
                let class = u8::from(*score > threshold);
                assert!((row[2].parse::<f64>().unwrap() - score).abs() < 1e-6, "{row:?}, expected {score}");
                assert_eq!(f64::from(logit[0]).to_string(), row[2]);
                assert_eq!((&row[3], &row[4]), (&class.to_string(), &(class == *label).to_string()));
            }
        }
    });
}

/// Means of probabilities are probabilities, over positions as over networks; other sums are not.
#[test]
fn means_of_probabilities_have_the_threshold_of_one() {
    /// The probabilities of three logits, `[N, 1, 3]`.
    fn three(net: &mut Onnx) {
        net.ints("wide", &[-1, 1, 3]).op("Reshape", &["x", "wide"], "logits", &[]);
        net.op("Sigmoid", &["logits"], "p", &[]);
    }
    let folder = folder();
    let cases: [(&str, f64, Finish); 8] = [
        ("ReduceMean", 0.5, |net| {
            three(net);
            net.op("ReduceMean", &["p"], "y", &[("axes", Attr::Ints(&[2]))]);
            "y"
        }),
        ("GlobalAveragePool", 0.5, |net| {
            three(net);
            net.op("GlobalAveragePool", &["p"], "y", &[]);
            "y"
        }),
        ("AveragePool", 0.5, |net| {
            three(net);
            net.op("AveragePool", &["p"], "y", &[("kernel_shape", Attr::Ints(&[3]))]);
            "y"
        }),
        ("Mean of three networks", 0.5, |net| {
            sigmoid(net);
            net.op("HardSigmoid", &["z"], "h", &[]).op("Mean", &["y", "h", "y"], "m", &[]);
            "m"
        }),
        ("ReduceSum", 0.0, |net| {
            three(net);
            net.ints("axes", &[2]).op("ReduceSum", &["p", "axes"], "y", &[]);
            "y"
        }),
        ("Add", 0.0, |net| {
            sigmoid(net);
            net.op("Add", &["y", "y"], "sum", &[]);
            "sum"
        }),
        ("Mean with a logit", 0.0, |net| {
            sigmoid(net);
            net.op("Mean", &["y", "z"], "m", &[]);
            "m"
        }),
        ("ReduceMean with a logit", 0.0, |net| {
            sigmoid(net);
            net.op("Concat", &["y", "z"], "both", &[("axis", Attr::Int(1))]);
            net.op("ReduceMean", &["both"], "m", &[("axes", Attr::Ints(&[1]))]);
            "m"
        }),
    ];
    for_each_case(cases, |(_, threshold, finish)| {
        folder.write("net.onnx", net(finish));
        let report = folder.json(&format!("{RUN} --logits l.st"));
        assert_eq!(number(&report, "/binary/threshold"), threshold);
        let scores = read_logits(&folder.read("l.st")).concat();
        let right =
            scores.iter().zip(labels()).filter(|(score, label)| (f64::from(**score) > threshold) == (*label == 1));
        assert_eq!(integer(&report, "/binary/correct"), right.count() as u64);
    });
}

#[test]
fn the_threshold_can_be_stated() {
    let folder = folder();
    let mut sorted = scores(true);
    sorted.sort_by(f64::total_cmp);
    for threshold in [f64::midpoint(sorted[4], sorted[5]), f64::midpoint(sorted[18], sorted[19]), -1.0] {
        let report = folder.json(&format!("{RUN} --threshold {threshold} --confusion c.csv"));
        let classes: Vec<u8> = scores(true).iter().map(|score| u8::from(*score > threshold)).collect();
        let count = |label: u8, class: u8| {
            labels().iter().zip(&classes).filter(|pair| (*pair.0, *pair.1) == (label, class)).count()
        };
        let [[tn, fp], [fnn, tp]] = [[count(0, 0), count(0, 1)], [count(1, 0), count(1, 1)]];
        assert_eq!(integer(&report, "/binary/correct"), (tn + tp) as u64);
        assert_eq!(number(&report, "/binary/threshold"), threshold);
        // The classes' recalls are specificity and sensitivity.
        assert_eq!(number(&report, "/classes/1/accuracy"), tp as f64 / (tp + fnn) as f64);
        assert_eq!(integer(&report, "/classes/0/predicted"), (tn + fnn) as u64);
        let csv = String::from_utf8(folder.read("c.csv")).unwrap();
        assert_eq!(csv, format!("label,0,1\n0,{tn},{fp}\n1,{fnn},{tp}\n"));
        // The area does not depend on it.
        assert!((number(&report, "/binary/auc") - auc(&scores(true), &labels())).abs() < 1e-12);
    }
}

#[test]
fn gates_comparisons_and_formats_know_it() {
    let folder = folder();
    let args = format!("{RUN} --calib-data set.safetensors");
    let base = folder.json(&format!("{args} -o base.json --predictions base.csv"));
    let accuracy = number(&base, "/binary/accuracy");
    folder.run_to(0, &format!("{args} --min-accuracy {}", accuracy - 0.01));
    let failed = folder.run_to(1, &format!("{args} --min-accuracy {}", accuracy + 0.01));
    assert!(failed.stdout.contains("accuracy") && failed.stdout.contains("FAILED"), "{failed:?}");
    // A threshold that nothing is above: 7 of 23 are right.
    let worse = format!("{args} --threshold 2 -o worse.json --predictions worse.csv");
    folder.run_to(1, &format!("{worse} --baseline base.json --max-drop 0.05"));
    let report = folder.json(&format!("{args} --threshold 2 --baseline base.json --max-drop 1 --alpha 0"));
    let difference = 8.0 / 23.0 - accuracy;
    let compared = folder.json("compare base.json worse.json");
    for comparison in [&report["comparisons"][0], &compared["runs"][0]["comparison"]] {
        assert!((number(comparison, "/difference") - difference).abs() < 1e-12, "{comparison:#}");
        let flips = [integer(comparison, "/lost"), integer(comparison, "/gained"), integer(comparison, "/flips")];
        assert_eq!(flips[0] + flips[1], flips[2]);
        assert!((0.0..=1.0).contains(&number(comparison, "/mcnemar_p")), "{comparison:#}");
    }
    assert_eq!(number(&report["comparisons"][0], "/reference_accuracy"), accuracy);
    assert_eq!(number(&compared, "/reference/accuracy"), accuracy);
    let quant = folder.json(&format!("{args} --lut exact --compare quant"));
    assert_eq!(quant["comparisons"][0]["flips"], 0);

    let csv = folder.run_to(0, &format!("{args} --format csv")).csv();
    let field = |name: &str| csv[1][csv[0].iter().position(|column| column == name).unwrap()].parse::<f64>().unwrap();
    assert_eq!((field("accuracy"), field("threshold"), field("auc")), (accuracy, 0.5, number(&base, "/binary/auc")));
    for format in ["table", "markdown", "junit"] {
        let shown = folder.run_to(0, &format!("{args} --compare quant --min-accuracy 0 --format {format}"));
        assert!(shown.stdout.contains(&format!("{:.2} %", 100.0 * accuracy)), "{format}: {shown:?}");
    }
    folder.run_to(0, "-n 23 --mode base -o lenet.json --predictions l.csv");
    folder.refuses(&format!("{args} --baseline lenet.json --max-drop 1"), &["lenet.json", "binary-classification"]);
    folder.refuses("compare lenet.json base.json", &["base.json"]);
}

#[test]
fn one_class_alone_has_no_area_and_is_no_error() {
    let folder = folder();
    for label in [0, 1] {
        folder.write("set.safetensors", float_set([SAMPLES, 1, 1, FEATURES], &features(), &[label; SAMPLES]));
        let run = folder.run_to(0, &format!("{RUN} --format json"));
        let report = run.json();
        let right = scores(true).iter().filter(|score| u8::from(**score > 0.5) == label).count() as u64;
        assert_eq!((&report["binary"]["auc"], integer(&report, "/binary/correct")), (&json!(null), right));
        let notes = report["notes"].as_array().unwrap();
        let note = text(notes.last().unwrap(), "");
        assert!(note.contains("ROC") && note.contains(&format!("class {label}")), "{note}");
        let table = folder.run_to(0, RUN).words();
        assert!(table.contains("AUC") && table.contains(note), "{table}");
        folder.run_to(0, &format!("{RUN} --format csv"));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = folder();
    folder.write("three.safetensors", float_set([3, 1, 1, FEATURES], &features()[..9], &[1, 0, 2]));
    folder.refuses("-m net.onnx -d three.safetensors", &["three.safetensors", "sample 2 has label 2", "0 or 1"]);
    folder.write("wide.onnx", {
        let mut net = Onnx::new(17, &[FEATURES]);
        net.random("w", &[FEATURES, 2]).op("MatMul", &["x", "w"], "y", &[]);
        net.bytes("y")
    });
    let wide = "-m wide.onnx -d set.safetensors";
    let cases = [
        (format!("{wide} --task binary-classification"), &["--task", "one number", "2 numbers"][..]),
        (format!("{wide} --threshold 0.5"), &["--threshold", "0.5", "wide", "binary-classification"]),
        (format!("{RUN} --threshold nan"), &["--threshold", "finite"]),
        (format!("{RUN} --threshold inf"), &["--threshold", "finite"]),
        (format!("{RUN} --threshold high"), &["--threshold", "high"]),
        (format!("{RUN} --task classification"), &["label 1"]),
        ("--mode base --task binary-classification".to_owned(), &["--task", "10 numbers"]),
    ];
    for_each_case(cases, |(args, needles)| {
        let run = folder.refuses(&args, &[]);
        for needle in needles {
            assert!(run.stderr.contains(needle), "{args}: no '{needle}' in {}", run.stderr);
        }
    });
    // Not 0 to 1, but the network is said to be no binary classifier.
    let report = folder.json(&format!("{wide} --mode base"));
    assert_eq!(integer(&report, "/accuracy/total"), 23);
}

/// A model directory may state the threshold, and is overruled.
#[test]
fn a_configuration_may_have_a_threshold() {
    let folder = Folder::new();
    let images = Random::new(9).floats(8 * 144, -1.0, 1.0);
    folder.write("set.safetensors", float_set([8, 1, 12, 12], &images, &[0, 1, 0, 1, 1, 0, 1, 0]));
    let weights = StateDict::lenet5(10, 1, 12, 1);
    folder.write("one/model.safetensors", safetensors(&weights.stored()));
    let config =
        |more: &str| format!(r#"{{"architecture":"lenet5","num_classes":1,"input":{{"shape":[1,12,12]}}{more}}}"#);
    let threshold = |args: &str| {
        number(&folder.json(&format!("--model one -d set.safetensors --mode base {args}")), "/binary/threshold")
    };
    folder.write("one/config.json", config(""));
    assert_eq!(threshold(""), 0.0);
    folder.write("one/config.json", config(r#","threshold":0.25,"labels":["no","yes"]"#));
    assert_eq!((threshold(""), threshold("--threshold -0.5")), (0.25, -0.5));
    let report = folder.json("--model one -d set.safetensors --mode base");
    assert_eq!((text(&report, "/classes/0/label"), text(&report, "/classes/1/label")), ("no", "yes"));
    folder.write("one/config.json", config(r#","task":"classification","threshold":0.25"#));
    folder.refuses("--model one -d set.safetensors", &["one/config.json", "threshold 0.25", "binary-classification"]);
}

/// Folders of classes need two of them, or ones that the network knows.
#[test]
fn named_classes_are_two() {
    let folder = Folder::new();
    let weights = StateDict::lenet5(10, 1, 12, 1);
    folder.write("one/model.safetensors", safetensors(&weights.stored()));
    let picture = |class: &str, shade: u8| folder.write(&format!("set/{class}/1.png"), gray_png(12, &[shade; 144]));
    let classes = |report: &serde_json::Value| report["classes"].as_array().unwrap().len();
    let run = "--model one -d set --mode base";
    for labels in ["", r#","labels":["no","yes"]"#] {
        let config = format!(r#"{{"architecture":"lenet5","num_classes":1,"input":{{"shape":[1,12,12]}}{labels}}}"#);
        folder.write("one/config.json", config);
        picture("yes", 200);
        let needles = ["set: has 1 class, expected 2", "one output", "--data", "--task"];
        if labels.is_empty() {
            folder.refuses(run, &needles);
        } else {
            assert_eq!(integer(&folder.json(run), "/binary/positive"), 1);
        }
        picture("no", 50);
        let report = folder.json(run);
        assert_eq!((integer(&report, "/binary/total"), integer(&report, "/binary/positive")), (2, 1));
        assert_eq!(classes(&report), 2);
        picture("perhaps", 100);
        folder.refuses(run, &["set: has 3 classes, expected 2", "one output", "--data", "--task"]);
        std::fs::remove_dir_all(folder.path("set")).unwrap();
    }
}

/// Integers of a network's own sigmoid are probabilities too.
#[test]
fn a_quantized_sigmoid_has_the_threshold_of_one() {
    let folder = folder();
    let quantized = |net: &mut Onnx| {
        sigmoid(net);
        net.scalar("s", 1.0 / 256.0);
        net.op("QuantizeLinear", &["y", "s"], "q", &[("axis", Attr::Int(1))]);
        net.op("DequantizeLinear", &["q", "s"], "d", &[("axis", Attr::Int(1))]);
        "d"
    };
    folder.write("net.onnx", net(quantized));
    assert_eq!(number(&folder.json(RUN), "/binary/threshold"), 0.5);
}
