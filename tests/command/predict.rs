//! Noise predicted from tables, and multipliers ranked by it.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::network::{TINY, Tiny};
use crate::common::{Folder, number, text};
use serde_json::Value;

/// A multiplier with errors that are mild, and neither symmetric nor zero where an operand is.
fn rough() -> Vec<u8> {
    Table::unsigned(|a, b| a * b - (a % 8) * (b % 4) + (a & 1)).native("rough")
}

fn layers(report: &Value) -> &Vec<Value> {
    report["layers"].as_array().expect("layers")
}

/// The first layer's operands are those of the exact network, and so few that its error is no estimate; those of
/// later layers differ by the errors of earlier ones.
#[test]
fn predicted_noise_is_near_what_is_measured() {
    let (_, folder) = Tiny::folder(180);
    folder.write("lut.safetensors", rough());
    for coding in ["sign-magnitude", "affine"] {
        let noise = format!("{TINY} --mode noise --coding {coding} --noise-from-lut");
        let measured = folder.json(&format!("{noise} measured:lut.safetensors"));
        assert_eq!(folder.json(&format!("{noise} lut.safetensors"))["layers"], measured["layers"]);
        let predicted = folder.json(&format!("{noise} predicted:lut.safetensors"));
        for (at, (found, expected)) in layers(&predicted).iter().zip(layers(&measured)).enumerate() {
            let [found, expected] = [found, expected].map(|layer| number(layer, "/noise/stdev"));
            let tolerance = if at == 0 { 0.02 } else { 0.3 };
            assert!((found / expected - 1.0).abs() < tolerance, "{coding}, layer {at}: {found}, not {expected}");
        }
        let [found, expected] = [&predicted, &measured].map(|report| number(&layers(report)[0], "/noise/mean"));
        assert!((found / expected - 1.0).abs() < 1e-3, "{coding}: {found}, not {expected}");
        assert_eq!(text(&predicted, "/config/noise/from_lut"), "predicted:lut.safetensors");
    }
}

#[test]
fn the_methods_can_stand_alone() {
    let (_, folder) = Tiny::folder(181);
    folder.write("lut.safetensors", rough());
    folder.write("predicted", rough());
    let noise = format!("{TINY} --mode noise --noise-from-lut");
    for method in ["measured", "predicted"] {
        let whole = folder.json(&format!("{noise} {method}:lut.safetensors --lut lut.safetensors"));
        let alone = folder.json(&format!("{noise} {method} --lut lut.safetensors"));
        assert_eq!(alone["layers"], whole["layers"], "{method}");
        assert_eq!(alone["config"]["noise"], whole["config"]["noise"], "{method}");
        // A rule says the same, and a report says it again.
        let rule =
            format!("{TINY} --set *:mode=noise,noise_from_lut={method},lut=lut.safetensors --format json -o r.json");
        assert_eq!(folder.run_to(0, &rule).json()["layers"], whole["layers"], "{method}");
        assert_eq!(folder.json(&format!("{TINY} --assign r.json"))["layers"], whole["layers"], "{method}");
    }
    // A file of that name.
    let file = folder.json(&format!("{noise} ./predicted"));
    assert_eq!(file["layers"], folder.json(&format!("{noise} lut.safetensors"))["layers"]);
    // And from an experiment file, whose folder paths start at.
    std::fs::create_dir(folder.path("runs")).unwrap();
    folder.write("runs/run.toml", "mode = \"noise\"\nnoise-from-lut = \"predicted:../lut.safetensors\"\n");
    let from_file = folder.json(&format!("-f runs/run.toml {TINY}"));
    assert_eq!(from_file["layers"], folder.json(&format!("{noise} predicted:lut.safetensors"))["layers"]);
}

#[test]
fn what_cannot_be_predicted() {
    let (_, folder) = Tiny::folder(182);
    let cases = [
        ("--mode noise --noise-from-lut predicted", &["--noise-from-lut", "predicted:LUT"][..]),
        ("--mode noise --noise-from-lut predicted:dram-4", &["--noise-from-lut", "drum-4"]),
        ("--mode noise --noise-from-lut predicted:udm --noise-std 0.1", &["--noise-std"]),
        ("--set conv1:mode=noise,noise_from_lut=predicted,noise_swap_operands=true", &["--set", "METHOD:LUT"]),
    ];
    for_each_case(cases, |(args, needles)| {
        let run = folder.refuses(&format!("{TINY} {args}"), &[]);
        for needle in needles {
            assert!(run.stderr.contains(needle), "{args}: no '{needle}' in {}", run.stderr);
        }
    });
}

