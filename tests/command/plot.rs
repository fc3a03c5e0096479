//! `plot`: accuracy against cost, from saved reports.

use crate::common::files::Table;
use crate::common::network::{TINY, Tiny};
use crate::common::{Folder, number, text};
use serde_json::Value;

const LUTS: [&str; 5] = ["exact", "drum-6", "drum-4", "drum-3", "truncated-8"];

/// A folder with reports of the tiny network: `base`, `quant`, and one of each multiplier.
fn reports() -> Folder {
    let (_, folder) = Tiny::folder(330);
    for mode in ["base", "quant"] {
        folder.run_to(0, &format!("{TINY} --mode {mode} -o {mode}.json"));
    }
    for lut in LUTS {
        folder.run_to(0, &format!("{TINY} --lut {lut} -o {lut}.json"));
    }
    folder
}

fn names() -> String {
    LUTS.map(|lut| format!("{lut}.json")).join(" ")
}

#[test]
fn points_are_those_of_the_reports() {
    let folder = reports();
    let plot = folder.json(&format!("plot base.json quant.json {} -o p.svg", names()));
    assert_eq!((text(&plot, "/x"), text(&plot, "/source")), ("energy", "unit gates (Tyagi 1993)"));
    let points = plot["points"].as_array().unwrap();
    assert_eq!((points.len(), plot["baselines"].as_array().unwrap().len()), (LUTS.len(), 2));
    for (point, lut) in points.iter().zip(LUTS) {
        let report = folder.read_json(&format!("{lut}.json"));
        assert_eq!(text(point, "/label"), lut);
        assert_eq!(number(point, "/cost"), number(&report, "/opcount/energy/relative"));
        assert_eq!(number(point, "/value"), number(&report, "/accuracy/top1"));
        assert_eq!(point["ci95"], report["accuracy"]["ci95"]);
    }
    // On the front is what no other point beats.
    let place = |point: &Value| (number(point, "/cost"), number(point, "/value"));
    for point in points {
        let (cost, value) = place(point);
        let beats = |other: &Value| {
            let (c, v) = place(other);
            c <= cost && v >= value && (c, v) != (cost, value)
        };
        assert_eq!(point["on_front"], !points.iter().any(beats), "{point}");
    }
}

#[test]
fn figures_name_axes_points_and_lines() {
    let folder = reports();
    folder.run_to(0, &format!("plot base.json quant.json {} -o p.svg", names()));
    let svg = String::from_utf8(folder.read("p.svg")).unwrap();
    let lines = [
        "top-1 accuracy (%)",
        "energy of multiplications (exact = 1)",
        "95 % interval",
        "Pareto front",
        "fp32",
        "quant",
    ];
    for needle in lines.into_iter().chain(LUTS) {
        assert!(svg.contains(needle), "{needle}");
    }
    // A marker for each point, and those of the legend.
    assert!(svg.matches("<circle ").count() > LUTS.len());
    for (name, start) in [("p.png", &b"\x89PNG"[..]), ("p.pdf", b"%PDF-")] {
        folder.run_to(0, &format!("plot {} -o {name}", names()));
        assert!(folder.read(name).starts_with(start));
    }
    folder.run_to(0, &format!("plot {} -o both.svg -o both.png", names()));
    assert_eq!(folder.read("both.png"), folder.read("p.png"));
    assert!(folder.path("both.svg").exists());
    let picture = image::load_from_memory(&folder.read("p.png")).unwrap();
    assert!(picture.width() >= 1500 && picture.height() >= 1000);
    // The order of the files changes nothing but their order.
    folder.run_to(0, &format!("plot quant.json base.json {} -o q.svg --x area", names()));
    assert!(String::from_utf8(folder.read("q.svg")).unwrap().contains("area of multipliers (exact = 1)"));
}

#[test]
fn costs_that_are_not_known_or_of_two_sources_are_refused() {
    let folder = reports();
    folder.write("mine.bin", Table::unsigned(|a, b| a * b + (a & b & 1)).u16_bin());
    folder.run_to(0, &format!("{TINY} --lut mine.bin -o mine.json"));
    folder.refuses("plot drum-4.json mine.json -o p.svg", &["mine.json", "no energy", "--costs"]);
    folder.refuses("plot drum-4.json -o p.svg --x delay", &["drum-4.json", "no delay", "--costs"]);
    folder.write("costs.csv", "multiplier,energy,source\nexact,0.4,45 nm lab\nmine,0.1,45 nm lab\n");
    folder.run_to(0, &format!("{TINY} --lut mine.bin --costs costs.csv -o costed.json"));
    let needles = ["costed.json", "45 nm lab", "drum-4.json", "unit gates (Tyagi 1993)", "--costs"];
    folder.refuses("plot drum-4.json costed.json -o p.svg", &needles);
    // What became known after the run is stated when it is shown.
    let plot = folder.json("plot exact.json mine.json --costs costs.csv -o p.svg");
    assert_eq!((text(&plot, "/source"), number(&plot, "/points/1/cost")), ("45 nm lab", 0.25));
    assert_eq!(number(&plot, "/points/0/cost"), 1.0);
    folder.refuses("plot mine.json --costs none.csv -o p.svg", &["--costs", "none.csv"]);
    folder.refuses("plot base.json quant.json -o p.svg", &["approximate multiplier"]);
    folder.run_to(0, &format!("{TINY} --lut drum-3 -n 2 -o few.json"));
    folder.refuses("plot drum-4.json few.json -o p.svg", &["few.json", "2 samples", "drum-4.json", "same samples"]);
    folder.refuses("plot missing.json -o p.svg", &["missing.json", "cannot read the report"]);
    folder.refuses("plot drum-4.json ./drum-4.json -o p.svg", &["drum-4.json", "more than once"]);
}

