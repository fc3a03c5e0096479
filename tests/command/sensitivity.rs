//! `sensitivity`: layers one by one, held against evaluations with rules for single layers.

use crate::common::cases::for_each_case;
use crate::common::{Folder, csv_rows, integer, number, text};
use serde_json::Value;

const LAYERS: [&str; 5] = ["conv1", "conv2", "fc1", "fc2", "fc3"];

fn layer<'a>(details: &'a Value, pointer: &str, name: &str) -> &'a Value {
    let layers = details.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("{details:#}"));
    layers.iter().find(|layer| layer["name"] == name).unwrap_or_else(|| panic!("no layer {name}: {details:#}"))
}

/// Each figure is that of an evaluation in which rules say what layers have.
#[test]
fn layers_alone_are_evaluations_with_rules() {
    let folder = Folder::new();
    let details = folder.json("sensitivity -n 100 -l truncated-8");
    assert_eq!(
        (text(&details, "/kind"), text(&details, "/by"), integer(&details, "/schema")),
        ("sensitivity", "multiplier", 1)
    );
    let top1 = |args: &str| number(&folder.json(&format!("-n 100 --coding sign-magnitude {args}")), "/accuracy/top1");
    let loss = |args: &str| number(&folder.json(&format!("-n 100 --coding sign-magnitude {args}")), "/accuracy/loss");
    let exact = top1("--mode quant");
    assert_eq!((number(&details, "/exact/top1"), number(&details, "/exact_loss")), (exact, loss("--mode quant")));
    let all = &details["luts"][0]["all"];
    assert_eq!(number(all, "/top1"), top1("--lut truncated-8"));
    for name in ["conv1", "fc1"] {
        let found = layer(&details, "/luts/0/layers", name);
        let alone = format!("--mode quant --set {name}:lut=truncated-8");
        assert_eq!(number(found, "/alone/top1"), top1(&alone), "{name}");
        assert!((number(found, "/alone/drop") - (exact - top1(&alone))).abs() < 1e-12, "{name}");
        let increase = loss(&alone) - number(&details, "/exact_loss");
        assert!((number(found, "/alone/loss_increase") - increase).abs() < 1e-9, "{name}");
        let others = format!("--lut truncated-8 --set {name}:mode=quant");
        assert_eq!(number(found, "/alone_exact/top1"), top1(&others), "{name}");
        let energy = number(&folder.json(&format!("-n 4 --coding sign-magnitude {alone}")), "/cost/relative_energy");
        assert!((number(found, "/relative_energy") - energy).abs() < 1e-12, "{name}");
    }
}

#[test]
fn layers_are_ranked() {
    let folder = Folder::new();
    let run = folder.run_to(0, "sensitivity -n 60 -l truncated-9 drum-3 --format csv -o s.json -o s.md");
    let rows = run.csv();
    let column = |name: &str| {
        rows[0].iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}: {:?}", rows[0]))
    };
    for lut in ["truncated-9", "drum-3"] {
        let of_lut: Vec<&Vec<String>> = rows.iter().filter(|row| row[column("lut")] == lut).collect();
        let mut names: Vec<&str> = of_lut.iter().map(|row| row[column("layer")].as_str()).collect();
        let drops: Vec<f64> = of_lut.iter().map(|row| row[column("drop")].parse().unwrap()).collect();
        assert!(drops.windows(2).all(|pair| pair[0] >= pair[1]), "{lut}: {drops:?}");
        let ranks: Vec<usize> = of_lut.iter().map(|row| row[column("rank")].parse().unwrap()).collect();
        assert_eq!(ranks, [1, 2, 3, 4, 5]);
        names.sort_unstable();
        assert_eq!(names, LAYERS);
        let shares: f64 = of_lut.iter().map(|row| row[column("opcount_share")].parse::<f64>().unwrap()).sum();
        let energy: f64 = of_lut.iter().map(|row| row[column("energy_share")].parse::<f64>().unwrap()).sum();
        assert!((shares - 1.0).abs() < 1e-12 && (energy - 1.0).abs() < 1e-12);
    }
    assert_eq!(folder.read_json("s.json")["luts"].as_array().map(Vec::len), Some(2));
    assert!(String::from_utf8(folder.read("s.md")).unwrap().contains("truncated-9"));
    let table = folder.run_to(0, "sensitivity -n 20 -l truncated-8");
    assert!(table.stdout.lines().all(|line| line.chars().count() <= 80), "{}", table.stdout);
}

