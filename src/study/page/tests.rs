//! Pages of hand-made journals.

use super::*;
use crate::lut::{LutInfo, design};
use crate::report::html::{BaselineKind, MeasuredDrop, Network};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// Multiplications of the layers `a`, `b` and `c` of the network of these tests.
const OPCOUNTS: [u64; 3] = [100, 300, 600];

/// A report of 1000 samples, of which so many are right; layers in `scope` have the multiplier.
fn report(lut: Option<&str>, scope: &[&str], correct: u64) -> Value {
    let info = lut.map(|lut| LutInfo::new(&design::resolve(lut, None).unwrap()));
    let layer = |(name, opcount): (&str, u64)| {
        let has_lut = lut.is_some() && scope.contains(&name);
        json!({
            "name": name, "kind": "linear", "mode": if has_lut { "approx" } else { "quant" }, "lut": lut.filter(|_| has_lut),
            "coding": "sign-magnitude", "opcount": opcount, "fan_in": 10, "output_shape": [10], "weight_shape": [10, 10],
            "shifted": false,
        })
    };
    let energy = info.as_ref().map(|info| info.cost.as_ref().unwrap().relative.energy.unwrap());
    let covered: u64 =
        ["a", "b", "c"].iter().zip(OPCOUNTS).filter(|(name, _)| scope.contains(name)).map(|(_, n)| n).sum();
    let cost = info.as_ref().zip(energy).map(|(info, energy)| {
        let relative = (covered as f64 * energy + (1000 - covered) as f64) / 1000.0;
        let cost = info.cost.as_ref().unwrap();
        json!({
            "relative_energy": relative, "source": cost.source, "basis": cost.basis, "coverage": 1.0, "opcount": 1000,
            "by_multiplier": {&info.name: cost},
        })
    });
    let layers: Vec<Value> = ["a", "b", "c"].into_iter().zip(OPCOUNTS).map(layer).collect();
    let luts: Vec<&LutInfo> = info.iter().collect();
    let ci95 = crate::stats::wilson_interval(correct, 1000);
    json!({
        "schema": 1, "tool": {"name": "approx-eval", "version": "0.2.0"},
        "model": {"name": "net", "architecture": "mlp", "parameters": 9, "blake3": "m"},
        "dataset": {"name": "set", "samples": 1000, "blake3": "d"},
        "config": {"mode": "quant", "seed": 0, "batch_size": 64, "coding": "sign-magnitude", "fold_bn": true, "mean": [],
            "std": [], "assignment": {"schema": 1, "rules": []}},
        "lut": info, "luts": luts, "cost": cost,
        "accuracy": {"top1": correct as f64 / 1000.0, "correct": correct, "total": 1000, "loss": 0.25,
            "ci95": ci95},
        "opcount": {"per_sample": 1000, "total": 1_000_000, "by_multiplier": {}},
        "layers": layers,
        "timing": {"seconds": 0.5, "images_per_second": 2000.0, "threads": 1},
    })
}

/// A line of a journal: a job on `scope` (`all` or a layer's name).
fn line(index: usize, lut: Option<&str>, scope: &str, correct: u64, settings: Value) -> String {
    let (layers, layer) = if scope == "all" { (vec!["a", "b", "c"], None) } else { (vec![scope], Some(scope)) };
    let name = if layer.is_some() { "each" } else { "all" };
    let job = json!({"index": index, "model": "net", "data": null, "lut": lut, "scope": name, "layer": layer,
        "settings": settings});
    let report = report(lut, &layers, correct);
    format!("{}\n", json!({"schema": 1, "key": format!("key{index}"), "job": job, "report": report}))
}

fn folder(lines: &[String]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.jsonl"), lines.concat()).unwrap();
    folder
}

fn page_of(folder: &Path, bound: f64) -> StudyPage {
    read(&PageOptions { folders: vec![folder.to_owned()], title: None, bound }).unwrap()
}

