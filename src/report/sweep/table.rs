//! What came of a sweep's jobs, in the order of their plan.

use super::job::{Names, SweepJob};
use super::{SWEEP_SCHEMA, SweepPlan, SweepRow};
use crate::report::ToolReport;
use crate::report::document::{Document, Records, Section};
use crate::stats::{grouped, significant};
use crate::task::Task;
use std::collections::{BTreeMap, BTreeSet};

/// Jobs that are listed where there are many.
const LISTED: usize = 20;

/// Notes that are shown, those of most jobs first.
const SHOWN_NOTES: usize = 5;

/// The rows of a sweep, one a job that is done, and the jobs that are not.
#[derive(Debug, Clone)]
pub struct SweepTable {
    /// Those that are done, in the order of the plan.
    pub rows: Vec<SweepRow>,
    /// Those that are not.
    pub missing: Vec<SweepJob>,
}

impl SweepTable {
    /// All jobs, done or not.
    fn jobs(&self) -> impl Iterator<Item = &SweepJob> + Clone {
        self.rows.iter().map(|row| &row.job).chain(&self.missing)
    }

    /// The settings that tell jobs apart, the data set among them where there are several.
    fn settings(&self) -> Vec<String> {
        let data: BTreeSet<_> = self.jobs().map(|job| &job.data).collect();
        let data = (data.len() > 1).then(|| "data".to_owned());
        data.into_iter().chain(Names::new(self.jobs()).varying).collect()
    }

    /// What is missing, as a table.
    fn missing(&self) -> Option<Section> {
        let names = Names::new(self.missing.iter());
        let row = |job: &SweepJob| std::iter::once(job.index.to_string()).chain(names.cells(job)).collect();
        let rows: Vec<Vec<String>> = self.missing.iter().take(LISTED).map(row).collect();
        let more = match self.missing.len().saturating_sub(LISTED) {
            0 => String::new(),
            _ => format!(", the first {LISTED} of which are"),
        };
        (!rows.is_empty()).then(|| Section {
            title: Some(format!("missing: {} jobs{more}", grouped(self.missing.len() as u64))),
            header: std::iter::once("job".to_owned()).chain(names.headings()).collect(),
            rows,
            numeric: vec![0],
            ..Section::default()
        })
    }

    /// The notes of the jobs, each once, and how many have it.
    fn notes(&self) -> Option<Section> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for note in self.rows.iter().flat_map(|row| &row.notes) {
            *counts.entry(note).or_default() += 1;
        }
        let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let more = counts.len().saturating_sub(SHOWN_NOTES);
        let shown = counts.into_iter().take(SHOWN_NOTES);
        let shown = shown.map(|(note, count)| ("note", format!("{note} ({})", jobs(count))));
        let more = (more > 0).then(|| ("note", format!("{more} more in the journals' reports")));
        let section = Section::pairs(shown.chain(more));
        (!section.rows.is_empty()).then_some(section)
    }
}

fn jobs(count: usize) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{} jobs", grouped(count as u64)) }
}

impl Document for SweepTable {
    fn json(&self) -> serde_json::Value {
        let rows: Vec<_> = self.rows.iter().map(SweepRow::json).collect();
        serde_json::json!({
            "schema": SWEEP_SCHEMA,
            "kind": SweepPlan::KIND,
            "tool": ToolReport::default(),
            "jobs": self.jobs().count(),
            "rows": rows,
            "missing": self.missing,
        })
    }

    fn title(&self) -> String {
        format!("Sweep of {}", jobs(self.jobs().count()))
    }

    fn sections(&self) -> Vec<Section> {
        let names = Names::new(self.jobs());
        let tasks: Vec<Task> = self.rows.iter().map(|row| row.metrics.task()).collect();
        let is_one_task = tasks.iter().all(|task| *task == tasks[0]);
        let metric = tasks.first().filter(|_| is_one_task).map_or("metric", |task| task.metric().name);
        let has_energy = self.rows.iter().any(|row| row.relative_energy().is_some());
        let figures = [metric, "95 % interval"].into_iter().chain(has_energy.then_some("energy"));
        let headings = names.headings();
        let row = |row: &SweepRow| {
            let interval = row.metrics.task().metric().interval(row.metrics.ci95());
            let energy = has_energy.then(|| row.relative_energy().map_or_else(String::new, |x| significant(x, 3)));
            names
                .cells(&row.job)
                .into_iter()
                .chain([row.metrics.metric().to_string(), interval])
                .chain(energy)
                .collect()
        };
        let header: Vec<String> = headings.iter().cloned().chain(figures.map(str::to_owned)).collect();
        let done = Section {
            title: Some(match self.missing.len() {
                0 => format!("{} done", jobs(self.rows.len())),
                _ => format!("{} of {} done", grouped(self.rows.len() as u64), jobs(self.jobs().count())),
            }),
            rows: self.rows.iter().map(row).collect(),
            numeric: (headings.len()..header.len()).collect(),
            header,
            ..Section::default()
        };
        let settings = names.shared_settings().map(|settings| Section::pairs([("all jobs", settings)]));
        [Some(done), settings, self.missing(), self.notes()].into_iter().flatten().collect()
    }

    fn records(&self) -> Records {
        let settings = self.settings();
        let mut records = Records::many(self.rows.iter().map(|row| row.record(&settings)));
        if records.header.is_empty() {
            // A table of nothing begins as all others do.
            records.header = ["model", "lut", "scope", "layer", "top1"].map(str::to_owned).to_vec();
        }
        records
    }
}
