//! The report: its fields and their types, and its figures computed again.

use crate::common::cases::for_each_case;
use crate::common::files::{Table, float_set, read_logits};
use crate::common::network::{StateDict, TINY, Tiny};
use crate::common::{Folder, csv_rows, integer, number, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a field must be.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Count,
    Flag,
    Hash,
    List,
    Object,
    Null,
}

fn check(report: &Value, pointer: &str, kind: Kind) {
    let value = report.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {report:#}"));
    let fits = match kind {
        Kind::Text => value.is_string(),
        Kind::Number => value.is_number(),
        Kind::Count => value.is_u64(),
        Kind::Flag => value.is_boolean(),
        Kind::Hash => {
            value.as_str().is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
        }
        Kind::List => value.is_array(),
        Kind::Object => value.is_object(),
        Kind::Null => value.is_null(),
    };
    assert!(fits, "{pointer} is {value}");
}

#[test]
fn every_field_of_the_schema_is_there() {
    use Kind::{Count, Flag, Hash, List, Null, Number, Object, Text};
    let (_, folder) = Tiny::folder(30);
    for (args, quantizes, lut) in [
        ("--mode base", false, false),
        ("--mode quant", true, false),
        ("--mode noise", true, false),
        ("--lut drum-4", true, true),
    ] {
        let report = folder.json(&format!("{TINY} {args}"));
        let when = |holds: bool, kind| if holds { kind } else { Null };
        for (pointer, kind) in [
            ("/schema", Count),
            ("/tool/name", Text),
            ("/tool/version", Text),
            ("/model/name", Text),
            ("/model/architecture", Text),
            ("/model/parameters", Count),
            ("/model/blake3", Hash),
            ("/dataset/name", Text),
            ("/dataset/samples", Count),
            ("/dataset/blake3", Hash),
            ("/config/mode", Text),
            ("/config/seed", Count),
            ("/config/batch_size", Count),
            ("/config/coding", when(quantizes, Text)),
            ("/config/quantization", when(quantizes, Object)),
            ("/lut", when(lut, Object)),
            ("/accuracy/top1", Number),
            ("/accuracy/top5", Number),
            ("/accuracy/correct", Count),
            ("/accuracy/total", Count),
            ("/accuracy/ci95/0", Number),
            ("/accuracy/ci95/1", Number),
            ("/accuracy/loss", Number),
            ("/opcount/per_sample", Count),
            ("/opcount/total", Count),
            ("/opcount/by_multiplier", Object),
            ("/layers", List),
            ("/layers/0/name", Text),
            ("/layers/0/kind", Text),
            ("/layers/0/mode", Text),
            ("/layers/0/lut", when(lut, Text)),
            ("/layers/0/opcount", Count),
            ("/layers/0/fan_in", Count),
            ("/layers/0/output_shape", List),
            ("/layers/0/weight_shape", List),
            ("/layers/0/scales", when(quantizes, Text)),
            ("/layers/0/weight_range", when(quantizes, List)),
            ("/layers/0/weight_zero_points", when(quantizes, List)),
            ("/timing/seconds", Number),
            ("/timing/images_per_second", Number),
            ("/timing/lookups_per_second", when(lut, Number)),
            ("/timing/threads", Count),
            ("/timing/kernel", when(quantizes, Text)),
            ("/gates", List),
            ("/notes", List),
        ] {
            check(&report, pointer, kind);
        }
        if quantizes {
            for field in ["source", "act_scheme", "weight_scheme", "observer"] {
                check(&report, &format!("/config/quantization/{field}"), Text);
            }
            for field in ["act_bits", "weight_bits", "samples"] {
                check(&report, &format!("/config/quantization/{field}"), Count);
            }
        }
        if lut {
            for (field, kind) in [("name", Text), ("signed", Flag), ("blake3", Hash), ("mae", Number), ("wce", Count)] {
                check(&report, &format!("/lut/{field}"), kind);
            }
        }
        assert_eq!(integer(&report, "/schema"), 1);
        assert_eq!(
            (text(&report, "/tool/name"), text(&report, "/tool/version")),
            ("approx-eval", env!("CARGO_PKG_VERSION"))
        );
        assert_eq!(integer(&report, "/dataset/samples"), Tiny::SAMPLES as u64);
    }
}

#[test]
fn hashes_are_those_of_the_files() {
    let (_, folder) = Tiny::folder(31);
    folder.write("lut.bin", Table::unsigned(|a, b| a * b).u16_bin());
    let report = folder.json(&format!("{TINY} --lut lut.bin"));
    for (pointer, file) in [("/model/blake3", "tiny/model.safetensors"), ("/lut/blake3", "lut.bin")] {
        let hash = blake3::hash(&folder.read(file)).to_hex();
        assert_eq!(text(&report, pointer), hash.as_str(), "{file}");
    }
    // The set's hash follows its content.
    let hash = text(&report, "/dataset/blake3").to_owned();
    assert_eq!(text(&folder.json(&format!("{TINY} --mode base -n 3")), "/dataset/blake3"), hash);
    let mut bytes = folder.read("tiny.safetensors");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    folder.write("other.safetensors", &bytes);
    assert_ne!(text(&folder.json("--model tiny --data other.safetensors"), "/dataset/blake3"), hash);
}

/// LeNet-5 by hand: `kh * kw * oh * ow * c_in * c_out`, then `in * out`.
const LENET5: [(&str, u64, u64); 5] = [
    ("conv1", 5 * 5 * 28 * 28 * 6, 5 * 5),
    ("conv2", 5 * 5 * 10 * 10 * 6 * 16, 5 * 5 * 6),
    ("fc1", 400 * 120, 400),
    ("fc2", 120 * 84, 120),
    ("fc3", 84 * 10, 84),
];

#[test]
fn multiplications_are_counted() {
    let by_hand: u64 = LENET5.iter().map(|(_, opcount, _)| opcount).sum();
    assert_eq!(by_hand, 416_520);
    let folder = Folder::new();
    folder.write("mine.safetensors", Table::unsigned(|a, b| a * b).native("my multiplier"));
    let cases = [
        ("--mode base", "fp32"),
        ("--mode quant", "exact"),
        ("--mode quant --lut mine.safetensors", "exact"),
        ("--mode noise --noise-std 0.1", "exact"),
        ("--lut mine.safetensors", "my multiplier"),
        ("--lut drum-4", "drum-4"),
    ];
    for_each_case(cases, |(args, multiplier)| {
        let report = folder.json(&format!("-n 30 --calib-samples 30 {args}"));
        let layers: Vec<_> = report["layers"].as_array().unwrap().iter().collect();
        assert_eq!(layers.len(), LENET5.len());
        for (layer, (name, opcount, fan_in)) in layers.iter().zip(LENET5) {
            assert_eq!(
                (text(layer, "/name"), integer(layer, "/opcount"), integer(layer, "/fan_in")),
                (name, opcount, fan_in)
            );
        }
        assert_eq!(integer(&report, "/opcount/per_sample"), by_hand, "{args}");
        assert_eq!(integer(&report, "/opcount/total"), 30 * by_hand, "{args}");
        let by: BTreeMap<String, u64> = serde_json::from_value(report["opcount"]["by_multiplier"].clone()).unwrap();
        assert_eq!(by, BTreeMap::from([(multiplier.to_owned(), 30 * by_hand)]), "{args}");
    });
}

/// The interval's bounds are the proportions that lie 1.96 of their own standard deviations from what
/// was found: the roots of `(found - p)^2 = z^2 p (1 - p) / n`.
fn wilson(successes: f64, n: f64) -> [f64; 2] {
    let (z2, found) = (1.959_963_984_540_054f64.powi(2), successes / n);
    let (a, b, c) = (1.0 + z2 / n, -(2.0 * found + z2 / n), found * found);
    let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
    [(-b - root) / (2.0 * a), (-b + root) / (2.0 * a)]
}

#[test]
fn accuracy_follows_from_the_logits() {
    let folder = Folder::new();
    for mode in ["--mode base", "--mode quant", "--lut drum-3"] {
        let args = format!("-n 200 {mode} --predictions p.csv --logits l.safetensors");
        let report = folder.json(&args);
        let rows = csv_rows(&folder.read("p.csv"));
        let logits = read_logits(&folder.read("l.safetensors"));
        assert_eq!(rows[0], ["index", "label", "prediction", "correct"]);
        assert_eq!((rows.len(), logits.len()), (201, 200));
        let (mut correct, mut top5, mut loss) = (0, 0, 0.0);
        for (i, (row, logits)) in rows[1..].iter().zip(&logits).enumerate() {
            let label: usize = row[1].parse().unwrap();
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let prediction = logits.iter().position(|&logit| logit == largest).unwrap();
            let is_correct = prediction == label;
            assert_eq!(row[..], [i.to_string(), label.to_string(), prediction.to_string(), is_correct.to_string()]);
            let mut ranked: Vec<usize> = (0..logits.len()).collect();
            ranked.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
            correct += u64::from(is_correct);
            top5 += u64::from(ranked[..5].contains(&label));
            let normalizer: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
            loss -= (f64::from(logits[label]).exp() / normalizer).ln();
        }
        let close = |pointer: &str, expected: f64| {
            let found = number(&report, pointer);
            assert!((found - expected).abs() < 1e-9, "{mode} {pointer}: {found}, expected {expected}");
        };
        assert_eq!((integer(&report, "/accuracy/correct"), integer(&report, "/accuracy/total")), (correct, 200));
        close("/accuracy/top1", correct as f64 / 200.0);
        close("/accuracy/top5", top5 as f64 / 200.0);
        close("/accuracy/loss", loss / 200.0);
        let [low, high] = wilson(correct as f64, 200.0);
        close("/accuracy/ci95/0", low);
        close("/accuracy/ci95/1", high);
    }
}

/// Networks of one answer have ties everywhere: the lowest class wins.
#[test]
fn ties_go_to_the_lowest_class() {
    let (mut tiny, folder) = Tiny::folder(32);
    for part in ["fc3.weight", "fc3.bias"] {
        tiny.weights.get_mut(part).values.fill(0.0);
    }
    let bias = &mut tiny.weights.get_mut("fc3.bias").values;
    (bias[2], bias[5]) = (0.5, 0.5);
    tiny.write(&folder);
    for mode in ["base", "quant"] {
        folder.run_to(0, &format!("{TINY} --mode {mode} --predictions p.csv"));
        let rows = csv_rows(&folder.read("p.csv"));
        assert!(rows[1..].iter().all(|row| row[2] == "2"), "{rows:?}");
    }
}

#[test]
fn top5_needs_six_classes() {
    let folder = Folder::new();
    let tiny = Tiny { weights: StateDict::lenet5(1, 2, 12, 5), ..Tiny::new(33) };
    tiny.write(&folder);
    folder.write("tiny/config.json", r#"{"architecture":"lenet5","num_classes":5,"input":{"shape":[2,12,12]}}"#);
    let labels: Vec<u8> = tiny.labels.iter().map(|label| label % 5).collect();
    folder.write("tiny.safetensors", float_set(Tiny::SHAPE, &tiny.images, &labels));
    let report = folder.json(&format!("{TINY} --mode base"));
    assert!(report["accuracy"]["top5"].is_null());
}

#[test]
fn formats_tell_the_same() {
    let (_, folder) = Tiny::folder(34);
    let args = format!("{TINY} --lut drum-4 -b 4 --seed 5");
    let json = folder.json(&args);
    let csv = folder.run_to(0, &format!("{args} --format csv")).csv();
    let [header, row] = csv.as_slice() else { panic!("{csv:?}") };
    let field = |name: &str| {
        let column = header.iter().position(|column| column == name);
        row[column.unwrap_or_else(|| panic!("no {name}: {header:?}"))].clone()
    };
    let cases = [
        ("top1", "/accuracy/top1"),
        ("ci95_low", "/accuracy/ci95/0"),
        ("ci95_high", "/accuracy/ci95/1"),
        ("loss", "/accuracy/loss"),
        ("mae", "/lut/mae"),
        ("wce", "/lut/wce"),
        ("correct", "/accuracy/correct"),
        ("total", "/accuracy/total"),
        ("opcount_per_sample", "/opcount/per_sample"),
        ("seed", "/config/seed"),
    ];
    for_each_case(cases, |(column, pointer)| {
        assert_eq!(field(column).parse::<f64>().unwrap(), number(&json, pointer), "{column}");
    });
    assert_eq!(
        (field("mode"), field("lut"), field("coding")),
        ("approx".into(), "drum-4".into(), "sign-magnitude".into())
    );
    let table = folder.run_to(0, &args).stdout;
    for part in ["drum-4", "sign-magnitude", "conv1", "fc3", "lenet5"] {
        assert!(table.contains(part), "{part}: {table}");
    }
}

#[test]
fn a_report_says_how_it_was_run() {
    let (_, folder) = Tiny::folder(35);
    let report = folder.json(&format!(
        "{TINY} --mode noise --noise-std 0.25 --noise-mean -0.5 --seed 7 -b 3 -j 2 --coding affine --act-bits 6 \
         --weight-bits 4 --weight-scheme per-tensor --calib percentile:99.5 --calib-samples 8"
    ));
    let config = &report["config"];
    assert_eq!((&config["seed"], &config["batch_size"], &config["coding"]), (&7.into(), &3.into(), &"affine".into()));
    assert_eq!(config["noise"], serde_json::json!({ "stdev": 0.25, "mean": -0.5 }));
    let quantization = &config["quantization"];
    let cases = [
        ("act_bits", Value::from(6)),
        ("weight_bits", 4.into()),
        ("act_scheme", "affine".into()),
        ("weight_scheme", "per-tensor".into()),
        ("observer", "percentile:99.5".into()),
        ("samples", 8.into()),
    ];
    for_each_case(cases, |(field, expected)| {
        assert_eq!(quantization[field], expected, "{field}");
    });
    assert_eq!(report["timing"]["threads"], 2);
}

/// All right and all wrong: the interval reaches the end, and contains what was found.
#[test]
fn intervals_contain_the_accuracy() {
    let folder = Folder::new();
    for n in [1, 2, 3, 5, 7, 10] {
        let report = folder.json(&format!("-n {n} --mode base"));
        let [low, top1, high] = ["/accuracy/ci95/0", "/accuracy/top1", "/accuracy/ci95/1"].map(|p| number(&report, p));
        assert!(0.0 <= low && low <= top1 && top1 <= high && high <= 1.0, "{n}: {low} {top1} {high}");
    }
}

/// What cannot be a number in JSON is an error that says so, not a null.
#[test]
fn overflowing_logits_are_an_error() {
    let (_, folder) = Tiny::folder(36);
    let run = folder.run(&format!("{TINY} --mode noise --noise-mean 1e300 --format json"));
    match run.code {
        Some(0) => assert!(run.json()["accuracy"]["loss"].is_number(), "{run:?}"),
        code => assert_eq!(code, Some(2), "{run:?}"),
    }
}