/// Exact products are right 900 times; drum-4 loses 5, 2 and 20 samples in the layers a, b and c alone, truncated-8
/// -3, 4 and 30; all together 40 and 200.
fn study() -> Vec<String> {
    let jobs = [
        (None, "all", 900),
        (Some("drum-4"), "all", 860),
        (Some("truncated-8"), "all", 700),
        (Some("drum-4"), "a", 895),
        (Some("drum-4"), "b", 898),
        (Some("drum-4"), "c", 880),
        (Some("truncated-8"), "a", 903),
        (Some("truncated-8"), "b", 896),
        (Some("truncated-8"), "c", 870),
    ];
    let lines = jobs
        .iter()
        .enumerate()
        .map(|(i, &(lut, scope, correct))| line(i + 1, lut, scope, correct, json!({"act-bits": "8"})));
    lines.collect()
}

fn drops(page: &StudyPage) -> Vec<i64> {
    page.runs.iter().map(|run| (run.drop.unwrap().drop * 1000.0).round() as i64).collect()
}

#[test]
fn drops_are_from_exact_products() {
    let folder = folder(&study());
    let page = page_of(folder.path(), 0.01);
    assert_eq!(drops(&page), [0, 40, 200, 5, 2, 20, -3, 4, 30]);
    let [network] = page.networks.as_slice() else { panic!("{:?}", page.networks) };
    let baseline = network.baseline.as_ref().unwrap();
    assert_eq!((baseline.kind, baseline.value, network.fp32.as_ref()), (BaselineKind::Exact, 0.9, None));
    assert_eq!((page.settings.as_slice(), network.settings.len()), (&[("act-bits".to_owned(), "8".to_owned())][..], 0));
    assert_eq!(page.multipliers.iter().map(|lut| lut.name.as_str()).collect::<Vec<_>>(), ["drum-4", "truncated-8"]);
    assert!(page.multipliers.iter().all(|lut| lut.heat_map.is_some()));
    // Newcombe's interval of 900 and 860 of 1000, as if they were independent.
    let MeasuredDrop { ci95, paired, .. } = page.runs[1].drop.unwrap();
    assert!(!paired && (ci95[0] - 0.0112).abs() < 1e-3 && (ci95[1] - 0.0688).abs() < 1e-3, "{ci95:?}");
}

/// Energies by gates: drum-4 0.934, truncated-8 0.425. Within 10 samples, truncated-8 in a (0, not -3) and b (4) is the
/// best; within 34, in all three; within 30, c is worth more than b.
#[test]
fn mixes_are_the_cheapest() {
    let folder = folder(&study());
    let mut page = page_of(folder.path(), 0.03);
    let layers = |page: &StudyPage| {
        page.verdicts()[0].mix.clone().unwrap().layers.into_iter().map(|(_, lut)| lut).collect::<Vec<_>>()
    };
    let lut = |name: &str| Some(name.to_owned());
    let (t8, d4) = (lut("truncated-8"), lut("drum-4"));
    assert_eq!(layers(&page), [t8.clone(), None, t8.clone()]);
    let mix = page.verdicts()[0].mix.clone().unwrap();
    let t8_energy = page.multipliers[1].energy[0].unwrap();
    assert!((mix.energy - (0.7 * t8_energy + 0.3)).abs() < 1e-12 && mix.predicted_drop == 0.03, "{mix:?}");
    for (bound, expected) in
        [(0.0, [&t8, &None, &None]), (0.01, [&t8, &t8, &None]), (0.034, [&t8, &t8, &t8]), (0.032, [&t8, &d4, &t8])]
    {
        page.bound = bound;
        assert_eq!(layers(&page).iter().collect::<Vec<_>>(), expected, "{bound}");
    }
    // Within a drop of 40 samples drum-4 does for all layers.
    page.bound = 0.04;
    assert_eq!(page.verdicts()[0].uniform.as_ref().unwrap().multiplier, "drum-4");
    page.bound = 0.039;
    assert_eq!(page.verdicts()[0].uniform, None);
}

#[test]
fn without_exact_products_the_next_best_is_named() {
    let lines = study();
    let without = folder(&lines[1..]);
    let page = page_of(without.path(), 0.01);
    let baseline = page.networks[0].baseline.as_ref().unwrap();
    assert_eq!((baseline.kind, baseline.value), (BaselineKind::Best, 0.903));
    assert_eq!(drops(&page)[0], 43);
    // A table without errors is as good as none.
    let with_table =
        folder(&[line(1, Some("exact"), "all", 901, json!({})), line(2, Some("drum-4"), "all", 860, json!({}))]);
    assert_eq!(drops(&page_of(with_table.path(), 0.01)), [0, 41]);
}

