//! Gates: exit code 1, with the report said and written all the same.

use crate::common::cases::for_each_case;
use crate::common::network::{TINY, Tiny};
use crate::common::{Folder, number};

/// A folder with the report of the tiny network as `base.json`, and its accuracy.
fn baseline() -> (Folder, f64) {
    let (_, folder) = Tiny::folder(40);
    folder.run_to(0, &format!("{TINY} --mode base -o base.json"));
    let accuracy = number(&folder.read_json("base.json"), "/accuracy/top1");
    (folder, accuracy)
}

#[test]
fn a_failed_gate_still_reports() {
    let folder = Folder::new();
    let args = "-n 50 --min-accuracy 1 --predictions p.csv --logits l.safetensors -o r.json -o r.csv";
    let run = folder.run_to(1, &format!("{args} --format json"));
    let report = run.json();
    assert!(number(&report, "/accuracy/top1") < 1.0);
    assert_eq!(report["gates"][0]["passed"], false);
    assert_eq!(folder.names(), ["l.safetensors", "p.csv", "r.csv", "r.json"].map(str::to_owned).into());
    assert_eq!(folder.read_json("r.json"), report);
}

#[test]
fn bounds_are_inclusive() {
    let (folder, accuracy) = baseline();
    let cases = [(0.0, 0), (accuracy, 0), (accuracy + 1e-6, 1), (1.0, i32::from(accuracy < 1.0))];
    for_each_case(cases, |(bound, code)| {
        let report = folder.run_to(code, &format!("{TINY} --mode base --format json --min-accuracy {bound}")).json();
        assert_eq!(report["gates"][0]["passed"], code == 0, "{bound}");
        assert_eq!(number(&report, "/gates/0/found"), accuracy);
    });
}

/// A baseline that says what a test wants.
fn write_baseline(folder: &Folder, name: &str, top1: f64) {
    let mut report = folder.read_json("base.json");
    report["accuracy"]["top1"] = top1.into();
    folder.write(name, report.to_string());
}

#[test]
fn a_drop_is_measured_from_the_baseline() {
    let (folder, accuracy) = baseline();
    write_baseline(&folder, "higher.json", accuracy + 0.1);
    write_baseline(&folder, "lower.json", 0.0);
    let cases = [
        ("base.json", "0", 0),
        ("higher.json", "0.1", 0),
        ("higher.json", "0.2", 0),
        ("higher.json", "0.09", 1),
        ("higher.json", "0", 1),
        ("lower.json", "0", 0),
    ];
    for_each_case(cases, |(name, bound, code)| {
        let args = format!("{TINY} --mode base --baseline {name} --max-drop {bound} --format json");
        let report = folder.run_to(code, &args).json();
        assert_eq!(report["gates"][0]["passed"], code == 0, "{args}");
    });
}

#[test]
fn one_failed_gate_of_two_is_a_failure() {
    let (folder, accuracy) = baseline();
    write_baseline(&folder, "higher.json", accuracy + 0.1);
    let args = format!("{TINY} --mode base --min-accuracy 0 --baseline higher.json --max-drop 0.01 --format json");
    let report = folder.run_to(1, &args).json();
    let passed: Vec<_> = report["gates"].as_array().unwrap().iter().map(|gate| gate["passed"].clone()).collect();
    assert_eq!(passed.len(), 2);
    assert!(passed.contains(&true.into()) && passed.contains(&false.into()));
}

/// Comparing accuracies over different samples is said aloud.
#[test]
fn a_baseline_on_other_data_is_noted() {
    let (folder, _) = baseline();
    let args = format!("{TINY} --mode base --baseline base.json --max-drop 1 --format json");
    assert_eq!(folder.run_to(0, &args).json()["notes"], serde_json::json!([]));
    let run = folder.run_to(0, &format!("{args} -n 4"));
    assert_eq!(run.json()["notes"].as_array().unwrap().len(), 1, "{run:?}");
    assert!(run.stderr.contains("baseline"), "{run:?}");
}

#[test]
fn bounds_are_fractions() {
    let (folder, _) = baseline();
    for bound in ["-0.1", "1.1", "90", "nan", "inf", "-inf"] {
        folder.refuses(&format!("{TINY} --min-accuracy {bound}"), &["--min-accuracy"]);
        folder.refuses(&format!("{TINY} --baseline base.json --max-drop {bound}"), &["--max-drop"]);
    }
    folder.refuses(&format!("{TINY} --min-accuracy most"), &["--min-accuracy", "most"]);
}

#[test]
fn a_drop_needs_a_baseline_and_the_other_way_round() {
    let (folder, _) = baseline();
    let run = folder.refuses(&format!("{TINY} --max-drop 0.1"), &[]);
    assert!(run.stderr.contains("--baseline"), "{run:?}");
    let run = folder.refuses(&format!("{TINY} --baseline base.json"), &[]);
    assert!(run.stderr.contains("--max-drop"), "{run:?}");
}
