//! Sweeps of a shipped network: planned, run in parts, resumed, joined, and what is refused.

use super::*;
use crate::eval::{Configuration, Experiment, LayerOptions, LutSpec, Session};
use crate::lut::Costs;
use crate::model::Model;
use crate::printable::with_causes;
use crate::report::{Document, SweepPlan, SweepTable};
use crate::study::journal::{Start, read};
use crate::study::scope::Scope;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug)]
struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(with_causes(&error))
    }
}

fn configuration(lut: &str) -> Configuration {
    let layers = LayerOptions { lut: Some(LutSpec::new(lut)), ..LayerOptions::default() };
    Configuration { layers, ..Configuration::default() }
}

/// The first samples of the shipped network under these multipliers and scopes.
fn sweep(luts: &[&str], scopes: &[&str]) -> Result<Sweep<'static, Failure>, Failure> {
    let point = |lut: &&str| {
        let job = SweepJob { model: "lenet5".to_owned(), lut: Some((*lut).to_owned()), ..SweepJob::default() };
        Point { job, configuration: configuration(lut), inputs: Vec::new() }
    };
    let first = configuration(luts[0]);
    let open = move || {
        let limit = 20.try_into().ok();
        let layers = first.layers.clone();
        Ok(Session::open(Experiment { layers, limit, ..Experiment::new(Model::open("lenet5")?) })?)
    };
    let group = Group { open: Box::new(open), points: luts.iter().map(point).collect() };
    let scopes: Vec<Scope> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    Sweep::plan(vec![group], &scopes)
}

/// Runs jobs, at most so many of them.
struct UpTo(usize);

impl Watch for UpTo {
    fn begin(&mut self, jobs: usize, multiplications: f64) {
        assert!((jobs == 0) == (multiplications == 0.0));
    }

    fn start(&mut self, _: &SweepJob) {
        assert!(self.0 > 0, "killed");
    }

    fn finish(&mut self, _: &SweepJob, _: f64, _: &Report) {
        self.0 -= 1;
    }
}

fn run(sweep: &Sweep<Failure>, path: &Path, shard: Option<&str>, start: Start) -> Result<SweepTable, Failure> {
    let shard = shard.map(|shard| shard.parse().unwrap());
    let places = sweep.places(shard);
    let mut folder = StudyFolder::open(path, sweep.details(), shard, start)?;
    sweep.run(places.clone(), &mut folder, &Costs::default(), &mut UpTo(usize::MAX))?;
    Ok(merge_run(path, sweep.details(), places)?)
}

fn records(path: &Path, name: &str) -> Vec<JobRecord> {
    read(&path.join(name)).unwrap()
}

/// The table of folders, as CSV fields.
fn merged(folders: &[&Path]) -> Result<Vec<Vec<String>>, String> {
    let folders: Vec<PathBuf> = folders.iter().map(|path| path.to_path_buf()).collect();
    let table = merge(&folders).map_err(|error| Failure::from(error).0)?;
    let records = table.records();
    Ok(std::iter::once(records.header).chain(records.rows).collect())
}

#[test]
fn plans_go_scope_by_scope_layer_by_layer() {
    let sweep = sweep(&["drum-4", "exact-signed", "drum-4"], &["all", "each", "prefix"]).unwrap();
    let jobs: Vec<&SweepJob> = sweep.details().plan.iter().map(|planned| &planned.job).collect();
    let layers = ["conv1", "conv2", "fc1", "fc2", "fc3"];
    assert_eq!(jobs.len(), 2 * (1 + 5 + 5), "what is asked for twice is done once");
    assert!(jobs.iter().enumerate().all(|(place, job)| job.index == place + 1));
    let shown = |job: &SweepJob| (job.lut.clone().unwrap(), job.scope.clone(), job.layer.clone().unwrap_or_default());
    let mut expected: Vec<(String, String, String)> = Vec::new();
    let mut add = |lut: &str, scope: &str, layer: &str| expected.push((lut.into(), scope.into(), layer.into()));
    ["drum-4", "exact-signed"].into_iter().for_each(|lut| add(lut, "all", ""));
    for scope in ["each", "prefix"] {
        for layer in layers {
            ["drum-4", "exact-signed"].into_iter().for_each(|lut| add(lut, scope, layer));
        }
    }
    assert_eq!(jobs.iter().map(|job| shown(job)).collect::<Vec<_>>(), expected);
    // Operands of one kind follow each other when jobs are done; prefixes of one multiplier do.
    let mut turns: Vec<_> = sweep.jobs.iter().zip(jobs).map(|(job, name)| (job.turn, name.label())).collect();
    turns.sort();
    let luts: Vec<bool> = turns.iter().map(|(_, label)| label.contains("drum-4")).collect();
    let changes = luts.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(changes, 5, "{turns:?}");
}