/// Settings that differ make networks; each has the baseline of its own settings.
#[test]
fn settings_tell_networks_apart() {
    let six = json!({"act-bits": "6", "mode": "quant"});
    let eight = json!({"act-bits": "8", "mode": "approx"});
    let lines = [
        line(1, None, "all", 800, six.clone()),
        line(2, None, "all", 900, eight.clone()),
        line(3, Some("drum-4"), "all", 790, json!({"act-bits": "6", "mode": "approx"})),
        line(4, Some("drum-4"), "all", 880, eight),
    ];
    let folder = folder(&lines);
    let page = page_of(folder.path(), 0.01);
    let titles: Vec<String> = page.networks.iter().map(Network::title).collect();
    assert_eq!(titles, ["net, act-bits 6", "net, act-bits 8"]);
    assert_eq!(drops(&page), [0, 0, 10, 20]);
    assert_eq!(
        page.networks[0].options,
        [("act-bits", "6"), ("limit", "1000")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

/// Runs that were compared sample by sample have paired intervals, and drops of their own.
#[test]
fn comparisons_are_used() {
    let mut job: Value = serde_json::from_str(&study()[1]).unwrap();
    job["report"]["comparisons"] = json!([{"reference": "quant", "reference_top1": 0.9, "samples": 1000, "difference": -0.04,
        "ci95": [-0.05, -0.03], "agreement": 0.9, "changed": 100, "flips": 60, "lost": 50, "gained": 10, "mcnemar_p": 1e-6}]);
    let folder = folder(&[format!("{job}\n")]);
    let page = page_of(folder.path(), 0.01);
    assert_eq!(page.runs[0].drop, Some(MeasuredDrop { drop: 0.04, ci95: [0.03, 0.05], paired: true }));
    assert_eq!(
        page.networks[0].baseline.as_ref().map(|found| (found.kind, found.value)),
        Some((BaselineKind::Exact, 0.9))
    );
}

#[test]
fn missing_jobs_have_names_and_torn_ones_are_missing() {
    let lines = study();
    let dir = folder(&[lines[..4].concat(), lines[4][..50].to_owned()]);
    let plan: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|line: Value| json!({"key": line["key"], "job": line["job"]}))
        .collect();
    let plan = json!({"schema": 1, "kind": "sweep", "tool": {"name": "approx-eval", "version": "0.2.0"}, "jobs": 9, "plan": plan});
    std::fs::write(dir.path().join("study.json"), plan.to_string()).unwrap();
    let page = page_of(dir.path(), 0.01);
    assert_eq!((page.jobs.planned, page.jobs.done), (Some(9), 4));
    assert_eq!(page.jobs.missing[..2], ["net drum-4 each b", "net drum-4 each c"]);
}

#[test]
fn documents_alone_are_a_page_too() {
    let dir = tempfile::tempdir().unwrap();
    let empty = read(&PageOptions { folders: vec![dir.path().to_owned()], title: None, bound: 0.01 });
    assert!(matches!(empty, Err(PageError::Empty { .. })));
    std::fs::write(dir.path().join("ranking.json"), json!({"kind": "rank", "tables": [{"name": "x"}]}).to_string())
        .unwrap();
    std::fs::write(dir.path().join("other.json"), "[1]").unwrap();
    std::fs::write(dir.path().join("broken.json"), "{").unwrap();
    std::fs::create_dir(dir.path().join("found")).unwrap();
    std::fs::write(dir.path().join("found/search.json"), json!({"kind": "search", "notes": []}).to_string()).unwrap();
    let page = page_of(dir.path(), 0.01);
    let files: Vec<&str> = page.documents.iter().map(|document| document.file.as_str()).collect();
    assert_eq!(files, ["ranking.json", "found/search.json"]);
    assert!(page.html().contains("ranking.json"));
}
