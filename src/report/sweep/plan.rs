//! The plan of a sweep: its jobs, in their order.

use super::job::{Names, SweepJob};
use crate::report::ToolReport;
use crate::report::document::{Document, Records, Section};
use crate::stats::grouped;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The schema of plans and of their journals' records.
pub const SWEEP_SCHEMA: u32 = 1;

/// The jobs of a sweep, as the study's folder has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SweepPlan {
    /// [`SWEEP_SCHEMA`].
    pub schema: u32,
    /// `sweep`.
    pub kind: String,
    /// The program.
    pub tool: ToolReport,
    /// How many jobs there are.
    pub jobs: usize,
    /// The jobs, in their order.
    pub plan: Vec<PlannedJob>,
}

/// A job and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedJob {
    /// A hash of all that decides it.
    pub key: String,
    /// What it is called.
    pub job: SweepJob,
}

impl PlannedJob {
    /// The job of this key.
    pub fn new(key: String, job: SweepJob) -> Self {
        PlannedJob { key, job }
    }
}

impl SweepPlan {
    /// What plans call themselves.
    pub const KIND: &'static str = "sweep";

    /// The plan of these jobs.
    pub fn new(plan: Vec<PlannedJob>) -> Self {
        let kind = SweepPlan::KIND.to_owned();
        SweepPlan { schema: SWEEP_SCHEMA, kind, tool: ToolReport::default(), jobs: plan.len(), plan }
    }
}

/// A plan as it is shown: those of its jobs that a run would do.
#[derive(Debug, Clone)]
pub struct SweepPlanDetails<'a> {
    /// The plan.
    pub plan: &'a SweepPlan,
    /// The shard that is shown alone, `K/N`, and the places of its jobs, from 0.
    pub shard: Option<(String, Vec<usize>)>,
    /// The keys of jobs that are done already, where a study's folder was named.
    pub done: Option<BTreeSet<String>>,
}

impl SweepPlanDetails<'_> {
    /// The jobs that are shown.
    fn jobs(&self) -> impl Iterator<Item = &PlannedJob> + Clone {
        let places = match &self.shard {
            Some((_, places)) => places.clone(),
            None => (0..self.plan.plan.len()).collect(),
        };
        places.into_iter().map(|place| &self.plan.plan[place])
    }

    /// Whether a job is done, in words, where that is known.
    fn status(&self, job: &PlannedJob) -> Option<String> {
        let done = self.done.as_ref()?;
        Some(if done.contains(&job.key) { "done" } else { "to do" }.to_owned())
    }

    /// The names of the shard and of what is done, as columns.
    fn columns(&self) -> Vec<String> {
        let columns = [("shard", self.shard.is_some()), ("status", self.done.is_some())];
        columns.into_iter().filter(|(_, is_shown)| *is_shown).map(|(name, _)| name.to_owned()).collect()
    }

    fn cells(&self, job: &PlannedJob) -> Vec<String> {
        let shard = self.shard.as_ref().map(|(name, _)| name.clone());
        [shard, self.status(job)].into_iter().flatten().collect()
    }
}

impl Document for SweepPlanDetails<'_> {
    fn json(&self) -> serde_json::Value {
        let job = |planned: &PlannedJob| {
            let mut json = serde_json::json!({ "key": planned.key, "job": planned.job });
            for (name, cell) in self.columns().into_iter().zip(self.cells(planned)) {
                json[name] = cell.into();
            }
            json
        };
        let SweepPlan { schema, kind, tool, jobs, .. } = self.plan;
        let plan: Vec<_> = self.jobs().map(job).collect();
        serde_json::json!({ "schema": schema, "kind": kind, "tool": tool, "jobs": jobs, "plan": plan })
    }

    fn title(&self) -> String {
        format!("Plan of {} jobs", grouped(self.plan.jobs as u64))
    }

    fn sections(&self) -> Vec<Section> {
        let names = Names::new(self.jobs().map(|planned| &planned.job));
        let count = |n: usize| grouped(n as u64);
        let all = count(self.plan.jobs);
        let title = match &self.shard {
            Some((shard, places)) => format!("Shard {shard}: {} of {all} jobs", count(places.len())),
            None => format!("{all} jobs"),
        };
        let numbered = |planned: &PlannedJob| {
            let number = std::iter::once(planned.job.index.to_string());
            number.chain(names.cells(&planned.job)).chain(self.status(planned)).collect()
        };
        let status = self.done.is_some().then(|| "status".to_owned());
        let jobs = Section {
            title: Some(title),
            header: std::iter::once("job".to_owned()).chain(names.headings()).chain(status).collect(),
            rows: self.jobs().map(numbered).collect(),
            numeric: vec![0],
            ..Section::default()
        };
        let settings = names.shared_settings().map(|settings| Section::pairs([("all jobs", settings)]));
        std::iter::once(jobs).chain(settings).collect()
    }

    fn records(&self) -> Records {
        let settings: BTreeSet<&String> = self.jobs().flat_map(|planned| planned.job.settings.keys()).collect();
        let mut header = ["job", "key", "model", "data", "lut", "scope", "layer"].map(str::to_owned).to_vec();
        header.extend(self.columns());
        header.extend(settings.iter().map(|name| name.replace('-', "_")));
        let row = |planned: &PlannedJob| {
            let PlannedJob { key, job } = planned;
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let names = [job.index.to_string(), key.clone(), job.model.clone(), text(&job.data), text(&job.lut)];
            let mut row: Vec<String> = names.to_vec();
            row.extend([job.scope.clone(), text(&job.layer)]);
            row.extend(self.cells(planned));
            row.extend(settings.iter().map(|&name| job.settings.get(name).cloned().unwrap_or_default()));
            row
        };
        Records { header, rows: self.jobs().map(row).collect() }
    }
}