/// Where errors are measured, they are predicted too, from the calibration set alone.
#[test]
fn predictions_stand_beside_what_is_measured() {
    let (_, folder) = Tiny::folder(183);
    folder.write("lut.safetensors", rough());
    let report = folder.json(&format!("{TINY} --lut lut.safetensors --layer-errors"));
    let predicted = folder.json(&format!("{TINY} --mode noise --noise-from-lut predicted:lut.safetensors"));
    for (layer, alone) in layers(&report).iter().zip(layers(&predicted)) {
        assert_eq!(layer["predicted"], alone["noise"], "{}", text(layer, "/name"));
        assert!(number(layer, "/error/relative_std") > 0.0);
    }
    let table = folder.run_to(0, &format!("{TINY} --lut lut.safetensors --layer-errors")).stdout;
    assert!(table.contains("predicted"), "{table}");
    // Not in other modes, nor where nothing is measured.
    for args in ["--lut lut.safetensors", "--mode quant --layer-errors", "--lut exact --layer-errors"] {
        let report = folder.json(&format!("{TINY} {args}"));
        assert!(layers(&report).iter().all(|layer| layer["predicted"].is_null()), "{args}");
    }
}

/// On the shipped network, whose accuracies under these tables are far apart.
#[test]
fn multipliers_are_ranked_and_the_best_evaluated() {
    let folder = Folder::new();
    let luts = "r4abm1-8 drum-3 exact truncated-corrected-8 drum-6";
    let report = folder.run_to(0, &format!("rank -l {luts} -n 300 --top 2 --format json -o ranking.csv")).json();
    let multipliers = report["multipliers"].as_array().unwrap();
    let names: Vec<&str> = multipliers.iter().map(|multiplier| text(multiplier, "/lut")).collect();
    assert_eq!(names, ["exact", "drum-6", "drum-3", "truncated-corrected-8", "r4abm1-8"]);
    assert_eq!((text(&report, "/kind"), text(&report, "/model")), ("rank", "lenet5"));
    assert_eq!((number(&multipliers[0], "/output_noise"), number(&multipliers[0], "/predicted_drop")), (0.0, 0.0));
    let measured: Vec<bool> = multipliers.iter().map(|multiplier| multiplier["measured"].is_number()).collect();
    assert_eq!(measured, [true, true, false, false, false]);
    let evaluated = folder.json("--lut drum-6 -n 300");
    assert_eq!(multipliers[1]["measured"], evaluated["accuracy"]["top1"]);
    let exact = folder.json("--lut exact -n 300");
    assert_eq!(multipliers[1]["exact"], exact["accuracy"]["top1"]);
    let rows = crate::common::csv_rows(&folder.read("ranking.csv"));
    assert_eq!((rows.len(), rows[0][2].as_str(), rows[2][2].as_str()), (6, "lut", "drum-6"));
    // All of them: the order is that of the accuracies, whatever way it is given in.
    let all = folder.run_to(0, &format!("rank -l {luts} -n 300 --measure-all --format json -j 1")).json();
    assert!(number(&all, "/spearman") >= 0.9, "{}", all["spearman"]);
    for (one, other) in all["multipliers"].as_array().unwrap().iter().zip(multipliers) {
        assert_eq!((&one["lut"], &one["output_noise"]), (&other["lut"], &other["output_noise"]));
    }
    let table = folder.run_to(0, &format!("rank -l {luts} -n 300 --top 1")).stdout;
    assert!(table.contains("drum-6") && table.lines().all(|line| line.chars().count() <= 80), "{table}");
}

#[test]
fn folders_are_ranked_and_mistakes_named() {
    let (_, folder) = Tiny::folder(184);
    std::fs::create_dir(folder.path("luts")).unwrap();
    std::fs::create_dir(folder.path("none")).unwrap();
    folder.write("luts/rough.safetensors", rough());
    folder.write("luts/exact.bin", Table::unsigned(|a, b| a * b).u16_bin());
    folder.write("luts/README.md", "Tables");
    let report = folder.run_to(0, &format!("rank {TINY} -l luts --top 0 --format json")).json();
    let names: Vec<&str> = report["multipliers"].as_array().unwrap().iter().map(|of| text(of, "/lut")).collect();
    assert_eq!(names, ["luts/exact.bin", "luts/rough.safetensors"]);
    let names: Vec<&str> = report["multipliers"].as_array().unwrap().iter().map(|of| text(of, "/name")).collect();
    assert_eq!(names[0], "exact");
    assert_eq!(names[1], text(&folder.json("lut info luts/rough.safetensors"), "/name"));
    assert!(report["spearman"].is_null());
    for (args, needles) in [
        ("-l none", &["--lut", "none"][..]),
        ("-l drum-4 dram-4", &["dram-4", "drum-4"]),
        ("-l drum-4 --set *:mode=quant", &["no layer", "--set"]),
        ("-l drum-4 --top 1 --measure-all", &["--measure-all"]),
    ] {
        let run = folder.refuses(&format!("rank {TINY} {args}"), &[]);
        assert!(needles.iter().all(|needle| run.stderr.contains(needle)), "{args}: {}", run.stderr);
    }
}