/// The largest noise within the bound is within it, and noise that is larger by the ratio is not.
#[test]
fn noise_is_bisected() {
    let folder = Folder::new();
    let details = folder.json("sensitivity --by noise -n 100 --max-drop 0.05 --tolerance 1.2 --seed 3");
    assert_eq!((number(&details, "/noise/ratio"), integer(&details, "/noise/seed")), (1.2, 3));
    let exact = number(&folder.json("-n 100 --mode quant"), "/accuracy/top1");
    let drop = |layer: &str, stdev: f64| {
        let noise = format!("-n 100 --mode quant --seed 3 --set {layer}:mode=noise,noise_std={stdev}");
        exact - number(&folder.json(&noise), "/accuracy/top1")
    };
    let mut tolerances = Vec::new();
    for name in LAYERS {
        let found = layer(&details, "/noise/layers", name);
        tolerances.push((integer(found, "/rank"), number(found, "/tolerance")));
        if text(found, "/bound") != "at" {
            continue;
        }
        let tolerance = number(found, "/tolerance");
        assert!((drop(name, tolerance) - number(found, "/found/drop")).abs() < 1e-12, "{name}");
        assert!(drop(name, tolerance) <= 0.05 + 1e-9, "{name}");
    }
    tolerances.sort_by_key(|(rank, _)| *rank);
    assert!(tolerances.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{tolerances:?}");
    let again = folder.json("sensitivity --by noise -n 100 --max-drop 0.05 --tolerance 1.2 --seed 3");
    assert_eq!(again["noise"], details["noise"]);
}

/// Layers that rules state the mode of stay as they are.
#[test]
fn rules_keep_layers() {
    let folder = Folder::new();
    let details =
        folder.json("sensitivity -n 20 -l drum-4 --set conv*:mode=quant --set fc1:lut=drum-6 --set fc3:act_bits=6");
    let names: Vec<&str> =
        details["luts"][0]["layers"].as_array().unwrap().iter().map(|layer| text(layer, "/name")).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.contains(&"fc2") && names.contains(&"fc3"));
}

#[test]
fn what_cannot_be_studied_is_refused() {
    let folder = Folder::new();
    for_each_case(
        [
            ("sensitivity -n 10", &["no multiplier", "--lut"][..]),
            ("sensitivity -n 10 -l drum-4 drum-4-signed", &["drum-4-signed", "sign-magnitude", "--coding"]),
            ("sensitivity -n 10 -l drum-4 --set *:mode=quant", &["no layer is left", "--set"]),
            ("sensitivity -n 10 -l drum-44", &["drum-44"]),
            ("sensitivity -n 10 -l drum-4 --set conv1:mode=approx", &["conv1", "lut=drum-4", "needs a multiplier"]),
            ("sensitivity -n 10 --by noise --max-drop 0", &["--max-drop", "above 0"]),
            ("sensitivity -n 10 --by noise --tolerance 1", &["--tolerance", "1.001"]),
            ("sensitivity -n 10 -l drum-4 -o s.xyz", &["s.xyz", "extension"]),
        ],
        |(args, needles)| {
            folder.refuses(args, needles);
        },
    );
    let rows = csv_rows(folder.run_to(0, "sensitivity -n 10 -l exact --format csv").stdout.as_bytes());
    assert_eq!(rows.len(), 6);
}