#[test]
fn keys_are_of_all_that_decides_a_job() {
    let key = |sweep: &Sweep<Failure>| sweep.details().plan[0].key.clone();
    let mut keys = vec![
        key(&sweep(&["drum-4"], &["all"]).unwrap()),
        key(&sweep(&["drum-5"], &["all"]).unwrap()),
        key(&sweep(&["drum-4"], &["each"]).unwrap()),
        key(&sweep(&["drum-4"], &["all-but"]).unwrap()),
    ];
    assert_eq!(keys[0], key(&sweep(&["drum-4"], &["all"]).unwrap()));
    // A file that is another one under its old name.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mul.safetensors");
    for design in ["drum-4", "drum-5"] {
        crate::lut::generate(design).unwrap().write(&path, &crate::lut::LutFormat::default()).unwrap();
        keys.push(key(&sweep(&[path.to_str().unwrap()], &["all"]).unwrap()));
    }
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn what_is_wrong_is_found_in_the_plan() {
    let message = |luts: &[&str], scopes: &[&str]| sweep(luts, scopes).map(|_| ()).unwrap_err().0;
    let wrong = message(&["drum-4", "dram-4"], &["all"]);
    assert!(wrong.contains("lenet5 dram-4") && wrong.contains("no file and no multiplier 'dram-4'"), "{wrong}");
    assert!(message(&["drum-4"], &["group:conf*"]).contains("did you mean 'conv1'"));
}

#[test]
fn runs_are_resumed_and_parts_are_the_whole() {
    let sweep = sweep(&["drum-3", "etm"], &["all", "each"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let whole = run(&sweep, &path("whole"), None, Start::New).unwrap();
    assert_eq!((whole.rows.len(), whole.missing.len()), (12, 0));
    let expected = merged(&[&path("whole")]).unwrap();
    assert_eq!(expected[0][..5], ["model", "lut", "scope", "layer", "top1"]);
    assert_eq!(expected.len(), 13);
    assert_eq!((expected[3][2].as_str(), expected[3][3].as_str()), ("each", "conv1"));
    // A job's report is that of its evaluation alone.
    let report = &records(&path("whole"), "jobs.jsonl")[0].report;
    let mut session = Session::open(Experiment {
        limit: 20.try_into().ok(),
        layers: configuration("drum-3").layers,
        ..Experiment::new(Model::open("lenet5").unwrap())
    })
    .unwrap();
    let assignment = session.assignment().clone();
    let findings = session.evaluate(&assignment, |_| Ok(())).unwrap();
    let alone = Report::new(&session, &findings, &Costs::default());
    let report = Report { timing: alone.timing.clone(), ..report.clone() };
    assert_eq!(report.json(), alone.json());
    // Two parts in one folder, two in two.
    for shard in ["2/2", "1/2"] {
        let table = run(&sweep, &path("one"), Some(shard), Start::New).unwrap();
        assert!((1..12).contains(&table.rows.len()) && table.missing.is_empty());
    }
    assert_eq!(merged(&[&path("one")]).unwrap(), expected);
    run(&sweep, &path("a"), Some("1/2"), Start::Resume).unwrap();
    let missing = merge(&[path("a")]).unwrap().missing.len();
    run(&sweep, &path("b"), Some("2/2"), Start::New).unwrap();
    assert_eq!(missing, records(&path("b"), "jobs-2-of-2.jsonl").len());
    assert_eq!(merged(&[&path("b"), &path("a")]).unwrap(), expected);
    // What a folder has is not done again, by whomever it was done.
    let mut resumed = StudyFolder::open(&path("one"), sweep.details(), None, Start::Resume).unwrap();
    sweep.run(0..12, &mut resumed, &Costs::default(), &mut UpTo(0)).unwrap();
    assert_eq!(records(&path("one"), "jobs.jsonl"), []);
    // A kill between any two jobs.
    let bytes = fs::read(path("whole").join("jobs.jsonl")).unwrap();
    fs::write(path("whole").join("jobs.jsonl"), &bytes[..bytes.len() / 2]).unwrap();
    let half = merge(&[path("whole")]).unwrap().rows.len();
    assert!((4..8).contains(&half), "{half}");
    let mut resumed = StudyFolder::open(&path("whole"), sweep.details(), None, Start::Resume).unwrap();
    sweep.run(0..12, &mut resumed, &Costs::default(), &mut UpTo(12 - half)).unwrap();
    assert_eq!(merged(&[&path("whole")]).unwrap(), expected);
    assert_eq!(records(&path("whole"), "jobs.jsonl").len(), 12);
}

#[test]
fn folders_have_one_plan() {
    let (small, large) = (sweep(&["drum-3"], &["all"]).unwrap(), sweep(&["drum-3", "etm"], &["all"]).unwrap());
    let other = sweep(&["etm"], &["all"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study");
    let refused = |sweep: &Sweep<Failure>, shard: Option<&str>, start| run(sweep, &path, shard, start).unwrap_err().0;
    run(&small, &path, None, Start::New).unwrap();
    for shard in [None, Some("1/2")] {
        let message = refused(&small, shard, Start::New);
        assert!(message.contains("jobs.jsonl already: resume"), "{message}");
    }
    let message = refused(&other, None, Start::Resume);
    assert!(message.contains("another sweep") && message.contains("lenet5 drum-3"), "{message}");
    // A resumed run may do more, and does no less from then on.
    let table = run(&large, &path, None, Start::Resume).unwrap();
    assert_eq!((table.rows.len(), records(&path, "jobs.jsonl").len()), (2, 2));
    assert!(refused(&small, None, Start::Resume).contains("etm"));
    let plan: SweepPlan = serde_json::from_slice(&fs::read(path.join("study.json")).unwrap()).unwrap();
    assert_eq!(&plan, large.details());
    // Shards that share a folder have one plan too, resumed or not.
    let shared = folder.path().join("shared");
    run(&large, &shared, Some("1/2"), Start::New).unwrap();
    let message = run(&other, &shared, Some("2/2"), Start::New).unwrap_err().0;
    assert!(message.contains("another sweep"), "{message}");
    assert!(run(&large, &shared, Some("1/3"), Start::New).unwrap_err().0.contains("jobs-1-of-2.jsonl already"));
    run(&large, &shared, Some("2/2"), Start::New).unwrap();
    fs::remove_file(shared.join("jobs-1-of-2.jsonl")).unwrap();
    fs::remove_file(shared.join("jobs-2-of-2.jsonl")).unwrap();
    run(&small, &shared, None, Start::New).unwrap();
}

#[test]
fn contradictions_are_refused() {
    let sweep_of_two = sweep(&["drum-3", "etm"], &["all"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["a", "b"] {
        run(&sweep_of_two, &path(name), None, Start::New).unwrap();
    }
    let expected = merged(&[&path("a")]).unwrap();
    assert_eq!(merged(&[&path("a"), &path("b"), &path("a")]).unwrap(), expected, "twice the same is no contradiction");
    let journal = path("b").join("jobs.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut lines = lines.clone();
        change(&mut lines[1]);
        let text: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&journal, text.concat()).unwrap();
        merged(&[&path("a"), &path("b")])
    };
    // Another time on another machine is none either.
    let slower = with(&|line| line["report"]["timing"]["seconds"] = 1e3.into());
    assert_eq!(slower.unwrap(), expected);
    let message = with(&|line| line["report"]["accuracy"]["top1"] = 0.125.into()).unwrap_err();
    assert!(message.contains("'lenet5 etm', has two results: top1 is") && message.contains("0.125000"), "{message}");
    let message = with(&|line| line["key"] = "abc".into()).unwrap_err();
    assert!(message.contains("(abc), is not in the plan"), "{message}");
    with(&|line| line["report"]["dataset"]["blake3"] = "abc".into()).unwrap_err();
    fs::write(path("a").join("jobs.jsonl"), "").unwrap();
    let message = merged(&[&path("a"), &path("b")]).unwrap_err();
    assert!(message.contains("jobs 1 and 2 are of one data set by name"), "{message}");
    // Folders of other sweeps, of none, and damaged ones.
    run(&sweep(&["drum-3"], &["all"]).unwrap(), &path("c"), None, Start::New).unwrap();
    assert!(merged(&[&path("a"), &path("c")]).unwrap_err().contains("another sweep"));
    assert!(merged(&[folder.path()]).unwrap_err().contains("has no study.json"));
    fs::write(path("c").join("jobs-1-of-2.jsonl"), "{}\n{}\n").unwrap();
    let message = merged(&[&path("c")]).unwrap_err();
    assert!(message.contains("jobs-1-of-2.jsonl: line 1 is not a record"), "{message}");
    fs::write(path("c").join("study.json"), r#"{"schema": 2, "kind": "search"}"#).unwrap();
    assert!(merged(&[&path("c")]).unwrap_err().contains("kind 'search', schema 2"));
}