/// The jobs of a sweep are what single evaluations with their options are.
#[test]
fn folders_of_sweeps_are_their_reports() {
    let folder = reports();
    folder.run_to(0, &format!("sweep run {TINY} --mode base quant approx --lut {} -o study", LUTS.join(" ")));
    let single = folder.json(&format!("plot base.json quant.json {} -o p.svg", names()));
    let study = folder.json("plot study -o s.svg");
    let figures = |plot: &Value| {
        let row = |point: &Value| ["label", "cost", "value", "on_front"].map(|key| point[key].to_string());
        ["baselines", "points"].map(|runs| plot[runs].as_array().unwrap().iter().map(row).collect::<Vec<_>>())
    };
    assert_eq!(figures(&study), figures(&single));
    assert_eq!(study["source"], single["source"]);
    // With reports beside them; jobs that no multiplier tells apart have the setting that does.
    folder.run_to(0, &format!("sweep run {TINY} --lut drum-3 drum-4 --act-bits 5 6 8 -o bits"));
    let plot = folder.json("plot quant.json bits drum-6.json -o b.svg");
    let labels: Vec<&str> = plot["points"].as_array().unwrap().iter().map(|point| text(point, "/label")).collect();
    let settings = ["drum-3", "drum-4"].map(|lut| [5, 6, 8].map(|bits| format!("{lut}, act-bits {bits}"))).concat();
    let mut expected: Vec<&str> = settings.iter().map(String::as_str).chain(["drum-6"]).collect();
    let mut found = labels.clone();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// Points of several folders are told apart by their folders where nothing else does.
#[test]
fn several_folders_are_told_apart() {
    let folder = reports();
    for (name, bits) in [("five", 5), ("six", 6)] {
        folder.run_to(0, &format!("sweep run {TINY} --lut drum-3 drum-4 --act-bits {bits} -o {name}"));
    }
    let plot = folder.json("plot five six drum-6.json -o p.svg");
    let labels: Vec<&str> = plot["points"].as_array().unwrap().iter().map(|point| text(point, "/label")).collect();
    assert_eq!(labels, ["five: drum-3", "five: drum-4", "six: drum-3", "six: drum-4", "drum-6"]);
}

#[test]
fn folders_without_all_jobs_are_plotted_with_a_warning() {
    let folder = reports();
    folder.run_to(0, &format!("sweep run {TINY} --lut drum-3 drum-4 drum-6 -o study --shard 1/2"));
    let done = folder.read("study/jobs-1-of-2.jsonl").split(|byte| *byte == b'\n').count() - 1;
    let run = folder.run_to(0, "plot study -o p.svg --format json");
    let plot: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plot["points"].as_array().unwrap().len(), done);
    assert!(run.stderr.contains(&format!("study: {} of 3 jobs are missing", 3 - done)), "{run:?}");
    folder.write("empty/notes.txt", "");
    folder.refuses("plot empty -o p.svg", &["empty", "study.json", "sweep run"]);
    folder.write("mine.bin", Table::unsigned(|a, b| a * b + (a & b & 1)).u16_bin());
    folder.run_to(0, &format!("sweep run {TINY} --lut mine.bin -o unknown"));
    folder.refuses("plot unknown -o p.svg", &["unknown", "job 1", "mine", "no energy", "--costs"]);
    folder.refuses("plot study study -o p.svg", &["job 1", "more than once"]);
}

/// Runs of one multiplier are told apart by their files.
#[test]
fn equal_names_give_way_to_files() {
    let folder = reports();
    folder.run_to(0, &format!("{TINY} --lut drum-4 --act-bits 6 -o six-bits.json"));
    let plot = folder.json("plot drum-6.json drum-4.json six-bits.json -o p.pdf");
    let labels: Vec<&str> = plot["points"].as_array().unwrap().iter().map(|point| text(point, "/label")).collect();
    assert_eq!(labels, ["drum-6", "drum-4", "six-bits"]);
}
