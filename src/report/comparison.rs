//! Runs compared with one of them.

use super::Baseline;
use super::document::{Document, Records, Section, optional};
use crate::task::{Comparison, Metric, TASKS, Task};
use serde::{Deserialize, Serialize};

/// Runs compared with a reference over the same samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ComparisonDetails {
    /// The run that the others are compared with.
    pub reference: ComparedRun,
    /// The others.
    pub runs: Vec<ComparedRun>,
    /// What a reader should know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A run, and how it compares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ComparedRun {
    /// Its report's file.
    pub report: String,
    /// The network.
    pub model: String,
    /// What its layers computed.
    pub mode: String,
    /// Its multiplier, in approximate mode.
    pub lut: Option<String>,
    /// Its metric.
    #[serde(flatten)]
    pub metric: Metric,
    /// Against the reference; `None` for the reference itself.
    pub comparison: Option<Comparison>,
}

impl ComparisonDetails {
    /// `runs` with their comparisons, and what they are compared with.
    pub fn new(reference: &Baseline, runs: impl IntoIterator<Item = (Baseline, Comparison)>) -> Self {
        let mut details =
            ComparisonDetails { reference: ComparedRun::new(reference, None), runs: Vec::new(), notes: Vec::new() };
        for (run, comparison) in runs {
            let note = run.other_network(&reference.report);
            details.notes.extend(note.inspect(|note| tracing::warn!("{note}")));
            details.runs.push(ComparedRun::new(&run, Some(comparison)));
        }
        details
    }
}

impl ComparedRun {
    /// The run of a saved report.
    pub fn new(saved: &Baseline, comparison: Option<Comparison>) -> Self {
        let report = &saved.report;
        ComparedRun {
            report: saved.path.display().to_string(),
            model: report.model.name.clone(),
            mode: report.config.mode.to_string(),
            lut: report.lut.as_ref().map(|lut| lut.name.clone()),
            metric: saved.metric(),
            comparison,
        }
    }

    fn lut(&self) -> &str {
        self.lut.as_deref().unwrap_or("-")
    }
}

/// Headings of [`cells`], in a comparison of networks for `task`.
pub(super) fn headings(task: Task) -> Vec<&'static str> {
    ["difference", "95 % interval"].iter().chain(task.test_headings()).copied().collect()
}

/// A comparison of networks for `task` as cells of a table.
pub(super) fn cells(comparison: &Comparison, task: Task) -> Vec<String> {
    let difference = |difference| task.metric().difference(difference);
    let [low, high] = comparison.ci95.map(difference);
    let start = [difference(comparison.difference), format!("{low} to {high}")];
    start.into_iter().chain(comparison.test.cells()).collect()
}

/// Fields of tasks by name.
pub(super) struct TaskFields(pub Vec<(&'static str, String)>);

impl TaskFields {
    /// The field of that name, empty where this run's task has no such field.
    pub fn get(&self, name: &str) -> String {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The fields that tasks have by `columns` and that are not among `present`.
    pub fn others(
        &self,
        columns: fn(Task) -> &'static [&'static str],
        present: &[(&'static str, String)],
    ) -> Vec<(&'static str, String)> {
        let mut others: Vec<(&'static str, String)> = Vec::new();
        for &name in TASKS.iter().flat_map(|&task| columns(task)) {
            if !present.iter().chain(&others).any(|(other, _)| *other == name) {
                others.push((name, self.get(name)));
            }
        }
        others
    }
}

impl Document for ComparisonDetails {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a comparison is JSON")
    }

    fn title(&self) -> String {
        format!("Compared with {}", self.reference.report)
    }

    fn sections(&self) -> Vec<Section> {
        let task = self.reference.metric.task;
        let (start, headings) = (["report", "mode", "multiplier", task.metric().name], headings(task));
        let row = |run: &ComparedRun| {
            let start = [run.report.clone(), run.mode.clone(), run.lut().to_owned(), run.metric.to_string()];
            let compared = run.comparison.as_ref();
            let compared = compared.map_or_else(|| vec![String::new(); headings.len()], |found| cells(found, task));
            start.into_iter().chain(compared).collect()
        };
        let table = Section {
            header: start.iter().chain(&headings).map(|&name| name.to_owned()).collect(),
            rows: std::iter::once(&self.reference).chain(&self.runs).map(row).collect(),
            numeric: (3..start.len() + headings.len()).collect(),
            ..Section::default()
        };
        let notes = Section::pairs(self.notes.iter().map(|note| ("note", note.clone())));
        [table, notes].into_iter().filter(|section| !section.rows.is_empty()).collect()
    }

    fn records(&self) -> Records {
        let row = |run: &ComparedRun| {
            let comparison = run.comparison.as_ref();
            let metric = (run.metric.task.metric().key, run.metric.value.to_string());
            let test = comparison.map(|comparison| comparison.test.record()).unwrap_or_default();
            let own = TaskFields(std::iter::once(metric).chain(test).collect());
            let mut fields = vec![
                ("report", run.report.clone()),
                ("model", run.model.clone()),
                ("mode", run.mode.clone()),
                ("lut", run.lut.clone().unwrap_or_default()),
                ("top1", own.get("top1")),
                ("samples", optional(comparison.map(|c| &c.samples))),
                ("difference", optional(comparison.map(|c| &c.difference))),
                ("ci95_low", optional(comparison.map(|c| &c.ci95[0]))),
                ("ci95_high", optional(comparison.map(|c| &c.ci95[1]))),
            ];
            fields.extend(own.others(|task| task.comparison_columns(), &fields));
            fields
        };
        Records::many(std::iter::once(&self.reference).chain(&self.runs).map(row))
    }
}
