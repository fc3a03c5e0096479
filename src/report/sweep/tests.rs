//! Plans and tables of sweeps.

use super::*;
use crate::report::Document;

fn job(index: usize, lut: &str, scope: &str, layer: Option<&str>, settings: &[(&str, &str)]) -> SweepJob {
    SweepJob {
        index,
        model: "net".to_owned(),
        lut: Some(lut.to_owned()),
        scope: scope.to_owned(),
        layer: layer.map(str::to_owned),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..SweepJob::default()
    }
}

#[test]
fn plans_show_what_tells_jobs_apart() {
    let jobs = [
        job(1, "drum-4", "all", None, &[("limit", "9"), ("act-bits", "8")]),
        job(2, "drum-4", "each", Some("fc"), &[("limit", "9"), ("act-bits", "6")]),
    ];
    let plan = SweepPlan::new(jobs.iter().map(|job| PlannedJob::new(format!("k{}", job.index), job.clone())).collect());
    let done = Some(["k1".to_owned()].into());
    let details = SweepPlanDetails { plan: &plan, shard: None, done };
    let sections = details.sections();
    assert_eq!(sections[0].header, ["job", "model", "lut", "scope", "layer", "act-bits", "status"]);
    assert_eq!(sections[0].rows[1], ["2", "net", "drum-4", "each", "fc", "6", "to do"]);
    assert_eq!(sections[1].rows, [["all jobs", "limit 9"]]);
    let shard = SweepPlanDetails { plan: &plan, shard: Some(("2/2".to_owned(), vec![1])), done: None };
    assert_eq!(shard.records().header[..8], ["job", "key", "model", "data", "lut", "scope", "layer", "shard"]);
    assert_eq!(shard.records().rows, [["2", "k2", "net", "", "drum-4", "each", "fc", "2/2", "6", "9"]]);
    assert_eq!((&shard.json()["jobs"], &shard.json()["plan"][0]["shard"]), (&2.into(), &"2/2".into()));
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<SweepPlan>(&json).unwrap(), plan);
}

#[test]
fn a_table_of_nothing_says_what_is_missing() {
    let missing: Vec<_> = (1..=25).map(|i| job(i, "drum-4", "all", None, &[])).collect();
    let table = SweepTable { rows: Vec::new(), missing };
    let sections = table.sections();
    assert_eq!(sections[0].title.as_deref(), Some("0 of 25 jobs done"));
    assert_eq!(sections[1].title.as_deref(), Some("missing: 25 jobs, the first 20 of which are"));
    assert_eq!(sections[1].rows.len(), 20);
    assert_eq!(table.records().header, ["model", "lut", "scope", "layer", "top1"]);
    assert_eq!(table.json()["missing"].as_array().unwrap().len(), 25);
}
